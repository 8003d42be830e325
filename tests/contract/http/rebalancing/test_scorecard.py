"""The scorecard of signals: what they brought, from what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.prices.records import Close
from portfolio.application.rebalancing.scorecard import TRADES_A_READ, ReadScorecard
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.support.fakes.joined_closes import joined_closes
from tests.support.histories import booking, exact
from tests.support.services.http_service import BOSS, KEYS, A, Service, fields, is_problem, running
from tests.support.services.waiting import until
from tests.support.signal_examples import signal

DAY = 86_400.0


@pytest.fixture
async def advised(service: Service) -> Service:
    """A service that advised to sell 7 of 30 BTC at 1,000, to come down to 23 % after the fee, and saw 6 sold."""
    await post(service, "/holdings/update", booking("BTC", Decimal(30)))
    [signal] = (await post(service, "/rebalance/generate-signals"))["signals"]
    await post(service, f"/rebalance/signals/{signal['id']}/acknowledge")
    sale = booking("BTC", Decimal(6), side="SELL", fees="0.002") | {"signal_id": signal["id"]}
    await post(service, "/holdings/update", sale)
    return service


async def post(service: Service, path: str, body: Any = None) -> Any:
    """Post, and return the answer."""
    answer = await service.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def scorecard(service: Service, days: int = 365) -> Any:
    """The scorecard, its numbers as decimals."""
    return exact(await service.http.get("/signals/scorecard", params={"days": days}))["scorecard"]


async def add_closes(
    service: Service, prices: Mapping[int, int], source: str = "coinbase", symbol: str = "BTC"
) -> None:
    """Closes of an asset, by the day of the clock's and so many before or after it."""
    today = service.clock.now().date()
    closes = [
        Close(symbol=Symbol(symbol), day=today + timedelta(days=day), price=Price(Decimal(price)), source=source)
        for day, price in prices.items()
    ]
    await service.prices.add_closes(closes)


def week_of(score: Any) -> Any:
    """The score after seven days."""
    [week] = [one for one in score["horizons"] if one["horizon_days"] == 7]
    return week


async def test_advice_and_fill_stand_beside_each_other(advised: Service) -> None:
    await add_closes(advised, {1: 990, 7: 900})
    advised.clock.advance(8 * DAY)
    found = await scorecard(advised)
    assert (found["overall"]["episodes"], found["overall"]["executed"]) == (1, 1)
    [score] = found["by_reason"]
    assert score["reason"] == "concentration_risk"
    # x sold of 30,000 so that 30,000 - x = 0.23 (100,000 - 0.001 x): x = 7,000 / 0.99977 = 7,001.610370 in all, a fee
    # of 7.001610. At 900 that is 10 % of x less the fee; of the 6 that were sold, 600 less a fee of 12.
    assert week_of(score) == {
        "horizon_days": 7,
        "scored": 1,
        "pending": 0,
        "missing_closes": 0,
        "advice": Decimal("693.16"),
        "filled": 1,
        "fill": Decimal(588),
        "shortfall": Decimal("105.16"),
    }
    assert [one["pending"] for one in score["horizons"]] == [0, 0, 1]
    assert found["overall"]["horizons"] == score["horizons"]
    calibration = score["calibration"]
    assert (calibration["claims"], calibration["hit_rate"]) == (1, None)
    assert set(calibration["reasons"].values()) == {"too_few_episodes"}
    assert (found["last_day"], found["simulated_history"]) == ("2025-06-22", False)


