"""What is exported as events is imported into empty books, and makes the same books, to the last digit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portfolio.application.errors import BooksMoved, LedgerUnavailable
from portfolio.application.exports.again import booking
from portfolio.application.exports.again.booking import BookAgain, RowClock
from portfolio.application.exports.again.money_back import TakeMoneyBack
from portfolio.application.exports.again.reading import read_rows
from portfolio.application.exports.again.records import BookedAgain, ExportedFile, ExportedRow, ReportedRow
from portfolio.application.exports.columns import HAPPENED
from portfolio.application.exports.happened import HappenedRows
from portfolio.application.exports.tables import rows_of
from portfolio.application.imports.kept.reversal import ReverseImport
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import UNITS_BEGIN_ANEW, MoveCash, MoveCashInOrOut
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.decimal_text import plain
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.money import Money
from portfolio.entrypoints.exports.read_back import is_export, read_back
from tests.contract.http.exports.test_exports import file
from tests.contract.http.exports.test_way_back import live, post
from tests.contract.imports.test_import_booking import COINBASE, EXAMPLES, imported, reasons
from tests.contract.ledger import test_late_splits as late_splits
from tests.contract.ledger.event_wishes import CLOCK, RULES
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.imports import StoppedClock
from tests.support.services.http_service import Service, running

__all__ = ["ports"]

DEAREST: dict[str, Any] = {"symbol": "BTC", "side": "BUY", "quantity": "1", "price": 100, "net_amount": 100}
ODD: list[dict[str, Any]] = [{"fees": 50}, {"side": "SELL", "quantity": "90", "net_amount": 9000}]


ODD_EVENTS: list[dict[str, Any]] = [
    {"kind": "transfer_out", "symbol": "XMR", "quantity": "2", "value": 300},
    {"kind": "transfer_in", "symbol": "XMR", "quantity": "3", "value": 500, "basis": 450},
    {"kind": "loss", "symbol": "LTC", "quantity": "3"},
    {"kind": "exchange", "symbol": "BCH", "quantity": "3", "to_symbol": "BSV", "to_quantity": "4"},
    {"kind": "swap", "symbol": "ETC", "quantity": "3", "to_symbol": "DASH", "to_quantity": "4", "value": 60},
]


@asynccontextmanager
async def living() -> AsyncIterator[Service]:
    """Books with an entry of each kind, each booked at a moment of its own, and always the same."""
    async with running(opened=False, allow_negative_cash=True) as service:
        await OpenBooks(service.ledger, service.clock, Money.zero())(1)
        await post(service, "/cash/transactions", {"kind": "deposit", "amount": "100000.123", "note": "=1+1"})
        service.http.event_hooks = {"request": [_let_time_pass(service)]}
        await live(service)
        dust = {"symbol": "ADA", "quantity": "0.000000000000000003", "to_symbol": "DUST", "ratio": "0.4"}
        third = {"symbol": "SOL", "quantity": "3", "to_symbol": "LUNA", "to_quantity": "1"}
        for event in (dust, third):
            await post(service, "/events", {"kind": "exchange", **event})
        await post(service, "/ledger/restate", {"dry_run": False})
        # What rules would refuse now was once accepted: fees of more than a tenth, and a sale of what was not there.
        for number, more in enumerate(ODD):
            body = {**DEAREST, **more, "client_trade_id": f"odd-{number}"}
            assert (await service.http.post("/holdings/update", json=body)).status_code in {400, 409}
            await post(service, "/holdings/update", {**body, "override": True})
        for number, event in enumerate(ODD_EVENTS):
            body = {**event, "client_event_id": f"late-{number}"}
            assert (await service.http.post("/events", json=body)).status_code == 409
            await post(service, "/events", {**body, "override": True})
        wish = MoveCash(
            kind=CashTransactionKind.DEPOSIT,
            amount=Money(Decimal("3.5")),
            owner="import",
            note=UNITS_BEGIN_ANEW,
            effective_at=datetime(2024, 2, 3, tzinfo=UTC),
        )
        await MoveCashInOrOut(service.ledger, service.clock, BookingRules())(1, wish)
        service.http.event_hooks = {}
        yield service


@pytest.fixture
async def lived() -> AsyncIterator[Service]:
    """Books of a test's own."""
    async with living() as service:
        yield service


def _let_time_pass(service: Service) -> Callable[[Any], Any]:
    async def later(request: Any) -> None:
        del request
        clock: Any = service.clock
        clock.advance(61.0)

    return later


