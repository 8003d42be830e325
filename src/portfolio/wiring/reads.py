"""What the commands that read, plan and compute are given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from portfolio.adapters.clock import SystemClock
from portfolio.adapters.files.configuration import read_policy
from portfolio.settings import Settings
from portfolio.wiring.adapters import PORTFOLIO_ID, adapters_of
from portfolio.wiring.opened import opened

if TYPE_CHECKING:
    from portfolio.application.backtest.decision import Solve
    from portfolio.application.backtest.panel import Panel
    from portfolio.application.backtest.state import Holdings
    from portfolio.domain.rebalancing.policy import RebalancePolicy
    from portfolio.entrypoints.http.shell.use_cases import UseCases


class ReadsWiring:
    """Wires the commands that answer as routes do, and those that compute: ``portfolio lots | optimise | backtest``."""

    @asynccontextmanager
    async def use_cases(self, settings: Settings) -> AsyncIterator[UseCases]:
        """Open the database and yield the use cases of the service, without its loops."""
        from portfolio.entrypoints.assembly.service import Assembly

        async with opened(settings) as database:
            adapters = adapters_of(settings, SystemClock(), database)
            parts = Assembly(adapters, settings, portfolio_id=PORTFOLIO_ID)
            parts.ledger.journal.patience_seconds = None  # nobody has set a command a deadline
            try:
                yield parts.use_cases(parts.price_loop())
            finally:
                for close in adapters.close:
                    await close()

    async def stored_closes(
        self, settings: Settings, symbols: Sequence[str], days: int, *, of_held: bool = True
    ) -> tuple[Panel, Holdings]:
        from portfolio.application.backtest.gathering import GatherCloses

        async with self.use_cases(settings) as cases:
            return await GatherCloses(cases.rebalancing.market)(symbols, days, of_held=of_held)

    async def stored_backtest(self, settings: Settings, job_id: str, *, cancels: bool) -> bytes:
        from portfolio.application.backtest.jobs.reading import ReadBacktest
        from portfolio.entrypoints.http.backtest.views import backtest_answer
        from portfolio.entrypoints.http.shell.responses import encode

        clock = SystemClock()
        async with opened(settings) as database:
            if cancels:
                await database.backtests.cancel(job_id, clock.now())
            return encode(backtest_answer(*await ReadBacktest(database.backtests)(job_id), at=clock.now()))

    def policy(self, option: str, setting: str = "") -> RebalancePolicy:
        return read_policy(option, named_by="--policy") if option else read_policy(setting)

    def solve(self) -> Solve:
        """Return what computes weights, in this process: a command has no ledger to keep it from."""
        from portfolio.adapters.compute.optimiser import check_installed
        from portfolio.adapters.compute.worker import choose

        check_installed()
        return choose