async def test_each_of_several_partial_fills_counts(advised: Service) -> None:
    """The sale of 6 for a fee of 12, and then one of half a unit for 1; what else names the signal is no part of it."""
    [first] = (await advised.http.get("/trades?limit=1")).json()["trades"]
    named = {"signal_id": first["signal_id"]}
    rest = booking("BTC", Decimal("0.5"), side="SELL", fees="0.002") | named
    for body in (rest, booking("BTC", Decimal(2)) | named, booking("ETH", Decimal(1)) | named):
        await post(advised, "/holdings/update", body)
    mistaken = await post(advised, "/holdings/update", rest)
    await post(advised, f"/trades/{mistaken['trade_id']}/reverse", {})
    await add_closes(advised, {1: 990, 7: 900})
    advised.clock.advance(8 * DAY)
    score = (await scorecard(advised))["overall"]
    # 588 as above, and 0.5 x (1,000 - 900) - 1
    assert (score["executed"], week_of(score)["filled"], week_of(score)["fill"]) == (1, 1, 637)
    assert week_of(score)["shortfall"] == Decimal("56.16")


async def test_fills_of_more_trades_than_one_read_brings_all_count(advised: Service) -> None:
    [first] = (await advised.http.get("/trades?limit=1")).json()["trades"]
    part = booking("BTC", Decimal("0.001"), side="SELL") | {"signal_id": first["signal_id"]}
    await post(advised, "/holdings/update/batch", {"bookings": [part] * TRADES_A_READ})
    await add_closes(advised, {1: 990, 7: 900})
    advised.clock.advance(8 * DAY)
    # 588 as above, and 250 x 0.001 x (1,000 - 900)
    assert week_of((await scorecard(advised))["overall"])["fill"] == 613


async def test_what_another_key_than_the_claimants_did_is_no_part_of_its_fill() -> None:
    async with running(api_keys=KEYS) as service:
        service.http.headers.update(BOSS)
        await post(service, "/holdings/update", booking("BTC", Decimal(30)))
        [made] = (await post(service, "/rebalance/generate-signals"))["signals"]
        await post(service, f"/rebalance/signals/{made['id']}/acknowledge")
        sale = booking("BTC", Decimal(1), side="SELL") | {"signal_id": made["id"]}
        await post(service, "/holdings/update", sale)
        assert (await service.http.post("/holdings/update", json=sale, headers=A)).status_code == 200
        await add_closes(service, {1: 990, 7: 900})
        service.clock.advance(8 * DAY)
        assert week_of((await scorecard(service))["overall"])["fill"] == 100  # 1 x (1,000 - 900)


async def test_what_was_split_since_is_judged_in_the_units_of_the_advice(advised: Service) -> None:
    await add_closes(advised, {1: 990, 7: 90})
    advised.clock.advance(8 * DAY)
    sale_of_all = week_of((await scorecard(advised))["overall"])
    at = (advised.clock.now() - timedelta(days=4)).isoformat()
    split = await post(advised, "/events", {"kind": "split", "symbol": "BTC", "ratio": 10, "effective_at": at})
    found = await scorecard(advised)
    # as if one unit were worth 900: see above
    assert (week_of(found["overall"])["advice"], week_of(found["overall"])["fill"]) == (Decimal("693.16"), Decimal(588))
    assert [(join["symbol"], join["ratio"]) for join in found["joined_history"]] == [("BTC", 10)]
    await post(advised, f"/events/{split['event_id']}/reverse")
    assert week_of((await scorecard(advised))["overall"]) == sale_of_all
    assert sale_of_all["advice"] > 6_000


async def sold_after(service: Service, later: timedelta, event: Mapping[str, object], symbol: str) -> int:
    """Hold 30 BTC, claim the sale of 6, book an event later, carry the sale out under a symbol, and pass eight days.

    Return the day of the event, counted from the last one.
    """
    await post(service, "/holdings/update", booking("BTC", Decimal(30)))
    [made] = (await post(service, "/rebalance/generate-signals"))["signals"]
    await post(service, f"/rebalance/signals/{made['id']}/acknowledge")
    service.clock.advance(later.total_seconds())
    await post(service, "/events", event)
    service.clock.advance(60)
    sale = {"symbol": symbol, "side": "SELL", "quantity": 60, "price": 100, "net_amount": 6000, "fees": 12}
    await post(service, "/holdings/update", sale | {"signal_id": made["id"]})
    today: date = service.clock.now().date()
    service.clock.advance(8 * DAY - later.total_seconds() - 60)
    last: date = service.clock.now().date()
    return (today - last).days