async def kept(service: Service, folder: Path, kind: str = "csv") -> str:
    """Write the events of books to a file."""
    path = folder / f"events.{kind}"
    path.write_bytes(await file(service, "events", format=kind))
    return str(path)


async def held(ledger: Ledger, lookups: Lookups) -> list[dict[str, Any]]:
    """The rows of events that are in books."""
    last = (await ledger.revisions(1)).ledger
    made = rows_of(HAPPENED, HappenedRows().rows(await lookups.log(1, after=0, until=last)))
    names = [column.name for column in HAPPENED]
    return [dict(zip(names, row, strict=True)) for row in made]


def figures(books: Portfolio) -> list[Any]:
    """The sums and the positions of books."""
    names = ("cash", "net_deposits", "realized_pnl", "fees_paid", "revision", "unreconciled")
    costs = ("quantity", "cost_basis", "asset_cost", "realized_pnl", "avg_entry_price")
    positions = {symbol: [getattr(p, name) for name in costs] for symbol, p in books.positions.items()}
    return [*(getattr(books, name) for name in names), positions]


@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_a_file_makes_the_same_books_on_every_database(
    lived: Service, ports: Ports, tmp_path: Path, kind: str
) -> None:
    path = await kept(lived, tmp_path, kind)
    assert is_export(path)
    again = BookAgain(ports.ledger, ports.lookups)
    planned = await again(1, read_back(path), dry_run=True)
    assert ([*planned.reported, *planned.known], len(planned.booked)) == ([], planned.rows)
    assert await ports.ledger.is_adopted(1) is None
    done = await again(1, read_back(path))
    assert (done.reported, len(done.known), len(done.booked)) == ([], 1, done.rows - 1)
    after = await ports.ledger.load(1)
    assert figures(after) == figures(await lived.ledger.load(1))
    rows = await held(lived.ledger, lived.cases.lookups)
    for one, two in zip(rows, await held(ports.ledger, ports.lookups), strict=True):
        of_units = {"key"} if UNITS_BEGIN_ANEW not in str(one["note"]) else {"key", "note"}  # which prices decide
        assert {**two, **{name: one[name] for name in of_units}} == one
        assert two["key"] == one["key"] or one["key"] is None
    assert {row["kind"] for row in rows} >= {"trade", "restatement", "swap", "split", "withdrawal", "exchange"}
    assert (await VerifyBooks(ports.ledger)(1)).holds
    twice = await again(1, read_back(path))
    assert (twice.reported, len(twice.known), twice.booked) == ([], twice.rows, [])
    assert await ports.ledger.load(1) == after


