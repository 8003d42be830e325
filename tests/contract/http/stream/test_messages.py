"""What each message of the stream says, over both transports."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.contract.http.stream.conftest import Served
from tests.support.services.http_service import BUY
from tests.support.services.listeners import Number, Transport, listening

pytestmark = pytest.mark.parametrize("transport", ["socket", "events"])


def as_texts(answer: httpx.Response) -> Any:
    """What was answered, with every number as the text that it was."""
    return json.loads(answer.text, parse_float=str, parse_int=str)


async def read(here: Served, path: str) -> Any:
    return as_texts(await here.service.http.get(path))


async def test_a_stream_begins_with_hello_and_the_portfolio_as_it_is(here: Served, transport: Transport) -> None:
    await here.book()
    async with listening(transport, here.address) as listener:
        hello, snapshot = await listener.next(), await listener.next()
    assert hello.keys() == {"type", "position", "resumed", "heartbeat_seconds", "server_time"}
    assert (hello["type"], hello["resumed"], hello["heartbeat_seconds"]) == ("hello", False, "15")
    assert hello["position"].startswith("3.")
    portfolio = (await read(here, "/portfolio"))["portfolio"]
    assert (snapshot["type"], snapshot["position"]) == ("snapshot", hello["position"])
    assert (snapshot["part"], snapshot["parts"]) == ("1", "1")
    assert snapshot["portfolio"] | {"as_of": ""} == {name: portfolio[name] for name in snapshot["portfolio"]} | {
        "as_of": ""
    }
    assert portfolio.keys() - snapshot["portfolio"].keys() == {"positions", "performance_metrics", "risk_metrics"}
    [told], [read_later] = snapshot["positions"], portfolio["positions"]
    assert {**told, "price_age_seconds": ""} == {**read_later, "price_age_seconds": ""}


async def test_decimals_are_strings_where_they_are_asked_for(here: Served, transport: Transport) -> None:
    asked = {"Accept": "text/event-stream, application/json;IEEE754Compatible=true"}
    async with listening(transport, here.address) as plain, listening(transport, here.address, headers=asked) as strict:
        for listener in (plain, strict):
            await listener.until("snapshot")
        await here.book(quantity="0.100000000000000001")
        numbers, strings = [(await each.until("entries"))["entries"][0] for each in (plain, strict)]
        states = [await each.until("state") for each in (plain, strict)]
    assert numbers == strings  # a number's text equals the string
    assert [type(numbers[name]) for name in ("id", "quantity", "ledger", "symbol")] == [Number, Number, Number, str]
    assert [type(strings[name]) for name in ("id", "quantity", "ledger", "symbol")] == [Number, str, Number, str]
    assert [type(state["totals"]["total_value"]) for state in states] == [Number, str]


async def test_an_entry_is_told_as_the_lists_of_trades_and_of_cash_show_it(here: Served, transport: Transport) -> None:
    async with listening(transport, here.address) as listener:
        await listener.until("snapshot")
        await here.book(client_trade_id="a", notes="first")
        told = await listener.until("entries")
        await here.service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 5})
        also = await listener.until("entries")
    [trade], [deposit] = told["entries"], also["entries"]
    [listed] = (await read(here, "/trades"))["trades"]
    assert trade == {"ledger": "3", "kind": "trade", **listed}
    [moved, *_] = (await read(here, "/cash/transactions"))["transactions"]
    assert deposit == {"ledger": "4", "kind": "deposit", **moved}
    assert [(e["first"], e["last"], e["position"].split(".")[0]) for e in (told, also)] == [("3",) * 3, ("4",) * 3]


async def test_a_state_comes_after_its_entries_and_equals_the_portfolio(here: Served, transport: Transport) -> None:
    async with listening(transport, here.address) as listener:
        await listener.until("snapshot")
        await here.book()
        state = await listener.until("state")
        portfolio = (await read(here, "/portfolio"))["portfolio"]
    assert listener.kinds.index("entries") < listener.kinds.index("state")
    assert state["position"].split(".")[0] == portfolio["revision"] == "3"
    totals = state["totals"]
    assert {**totals, "as_of": ""} == {name: portfolio[name] for name in totals} | {"as_of": ""}
    [position] = portfolio["positions"]
    assert [{**changed, "price_age_seconds": ""} for changed in state["changed"]] == [
        {**position, "price_age_seconds": ""}
    ]


async def test_a_position_that_was_closed_is_told_once_more(here: Served, transport: Transport) -> None:
    await here.book()
    async with listening(transport, here.address, topics="entries,state") as listener:
        await listener.until("snapshot")
        await here.book(side="SELL")
        state = await listener.until("state")
    [closed] = state["changed"]
    assert (closed["symbol"], closed["quantity"], state["totals"]["num_positions"]) == ("BTC", "0", "0")


async def test_new_prices_are_told_with_the_state_that_they_make(here: Served, transport: Transport) -> None:
    await here.book()
    async with listening(transport, here.address) as listener:
        hello = await listener.until("hello")
        here.service.feed.prices["BTC"] = "46000"
        await here.service.http.post("/portfolio/refresh")
        state, prices = await listener.until("state"), await listener.until("prices")
    [price] = prices["prices"]
    told = (price["symbol"], price["current_price"], price["price_source"], price["price_status"])
    assert told == ("BTC", "46000", "coinbase", "live")
    assert state["position"] == prices["position"]
    assert [int(m["position"].split(".")[1]) for m in (hello, prices)] == [0, 1]
    assert state["totals"]["invested_amount"] == "4600"


async def test_a_signal_is_told_when_it_is_made_and_when_it_is_claimed(here: Served, transport: Transport) -> None:
    await here.book(quantity=1, net_amount=45000)
    here.service.feed.prices["BTC"] = "45000"
    await here.service.http.post("/portfolio/refresh")
    async with listening(transport, here.address, topics="signals") as listener:
        await listener.until("snapshot")
        made = as_texts(await here.service.http.post("/rebalance/generate-signals"))["signals"]
        assert made, "the plan asks for nothing"
        told = await listener.until("signals")
        assert told["signals"] == made
        claimed = await here.service.http.post(f"/rebalance/signals/{made[0]['id']}/acknowledge")
        assert claimed.status_code == 200, claimed.text
        told = await listener.until("signals", lambda m: len(m["signals"]) == 1)
    assert told["signals"][0]["signal_status"] == "acknowledged"


async def test_a_new_listener_is_told_how_the_service_is_doing(here: Served, transport: Transport) -> None:
    async with listening(transport, here.address, topics="health") as listener:
        told = await listener.until("health")
    health = (await here.service.http.get("/health")).json()
    assert told["health"].keys() == health.keys()
    assert (told["health"]["status"], told["health"]["database"]["status"]) == ("healthy", "up")


async def test_from_the_start_there_are_all_entries_then_the_state(here: Served, transport: Transport) -> None:
    for key in "abc":
        await here.book(client_trade_id=key)
    async with listening(transport, here.address, after="start", topics="entries,state") as listener:
        hello = await listener.next()
        state = await listener.until("state")
    assert (hello["position"], hello["resumed"]) == ("0.0.00000000", False)
    entries = [entry["ledger"] for m in listener.messages if m["type"] == "entries" for entry in m["entries"]]
    assert entries == ["1", "2", "3", "4", "5"]
    assert set(listener.kinds) == {"hello", "entries", "state"}
    assert [changed["symbol"] for changed in state["changed"]] == ["BTC"]


async def test_a_stream_goes_on_after_the_position_of_any_message(here: Served, transport: Transport) -> None:
    async with listening(transport, here.address, topics="entries,state,prices") as listener:
        await listener.until("snapshot")
        await here.book(client_trade_id="a")
        await listener.until("prices")
    await here.book(client_trade_id="b")
    await here.book(client_trade_id="c")
    async with listening(transport, here.address, after=listener.position) as again:
        hello = await again.next()
        told = await again.until("entries")
        state = await again.until("state")
    assert (hello["position"], hello["resumed"]) == (listener.position, True)
    assert (told["first"], told["last"]) == ("4", "5")
    assert state["position"].split(".")[0] == "5"
    assert "snapshot" not in again.kinds


async def test_the_last_event_id_wins_over_after(here: Served, transport: Transport) -> None:
    await here.book()
    position = (await here.get("/entries", limit="2"))["position"]
    async with listening(transport, here.address, headers={"Last-Event-ID": position}, after="start") as listener:
        assert (await listener.next())["position"] == position
        assert (await listener.until("entries"))["first"] == "3"


async def test_a_reversal_is_seen_in_the_trade_that_it_takes_back(here: Served, transport: Transport) -> None:
    trade_id = await here.book()
    async with listening(transport, here.address, after="start", topics="entries") as listener:
        first = await listener.until("entries")
        await here.service.http.post(f"/trades/{trade_id}/reverse")
        reversal = await listener.until("entries")
        async with listening(transport, here.address, after="start", topics="entries") as again:
            both = await again.until("entries", lambda m: m["last"] == "4")
    assert (first["entries"][-1]["reversed_by"], reversal["entries"][0]["reverses"]) == (None, str(trade_id))
    assert both["entries"][2]["reversed_by"] == reversal["entries"][0]["id"]


async def test_only_what_was_asked_for_is_told(here: Served, transport: Transport) -> None:
    async with listening(transport, here.address, topics="prices") as listener:
        await listener.until("snapshot")
        await here.book()
        await listener.until("prices")
    assert set(listener.kinds) == {"hello", "snapshot", "prices"}


async def test_a_booking_that_is_refused_is_no_entry(here: Served, transport: Transport) -> None:
    async with listening(transport, here.address, topics="entries") as listener:
        await listener.until("snapshot")
        refused = await here.service.http.post("/holdings/update", json={**BUY, "side": "SELL"})
        assert refused.status_code == 409
        await here.book()
        told = await listener.until("entries")
    assert (told["first"], told["last"], len(told["entries"])) == ("3", "3", 1)
