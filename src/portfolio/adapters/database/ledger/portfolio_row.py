"""The row of the shared tables that is the portfolio: which one it is, and its lock."""

from __future__ import annotations

import asyncio
import math
import time
from collections import namedtuple
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from sqlalchemy import Select, bindparam, select, true
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.connection.errors import is_locked, rows_read, translated
from portfolio.adapters.database.connection.revision_lookup import Question, RevisionLookup
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement
from portfolio.adapters.database.ledger.entries import LAST_ENTRY, last_entry
from portfolio.adapters.database.ledger.known_portfolio import (
    HOLDINGS,
    SOME_HOLDINGS,
    SOME_HOLDINGS_ON_SQLITE,
    KnownPortfolio,
)
from portfolio.adapters.database.schema.tables import (
    booking_outcomes,
    daily_positions,
    mock_portfolio,
    position_adjustments,
)
from portfolio.adapters.database.schema.unreadable import UnreadableRows
from portfolio.application.errors import BooksContradicted, PortfolioMissing
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio

LOCK_TRY_SECONDS = 0.05

# Not read is what others compute from the rest: each column of a result takes as long as a value in it.
_COMPUTED = ("total_value", "invested_amount", "total_pnl", "total_pnl_percent", "win_rate")
_row = select(*(column for column in mock_portfolio.c if column.name not in _COMPUTED))
_by_id = _row.where(mock_portfolio.c.id == bindparam("row_id"))
# The row that the entries say they moved; where there are none, what engines take for the portfolio.
_of_entries = last_entry.with_only_columns(last_entry.selected_columns.portfolio_id).scalar_subquery()
_newest = _row.order_by(
    (mock_portfolio.c.id == _of_entries).desc(),
    mock_portfolio.c.ledger_cash.is_(None),
    mock_portfolio.c.updated_at.desc(),
    mock_portfolio.c.id.desc(),
).limit(1)
_BY_ID, _LOCK_BY_ID = Prepared(_by_id), Prepared(_by_id.with_for_update())
_NEWEST, _LOCK_NEWEST = Prepared(_newest), Prepared(_newest.with_for_update())


def _beside(holdings: Select[Any]) -> Select[Any]:
    """Return the portfolio's row, the newest entry and holdings side by side: one statement sees one state."""
    row, last, held = _by_id.subquery("row"), last_entry.subquery("last"), holdings.subquery("held")
    columns = [column.label(f"{part.name}_{column.key}") for part in (row, last, held) for column in part.c]
    return select(*columns).select_from(row.outerjoin(last, true()).outerjoin(held, true()))


_WRITTEN = Question(_beside(SOME_HOLDINGS), _beside(SOME_HOLDINGS_ON_SQLITE))
_PARTS: Any = [
    namedtuple("Row", [str(column.key) for column in part.selected_columns])  # noqa: PYI024  known as it runs
    for part in (_row, last_entry, HOLDINGS)
]


