"""The row of the shared tables that is the portfolio: which one it is, and its lock."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.connection.errors import is_locked
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Result, Statement
from portfolio.adapters.database.ledger.known_portfolio import KnownPortfolio
from portfolio.adapters.database.schema.tables import mock_portfolio
from portfolio.application.errors import PortfolioMissing

LOCK_TRY_SECONDS = 0.05

# Not read is what others compute from the rest: each column of a result takes as long as a value in it.
_COMPUTED = ("total_value", "invested_amount", "total_pnl", "total_pnl_percent", "win_rate")
_row = select(*(column for column in mock_portfolio.c if column.name not in _COMPUTED))
_by_id = _row.where(mock_portfolio.c.id == bindparam("row_id"))
_newest = _row.order_by(
    mock_portfolio.c.ledger_cash.is_(None), mock_portfolio.c.updated_at.desc(), mock_portfolio.c.id.desc()
).limit(1)
_BY_ID, _LOCK_BY_ID = Prepared(_by_id), Prepared(_by_id.with_for_update())
_NEWEST, _LOCK_NEWEST = Prepared(_newest), Prepared(_newest.with_for_update())


class PortfolioRow:
    """What is remembered of one portfolio: which row it is, once its books are open, and what was read of it.

    The existing tables hold one portfolio. ``number`` is what the application calls it, whatever the id of its row.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._id: int | None = None
        self._locked_at = -math.inf
        self.known = KnownPortfolio()

    def id_for(self, portfolio_id: int) -> int | None:
        """Return the row's id; None where it has to be looked for.

        Raises:
            PortfolioMissing: the tables hold no portfolio of this number.
        """
        if portfolio_id not in {self.number, self._id}:
            raise PortfolioMissing(portfolio_id)
        return self._id

    def forget(self) -> None:
        """Take notice that the row is gone: another program may have made it anew, with another id."""
        self._id = None

    def statement(self, dialect: Dialect, portfolio_id: int, *, lock: bool = False) -> Statement:
        """Return the statement that reads the portfolio's row: the one with books, else what engines take for it."""
        row_id = self.id_for(portfolio_id)
        if row_id is None:
            return (_LOCK_NEWEST if lock else _NEWEST).on(dialect)
        return (_LOCK_BY_ID if lock else _BY_ID).on(dialect, row_id=row_id)

    def found(self, result: Result, *, lock: bool = False) -> Any | None:
        """Return the row that the statement brought, and remember which it is; None where there is none."""
        row = result.first()
        if row is not None and row.ledger_cash is not None:
            self._id = row.id
        if lock:
            self.had_lock()
        return row

    async def find(self, session: Session, portfolio_id: int, *, lock: bool = False) -> Any | None:
        """Return the portfolio's row, locked if wanted; None where there is none."""
        [result] = await session.execute(self.statement(session.dialect, portfolio_id, lock=lock))
        return self.found(result, lock=lock)

    async def get(self, session: Session, portfolio_id: int, *, lock: bool = False) -> Any:
        """Return the portfolio's row, locked if wanted.

        Raises:
            PortfolioMissing: there is none.
        """
        row = await self.find(session, portfolio_id, lock=lock)
        if row is None:
            raise PortfolioMissing(portfolio_id)
        return row

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
