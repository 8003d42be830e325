"""Reads the newest state of the portfolio, once for all requests of the same time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime

from portfolio.application.announcer import Announcement
from portfolio.application.clock import Clock
from portfolio.application.derived import Derived
from portfolio.application.errors import BooksContradicted, LedgerUnavailable
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.ledger.ports import Ledger
from portfolio.application.ledger.records import Revisions
from portfolio.domain.ledger.portfolio import Portfolio

# Other programs write the shared rows without moving our revision; their writes are to be seen within 5 seconds.
RELOAD_SECONDS = 3.0
TURNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The portfolio as committed at ``as_of``. ``database_away`` says that the database has not answered since.

    ``contradiction`` says why what it answers since is not believed.

    Everything derived from the portfolio hangs on ``derived``, for as long as snapshots find the portfolio the same.
    """

    portfolio: Portfolio
    revisions: Revisions
    as_of: datetime
    checked_at: float
    version: str | None = None
    database_away: bool = False
    contradiction: str | None = None
    derived: Derived = field(default_factory=Derived, repr=False, compare=False)


Settle = Callable[[Portfolio], Awaitable[Portfolio]]
"""What looks once more at the prices of a portfolio that is read: it is the same while nothing is to be changed."""


async def as_it_is(portfolio: Portfolio) -> Portfolio:
    """Return the portfolio."""
    return portfolio


@dataclass(slots=True)
class Snapshots:
    """Serves the portfolio's newest state and keeps the last one for when the database is away.

    A reader sees every write acknowledged before it came, on this instance and on any other: the revisions are looked
    up again, by a lookup that begins after the reader came and that all who came before it share.
    """

    ledger: Ledger
    clock: Clock
    portfolio_id: int
    _: KW_ONLY
    deadline_seconds: float = 5.0
    settle: Settle = as_it_is
    last: Snapshot | None = field(default=None, init=False)
    """The last state seen, however old; None before the first."""
    away_because: str | None = field(default=None, init=False)
    """Why the database was last said to be away."""
    _waiting: list[asyncio.Future[Snapshot]] = field(default_factory=list, init=False)
    _worker: asyncio.Task[None] | None = field(default=None, init=False)
    _is_behind: bool = field(default=False, init=False)
    _late: asyncio.TimerHandle = field(init=False)

    def take_notice(self, event: Announcement) -> None:
        """Know that this process booked: the revisions have changed then, and need not be looked up to tell."""
        if isinstance(event, TradeBooked | CashMoved):
            self.doubt()

    def doubt(self) -> None:
        """Have the next reader look at the books, though they may be at the revisions that were seen last."""
        self._is_behind = True

    async def newest(self) -> Snapshot:
        """Return the state as of now; the last one seen, marked, while the database is away, or when a lookup takes
        longer than the deadline.
        """
        waiter: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if self._worker is None:
            # In a context of its own: the work is not of the request that happened to start it.
            self._worker = asyncio.create_task(self._work(), name="snapshot-lookups", context=Context())
        return await waiter

    async def _work(self) -> None:
        """Look the state up for all who wait, and again for those who came meanwhile, until nobody waits."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                self._answer_in_time(waiting)
                try:
                    found: Snapshot | Exception = await self._look()
                except Exception as error:  # noqa: BLE001  whatever it is, it is handed to whom it concerns
                    found = error
                finally:
                    self._late.cancel()
                _answer(waiting, found)
                # Those whose answers go out now ask again at once: a few turns of the loop later they are in, and one
                # lookup is for twice as many (with 16 connections 0.07 lookups a read instead of 0.13).
                for _ in range(TURNS):
                    await asyncio.sleep(0)
        finally:
            self._worker = None

    def _answer_in_time(self, waiting: Sequence[asyncio.Future[Snapshot]]) -> None:
        """Have whoever waits answered with what was seen last, each time that the deadline is over before the lookup.

        The lookup goes on: what it finds is there for the next readers.
        """

        def give_up() -> None:
            self.away_because = "the database does not answer"
            unseen = LedgerUnavailable(f"{self.away_because}, and there is no earlier state")
            _answer([*waiting, *self._waiting], replace(self.last, database_away=True) if self.last else unseen)
            self._answer_in_time(())

        self._late = asyncio.get_running_loop().call_later(self.deadline_seconds, give_up)

    async def _look(self) -> Snapshot:
        is_behind, self._is_behind = self._is_behind, False
        try:
            last = self.last
            is_due = last is not None and self.clock.monotonic() - last.checked_at >= RELOAD_SECONDS
            revisions = None if is_behind else await self.ledger.revisions(self.portfolio_id)
            if last is None or (is_due and revisions != last.revisions):
                await self._load()
            elif revisions != last.revisions:
                await self._catch_up(last)
            elif is_due:
                await self._check(last)
            elif last.database_away:
                self.last = replace(last, database_away=False, contradiction=None)
            await self._settle_last()
        except LedgerUnavailable as error:
            if self.last is None:
                raise
            self.away_because = str(error)
            contradiction = str(error) if isinstance(error, BooksContradicted) else None
            self.last = replace(self.last, database_away=True, contradiction=contradiction)
            if contradiction is not None:  # all rows are read before one is believed: they may be those seen last
                self.last = replace(self.last, version=None, checked_at=-math.inf)
            self._is_behind |= is_behind
        assert self.last is not None
        return self.last

    async def _settle_last(self) -> None:
        assert self.last is not None
        as_of, last = self.clock.now(), self.last
        portfolio = await self.settle(last.portfolio)
        if portfolio is not last.portfolio:
            self.last = replace(last, portfolio=portfolio, as_of=as_of, derived=Derived())

    async def _catch_up(self, last: Snapshot) -> None:
        """Bring the state up to the newest entries and prices; other programs' writes are looked for in their time."""
        as_of = self.clock.now()
        portfolio = await self.ledger.newest(self.portfolio_id)
        self.last = replace(
            last,
            portfolio=portfolio,
            revisions=_revisions_of(portfolio),
            as_of=as_of,
            database_away=False,
            contradiction=None,
            derived=Derived(),
        )

    async def _check(self, last: Snapshot) -> None:
        """Load again only if the rows have changed. The version is read first: a later write shows the next time."""
        as_of, checked_at = self.clock.now(), self.clock.monotonic()
        version = await self.ledger.version(self.portfolio_id)
        if version == last.version:
            self.last = replace(last, as_of=as_of, checked_at=checked_at, database_away=False, contradiction=None)
        else:
            await self._load(version)

    async def _load(self, version: str | None = None) -> None:
        as_of, checked_at = self.clock.now(), self.clock.monotonic()
        portfolio, last = await self.ledger.load(self.portfolio_id), self.last
        is_same = last is not None and portfolio == last.portfolio
        self.last = Snapshot(
            portfolio=last.portfolio if last and is_same else portfolio,
            revisions=_revisions_of(portfolio),
            as_of=as_of,
            checked_at=checked_at,
            version=version,
            derived=last.derived if last and is_same else Derived(),
        )


def _revisions_of(portfolio: Portfolio) -> Revisions:
    return Revisions(ledger=portfolio.revision, prices=portfolio.price_revision)


def _answer(waiting: Sequence[asyncio.Future[Snapshot]], found: Snapshot | Exception) -> None:
    for waiter in waiting:
        if waiter.done():
            continue
        if isinstance(found, Exception):
            waiter.set_exception(found)
        else:
            waiter.set_result(found)