class PortfolioRow:
    """What is remembered of one portfolio: which row it is, once its books are open, and what was read of it.

    The existing tables hold one portfolio. ``number`` is what the application calls it, whatever the id of its row.
    """

    def __init__(self, number: int, *, is_trusted: bool = False) -> None:
        """Take the number; a row that ``is_trusted`` is read whatever it says, as who repairs it has to."""
        self.number = number
        self.is_trusted = is_trusted
        self._id: int | None = None
        self._seen = 0
        self._fell_back_to = math.inf
        self._locked_at = -math.inf
        self.known = KnownPortfolio()
        self.unreadable = UnreadableRows()

    def id_for(self, portfolio_id: int) -> int | None:
        """Return the row's id; None where it has to be looked for.

        Raises:
            PortfolioMissing: the tables hold no portfolio of this number.
        """
        if portfolio_id not in {self.number, self._id}:
            raise PortfolioMissing(portfolio_id)
        return self._id

    def _statement(self, dialect: Dialect, portfolio_id: int, *, lock: bool) -> Statement:
        """Return the statement that reads the portfolio's row: the one with books, else what engines take for it."""
        row_id = self.id_for(portfolio_id)
        if row_id is None:
            return (_LOCK_NEWEST if lock else _NEWEST).on(dialect)
        return (_LOCK_BY_ID if lock else _BY_ID).on(dialect, row_id=row_id)

    async def read(
        self, session: Session, portfolio_id: int, *others: Statement, lock: bool = False, is_trusted: bool = False
    ) -> tuple[Any, Sequence[Result]]:
        """Return the portfolio's row, locked if wanted, and the results of what else is asked.

        The row has to be the one that the ledger's newest entry left; one that ``is_trusted`` may be any, or None.
        """
        seen, dialect = self._seen, session.dialect
        found, newest, *results = await session.execute(
            self._statement(dialect, portfolio_id, lock=lock), LAST_ENTRY.on(dialect), *others
        )
        row = found.first()
        if not (is_trusted or self.is_trusted):
            last, seen = newest.first(), min(seen, self._seen)
            if last is None and not seen:
                await _refuse_emptied(session)
            self._check(row, last, seen)
        if lock:
            self.had_lock()
        return row, results

    async def read_written(self, lookup: RevisionLookup, portfolio_id: int) -> Portfolio | None:
        """Return the portfolio by the rows that this process has written since all were read; None where they do not
        tell.
        """
        row_id, wanted, seen = self.id_for(portfolio_id), self.known.wanted(()), self._seen
        if row_id is None or wanted is None or self.is_trusted:
            return None
        found = [_apart(each) for each in await lookup.rows(_WRITTEN, row_id=row_id, **self.known.names(wanted))]
        if not found:
            return None
        row, last, _ = found[0]
        self._check(row, None if last.ledger_revision is None else last, min(seen, self._seen))
        with translated(), rows_read():
            read = self.known.updated(row, [held for _, _, held in found if held.id is not None], wanted)
        return None if read is None else read.portfolio

    async def get(self, session: Session, portfolio_id: int, *, lock: bool = False) -> Any:
        """Return the portfolio's row as ``read`` does, and raise what it raises."""
        return (await self.read(session, portfolio_id, lock=lock))[0]

    async def find(self, session: Session, portfolio_id: int, *, lock: bool = False) -> Any | None:
        """Return the portfolio's row, whatever it says, locked if wanted; None where there is none."""
        return (await self.read(session, portfolio_id, lock=lock, is_trusted=True))[0]

    def _check(self, row: Any, last: Any, seen: int) -> None:
        """Raise an error unless the row is what the newest entry left, and nothing that was ``seen`` is missing."""
        if row is None and last is None and not seen:
            raise PortfolioMissing(self.number)
        revision = 0 if last is None else last.ledger_revision
        if not isinstance(revision, int):
            raise BooksContradicted(f"the newest ledger revision is {revision!r}, which is none", is_lossy=True)
        fell_back = self._fell_back(revision, last, seen)
        contradiction = _contradiction(row, last) or fell_back
        if contradiction is not None:
            self._id = None
            self.known.forget_rows()
            raise contradiction
        self._id = row.id if last is not None else None
        self._seen = max(self._seen, revision)

    def _fell_back(self, revision: int, last: Any, seen: int) -> BooksContradicted | None:
        """Return the error of a ledger that ends before what was ``seen``; a rebuild since then is consent to it."""
        if revision > self._fell_back_to and last.kind == CashTransactionKind.REBUILD:
            self._seen, self._fell_back_to = revision, math.inf
            self.known.forget()
            return None
        if revision >= seen:
            return None
        self._fell_back_to = revision
        return BooksContradicted(
            f"the ledger ends at revision {revision}, and this process has seen {seen}: an older copy is in its place",
            is_lossy=True,
        )

    async def try_lock(self, session: Session, portfolio_id: int, seconds: float) -> None:
        """Take the row's lock, asking again until ``seconds`` have gone; nobody is ever made to wait behind this.

        Raises:
            DBAPIError: another transaction has it all the time.
        """
        if session.is_sqlite:
            await self.find(session, portfolio_id)  # beginning has taken the only lock there is
            return
        row_id = self.id_for(portfolio_id)
        wanted = _newest if row_id is None else select(mock_portfolio.c.id).where(mock_portfolio.c.id == row_id)
        give_up_at = time.monotonic() + seconds
        while True:
            try:
                await session.run(wanted.with_for_update(nowait=True))
            except DBAPIError as error:
                if not is_locked(error) or time.monotonic() >= give_up_at:
                    raise
                await asyncio.sleep(LOCK_TRY_SECONDS)
            else:
                return

    def had_lock(self) -> None:
        """Take notice that a transaction of this process has the row's lock, or had it until now."""
        self._locked_at = time.monotonic()

    def had_lock_within(self, seconds: float) -> bool:
        """Return whether a transaction of this process had the row's lock a moment ago."""
        return time.monotonic() - self._locked_at < seconds


def _apart(beside: Any) -> list[Any]:
    """Return the rows that stand side by side in one."""
    ends = accumulate((len(part._fields) for part in _PARTS), initial=0)
    return [part._make(beside[start:end]) for part, (start, end) in zip(_PARTS, pairwise(ends), strict=True)]


async def _refuse_emptied(session: Session) -> None:
    """Raise an error where a ledger without entries had some: other tables of it are empty until books are open."""
    for table in (booking_outcomes, position_adjustments, daily_positions):
        if (await session.run(select(table).limit(1))).first() is not None:
            raise BooksContradicted(
                f"the ledger has no entries, and {table.name} is of one that had some", is_lossy=True
            )


def _contradiction(row: Any, last: Any) -> BooksContradicted | None:
    """Return the error of a row that is not the one which the newest entry left; None where it is."""
    if last is None:
        if row is None or not row.revision:
            return None
        return BooksContradicted(
            f"row {row.id} of mock_portfolio is at ledger revision {row.revision}, and the ledger has no entries",
            is_lossy=True,
        )
    entries = f"the ledger's entries end at revision {last.ledger_revision}"
    if row is None:
        return BooksContradicted(f"row {last.portfolio_id} of mock_portfolio is gone, and {entries}")
    if row.id != last.portfolio_id or row.ledger_cash is None:
        return BooksContradicted(
            f"row {row.id} of mock_portfolio was made by another program, and {entries}, of row {last.portfolio_id}"
        )
    if row.revision == last.ledger_revision:
        return None
    return BooksContradicted(
        f"row {row.id} of mock_portfolio is at ledger revision {row.revision!r}, and {entries}",
        is_lossy=isinstance(row.revision, int) and row.revision > last.ledger_revision,
    )
