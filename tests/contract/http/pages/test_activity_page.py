"""The page of activity: entries of all kinds with their legs, their two times, and what takes them back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.support.html_pages import HTML, PRIVATE, Element, amounts_of, of_api, sound_page
from tests.support.services.http_service import BUY, KEYS, Service, is_problem, running

URL = "/pages/activity"
TABLE = "Entries, newest first"
EVENTS: tuple[Mapping[str, Any], ...] = (
    {"kind": "transfer_in", "symbol": "BTC", "quantity": "1.23456789", "basis": "30001.17", "value": "60002.34"},
    {"kind": "income", "symbol": "SOL", "quantity": "2.5", "value": "300.25", "label": "staking"},
    {"kind": "swap", "symbol": "BTC", "quantity": "0.5", "to_symbol": "ETH", "to_quantity": "10", "value": "30001.17",
     "group": "swap-1"},
    {"kind": "exchange", "symbol": "SOL", "quantity": "1", "to_symbol": "POL", "ratio": "1.5"},
    {"kind": "split", "symbol": "ETH", "ratio": "1000"},
    {"kind": "transfer_out", "symbol": "ETH", "quantity": "5000", "value": "15000.75"},
    {"kind": "loss", "symbol": "ETH", "quantity": "500"},
    {"kind": "interest", "amount": "12.34"},
    {"kind": "charge", "amount": "5.67"},
)  # fmt: skip


async def page_of(service: Service, query: str = "", **headers: str) -> Element:
    return await sound_page(service, URL + query, headers)


async def book(service: Service, **changed: Any) -> None:
    answer = await service.http.post("/holdings/update", json={**BUY, **changed})
    assert answer.status_code == 200, answer.text


async def happen(service: Service, **event: Any) -> Any:
    answer = await service.http.post("/events", json=event)
    assert answer.status_code == 200, answer.text
    return answer.json()["event_id"]


@pytest.fixture
async def lived(service: Service) -> Service:
    """A service with an entry of every kind that a client may book."""
    await book(service, quantity="0.123456789012345678", net_amount="5555.555505555555", client_trade_id="a")
    for event in EVENTS:
        await happen(service, **event)
    await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": "2500.5", "note": "savings"})
    return service


def numbers(page: Element) -> list[str]:
    return [row["Entry"].text for row in page.table(TABLE)]


async def test_entries_of_all_kinds_stand_there_newest_first_with_their_legs(lived: Service) -> None:
    rows = (await page_of(lived)).table(TABLE)
    entries = (await of_api(lived, "/entries?after=start&limit=1000"))["entries"]
    assert [row["Entry"].text for row in rows] == [one["ledger"] for one in reversed(entries)]
    for row, entry in zip(rows, reversed(entries), strict=True):
        cash = row["Cash"].exact
        assert cash == ([] if Decimal(entry["cash_delta"]) == 0 else [entry["cash_delta"]])
        if entry["kind"] == "trade":
            assert row["What"].text.startswith(entry["side"].lower())
            assert row["Assets"].exact[0].lstrip("-") == entry["quantity"]
            assert row["Assets"].exact[1] == entry["price"]
        elif entry["legs"] is not None:
            assert row["Assets"].exact == [leg["quantity_delta"] for leg in entry["legs"]]
            assert row["Cost"].exact == [leg["basis_delta"] for leg in entry["legs"]]
    kinds = [one["kind"] for one in entries]
    assert set(kinds) == {"baseline", "deposit", "trade", *(event["kind"] for event in EVENTS)}
    swap = [row for row in rows if "group swap-1" in row["What"].text]
    assert [row["What"].text.split()[0] for row in swap] == ["buy", "sell", "swap"]
    by_kind = {row["What"].text.partition(",")[0]: row for row in rows}
    assert by_kind["transfer in"]["Net deposits"].exact == ["30001.17"]
    assert by_kind["income"]["What"].text == "income, staking"
    assert by_kind["income"]["Realized"].exact == ["300.25"]
    assert [a.text for a in by_kind["exchange (rename)"]["Assets"].all("a")] == ["SOL", "POL"]
    assert "1000 for 1" in by_kind["split"]["What"].text


async def test_entries_of_one_group_stand_together(lived: Service) -> None:
    page = await page_of(lived)
    [together] = [body for body in page.all("tbody") if body.attributes.get("class") == "together"]
    assert len(list(together.all("tr"))) == 3


async def test_an_event_has_its_legs_in_entries_and_cash_transactions_alike(lived: Service) -> None:
    entries = (await of_api(lived, "/entries?after=start&limit=1000"))["entries"]
    events = {one["revision"]: one for one in (await of_api(lived, "/events?limit=1000"))["events"]}
    moved = {one["revision"]: one for one in (await of_api(lived, "/cash/transactions?limit=1000"))["transactions"]}
    seen = 0
    for entry in entries:
        if entry["kind"] == "trade":
            assert "legs" not in entry
            continue
        assert moved[entry["ledger"]]["legs"] == entry["legs"]
        if entry["kind"] == "baseline":
            assert entry["legs"] is None
        elif entry["kind"] == "swap":
            assert entry["legs"] == []  # its trades are entries of their own
        elif entry["ledger"] in events:
            assert entry["legs"] == events[entry["ledger"]]["legs"]
            seen += bool(entry["legs"])
    assert seen == 6


async def test_the_stream_tells_entries_as_they_are_listed(lived: Service) -> None:
    entries = (await of_api(lived, "/entries?after=start&limit=1000"))["entries"]
    writer = lived.cases.stream.writer
    told = [writer.entry(one) for one in await lived.cases.lookups.log(1, after=0, until=1000)]
    assert [json.loads(one, parse_float=str, parse_int=str) for one in told] == entries


async def test_one_entry_says_how_it_adds_up(lived: Service) -> None:
    swapped, sold = await page_of(lived, "?kind=transfer_in"), await page_of(lived, "?kind=buy&symbol=BTC")
    [number] = numbers(swapped)
    figure = (await page_of(lived, f"?entry={number}")).figure("entry_cash_delta")
    assert figure.exact == ["0", "30001.17", "0", "30001.17", "0"]
    [number] = numbers(sold)
    figure = (await page_of(lived, f"?entry={number}")).figure("entry_cash_delta")
    # What it cost with its fees of 22.5 left cash: nothing was paid in, and nothing realized.
    assert figure.exact == ["-5578.055505555555", "0", "0", "5578.055505555555", "-5578.055505555555"]


@pytest.mark.parametrize(
    ("query", "fitting"),
    [
        ("kind=SPLIT", ["split"]),
        ("kind=buy", ["buy", "buy"]),
        ("kind=sell", ["sell"]),
        ("kind=deposit", ["deposit", "deposit"]),
        ("symbol=sol-usd", ["exchange (rename)", "income"]),
        ("symbol=ETH&kind=loss", ["loss"]),
        ("kind=restatement", []),
        ("entry=%231", ["opening of the books"]),
        ("until=2024-12-31", []),
        ("kind=&since=&until=&entry=&limit=50&symbol=POL", ["exchange (rename)"]),
    ],
)
async def test_filters_leave_what_fits(lived: Service, query: str, fitting: list[str]) -> None:
    page = await page_of(lived, f"?{query}")
    if not fitting:
        assert "No entry fits these filters" in page.text
        return
    words = [row["What"].text.partition(",")[0].partition(" group")[0] for row in page.table(TABLE)]
    assert words == fitting


async def test_days_are_those_on_which_entries_took_effect_and_both_times_are_told(service: Service) -> None:
    await book(service, executed_at="2025-03-01T23:59:59Z")
    await happen(service, kind="interest", amount="7", effective_at="2025-03-02T00:00:00Z")
    late = (await page_of(service, "?since=2025-03-01&until=2025-03-01")).table(TABLE)
    assert [row["What"].text for row in late] == ["buy"]
    times = [one.attributes["datetime"] for one in late[0]["Took effect, booked"].all("time")]
    assert times == ["2025-03-01T23:59:59Z", "2025-06-15T12:00:00Z"]
    assert "105 days later" in late[0]["Took effect, booked"].text
    at_once = (await page_of(service, "?kind=baseline")).table(TABLE)
    assert "later" not in at_once[0]["Took effect, booked"].text
    assert [row["What"].text for row in (await page_of(service, "?since=2025-03-02&kind=interest")).table(TABLE)]


async def test_what_takes_back_and_what_was_taken_back_name_each_other(service: Service) -> None:
    await book(service)
    await service.http.post("/trades/1/reverse")
    event = await happen(service, kind="income", symbol="SOL", quantity="2", value="300", label="airdrop")
    assert (await service.http.post(f"/events/{event}/reverse")).status_code == 200
    rows = {row["Entry"].text: row["What"].text for row in (await page_of(service)).table(TABLE)}
    newest = max(map(int, rows))
    assert rows[str(newest)] == f"income, airdrop takes back entry {newest - 1}"
    assert rows[str(newest - 1)] == f"income, airdrop taken back by entry {newest}"
    assert rows[str(newest - 2)] == "sell takes back trade 1"
    assert rows[str(newest - 3)] == "buy taken back by trade 2"


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("entry", "0", "a whole number above zero"),
        ("entry", "9" * 30, "a whole number above zero"),
        ("entry", "4294967296", "a whole number above zero"),
        ("kind", "gift", "takes one of buy, sell, deposit"),
        ("symbol", "<script>", "A-Z"),
        ("since", "yesterday", "ISO 8601"),
        ("until", "2026-02-30", "day of the calendar"),
        ("limit", "3", "takes 50, 100 or 500"),
        ("cursor", "t1", "is no page of this list"),
        ("cursor", "affffffff", "is no page of this list"),
    ],
)
async def test_what_was_typed_wrong_is_said_beside_it(lived: Service, field: str, typed: str, said: str) -> None:
    page = await page_of(lived, f"?{field}={typed}")
    [alert] = [found for found in page.all("div") if found.attributes.get("role") == "alert"]
    assert said in alert.text
    assert "Nothing was looked up" in page.text


async def test_the_pages_of_a_long_list_have_each_entry_once(service: Service) -> None:
    for _ in range(2):
        many = [{**BUY, "quantity": "0.0001", "net_amount": "4.5", "fees": 0} for _ in range(30)]
        assert (await service.http.post("/holdings/update/batch", json={"bookings": many})).status_code == 200
        await happen(service, kind="interest", amount="1")
    path, seen = "?since=2020-01-01", []
    while True:
        page = await page_of(service, path)
        seen += numbers(page)
        older = [link for link in page.all("a") if link.text == "Older"]
        if not older:
            break
        path = older[0].attributes["href"].removeprefix(URL)
        assert "since=2020-01-01" in path
    assert seen == [str(n) for n in range(len(seen), 0, -1)]
    assert len(seen) == 64
    assert [link.text for link in page.all("a") if link.text == "Newest"] == ["Newest"]


async def test_empty_books_say_so(service: Service) -> None:
    page = await page_of(service)
    assert numbers(page) == ["2", "1"]  # what opens the books
    assert "No entry fits" in (await page_of(service, "?kind=swap")).text


async def test_a_private_page_has_no_amount_in_any_byte(lived: Service) -> None:
    paths = ("/portfolio", "/entries?after=start&limit=1000", "/events?limit=1000")
    amounts = set().union(*[amounts_of(await of_api(lived, path)) for path in paths])
    assert len(amounts) > 20
    for query in ("", "?kind=income", "?symbol=BTC", "?entry=3"):
        public = (await lived.http.get(URL + query, headers=HTML)).text
        private = (await lived.http.get(URL + query, headers=PRIVATE)).text
        assert any(amount in public for amount in amounts)
        assert {amount for amount in amounts if amount in private} == set()
    page = await page_of(lived, **PRIVATE)
    assert all("Cost" not in row and "Cash" not in row for row in page.table(TABLE))
    assert "savings" not in page.text


async def test_without_a_database_it_says_so_and_shows_the_sums_of_the_last_state(lived: Service) -> None:
    await page_of(lived)
    lived.ledger.away = True
    lived.clock.advance(61)
    page = await page_of(lived)
    assert "Database away" in page.one("section", aria_label="State").text
    assert page.value("net_deposits") is not None
    assert page.text.count("while the database is away") == 1


async def test_a_page_is_for_those_who_may_read() -> None:
    async with running(api_keys=KEYS) as service:
        assert is_problem(await service.http.get(URL), 401, "unauthorized")
