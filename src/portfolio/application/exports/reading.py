"""Reads the tables of exports, page by page: long books are never in memory as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from portfolio.analytics.conventions import CONVENTION, MAX_DAYS
from portfolio.application.clock import Clock
from portfolio.application.exports.columns import CLOSE, DAY, GAIN, HAPPENED, PAST_POSITION, POSITION, TRADE
from portfolio.application.exports.happened import HappenedRows
from portfolio.application.exports.tables import Column, Kind, Row, Table, Wanted, What, kinds_of, rows_of
from portfolio.application.history.past import ReadPastBooks
from portfolio.application.history.past_performance import ReadPastPerformance
from portfolio.application.history.reading import ReadByBasis
from portfolio.application.in_thread import in_fold_thread
from portfolio.application.ledger.cash_records import LoggedEntry
from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.ledger.lots.reading import ReadLots, term_of
from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import BookedTrade, TradeEntry
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.performance.records import EARLIEST, Basis
from portfolio.application.prices.ports import PriceStore
from portfolio.domain.days import day_of
from portfolio.domain.symbol import Symbol

R = TypeVar("R")

ROWS_A_PAGE: Final = 500


@dataclass(slots=True)
class ReadExports:
    """Reads tables of the books, by the use cases of the routes."""

    lookups: Lookups
    snapshots: Snapshots
    read_lots: ReadLots
    past_books: ReadPastBooks
    by_basis: ReadByBasis
    past: ReadPastPerformance
    prices: PriceStore
    clock: Clock
    _: KW_ONLY
    benchmark: Symbol

    async def __call__(self, wanted: Wanted) -> Table:
        """Return a table, whose pages are read as they are asked for.

        Raises:
            LedgerUnavailable: the database is away, or is so while the pages are read.
        """
        snapshot = await self.snapshots.newest()
        match wanted.what:
            case What.TRADES:
                return _table(wanted, snapshot, TRADE, self._trades(snapshot, wanted.since))
            case What.EVENTS:
                return _table(wanted, snapshot, HAPPENED, self._happened(snapshot, wanted.since))
            case What.POSITIONS if wanted.is_past:
                return await self._past_positions(snapshot, wanted)
            case What.POSITIONS:
                return _table(wanted, snapshot, POSITION, _paged(POSITION, snapshot.portfolio.open_positions))
            case What.GAINS:
                return await self._gains(snapshot, wanted)
            case What.PERFORMANCE:
                return await self._days(snapshot, wanted)
            case _:
                return _table(wanted, snapshot, CLOSE, self._closes(snapshot, _day(wanted.since)))

    async def _trades(self, snapshot: Snapshot, since: datetime | None) -> AsyncIterator[Sequence[Row]]:
        """Yield the trades in the order they were booked. One that cannot be read has its revision alone."""
        async for logged in self._logged(snapshot):
            yield rows_of(TRADE, [one for one in logged if _is_trade(one, since)])

    async def _happened(self, snapshot: Snapshot, since: datetime | None) -> AsyncIterator[Sequence[Row]]:
        """Yield all entries in the order they were booked. One that cannot be read has its revision alone."""
        happened = HappenedRows()
        async for logged in self._logged(snapshot):
            rows = happened.rows(logged)
            yield rows_of(
                HAPPENED,
                [one for one in rows if since is None or one.effective_at is None or one.effective_at >= since],
            )

    async def _logged(self, snapshot: Snapshot) -> AsyncIterator[Sequence[LoggedEntry]]:
        last = snapshot.portfolio.revision
        for start in range(0, last, ROWS_A_PAGE):
            until = min(start + ROWS_A_PAGE, last)
            yield await self.lookups.log(snapshot.portfolio.id, after=start, until=until)

    async def _days(self, snapshot: Snapshot, wanted: Wanted) -> Table:
        if wanted.is_past:
            basis, past = Basis.RESTATED, self.past(wanted.as_of, wanted.known_at)
            history, series = await past.history(), await past.series(MAX_DAYS)
        else:
            basis, reads = await self.by_basis(wanted.basis)
            history, series = await reads.performance.history(), await reads.series(MAX_DAYS)
        days = [one for one in history.finals if one.day >= _day(wanted.since)]
        estimated = {day.day: day.estimated for day in series.days}
        columns = [*DAY, Column("estimated", Kind.TEXT, lambda one: estimated.get(one.day))]
        about = {"basis": basis.value, "estimates_known": str(series.estimates_known).lower()}
        return _table(wanted, snapshot, columns, _paged(columns, days), about)

    async def _gains(self, snapshot: Snapshot, wanted: Wanted) -> Table:
        found = await self.read_lots.gains(wanted.method, None, wanted.as_of, wanted.known_at)
        columns = [*GAIN, Column("term", Kind.TEXT, lambda one: term_of(one.days_held, found.long_term_days))]
        kept, since = found.disposals, wanted.since
        if since is not None:
            kept = await in_fold_thread(kept.where, lambda one: one.realized_at >= since)
        about = {"method": found.method.value, "complete": str(found.is_complete).lower()}
        about["revision"] = str(found.revision)
        return _table(wanted, snapshot, columns, _paged(columns, kept), about)

    async def _past_positions(self, snapshot: Snapshot, wanted: Wanted) -> Table:
        found = await self.past_books(wanted.as_of, wanted.known_at)
        about = {"revision": str(found.revision), "complete": str(found.is_complete).lower()}
        return _table(wanted, snapshot, PAST_POSITION, _paged(PAST_POSITION, found.positions), about)

    async def _closes(self, snapshot: Snapshot, since: date) -> AsyncIterator[Sequence[Row]]:
        """Yield the closes of everything that was ever held, and of the benchmark, asset by asset."""
        yesterday = day_of(self.clock.now()) - timedelta(days=1)
        for symbol in sorted({*snapshot.portfolio.positions, self.benchmark}):
            found = await self.prices.closes([symbol], since=since, until=yesterday)
            async for page in _paged(CLOSE, found):
                yield page


def _table(
    wanted: Wanted,
    snapshot: Snapshot,
    columns: Sequence[Column[R]],
    pages: AsyncIterator[Sequence[Row]],
    more: Mapping[str, str] | None = None,
) -> Table:
    about = {
        "what": wanted.what.value,
        "convention": CONVENTION,
        "as_of": _text(wanted.as_of or snapshot.as_of),
        "revision": str(snapshot.portfolio.revision),
        **({"since": _text(wanted.since)} if wanted.since else {}),
        **({"known_at": _text(wanted.known_at)} if wanted.known_at is not None else {}),
        **(more or {}),
    }
    return Table(what=wanted.what, columns=kinds_of(columns), about=about, pages=pages)


async def _paged(columns: Sequence[Column[R]], records: Sequence[R]) -> AsyncIterator[Sequence[Row]]:
    for start in range(0, len(records), ROWS_A_PAGE):
        yield rows_of(columns, records[start : start + ROWS_A_PAGE])


def _is_trade(logged: LoggedEntry, since: datetime | None) -> bool:
    if logged.entry is None:
        return True
    entry = logged.entry.entry if isinstance(logged.entry, BookedTrade) else None
    return isinstance(entry, TradeEntry) and (since is None or entry.trade.executed_at >= since)


def _day(since: datetime | None) -> date:
    return EARLIEST if since is None else day_of(since)


def _text(at: KnownAt) -> str:
    return str(at) if isinstance(at, int) else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
