"""Imports that came over HTTP: looked at, booked once whoever asks how often, and taken back as a whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portfolio.adapters.files.imports import GivenFiles
from portfolio.application.errors import LedgerUnavailable, NotFound, OutcomeUnknown
from portfolio.application.imports.kept.answers import answers_of
from portfolio.application.imports.kept.looking import (
    BookedPreview,
    BookPreview,
    Importing,
    LookAtImport,
    MadePreview,
    _Within,
)
from portfolio.application.imports.kept.records import ANSWERED_FOR, MOST_OPEN, OPEN_FOR, Asked, GivenFile, GivenImport
from portfolio.application.imports.kept.reversal import ImportReversal, ReverseImport
from portfolio.application.imports.simulation import Simulation
from portfolio.application.imports.worth import RatesRefused
from portfolio.application.ledger.happenings.imported import BOOKED, REVERSED, KeptImport
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.errors import NotReversible
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules
from tests.contract.imports.test_import_booking import (
    BINANCE_TRADES,
    EXAMPLES,
    GLUED,
    KRAKEN,
    RATES,
    figures,
    imported,
    kept,
)
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.imports import NOW, StoppedClock
from tests.support.ledger_examples import open_books

__all__ = ["ports"]

RATES_FILE = "date,currency,dollars\n" + "".join(f"{day},{symbol},{rate}\n" for (day, symbol), rate in RATES.items())


class SetClock(StoppedClock):
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> Any:
        return NOW + self.ahead


def given(files: Mapping[str, str | bytes], rates: str | None = RATES_FILE, **asked: Any) -> GivenImport:
    """Files as they come."""
    named = [GivenFile(n, text if isinstance(text, bytes) else text.encode()) for n, text in files.items()]
    of_rates = None if rates is None else GivenFile("rates.csv", rates.encode())
    return GivenImport(files=named, asked=Asked(**asked), rates=of_rates)


def importing(ports: Ports, clock: StoppedClock | None = None, **others: Any) -> Importing:
    return Importing(
        imports=ports.imports,
        ledger=ports.ledger,
        prices=ports.prices,
        clock=clock or StoppedClock(),
        rules=BookingRules(),
        read_given=GivenFiles,
        **others,
    )


async def look(ports: Ports, files: Mapping[str, str | bytes], owner: str = "desk", **asked: Any) -> MadePreview:
    return await LookAtImport(importing(ports))(1, given(files, **asked), owner=owner)


async def book(ports: Ports, preview_id: str, owner: str = "desk") -> BookedPreview:
    return await BookPreview(importing(ports))(1, preview_id, owner=owner)


async def reverse(ports: Ports, import_id: int | None, **how: Any) -> ImportReversal:
    assert import_id is not None
    return await ReverseImport(ports.ledger, StoppedClock(), BookingRules())(1, import_id, owner="desk", **how)


async def holds(ports: Ports) -> None:
    found = await VerifyBooks(ports.ledger, page_size=4)(1)
    assert (found.differences, found.unreconciled) == ([], [])


async def newest(ports: Ports) -> KeptImport:
    page = await ports.imports.page(1, before=None, limit=1)
    [found] = page.items
    return found


async def swap_of(ports: Ports) -> tuple[int, list[int]]:
    """The ids of the newest swap, and of its trades."""
    page = await ports.lookups.events(1, before=None, limit=10)
    swap = next(one for one in page.items if one.entry.transaction.kind is CashTransactionKind.SWAP)
    assert swap.id is not None
    return swap.id, [one.id for one in swap.trades]


# --- looked at, and booked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_preview_is_the_dry_run_and_its_booking_what_it_says(ports: Ports, name: str) -> None:
    start = await open_books(ports.ledger)
    files = {"file": EXAMPLES[name], "bad": GLUED + "x\n"}
    dry = await imported(ports, files, dry_run=True)
    made = await look(ports, files)
    assert answers_of(made.files) == answers_of(dry)
    assert await ports.ledger.load(1) == start
    booked = await book(ports, made.kept.preview_id)
    assert booked.answer == answers_of(dry)
    assert not booked.replayed
    record = await newest(ports)
    assert (record.id, record.preview_id, record.state) == (booked.import_id, made.kept.preview_id, BOOKED)
    books = await ports.ledger.load(1)
    assert (record.first_revision, record.last_revision) == (start.revision + 1, books.revision)
    await holds(ports)


async def test_what_is_booked_twice_is_booked_once_and_answered_the_same(ports: Ports) -> None:
    await open_books(ports.ledger)
    made = await look(ports, {"file": BINANCE_TRADES})
    answers = await asyncio.gather(*(book(ports, made.kept.preview_id) for _ in range(3)), return_exceptions=True)
    # One of a crowd may have to ask again; nobody is told anything else.
    told = [one for one in answers if isinstance(one, BookedPreview)]
    assert all(isinstance(one, BookedPreview | LedgerUnavailable) for one in answers)
    told.append(await book(ports, made.kept.preview_id))
    assert len({(one.import_id, one.answer) for one in told}) == 1
    assert [one.replayed for one in told].count(False) == 1
    assert told[-1].replayed
    page = await ports.imports.page(1, before=None, limit=10)
    assert len(page.items) == 1
    await holds(ports)


async def test_where_nothing_is_new_there_is_no_import_and_an_answer(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file": BINANCE_TRADES})
    made = await look(ports, {"again": BINANCE_TRADES})
    booked = await book(ports, made.kept.preview_id)
    assert booked.import_id is None
    [said] = json.loads(booked.answer)
    assert (said["events"], len(said["known"]), said["name"]) == ([], 6, "again")
    assert (await book(ports, made.kept.preview_id)) == replace(booked, replayed=True)


async def test_what_rows_become_is_computed_before_the_lock_unless_the_books_move(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_books(ports.ledger)
    under_lock: list[bool] = []
    inside = False
    enter, begin = Simulation.enter, _Within.begin

    def entering(self: Simulation, previews: Any) -> None:
        under_lock.append(inside)
        enter(self, previews)

    async def beginning(self: _Within, unit: LedgerUnit) -> None:
        nonlocal inside
        await begin(self, unit)
        inside = True

    monkeypatch.setattr(Simulation, "enter", entering)
    monkeypatch.setattr(_Within, "begin", beginning)
    made = await look(ports, {"file": KRAKEN})
    under_lock.clear()
    first = await book(ports, made.kept.preview_id)
    assert (under_lock, first.answer) == ([False], answers_of(made.files))
    await holds(ports)
    # Another account's import comes between what was read and the lock.
    made = await look(ports, {"file": KRAKEN}, account="second")
    standing, inside = ports.imports.standing, False
    under_lock.clear()

    async def then_moved(portfolio_id: int, account: str, span: Any) -> Any:
        found = await standing(portfolio_id, account, span)
        await imported(ports, {"file": BINANCE_TRADES}, account="third")
        under_lock.clear()
        return found

    monkeypatch.setattr(ports.imports, "standing", then_moved)
    booked = await book(ports, made.kept.preview_id)
    assert under_lock == [False, True]
    assert booked.answer == answers_of(made.files)
    await holds(ports)


@pytest.mark.parametrize("partial", [False, True])
async def test_a_preview_of_which_nothing_can_be_booked_stays_open(ports: Ports, partial: bool) -> None:
    await open_books(ports.ledger)
    sold = GLUED + "2022-03-20 10:00:00,BTCUSDT,SELL,40000,0.0082BTC,328USDT,0USDT\n"
    made = await look(ports, {"sold": sold}, partial=partial)
    for _ in range(2):
        nothing = await book(ports, made.kept.preview_id)
        assert (nothing.import_id, nothing.replayed) == (None, False)
        assert json.loads(nothing.answer)[0]["reported"]
    # What came before comes; then the same preview books.
    await imported(ports, {"first": KRAKEN})
    booked = await book(ports, made.kept.preview_id)
    assert booked.import_id is not None
    assert (await book(ports, made.kept.preview_id)) == replace(booked, replayed=True)
    await holds(ports)


@pytest.mark.parametrize("comes", [True, False], ids=["it had come in", "it had not"])
async def test_a_booking_whose_answer_is_lost_is_booked_once(ports: Ports, comes: bool) -> None:
    if not isinstance(ports.ledger, FakeLedger):
        pytest.skip("the books in memory lose an answer on demand")
    await open_books(ports.ledger)
    made = await look(ports, {"file": KRAKEN})
    ports.ledger.fail_next, ports.ledger.fail_after_commit = OutcomeUnknown("lost"), comes
    booked = await book(ports, made.kept.preview_id)
    assert not booked.replayed
    assert len(ports.ledger.books.imports) == 1
    assert (await book(ports, made.kept.preview_id)).answer == booked.answer
    await holds(ports)


async def test_a_preview_that_is_booked_between_two_looks_is_answered_as_it_was(ports: Ports) -> None:
    await open_books(ports.ledger)
    made = await look(ports, {"file": KRAKEN})
    first = await book(ports, made.kept.preview_id)

    class Slow:
        """Whose answers are from before."""

        def __init__(self) -> None:
            self.looks = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(ports.imports, name)

        async def preview(self, preview_id: str) -> Any:
            self.looks += 1
            return made.kept if self.looks == 1 else await ports.imports.preview(preview_id)

        async def given(self, preview: Any) -> GivenImport:
            return given({"file": KRAKEN})

    of = importing(ports)
    of.imports = Slow()
    second = await BookPreview(of)(1, made.kept.preview_id, owner="desk")
    assert second == replace(first, replayed=True)


async def test_a_preview_is_its_owners_and_expires_and_few_are_kept(ports: Ports) -> None:
    await open_books(ports.ledger)
    clock = SetClock()
    of = importing(ports, clock)
    made = [await LookAtImport(of)(1, given({"file": KRAKEN}), owner="desk") for _ in range(MOST_OPEN + 1)]
    other = await LookAtImport(of)(1, given({"file": KRAKEN}), owner="other")
    with pytest.raises(NotFound):
        await book(ports, made[0].kept.preview_id)
    for preview_id, owner in ((made[1].kept.preview_id, "other"), ("none", "desk")):
        with pytest.raises(NotFound):
            await book(ports, preview_id, owner)
    booked = await BookPreview(of)(1, other.kept.preview_id, owner="other")
    clock.ahead = OPEN_FOR
    with pytest.raises(NotFound, match="expired"):
        await BookPreview(of)(1, made[1].kept.preview_id, owner="desk")
    assert (await BookPreview(of)(1, other.kept.preview_id, owner="other")).answer == booked.answer
    await LookAtImport(of)(1, given({"file": KRAKEN}), owner="desk")
    assert await ports.imports.preview(made[1].kept.preview_id) is None
    clock.ahead = ANSWERED_FOR
    with pytest.raises(NotFound):
        await BookPreview(of)(1, other.kept.preview_id, owner="other")


async def test_a_preview_that_goes_while_it_is_booked_books_nothing(ports: Ports) -> None:
    start = await open_books(ports.ledger)
    made = await look(ports, {"file": KRAKEN})

    class Gone:
        def __getattr__(self, name: str) -> Any:
            return getattr(ports.imports, name)

        async def preview(self, preview_id: str) -> Any:
            return replace(made.kept, preview_id=preview_id)

        async def given(self, preview: Any) -> GivenImport | None:
            return given({"file": KRAKEN}) if preview.preview_id == "gone" else None

    of = importing(ports)
    of.imports = Gone()
    for preview_id in ("gone", "without an answer"):
        with pytest.raises(NotFound):
            await BookPreview(of)(1, preview_id, owner="desk")
    assert await ports.ledger.load(1) == start


async def test_a_file_of_rates_that_is_none_is_refused(ports: Ports) -> None:
    await open_books(ports.ledger)
    with pytest.raises(RatesRefused, match=r"rates\.csv"):
        await look(ports, {"file": KRAKEN}, rates="no rates\n")
    without = await look(ports, {"file": KRAKEN}, rates=None)
    assert without.files[0].reported


async def test_files_of_any_size_and_name_come_back_as_they_were(ports: Ports) -> None:
    await open_books(ports.ledger)
    noise = bytes(range(256)) * 5_000 + b"".join(number.to_bytes(4, "big") for number in range(400_000))
    named = GivenImport(
        files=[GivenFile("\ud800\0name", noise), GivenFile("", b"")],
        asked=Asked(account="ü", zone="Europe/Vienna", decimal=",", date_order="dmy", funding="implied", opening=True),
    )
    made = await LookAtImport(importing(ports))(1, named, owner="desk")
    again = await ports.imports.given(made.kept)
    assert again is not None
    assert again.asked == named.asked
    assert [one.content for one in again.files] == [noise, b""]


# --- taken back -------------------------------------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_import_is_taken_back_as_if_it_had_never_been(ports: Ports, name: str) -> None:
    start = await open_books(ports.ledger)
    files = {"file": EXAMPLES[name]}
    dry = await imported(ports, files, dry_run=True)
    await imported(ports, files)
    record = await newest(ports)
    before = await ports.ledger.load(1)
    looked = await reverse(ports, record.id, dry_run=True)
    assert await ports.ledger.load(1) == before
    assert (looked.kept, looked.dry_run, looked.left) == (record, True, 0)
    done = await reverse(ports, record.id)
    books = await ports.ledger.load(1)
    assert figures(books) == figures(start)
    assert done.entries == looked.entries == books.revision - before.revision
    assert (done.kept.reversed_first, done.kept.reversed_last) == (before.revision + 1, books.revision)
    assert done.kept.state == REVERSED
    await holds(ports)
    assert record.id is not None
    again = await reverse(ports, record.id)
    assert again == replace(done, replayed=True)
    assert (await ports.ledger.load(1)).revision == books.revision
    assert await kept(ports) == []
    # Its rows are free: the file is booked again, as if for the first time.
    assert answers_of(await imported(ports, files)) == answers_of(dry)
    assert figures(await ports.ledger.load(1)) == figures(before)
    assert await ports.imports.named(1, record.id) == done.kept
    await holds(ports)


async def test_what_cannot_be_taken_back_is_named_and_nothing_is(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"first": KRAKEN})
    first = await newest(ports)
    sold = GLUED + "2022-03-20 10:00:00,BTCUSDT,SELL,40000,0.0082BTC,328USDT,0USDT\n"
    await imported(ports, {"second": sold})
    before = await ports.ledger.load(1)
    with pytest.raises(NotReversible, match=rf"import {first.id} cannot be reversed: entry \d+ of it cannot: .*BTC"):
        await reverse(ports, first.id)
    assert await ports.ledger.load(1) == before
    with pytest.raises(NotFound):
        await reverse(ports, 999)
    second = await newest(ports)
    await reverse(ports, second.id)
    await reverse(ports, first.id)
    await holds(ports)


async def test_entries_that_were_taken_back_one_by_one_are_left(ports: Ports) -> None:
    start = await open_books(ports.ledger)
    await imported(ports, {"file": BINANCE_TRADES})
    record, rules, (swap_id, _) = await newest(ports), BookingRules(), await swap_of(ports)
    await ReverseEvent(ports.ledger, StoppedClock(), rules)(1, swap_id, owner="desk")
    last = record.last_revision or 0
    [logged] = await ports.ledger.transact(1, lambda unit: unit.imports.logged(last, last))
    assert logged.entry is not None
    await ReverseTrade(ports.ledger, StoppedClock(), rules)(1, logged.entry.id, owner="desk")
    done = await reverse(ports, record.id)
    assert done.left == 4
    assert figures(await ports.ledger.load(1)) == figures(start)
    await holds(ports)


async def test_a_swap_of_which_one_trade_was_taken_back_alone_is_named(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file": BINANCE_TRADES})
    record, rules, (_, (first, second)) = await newest(ports), BookingRules(), await swap_of(ports)
    await ReverseTrade(ports.ledger, StoppedClock(), rules)(1, second, owner="desk")
    with pytest.raises(NotReversible, match=f"trade {second} of it was reversed alone: reverse trade {first} too"):
        await reverse(ports, record.id)


async def test_a_swap_whose_trades_were_all_taken_back_alone_is_left(ports: Ports) -> None:
    start = await open_books(ports.ledger)
    await imported(ports, {"file": BINANCE_TRADES})
    record, rules, (swap_id, ids) = await newest(ports), BookingRules(), await swap_of(ports)
    for number in reversed(ids):
        await ReverseTrade(ports.ledger, StoppedClock(), rules)(1, number, owner="desk")
    with pytest.raises(NotReversible, match=f"it is reversed already: trades {ids[0]} and {ids[1]} of it were, alone"):
        await ReverseEvent(ports.ledger, StoppedClock(), rules)(1, swap_id, owner="desk")
    done = await reverse(ports, record.id)
    assert done.left == 3
    assert await reverse(ports, record.id) == replace(done, replayed=True)
    assert figures(await ports.ledger.load(1)) == figures(start)
    await holds(ports)


async def test_an_import_that_moved_nothing_is_taken_back_by_no_entry(ports: Ports) -> None:
    await open_books(ports.ledger)
    exchanged = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Label\n"
    files = {"file": exchanged + "2022-03-01 10:00 UTC,100,USDT,100,USDC,,,\n"}
    [preview] = await imported(ports, files)
    assert len(preview.events) == 1
    record = await newest(ports)
    assert (record.first_revision, record.last_revision) == (None, None)
    done = await reverse(ports, record.id)
    assert (done.entries, done.kept.reversed_first) == (0, None)
    assert (await reverse(ports, record.id)) == replace(done, replayed=True)
    [again] = await imported(ports, files)
    assert len(again.events) == 1


async def test_an_import_from_before_its_entries_were_noted_is_refused(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file": KRAKEN})
    record = await newest(ports)
    assert record.id is not None
    old = replace(record, first_revision=None, last_revision=None)
    await _keep(ports, old)
    with pytest.raises(NotReversible, match="one by one"):
        await reverse(ports, record.id)


async def test_entries_that_cannot_be_read_are_not_taken_back(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"file": KRAKEN})
    record = await newest(ports)
    assert record.id is not None
    assert record.last_revision is not None
    await _keep(ports, replace(record, last_revision=record.last_revision + 1))
    with pytest.raises(NotReversible, match="not all of its entries"):
        await reverse(ports, record.id)


async def test_a_reversal_whose_answer_is_lost_is_booked_once(ports: Ports) -> None:
    if not isinstance(ports.ledger, FakeLedger):
        pytest.skip("the books in memory lose an answer on demand")
    start = await open_books(ports.ledger)
    await imported(ports, {"file": KRAKEN})
    record = await newest(ports)
    ports.ledger.fail_next, ports.ledger.fail_after_commit = OutcomeUnknown("lost"), True
    done = await reverse(ports, record.id)
    assert not done.replayed
    assert figures(await ports.ledger.load(1)) == figures(start)


async def test_imports_are_listed_page_by_page(ports: Ports) -> None:
    await open_books(ports.ledger)
    for name, text in EXAMPLES.items():
        await imported(ports, {name: text}, account=name)
    first = await ports.imports.page(1, before=None, limit=3)
    rest = await ports.imports.page(1, before=first.next_before, limit=3)
    assert [one.account for one in (*first.items, *rest.items)] == list(reversed(EXAMPLES))
    assert rest.next_before is None
    assert await ports.imports.named(1, 999) is None


async def _keep(ports: Ports, record: KeptImport) -> None:
    """Write a record as no use case would."""

    async def write(unit: LedgerUnit) -> None:
        await unit.imports.take_back(record)

    await ports.ledger.transact(1, write)
