"""Reads the shadow portfolios: the books of a day, and what would have become of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import date, datetime
from typing import Final

from portfolio.analytics.closes import Join
from portfolio.analytics.conventions import CONVENTION, MAX_DAYS
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.records import SeriesFigures
from portfolio.application.backtest.result import series_figures
from portfolio.application.backtest.shadow_run import Shadow, ShadowQuestion, ShadowRun, rebased
from portfolio.application.derived import Derived
from portfolio.application.errors import BacktestOutOfRange, LedgerUnavailable, NotBacktestable
from portfolio.application.in_thread import in_fold_thread
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.application.performance.history import History, ReadsHistory
from portfolio.application.performance.past_books import DayBooks, books_of
from portfolio.application.performance.records import Basis, MeasuredDay
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.joined_closes import JoinedCloses, carried
from portfolio.application.risk.state import DEFAULT_DAYS
from portfolio.application.uncancelled import Uncancelled
from portfolio.domain.categories import Categories
from portfolio.domain.errors import OutOfRange
from portfolio.domain.rebalancing.policy import RebalancePolicy

ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadows:
    """What the books of the end of ``first_day`` would have become by the end of ``last_day``, the last final day.

    ``actual`` are the days of the portfolio itself, in units of which one was worth 1 at the end of ``first_day``, and
    ``figures`` theirs.
    Without shadows ``reasons`` says why: ``no_history``, ``nothing_held``, or ``value_not_positive``.
    """

    as_of: datetime
    stale: bool
    first_day: date | None = None
    last_day: date | None = None
    actual: Sequence[MeasuredDay] = ()
    figures: SeriesFigures | None = None
    shadows: Sequence[Shadow] = ()
    left_out: Sequence[str] = ()
    policy_id: str | None = None
    simulated_history: bool = False
    joined_history: Sequence[Join] = ()
    unjoined_history: Sequence[Join] = ()
    basis: Basis = Basis.RECORDED
    reasons: Mapping[str, str] = field(default_factory=dict)
    convention: str = CONVENTION


@dataclass(slots=True)
class ReadShadows:
    """Computes the shadows of a period from the entries and the closes, by the very steps of a backtest.

    Nothing is stored: each decision sees the closes of its day and of those before, and so is the same whenever it is
    made. What was computed is kept in memory while entries and closes stay as they are. A long period takes longer than
    a request may: what was begun goes on without it, a step of one period by turns with a step of another.
    """

    history: ReadsHistory
    snapshots: Snapshots
    closes: JoinedCloses
    _: KW_ONLY
    categories: Categories
    policy: RebalancePolicy
    _runs: Derived = field(default_factory=lambda: Derived(most=4), init=False)
    _turns: Derived = field(default_factory=lambda: Derived(most=4), init=False)
    _uncancelled: Uncancelled = field(default_factory=Uncancelled, init=False)

    async def stop(self) -> None:
        """End what nobody waits for any more."""
        await self._uncancelled.stop()

    async def __call__(self, days: int) -> Shadows:
        """Return the shadows that began ``days`` completed days ago, 1 to 3650, or when something was first held."""
        history = await self._read(days)
        nothing = Shadows(as_of=history.snapshot.as_of, stale=history.stale, basis=history.basis)
        if (first := _first_day(history)) is None:
            return _without(nothing, "no_history")
        try:
            return await self._of(history, nothing, first)
        except (NotBacktestable, OutOfRange) as error:  # at its closes it would be worth nothing, or 1e20 and more
            is_large = isinstance(error, OutOfRange | BacktestOutOfRange)
            return _without(nothing, "out_of_range" if is_large else "value_not_positive")

    async def _of(self, history: History, nothing: Shadows, first: date) -> Shadows:
        if (books := _first_books(history, first)) is None:
            return _without(nothing, "nothing_held")
        question = _question(history, books, self.policy)
        closes = await self._closes_of(question, history)
        panel = Panel.of(closes.history, self.categories, simulated=closes.simulated_history)
        # In the units of the closes, which are those of today.
        question = replace(question, quantities=carried(question.quantities, question.first, closes.borne_out))
        run = self._runs.once((question.key, panel.fingerprint), lambda: ShadowRun(question, panel))
        await self._uncancelled(self._finish(run))
        actual = rebased(history.finals, question.first)
        return Shadows(
            as_of=history.snapshot.as_of,
            stale=history.stale or not closes.is_current,
            first_day=question.first,
            last_day=question.last,
            actual=actual,
            figures=series_figures(actual, history.risk_free_rate),
            shadows=await in_fold_thread(lambda: run.shadows),
            left_out=run.left_out,
            policy_id=self.policy.id,
            simulated_history=closes.simulated_history,
            joined_history=closes.joined_history,
            unjoined_history=closes.unjoined_history,
            basis=history.basis,
        )

    async def _finish(self, run: ShadowRun) -> None:
        async with self._turns.once(run, asyncio.Lock):
            while not run.is_done:
                await in_fold_thread(run.go_on)

    async def _closes_of(self, question: ShadowQuestion, history: History) -> Closes:
        """Return the closes of what was held, as many days before the first one as the rules look back."""
        closes = await self.closes(
            sorted(question.quantities),
            min((history.today - question.first).days + DEFAULT_DAYS, MAX_DAYS),
            today=history.today,
            revisions=history.snapshot.revisions,
            asks=not history.snapshot.database_away,
        )
        if not closes.is_known:
            raise LedgerUnavailable("the price history could not be read")
        return closes

    async def _read(self, days: int) -> History:
        """Return the days, and a portfolio that all entries read are in: some may be booked meanwhile."""
        for _ in range(ATTEMPTS):
            history = await self.history(await self.snapshots.newest(), days + 1)
            if history.entries.revision <= history.snapshot.portfolio.revision:
                return history
        raise LedgerUnavailable("the books change faster than they are read; ask again", retry_after_seconds=3.0)


def _without(nothing: Shadows, why: str) -> Shadows:
    return replace(nothing, reasons={"shadows": why})


def _first_day(history: History) -> date | None:
    """Return the first final day whose books the entries tell, where there is another after it."""
    opened = history.entries.opened
    if opened is None:
        return None
    begin = max(opened, history.entries.whole_since)
    finals = [day.day for day in history.finals if day.day >= begin]
    return finals[0] if len(finals) > 1 else None


def _first_books(history: History, first: date) -> DayBooks | None:
    """Return the books of the first final day at whose end something was held, before the last; None without one."""
    wanted = [day.day for day in history.finals[:-1] if day.day >= first]
    return next((books for books in books_of(history.snapshot.portfolio, history.entries, wanted) if books.held), None)


def _question(history: History, books: DayBooks, policy: RebalancePolicy) -> ShadowQuestion:
    last, days = history.finals[-1].day, history.entries.days
    flows = {
        day: days[day].net_deposits.value for day in sorted(days) if books.day < day <= last and days[day].net_deposits
    }
    return ShadowQuestion(
        first=books.day,
        last=last,
        cash=books.cash.value,
        quantities={symbol.code: quantity.value for symbol, quantity in sorted(books.held.items())},
        flows=flows,
        policy=policy,
        risk_free_rate=history.risk_free_rate,
    )