@pytest.mark.parametrize("later", [timedelta(minutes=5), timedelta(days=1)])
async def test_a_fill_after_a_split_is_judged_in_the_units_of_its_signal(service: Service, later: timedelta) -> None:
    """As ``advised``, with a split of 10:1 between the signal and its fill: 60 of 100 are the 6 of 1,000."""
    shown = await sold_after(service, later, {"kind": "split", "symbol": "BTC", "ratio": 10}, "BTC")
    await add_closes(service, {-9: 1000, shown: 99, -1: 90})
    week = week_of((await scorecard(service))["overall"])
    # as if one unit were worth 900: see above
    assert (week["filled"], week["advice"], week["fill"]) == (1, Decimal("693.16"), Decimal(588))


@pytest.mark.parametrize("later", [timedelta(minutes=5), timedelta(days=1)])
@pytest.mark.parametrize("label", ["rename", "wrap"])
async def test_a_fill_under_another_name_is_judged_in_the_units_of_its_signal(
    service: Service, later: timedelta, label: str
) -> None:
    """As ``advised``, with a rename of 1 to 10 between the signal and its fill. Closes say nothing of a wrap."""
    event = {"kind": "exchange", "symbol": "BTC", "quantity": 30, "to_symbol": "NEW", "ratio": 10, "label": label}
    shown = await sold_after(service, later, event, "NEW")
    await add_closes(service, {-9: 1000, -8: 1000, -1: 900})
    await add_closes(service, {shown: 99, -1: 90}, symbol="NEW")
    week = week_of((await scorecard(service))["overall"])
    # as if one unit were worth 900: see above
    fill = (1, Decimal(588)) if label == "rename" else (0, None)
    assert (week["filled"], week["fill"], week["advice"]) == (*fill, Decimal("693.16"))


@pytest.mark.parametrize("late", [timedelta(hours=2), timedelta(days=1)])
async def test_a_rename_that_is_told_late_judges_the_signals_that_were_given_meanwhile(
    service: Service, late: timedelta
) -> None:
    """As above, with a rename that had happened before the signal."""
    at = (service.clock.now() - late).isoformat()
    event = {"kind": "exchange", "symbol": "BTC", "quantity": 30, "to_symbol": "NEW", "ratio": 10, "effective_at": at}
    shown = await sold_after(service, timedelta(minutes=5), event, "NEW")
    await add_closes(service, {-10: 1000})
    await add_closes(service, {shown: 99, -1: 90}, symbol="NEW")
    week = week_of((await scorecard(service))["overall"])
    assert (week["filled"], week["fill"], week["advice"]) == (1, Decimal(588), Decimal("693.16"))


@pytest.mark.parametrize(
    ("own", "others", "joined"),
    [
        ({0: 1000, 1: 990}, {6: 91, 7: 90}, True),
        # its own market goes on beside, and says something else: what is held is the other one
        ({0: 1000, 1: 990, 7: 700}, {6: 91, 7: 90}, True),
        # the other one was there for years, so that no close had to be joined
        ({0: 1000, 1: 990}, dict.fromkeys(range(-750, 8), 90), False),
    ],
)
async def test_what_became_another_asset_is_judged_by_that(
    advised: Service, own: Mapping[int, int], others: Mapping[int, int], *, joined: bool
) -> None:
    await add_closes(advised, own)
    await add_closes(advised, others, symbol="NEW")
    advised.clock.advance(8 * DAY)
    assert week_of((await scorecard(advised))["overall"])["advice"] == (Decimal("2093.48") if 7 in own else None)
    at = (advised.clock.now() - timedelta(days=4)).isoformat()
    event = {"kind": "exchange", "symbol": "BTC", "quantity": 24, "to_symbol": "NEW", "ratio": 10, "effective_at": at}
    await post(advised, "/events", event)
    found = await scorecard(advised)
    # ten of 90 for one: as if it were worth 900, see above. Without them, at 700: 0.3 x 7,001.610370 - 7.001610.
    assert (week_of(found["overall"])["advice"], week_of(found["overall"])["fill"]) == (Decimal("693.16"), Decimal(588))
    assert [(one["from_symbol"], one["symbol"]) for one in found["joined_history"]] == (
        [("BTC", "NEW")] if joined else []
    )
    assert found["unjoined_history"] == []