class Books:
    """Books in memory, into which files are booked again."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()
        self.lookups = FakeLookups(self.ledger)

    async def book(self, exported: ExportedFile, **given: Any) -> BookedAgain:
        return await BookAgain(self.ledger, self.lookups)(1, exported, **given)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> ExportedFile:
    """The file of those books."""

    async def written() -> str:
        async with living() as service:
            return await kept(service, tmp_path_factory.mktemp("exported"))

    return read_back(asyncio.run(written()))


async def test_a_command_that_was_killed_goes_on(
    lived: Service, exported: ExportedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking, "_ROWS_AT_ONCE", 7)
    books, transact, told = Books(), FakeLedger.transact, list[tuple[str, int, int]]()
    for steps in (0, 1, 5, 11):
        left = iter(range(steps))

        async def until_killed(self: FakeLedger, *args: Any, left: Any = left, **given: Any) -> Any:
            if next(left, None) is None:
                raise LedgerUnavailable("the process is gone")
            return await transact(self, *args, **given)

        with monkeypatch.context() as patched:
            patched.setattr(FakeLedger, "transact", until_killed)
            with pytest.raises(LedgerUnavailable):
                await books.book(exported)
    done = await books.book(exported, tell=lambda *one: told.append(one))
    assert (done.reported, 1 < len(done.known) < done.rows) == ([], True)
    assert [*done.known, *done.booked] == read_rows(exported)[0]
    assert told[-1] == ("rows", done.rows, done.rows)
    assert figures(await books.ledger.load(1)) == figures(await lived.ledger.load(1))


async def test_a_commit_of_which_nothing_was_heard_is_not_made_twice(lived: Service, exported: ExportedFile) -> None:
    """Its key tells, whatever the books looked like before."""
    books = Books()
    await books.book(exported)
    rows = [row.entry for row in read_rows(exported)[0]]
    run = booking._Run(books.ledger, books.lookups, RowClock(), 1, read_rows(exported)[0])
    assert await run.find_beginning(opens=True) is None
    for row in rows[1:]:
        run._clock.stand_at(datetime(2030, 1, 1, tzinfo=UTC))
        if row.kind != "restatement":
            await run._book(row)
    assert figures(await books.ledger.load(1)) == figures(await lived.ledger.load(1))


async def test_books_that_the_service_opened_take_the_file(lived: Service, exported: ExportedFile) -> None:
    books = Books()
    await OpenBooks(books.ledger, FakeClock(), Money.zero())(1)
    assert len((await books.book(exported, dry_run=True)).known) == 1
    assert not (await books.book(exported)).reported
    assert figures(await books.ledger.load(1)) == figures(await lived.ledger.load(1))


async def test_books_that_hold_anything_else_are_left_alone(exported: ExportedFile) -> None:
    books = Books()
    await OpenBooks(books.ledger, FakeClock(), Money(Decimal(5)))(1)
    found = await books.book(exported)
    assert [one.row for one in found.reported] == [exported.rows[1].place]
    assert "PORTFOLIO_INITIAL_CASH=0" in found.reported[0].reason
    assert "the books are another at revision 2" in found.reported[0].reason
    assert (await books.ledger.load(1)).revision == 2
    full = Books()
    await full.book(exported)
    await MoveCashInOrOut(full.ledger, FakeClock(), BookingRules())(
        1, MoveCash(kind=CashTransactionKind.DEPOSIT, amount=Money(Decimal(1)), owner="")
    )
    [more] = (await full.book(exported)).reported
    assert "which is not in the file" in more.reason
    taken = Books()
    await taken.ledger.create(1)
    taken.ledger.books.portfolio = replace(await taken.ledger.load(1), cash=Money(Decimal(1)))
    [rows] = (await taken.book(exported)).reported
    assert "another program wrote rows" in rows.reason
    assert await taken.ledger.is_adopted(1) is False


def changed(file: ExportedFile, place: int, **cells: str | None) -> ExportedFile:
    """The file with other cells in a row."""
    rows = [*file.rows]
    rows[place] = ExportedRow(rows[place].place, {**rows[place].cells, **cells})
    return replace(file, rows=rows)


def first(file: ExportedFile, kind: str, *, reversal: bool = False) -> int:
    """The position of the first row of a kind."""
    return next(
        n for n, row in enumerate(file.rows) if row.cells["kind"] == kind and bool(row.cells["reverses"]) is reversal
    )


@pytest.mark.parametrize(
    ("kind", "cells", "why"),
    [
        ("baseline", {"cash_delta": "1"}, "opened on rows that were there before"),
        ("baseline", {"booked_at": None}, "booked_at is not there"),
        ("deposit", {"kind": "adjustment"}, "took in what another program wrote"),
        ("deposit", {"kind": "rebuild"}, "mended"),
        ("deposit", {"kind": "gift"}, "'gift' is no kind"),
        ("deposit", {"kind": None}, "could not be read when it was exported"),
        ("deposit", {"amount": None}, "amount is not there"),
        ("deposit", {"amount": "ten"}, "amount: 'ten' cannot be read"),
        ("deposit", {"amount": "1e30"}, "1"),
        ("deposit", {"booked_at": "2024-01-01"}, "booked_at: '2024-01-01' cannot be read"),
        ("deposit", {"basis_assumed": "perhaps"}, "basis_assumed: 'perhaps'"),
        ("trade", {"fees": None}, "fees is not there"),
        ("trade", {"symbol": "b t c"}, "symbol"),
        ("trade", {"revision": "999"}, "is expected, and this is 999"),
        (
            "trade",
            {"kind": "baseline", "symbol": None, "cash_delta": "0", "realized_delta": "0"},
            "the first entry has to be the opening",
        ),
        ("trade", {"reverses": "900"}, "takes out revision 900"),
        ("exchange", {"to_quantity": None}, "to_quantity is not there"),
    ],
)
async def test_a_file_with_a_row_that_cannot_be_booked_is_left_alone(
    exported: ExportedFile, kind: str, cells: dict[str, str | None], why: str
) -> None:
    books, place = Books(), first(exported, kind)
    found = await books.book(changed(exported, place, **cells))
    assert [one.row for one in found.reported] == [exported.rows[place].place]
    assert why in found.reported[0].reason
    assert await books.ledger.is_adopted(1) is None


async def test_a_file_that_is_not_whole_is_left_alone(exported: ExportedFile) -> None:
    without = [ExportedRow(one.place, {n: c for n, c in one.cells.items() if n != "ratio"}) for one in exported.rows]
    for wrong, why in (
        (replace(exported, about={**exported.about, "what": "trades"}), "an export of trades"),
        (replace(exported, about={**exported.about, "since": "2024-01-01T00:00:00Z"}), "without --since"),
        (replace(exported, about={"what": "events"}), "of which ledger revision"),
        (replace(exported, rows=[]), "no row in the file"),
        (replace(exported, rows=without), "no column ratio"),
        (replace(exported, rows=exported.rows[:-1]), "ends before it: it is cut"),
        (replace(exported, faults=[ReportedRow(7, "the row is cut")]), "the row is cut"),
    ):
        books = Books()
        [found] = (await books.book(wrong)).reported
        assert why in found.reason
        assert await books.ledger.is_adopted(1) is None


@pytest.mark.parametrize(
    ("kind", "cells", "why"),
    [
        ("deposit", {"cash_delta": "3"}, "cash_delta is 100000.123, in the file 3"),
        ("trade", {"realized_delta": "3"}, "realized_delta is 0, in the file 3"),
        ("deposit", {"amount": "0"}, "it is refused"),
        ("deposit", {"amount": "99999999999999999999.9"}, "cash_delta"),
        ("transfer_in", {"quantity": "0"}, "it is refused"),
        ("transfer_out", {"quantity": "99999"}, "the books are another"),
        ("split", {"symbol": "DOGE"}, "it is refused"),
        ("trade", {"quantity": "0"}, "it is refused"),
        ("deposit", {"kind": "restatement"}, "nothing to book for it"),
        ("withdrawal", {"reverses": "2"}, "no deposit of an import at revision 2"),
        ("withdrawal", {"reverses": "3"}, "no deposit of an import at revision 3"),
    ],
)
async def test_what_becomes_another_entry_is_said_with_its_row(
    exported: ExportedFile, kind: str, cells: dict[str, str | None], why: str
) -> None:
    books, place = Books(), first(exported, kind)
    found = await books.book(changed(exported, place, **cells))
    assert [one.row for one in found.reported] == [exported.rows[place].place]
    assert why in found.reported[0].reason, found.reported[0].reason


async def test_what_is_refused_under_a_key_is_said_with_its_row(exported: ExportedFile) -> None:
    last = len(exported.rows) - 1
    too_much = changed(exported, last, amount="99999999999999999999.9")
    both = {"owner": "one", "key": "k"}
    events = changed(changed(exported, first(exported, "transfer_in"), **both), first(exported, "income"), **both)
    one, other = (n for n, row in enumerate(exported.rows) if row.cells["key"] in {"odd-0", "odd-1"})
    trades = changed(exported, other, key="odd-0")
    for file_, place, why in (
        (too_much, last, "1e20"),
        (events, first(exported, "income"), "k"),
        (trades, other, "odd-0"),
    ):
        [found] = (await Books().book(file_)).reported
        assert found.row == exported.rows[place].place
        assert found.reason.startswith("it is refused: ")
        assert why in found.reason, found.reason
    assert one < other


@pytest.mark.parametrize("name", ["ledger_cash", "net_deposits", "realized_pnl"])
async def test_sums_that_are_others_are_said(
    exported: ExportedFile, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    newest = FakeLedger.newest

    async def more(self: FakeLedger, portfolio_id: int) -> Portfolio:
        books = await newest(self, portfolio_id)
        is_last = books.revision == int(exported.about["revision"])
        return replace(books, **{name: getattr(books, name) + Money(Decimal(1))}) if is_last else books

    monkeypatch.setattr(FakeLedger, "newest", more)
    [found] = (await Books().book(exported)).reported
    assert "of the file add up to" in found.reason


def test_the_clock_stands_where_the_row_was_booked() -> None:
    clock = RowClock()
    clock.stand_at(datetime(2024, 1, 1, tzinfo=UTC))
    assert clock.monotonic() == clock.now().timestamp() == 1704067200


@pytest.mark.parametrize("name", EXAMPLES)
async def test_what_imports_booked_and_took_back_goes_the_same_way(ports: Ports, name: str) -> None:
    await OpenBooks(ports.ledger, FakeClock(), Money(Decimal(100_000)))(1)
    await imported(ports, {"file.csv": EXAMPLES[name]}, funding=True, opening=True)
    await ReverseImport(ports.ledger, StoppedClock(), BookingRules())(1, 1, owner="desk")
    await imported(ports, {"file.csv": EXAMPLES[name]}, funding=True, opening=True)
    rows = await booked_again(ports)
    money = [row["reverses"] for row in rows if row["kind"] in {"deposit", "withdrawal"}]
    assert any(money) or name not in {"kraken-ledgers"}


async def test_the_least_fee_of_an_import_comes_back_without_an_override(ports: Ports) -> None:
    """A dollar of a purchase for four."""
    await OpenBooks(ports.ledger, FakeClock(), Money(Decimal(100_000)))(1)
    least = COINBASE + "a1,2022-03-01 10:00:00 UTC,Buy,BTC,0.0001,USD,4,5,1,\n"
    assert reasons(await imported(ports, {"file.csv": least})) == []
    books = Books()
    await booked_again(ports, books)
    outcomes = books.ledger.books.outcomes.values()
    assert [isinstance(one.request, BookTrade) and one.request.override for one in outcomes] == [False]


async def booked_again(ports: Ports, books: Books | None = None) -> list[dict[str, Any]]:
    """The rows of books, which booked again make the same books."""
    books = books or Books()
    rows = await held(ports.ledger, ports.lookups)
    texts = [{one: None if cell is None else _written(cell) for one, cell in row.items()} for row in rows]
    about = {"what": "events", "revision": str((await ports.ledger.revisions(1)).ledger)}
    exported = ExportedFile(name="books", about=about, rows=[ExportedRow(n, row) for n, row in enumerate(texts)])
    assert not (await books.book(exported)).reported
    for one, two in zip(rows, await held(books.ledger, books.lookups), strict=True):
        assert {**two, "key": one["key"]} == one
    assert figures(await books.ledger.load(1)) == figures(await ports.ledger.load(1))
    return rows


@pytest.mark.parametrize(
    ("is_of_all", "ratio", "moved"), [(False, "10", "90"), (True, "10", "540"), (True, "0.5", "30")]
)
async def test_a_late_split_is_booked_again_of_as_much_as_it_was_booked_of_first(
    ports: Ports, is_of_all: bool, ratio: str, moved: str
) -> None:
    """Earlier programs booked it of all that was held by then: that is in the file, and in the books made of it."""
    ledger = await late_splits.bought(ports)
    wish = late_splits.split(20, ratio)
    await late_splits.book(ledger, replace(wish, stated_at=None) if is_of_all else wish)
    rows = await booked_again(ports)
    assert [row["quantity"] for row in rows if row["kind"] == "split"] == [Decimal(moved)]


async def test_a_remark_on_what_was_booked_late_stands_once_however_often_it_is_booked_again(ports: Ports) -> None:
    ledger = await late_splits.bought(ports)
    await late_splits.book(ledger, late_splits.split(20))
    commands = [late_splits.late("2", 25, notes="by wire"), late_splits.late("3", 25, client_trade_id="b")]
    await BookTrades(ledger, CLOCK, RULES)(1, commands)
    wish = MoveCash(kind=CashTransactionKind.DEPOSIT, amount=Money(Decimal(3)), owner="", note="rent; ")
    await MoveCashInOrOut(ledger, CLOCK, RULES)(1, wish)
    await ReverseTrade(ledger, CLOCK, RULES)(1, 1, owner="ann", notes="by mistake")
    rows = await booked_again(ports)
    assert [str(row["note"]).count("lies before") for row in rows][-4:] == [1, 1, 0, 1]


async def test_money_is_not_taken_back_in_books_that_moved(exported: ExportedFile) -> None:
    books = Books()
    await books.book(exported)
    take = TakeMoneyBack(books.ledger, FakeClock(), BookingRules())
    with pytest.raises(BooksMoved):
        await take(1, 2, owner="", note=None, revision=1)


def _written(cell: object) -> str:
    """A cell as CSV has it."""
    if isinstance(cell, datetime):
        return cell.isoformat()
    return plain(cell) if isinstance(cell, Decimal) else str(cell).lower() if isinstance(cell, bool) else str(cell)
