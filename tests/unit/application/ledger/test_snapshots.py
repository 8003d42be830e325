"""A reader sees every write acknowledged before it came, and something even while the database is away."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from portfolio.application.errors import BooksContradicted, LedgerUnavailable, PortfolioMissing
from portfolio.application.ledger.announcements import TradeBooked
from portfolio.application.ledger.records import Revisions
from portfolio.application.ledger.snapshots import RELOAD_SECONDS, Snapshots
from portfolio.domain.ledger.portfolio import Portfolio
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.unit.application.ledger.booking_examples import booking, opened, wish
from tests.unit.examples import bought, money


class SlowLedger(FakeLedger):
    """Counts its lookups; each takes its answer at once, and gives it when the gate is open."""

    def __init__(self, books: Books) -> None:
        super().__init__(books)
        self.gate = asyncio.Event()
        self.gate.set()
        self.lookups = 0
        self.loads = 0
        self.after_version: Portfolio | None = None
        self.contradiction: BooksContradicted | None = None

    async def revisions(self, portfolio_id: int) -> Revisions:
        self.lookups += 1
        found = await super().revisions(portfolio_id)
        await self.gate.wait()
        return found

    async def version(self, portfolio_id: int) -> str:
        found = await super().version(portfolio_id)
        self.books.portfolio, self.after_version = self.after_version or self.books.portfolio, None
        return found

    async def load(self, portfolio_id: int) -> Portfolio:
        self.loads += 1
        if self.contradiction is not None:
            raise self.contradiction
        return await super().load(portfolio_id)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def ledger(clock: FakeClock) -> SlowLedger:
    return SlowLedger((await opened(clock)).books)


@pytest.fixture
def snapshots(ledger: SlowLedger, clock: FakeClock) -> Snapshots:
    return Snapshots(ledger, clock, 1)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_write_acknowledged_before_is_seen(snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock) -> None:
    assert snapshots.last is None
    assert (await snapshots.newest()).portfolio.cash == money(100_000)
    await booking(ledger, clock)([wish(bought("BTC", 1, 100))])
    newest = await snapshots.newest()
    assert newest.portfolio.cash == money(99_900)
    assert newest.as_of == clock.now()
    assert snapshots.last is newest


async def test_what_this_process_booked_is_seen_without_looking_up_the_revisions(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    await snapshots.newest()
    await booking(ledger, clock)([wish(bought("BTC", 1, 100))])
    [(trade_id, entry)] = ledger.books.trades.items()
    assert entry is not None
    snapshots.take_notice(TradeBooked(trade_id, entry))
    assert (await snapshots.newest()).portfolio.cash == money(99_900)
    assert ledger.lookups == 1
    await booking(ledger, clock)([wish(bought("BTC", 1, 100))])  # by another process
    assert (await snapshots.newest()).portfolio.cash == money(99_800)
    assert ledger.lookups == 2


async def test_a_write_acknowledged_while_a_lookup_is_under_way_is_seen_by_who_comes_then(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    await snapshots.newest()
    ledger.gate.clear()
    early = asyncio.create_task(snapshots.newest())
    await settle()  # its lookup has begun, and has its answer
    await booking(ledger, clock)([wish(bought("BTC", 1, 100))])
    late = asyncio.create_task(snapshots.newest())
    await settle()
    ledger.gate.set()
    assert (await early).portfolio.cash == money(100_000)
    assert (await late).portfolio.cash == money(99_900)


async def test_who_comes_before_a_lookup_begins_shares_it(snapshots: Snapshots, ledger: SlowLedger) -> None:
    await snapshots.newest()
    ledger.gate.clear()
    first = asyncio.create_task(snapshots.newest())
    await settle()
    others = [asyncio.create_task(snapshots.newest()) for _ in range(50)]
    await settle()
    assert ledger.lookups == 2  # the others' has not begun
    ledger.gate.set()
    await asyncio.gather(first, *others)
    assert ledger.lookups == 3


async def test_nothing_is_loaded_while_the_revisions_stand(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    first = await snapshots.newest()
    clock.advance(RELOAD_SECONDS - 0.1)
    assert await snapshots.newest() is first
    assert ledger.loads == 1


async def test_other_programs_writes_are_seen_after_three_seconds(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    await snapshots.newest()
    portfolio = ledger.books.portfolio
    assert portfolio is not None
    ledger.books.portfolio = replace(portfolio, cash=money(5))
    clock.advance(RELOAD_SECONDS)
    assert (await snapshots.newest()).portfolio.cash == money(5)


async def test_while_nobody_writes_the_rows_are_not_read_again(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    first = await snapshots.newest()
    for _ in range(3):
        clock.advance(RELOAD_SECONDS)
        newest = await snapshots.newest()
        assert newest.as_of == clock.now()
        assert newest.portfolio is first.portfolio
    assert ledger.loads == 2  # the second with the word that the later ones are compared to


async def test_a_write_by_others_between_the_word_and_the_reading_is_seen(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    await snapshots.newest()
    portfolio = ledger.books.portfolio
    assert portfolio is not None
    for cash in (5, 5, 5):
        clock.advance(RELOAD_SECONDS)
        ledger.after_version = replace(portfolio, cash=money(cash))
        assert (await snapshots.newest()).portfolio.cash == money(5)


async def test_a_new_price_revision_is_seen(snapshots: Snapshots, ledger: SlowLedger) -> None:
    first = await snapshots.newest()
    ledger.books.portfolio = replace(first.portfolio, price_revision=9)
    assert (await snapshots.newest()).revisions == Revisions(ledger=2, prices=9)


async def test_with_the_database_away_the_last_state_is_served_and_marked(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    first = await snapshots.newest()
    ledger.away = True
    clock.advance(3_600)
    away = await snapshots.newest()
    assert away.database_away
    assert (away.portfolio, away.as_of) == (first.portfolio, first.as_of)
    ledger.away = False
    back = await snapshots.newest()
    assert not back.database_away
    assert back.as_of == clock.now()


async def test_a_short_absence_leaves_no_mark(snapshots: Snapshots, ledger: SlowLedger) -> None:
    await snapshots.newest()
    ledger.away = True
    assert (await snapshots.newest()).database_away
    ledger.away = False
    assert not (await snapshots.newest()).database_away
    assert ledger.loads == 1


async def test_a_doubt_outlives_an_absence(snapshots: Snapshots, ledger: SlowLedger) -> None:
    await snapshots.newest()
    snapshots.doubt()
    ledger.away = True
    assert (await snapshots.newest()).database_away
    ledger.away = False
    before = ledger.loads
    for _ in range(2):
        assert not (await snapshots.newest()).database_away
        assert ledger.loads == before + 1


async def test_while_books_are_contradicted_all_rows_are_read_though_none_has_changed(
    snapshots: Snapshots, ledger: SlowLedger, clock: FakeClock
) -> None:
    await snapshots.newest()
    clock.advance(4)
    await snapshots.newest()
    ledger.contradiction = BooksContradicted("cash")
    snapshots.doubt()
    for _ in range(3):
        assert (await snapshots.newest()).contradiction == str(ledger.contradiction)
        clock.advance(4)
    ledger.contradiction = None
    assert (await snapshots.newest()).contradiction is None


async def test_with_nothing_seen_yet_an_absence_is_an_error(snapshots: Snapshots, ledger: SlowLedger) -> None:
    ledger.away = True
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            await snapshots.newest()
    ledger.away = False
    assert not (await snapshots.newest()).database_away


async def test_books_never_opened_are_missing(clock: FakeClock) -> None:
    with pytest.raises(PortfolioMissing, match="there is no portfolio 1"):
        await Snapshots(FakeLedger(), clock, 1).newest()


async def test_a_reader_who_goes_away_does_not_take_the_lookup_along(snapshots: Snapshots, ledger: SlowLedger) -> None:
    ledger.gate.clear()
    gone, staying = asyncio.create_task(snapshots.newest()), asyncio.create_task(snapshots.newest())
    await settle()
    gone.cancel()
    ledger.gate.set()
    assert (await staying).portfolio.cash == money(100_000)
    assert ledger.lookups == 1


async def test_a_reader_in_a_hurry_is_given_the_last_state_seen_or_told_that_there_is_none() -> None:
    class Silent(FakeLedger):
        silent = False

        async def revisions(self, portfolio_id: int) -> Revisions:
            if self.silent:
                await asyncio.Event().wait()
            return await super().revisions(portfolio_id)

    ledger = Silent((await opened(FakeClock())).books)
    ledger.silent = True
    with pytest.raises(LedgerUnavailable, match="no earlier state"):
        await Snapshots(ledger, FakeClock(), 1, deadline_seconds=0.01).newest()
    ledger.silent = False
    snapshots = Snapshots(ledger, FakeClock(), 1, deadline_seconds=0.1)
    seen = await snapshots.newest()
    ledger.silent = True
    for _ in range(2):  # the second while the lookup of the first still hangs
        late = await snapshots.newest()
        assert (seen.database_away, late.database_away, late.portfolio) == (False, True, seen.portfolio)
        assert snapshots.away_because == "the database does not answer"