async def test_where_the_other_asset_has_no_close_its_own_judges_it(advised: Service) -> None:
    await add_closes(advised, {1: 990, 7: 900})
    await add_closes(advised, {6: 91, 8: 90}, symbol="NEW")
    advised.clock.advance(9 * DAY)
    at = (advised.clock.now() - timedelta(days=4)).isoformat()
    event = {"kind": "exchange", "symbol": "BTC", "quantity": 24, "to_symbol": "NEW", "ratio": 10, "effective_at": at}
    await post(advised, "/events", event)
    assert week_of((await scorecard(advised))["overall"])["advice"] == Decimal("693.16")


async def test_a_split_that_the_closes_do_not_show_judges_nothing_and_is_told(advised: Service) -> None:
    await add_closes(advised, {0: 1000, 1: 990, 7: 900})
    advised.clock.advance(8 * DAY)
    at = (advised.clock.now() - timedelta(days=4)).isoformat()
    await post(advised, "/events", {"kind": "split", "symbol": "BTC", "ratio": 10, "effective_at": at})
    found = await scorecard(advised)
    assert (week_of(found["overall"])["advice"], found["joined_history"]) == (Decimal("693.16"), [])
    assert [(one["symbol"], one["reason"]) for one in found["unjoined_history"]] == [("BTC", "no_jump")]


async def test_only_days_that_are_over_count(advised: Service) -> None:
    await add_closes(advised, {1: 990, 7: 900})
    advised.clock.advance(7 * DAY)  # on the seventh day its price is not yet a close
    score = (await scorecard(advised))["overall"]
    assert (week_of(score)["scored"], week_of(score)["pending"], week_of(score)["advice"]) == (0, 1, None)
    assert score["horizons"][0]["scored"] == 1


async def test_a_close_that_is_lacking_is_named_and_never_guessed(advised: Service) -> None:
    await add_closes(advised, {6: 900, 8: 900})
    advised.clock.advance(9 * DAY)
    week = week_of((await scorecard(advised))["overall"])
    assert (week["scored"], week["pending"], week["missing_closes"]) == (0, 1, 1)


async def test_made_up_closes_do_not_judge_signals_at_real_prices(advised: Service) -> None:
    await add_closes(advised, {1: 990, 7: 900})
    await add_closes(advised, {7: 1}, source="simulated")
    advised.clock.advance(8 * DAY)
    assert week_of((await scorecard(advised))["overall"])["missing_closes"] == 1


async def test_a_trade_that_was_reversed_carried_out_nothing(advised: Service) -> None:
    [trade] = (await advised.http.get("/trades?limit=1")).json()["trades"]
    await post(advised, f"/trades/{trade['id']}/reverse", {})
    await add_closes(advised, {7: 900})
    advised.clock.advance(8 * DAY)
    score = (await scorecard(advised))["overall"]
    assert (score["episodes"], score["executed"], week_of(score)["filled"], week_of(score)["fill"]) == (1, 0, 0, None)


async def test_what_is_booked_in_the_place_of_a_reversed_trade_carries_its_signal_out(advised: Service) -> None:
    """The sale of 6 for a fee of 12 was a mistake: it was one of 7 for a fee of 7."""
    [wrong] = (await advised.http.get("/trades?limit=1")).json()["trades"]
    right = booking("BTC", Decimal(7), side="SELL", fees="0.001") | {"signal_id": wrong["signal_id"]}
    await post(advised, "/holdings/update", booking("BTC", Decimal(1), side="SELL") | {"signal_id": wrong["signal_id"]})
    await post(advised, f"/trades/{wrong['id']}/reverse", {})
    await post(advised, "/holdings/update", right | {"side": "BUY"})
    booked = await post(advised, "/holdings/update", right)
    await post(advised, "/holdings/update", right)
    [signal] = (await advised.http.get("/rebalance/signals")).json()["signals"]
    assert (signal["signal_status"], signal["executed_trade_id"]) == ("executed", booked["trade_id"])
    await add_closes(advised, {7: 900})
    advised.clock.advance(8 * DAY)
    score = (await scorecard(advised))["overall"]
    # 1 x (1,000 - 900), and twice 7 x (1,000 - 900) - 7
    assert (score["executed"], week_of(score)["fill"]) == (1, 1486)


