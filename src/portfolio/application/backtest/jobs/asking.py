"""Takes a backtest that is asked for: gathers all that it is computed of, and keeps it as a job."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from portfolio.analytics.closes import last_close
from portfolio.analytics.conventions import MAX_DAYS
from portfolio.application.backtest.day import BTC
from portfolio.application.backtest.jobs.ports import Backtests, ComputeKinds
from portfolio.application.backtest.jobs.records import Job
from portfolio.application.backtest.jobs.slices import begun, fingerprint
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import DAYS_BEFORE, BacktestRequest, Start
from portfolio.application.backtest.state import Holdings
from portfolio.application.clock import Clock
from portfolio.application.errors import ClosesPending, LedgerUnavailable, NotBacktestable
from portfolio.application.in_thread import in_thread
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.risk.state import ReadMarket
from portfolio.domain.arithmetic import ZERO
from portfolio.domain.days import DAY, day_of
from portfolio.domain.symbol import Symbol

MOST_WAITING: Final = 100
MOST_CLOSES: Final = 750_000
"""200 assets over ten years; as bytes they still fit into a message to any database."""

ID_PREFIX: Final = "bt-"


@dataclass(frozen=True, slots=True, eq=False)
class AskBacktest:
    """Keeps the backtest that is asked for, or finds the one that answers it already; ``seconds`` is its time.

    It is computed with the ``risk_free_rate`` of now, a year's, as weights are.
    """

    backtests: Backtests
    compute: ComputeKinds
    market: ReadMarket
    fetch_closes: FetchCloses
    clock: Clock
    _: KW_ONLY
    portfolio_id: int
    seconds: float
    risk_free_rate: Decimal = ZERO

    async def __call__(self, request: BacktestRequest) -> tuple[Job, bool]:
        """Return the job, and whether it is new: the same request on the same closes and holdings is kept once.

        Raises:
            NotBacktestable: the closes do not cover it, it is too large, or there is nothing to begin with.
            NotInstalled: what computes the weights is not there.
            ClosesPending: closes of assets that were asked for are being fetched.
            TooManyBacktests: as many are waiting as may.
            LedgerUnavailable: the database is away, or could not give all closes in time; those it gave are kept.
        """
        self.compute.check(request.kind)
        request = request.at(self.risk_free_rate)
        until = self.clock.monotonic() + self.seconds
        snapshot = await self.market.newest()
        if snapshot.database_away:
            raise LedgerUnavailable("the database is away, and backtests are kept in it")
        holdings = Holdings.of(snapshot.portfolio) if request.start is Start.HOLDINGS else None
        panel = await self._panel(snapshot, request, symbols_of(request, holdings), until)
        given, digest = await in_thread(_gathered, request, panel, holdings)
        job = Job(
            id=f"{ID_PREFIX}{uuid.uuid4().hex}",
            portfolio_id=self.portfolio_id,
            fingerprint=digest,
            closes=panel.fingerprint,
            request=request.encode().decode(),
            created_at=self.clock.now(),
        )
        return await self.backtests.add(job, given, most_waiting=MOST_WAITING)

    async def _panel(self, snapshot: Snapshot, request: BacktestRequest, symbols: Sequence[str], until: float) -> Panel:
        """Return the closes of the days, and of some before them."""
        today = day_of(self.clock.now())
        days = days_back(request, today)
        n_rows = days + 1 - (today - DAY - request.last).days
        if n_rows * len(symbols) > MOST_CLOSES:
            raise NotBacktestable(f"it is of more than {MOST_CLOSES:,} closes: ask for fewer days or assets")
        closes = await self._closes(snapshot, symbols, days, until)
        if missing := [symbol for symbol in symbols if last_close(closes.history, symbol) is None]:
            await self.fetch_closes.several([Symbol(symbol) for symbol in missing], self.seconds / 3)
            closes = await self._closes(await self.market.newest(), symbols, days, until)
            self._check_named(request, [symbol for symbol in missing if last_close(closes.history, symbol) is None])
        panel = Panel.of_closes(closes, self.market.categories)
        return replace(panel, closes=panel.closes[:n_rows])

    def _check_named(self, request: BacktestRequest, missing: Sequence[str]) -> None:
        """Refuse a request that names assets without closes, and say what to do about it. What is held without them is
        left out of a backtest, and so is BTC.
        """
        named = [symbol for symbol in missing if symbol in _named(request)]
        if pending := [symbol for symbol in named if self.fetch_closes.may_come(Symbol(symbol))]:
            raise ClosesPending(pending)
        if named:
            raise NotBacktestable(
                f"no exchange has just given closes of {', '.join(named)}: ask again in a minute, or leave them out"
            )

    async def _closes(self, snapshot: Snapshot, symbols: Sequence[str], days: int, until: float) -> Closes:
        """Return the closes; as long as more of them come in, those that are missing are asked for again."""
        version = None
        while True:
            closes = await self.market.closes(
                symbols, days, today=day_of(self.clock.now()), revisions=snapshot.revisions
            )
            if closes.is_current:
                return closes
            if closes.version == version or self.clock.monotonic() >= until:
                raise LedgerUnavailable("the database did not give all closes in time; ask again")
            version = closes.version


def symbols_of(request: BacktestRequest, holdings: Holdings | None) -> list[str]:
    """Return the assets whose closes a backtest needs, ascending: what it begins with, what it may buy, and BTC."""
    return sorted({*(holdings.quantities if holdings else ()), *_named(request), BTC})


def days_back(request: BacktestRequest, today: date) -> int:
    """Return how many completed days of returns are needed up to yesterday.

    Raises:
        NotBacktestable: there are no closes of such days.
    """
    yesterday = today - DAY
    before = DAYS_BEFORE if request.optimise is None else max(DAYS_BEFORE, request.optimise.days)
    if request.last > yesterday:
        raise NotBacktestable(f"the last day that is over is {yesterday}")
    days = (yesterday - request.first).days + before
    if days > MAX_DAYS:
        raise NotBacktestable(f"it may begin on {yesterday - timedelta(days=MAX_DAYS - before)}, not earlier")
    return days


def _named(request: BacktestRequest) -> set[str]:
    """Return the assets that a request names: those that it begins with, and those that it may buy."""
    begins_with = request.weights if request.start is Start.WEIGHTS else ()
    return {*begins_with, *request.may_be_bought}


def _gathered(request: BacktestRequest, panel: Panel, holdings: Holdings | None) -> tuple[bytes, str]:
    given = begun(request, panel, holdings)
    return given, fingerprint(given)
