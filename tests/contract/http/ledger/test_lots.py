"""Lots and gains over HTTP."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.lots.journal import Journal
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.money import Money
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.services.http_service import Service, fields, is_problem, running, running_on_sqlite

# Booked in this order: the last sale before the one before it.
TRADES = [
    ("BUY", "1", 100, "2023-01-10"),
    ("BUY", "1", 300, "2023-06-01"),
    ("BUY", "1", 200, "2024-01-05"),
    ("SELL", "0.5", 500, "2025-01-01"),
    ("SELL", "1.5", 400, "2024-03-01"),
]


def exact(text: str) -> Any:
    """Return the answer with its numbers as they were written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


async def book(service: Service) -> None:
    for side, quantity, price, day in TRADES:
        body = {
            "symbol": "BTC",
            "side": side,
            "quantity": quantity,
            "price": price,
            "net_amount": str(Decimal(quantity) * price),
            "executed_at": f"{day}T12:00:00Z",
        }
        answer = await service.http.post("/holdings/update", json=body)
        assert answer.status_code == 200, answer.text


async def ask(service: Service, path: str, **params: Any) -> Any:
    answer = await service.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return exact(answer.text)


async def test_the_lots_that_are_left_say_what_they_cost_and_since_when_they_are_held(service: Service) -> None:
    await book(service)
    found = await ask(service, "/lots")
    assert found["lots"] == [
        {
            "symbol": "BTC",
            "quantity": 1,
            "basis": 200,
            "acquired_at": "2024-01-05T12:00:00Z",
            "days_held": 527,  # of 2024 from 5 January on 361, of 2025 until 15 June 166
            "term": "long",
            "trade_id": 3,
            "basis_assumed": False,
            "entry": 5,
        }
    ]
    # the sale of March took the first and half of the second, that of January the other half
    assert (found["basis"], found["gain"], found["count"], found["revision"]) == (200, 850 - 400, 1, 7)
    assert (found["method"], found["complete"], found["long_term_days"]) == ("fifo", True, 365)
    assert found["as_of"] == "2025-06-15T12:00:00Z"


async def test_lots_are_told_as_of_a_moment_itself_included(service: Service) -> None:
    await book(service)
    for moment, quantities in (("2023-06-01T12:00:00Z", [1, 1]), ("2023-06-01T11:59:59Z", [1])):
        assert [lot["quantity"] for lot in (await ask(service, "/lots", as_of=moment))["lots"]] == quantities
    found = await ask(service, "/lots", as_of="1677672000")
    assert (found["lots"][0]["days_held"], found["lots"][0]["term"]) == (50, "short")  # 10 January to 1 March
    assert (await ask(service, "/lots", as_of="2022-01-01T00:00:00Z"))["lots"] == []


async def test_the_gains_of_a_year_are_those_of_the_sales_executed_in_it(service: Service) -> None:
    await book(service)
    found = await ask(service, "/gains", year=2024)
    assert [(row["proceeds"], row["basis"], row["gain"], row["days_held"], row["term"]) for row in found["gains"]] == [
        (400, 100, 300, 416, "long"),  # 10 January 2023 to 1 March 2024
        (200, 150, 50, 274, "short"),
    ]
    assert [(row["acquired_by"], row["disposed_by"]) for row in found["gains"]] == [(1, 5), (2, 5)]
    assert (found["proceeds"], found["basis"], found["gain"]) == (600, 250, 350)
    assert (found["long_term"], found["short_term"], found["undated"]) == (300, 50, 0)
    assert (found["year"], found["method"], found["count"]) == (2024, "fifo", 2)
    assert (await ask(service, "/gains"))["gain"] == 450
    for year in (1970, 9998):
        assert (await ask(service, "/gains", year=year))["gain"] == 0


async def test_the_ledgers_own_method_has_its_figures_and_no_dates(service: Service) -> None:
    await book(service)
    lots, gains = await ask(service, "/lots", method="average"), await ask(service, "/gains", method="average")
    [position] = (await ask(service, "/positions"))["positions"]
    [lot] = lots["lots"]
    assert (lot["quantity"], lot["basis"]) == (position["quantity"], position["cost_basis"])
    assert (lot["acquired_at"], lot["days_held"], lot["term"], lot["trade_id"]) == (None, None, None, None)
    assert lots["gain"] == gains["gain"] == gains["undated"] == position["realized_pnl"]
    assert [row["acquired_at"] for row in gains["gains"]] == [None, None]