async def test_signals_that_took_each_others_place_are_one_episode(service: Service) -> None:
    await post(service, "/holdings/update", booking("BTC", Decimal(30)))
    for _ in range(3):
        await post(service, "/rebalance/generate-signals")
        await post(service, "/cash/transactions", {"kind": "deposit", "amount": 1})
    assert len((await service.http.get("/rebalance/signals")).json()["signals"]) == 3
    assert (await scorecard(service))["overall"]["episodes"] == 1


async def test_the_period_is_asked_for(advised: Service) -> None:
    advised.clock.advance(3 * DAY)
    assert (await scorecard(advised, 3))["overall"]["episodes"] == 1
    shorter = await scorecard(advised, 2)
    assert (shorter["overall"]["episodes"], shorter["by_reason"], shorter["first_day"]) == (0, [], "2025-06-16")
    for days in ("0", "3651", "x"):
        answer = await advised.http.get("/signals/scorecard", params={"days": days})
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {"days"}


async def test_signals_of_more_trades_than_one_read_brings_are_all_scored(service: Service) -> None:
    made = [signal(n, created_at=service.clock.now(), executed_trade_id=n) for n in range(TRADES_A_READ + 1)]
    ledger: FakeLedger = service.ledger
    ledger.books.signals.update({n: replace(one, number=n) for n, one in enumerate(made, 1)})
    score = (await scorecard(service))["overall"]
    # Nobody booked any of the trades that they name.
    assert (score["episodes"], score["executed"], score["horizons"][0]["pending"]) == (
        TRADES_A_READ + 1,
        0,
        TRADES_A_READ + 1,
    )


async def test_without_the_price_history_nothing_is_scored(advised: Service) -> None:
    class Away(FakePriceStore):
        async def closes(self, symbols: Any, *, since: Any, until: Any) -> Any:
            raise LedgerUnavailable("away")

    prices, clock = Away(advised.ledger, FakeLeases()), advised.clock
    closes = joined_closes(prices, clock, advised.ledger)
    read = ReadScorecard(advised.signals, advised.cases.lookups, prices, closes, advised.cases.ledger.snapshots, clock)
    with pytest.raises(LedgerUnavailable, match="history"):
        await read(365)


def moment(at: datetime) -> str:
    """A moment, as answers write it."""
    return at.isoformat().replace("+00:00", "Z")


async def test_a_request_that_was_given_up_leaves_its_scorecard_to_the_next_one(advised: Service) -> None:
    read = advised.cases.rebalancing.read_scorecard
    given_up = asyncio.create_task(read(365))
    await until(lambda: read._computations._begun, pause_seconds=0)
    given_up.cancel()
    await asyncio.wait([given_up])
    [task] = read._computations._begun.values()
    await asyncio.wait([task])
    begun_at = advised.clock.now()
    advised.clock.advance(60)
    first, second = await scorecard(advised), await scorecard(advised)
    assert (first["as_of"], second["as_of"]) == (moment(begun_at), moment(advised.clock.now()))
    assert first["overall"] == second["overall"]
    await read.stop()


async def test_with_the_database_away_it_answers_503() -> None:
    ledger = FakeLedger()
    async with running(ledger=ledger) as service:
        await scorecard(service)
        ledger.away = True
        assert is_problem(await service.http.get("/signals/scorecard"), 503, "ledger-unavailable")