async def test_gains_are_a_file_of_the_same_digits(service: Service) -> None:
    await book(service)
    answer = await service.http.get("/gains", params={"format": "csv", "method": "lifo"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="gains-all-lifo.csv"'
    found = (await ask(service, "/gains", method="lifo"))["gains"]
    read = list(csv.DictReader(io.StringIO(answer.text)))
    told = [
        {k: "" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for k, v in r.items()} for r in found
    ]
    assert read == told
    assert len(read) == 3


async def test_lists_are_paged_and_their_sums_are_of_all(service: Service) -> None:
    await book(service)
    rows: list[Any] = []
    cursor = None
    while rows == [] or cursor:
        page = await ask(service, "/gains", limit=1, cursor=cursor or "")
        rows, cursor = rows + page["gains"], page["next_cursor"]
        assert (page["count"], page["gain"]) == (1, 450)
    assert rows == (await ask(service, "/gains"))["gains"]
    assert is_problem(await service.http.get("/lots", params={"cursor": "g1"}), 400, "malformed-request")


async def test_how_long_is_long_is_a_setting() -> None:
    async with running(long_term_days=416) as service:
        await book(service)
        found = await ask(service, "/gains", year=2024)
        assert (found["long_term_days"], found["long_term"]) == (416, 0)


async def test_what_cannot_be_asked_is_refused_by_its_name(service: Service) -> None:
    for query, field in (
        ("/lots?method=best", "method"),
        ("/lots?as_of=2026-01-01T00:00:00", "as_of"),
        ("/gains?year=1969", "year"),
        ("/gains?year=9999", "year"),  # it has no end in the calendar
        ("/gains?format=xls", "format"),
        ("/gains?as_of=now", "as_of"),
        ("/lots?known_at=-1.5e400000000", "known_at"),
        ("/portfolio?known_at=x", "known_at"),
        ("/portfolio?known_at=-1", "known_at"),  # no revision, and no moment of 1969 either
        ("/performance?known_at=1e3", "known_at"),
        ("/lots?known_at=5.5", "known_at"),
        ("/gains?known_at=%2B5", "known_at"),
        ("/positions?as_of=2026-01-01", "as_of"),
    ):
        answer = await service.http.get(query)
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {field}


async def test_lots_of_a_database_are_those_of_its_entries(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        await book(service)
        wrong = (await ask(service, "/trades", limit=1))["trades"][0]["id"]
        before = await ask(service, "/lots", method="hifo")
        assert (await service.http.post(f"/trades/{wrong}/reverse")).status_code == 200
        after = await ask(service, "/lots", method="hifo")
    # the sale of March took that of 300 and half of that of 200; without it the sale of January takes half of the first
    assert [(lot["quantity"], lot["basis"]) for lot in before["lots"]] == [(1, 100)]
    assert [(lot["quantity"], lot["basis"]) for lot in after["lots"]] == [(1, 100), (Decimal("0.5"), 150), (1, 200)]
    assert before["gain"] - before["basis"] == after["gain"] - after["basis"] + 600


# --- the entries that they are made of --------------------------------------------------------------------------------


class Watched(FakeLedger):
    """Notes from where entries are read, and fails, or leaves some out, when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.read_after: list[int] = []
        self.is_away = False
        self.left_out = set[int]()

    async def movements(self, portfolio_id: int, *, after: int, limit: int) -> Any:
        self.read_after.append(after)
        found = await super().movements(portfolio_id, after=after, limit=min(limit, 2))
        if self.is_away and after:
            raise LedgerUnavailable("away")
        return [entry for entry in found if entry.revision not in self.left_out]


async def test_entries_are_read_when_they_are_asked_for_and_then_the_new_ones_alone() -> None:
    async with running(ledger=Watched()) as service:
        await book(service)
        service.ledger.read_after.clear()
        await ask(service, "/lots")
        await ask(service, "/gains", method="average")
        assert service.ledger.read_after == [0, 2, 4, 6]
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        assert (await ask(service, "/lots"))["revision"] == 8
        assert service.ledger.read_after == [0, 2, 4, 6]  # what this process booked is announced
        of_another = MoveCash(kind=CashTransactionKind.DEPOSIT, amount=Money(Decimal(1)), owner="")
        await MoveCashInOrOut(service.ledger, service.clock, BookingRules())(1, of_another)
        assert (await ask(service, "/lots"))["revision"] == 9
        assert service.ledger.read_after == [0, 2, 4, 6, 8]


async def test_a_portfolio_of_before_has_the_entries_of_before() -> None:
    async with running(ledger=Watched()) as service:
        await book(service)
        journal, before = Journal(service.ledger), (await service.cases.ledger.snapshots.newest()).portfolio
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        newest = await journal.read((await service.cases.ledger.snapshots.newest()).portfolio)
        service.ledger.read_after.clear()
        older = await journal.read(before)
        assert (older.revision, [*older.moved]) == (before.revision, [*newest.moved][:-1])
        assert service.ledger.read_after == [newest.revision - 1]  # whether the ledger was put back since


async def test_what_another_has_read_is_not_read_again() -> None:
    async with running(ledger=Watched()) as service:
        await book(service)
        ledger, cases = service.ledger, service.cases
        journal, first = Journal(ledger), (await cases.ledger.snapshots.newest()).portfolio
        every = list(await FakeLedger.movements(ledger, 1, after=0, limit=100))
        journal.offer(5, every[5:])  # not the next ones
        journal.offer(0, every)
        ledger.read_after.clear()
        assert [*(await journal.read(first)).moved] == every
        assert ledger.read_after == []
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        second = (await cases.ledger.snapshots.newest()).portfolio
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        journal.offer(first.revision, list(await FakeLedger.movements(ledger, 1, after=first.revision, limit=100)))
        found = await journal.read(second)  # of before what was offered
        assert (found.revision, len(found.moved), found.is_complete) == (second.revision, second.revision, True)


async def test_a_reading_that_broke_off_goes_on_where_it_stopped() -> None:
    async with running(ledger=Watched()) as service:
        await book(service)
        service.ledger.read_after.clear()
        service.ledger.is_away = True
        assert (await service.http.get("/lots")).status_code == 503
        service.ledger.is_away = False
        assert (await ask(service, "/lots"))["basis"] == 200
        assert service.ledger.read_after == [0, 2, 2, 4, 6]


async def test_entries_that_do_not_add_up_to_the_books_are_told() -> None:
    async with running(ledger=Watched()) as service:
        await book(service)
        service.ledger.left_out.add(7)
        found = await ask(service, "/lots")
        assert (found["complete"], found["count"]) == (False, 3)
        service.ledger.left_out.clear()
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        found = await ask(service, "/lots")
        assert (found["complete"], found["count"]) == (True, 1)


async def test_a_ledger_that_was_put_back_is_read_anew() -> None:
    async with running(ledger=Watched()) as service:
        kept = service.ledger.books.copy()
        await book(service)
        assert (await ask(service, "/lots"))["count"] == 1
        service.ledger.books = kept.copy()
        await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
        assert (await ask(service, "/lots"))["count"] == 0
        await book(service)
        assert (await ask(service, "/lots"))["count"] == 1
        service.ledger.books = kept  # and this time as far as it had been, and further
        for amount in range(1, 8):
            await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": amount})
        found = await ask(service, "/lots")
        assert (found["count"], found["revision"], found["complete"]) == (0, 9, True)


# --- picked lots ------------------------------------------------------------------------------------------------------


async def pick(service: Service, trade_id: int | str, *lots: tuple[int, str], status: int = 200) -> Any:
    body = {"lots": [{"entry": entry, "quantity": quantity} for entry, quantity in lots]}
    answer = await service.http.post(f"/trades/{trade_id}/lots", json=body)
    assert answer.status_code == status, answer.text
    return answer


async def test_a_sale_takes_the_lots_that_were_picked_for_it(service: Service) -> None:
    await book(service)
    before = await ask(service, "/lots", method="picked", as_of="2024-03-01T11:59:59Z")
    assert [(lot["entry"], lot["quantity"]) for lot in before["lots"]] == [(3, 1), (4, 1), (5, 1)]
    said = exact((await pick(service, 5, (4, "1"), (5, "0.5"))).text)
    assert said["lots"] == [{"entry": 4, "quantity": 1}, {"entry": 5, "quantity": Decimal("0.5")}]
    assert (said["symbol"], said["trade_id"], said["revision"], said["replayed"]) == ("BTC", 5, 7, False)
    found = await ask(service, "/gains", method="picked")
    assert [(row["basis"], row["picked"], row["disposed_by"]) for row in found["gains"]] == [
        (300, True, 5),
        (100, True, 5),
        (50, False, 4),
    ]
    assert (found["unpicked"], found["gain"]) == (1, 400)
    assert (await ask(service, "/lots", method="picked"))["unpicked"] == 1
    assert (await ask(service, "/lots"))["unpicked"] is None
    assert (await ask(service, "/gains"))["unpicked"] is None
    assert exact((await pick(service, 5, (4, "1"), (5, "0.5"))).text)["replayed"] is True
    assert exact((await pick(service, 5)).text)["lots"] == []
    assert (await ask(service, "/gains", method="picked"))["unpicked"] == 3


async def test_lots_that_a_sale_could_not_take_are_refused(service: Service) -> None:
    await book(service)
    assert is_problem(await pick(service, 5, (4, "1"), status=422), 422, "not-pickable")
    assert is_problem(await pick(service, 5, (9, "1.5"), status=422), 422, "not-pickable")
    assert is_problem(await pick(service, 1, (3, "1"), status=422), 422, "not-pickable")
    for trade_id in (77, "x", 0):
        assert is_problem(await pick(service, trade_id, (3, "1"), status=404), 404, "not-found")
    unreadable: list[Any] = [[{"entry": 0, "quantity": 1}], [{"entry": 3, "quantity": -1}], [{"entry": 3}], {}]
    for lots in unreadable:
        answer = await service.http.post("/trades/5/lots", json={"lots": lots})
        assert answer.status_code == 400, answer.text
    answer = await service.http.post("/trades/5/lots", json={"lots": [{"entry": 3, "quantity": "0"}]})
    assert fields(answer) == {"lots[0].quantity"}


async def test_what_is_picked_is_kept_in_the_database(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        await book(service)
        await pick(service, 5, (5, "1"), (4, "0.5"))
        assert [row["basis"] for row in (await ask(service, "/gains", method="picked"))["gains"]] == [200, 150, 50]
