"""Shadow portfolios: what the books of a day would have become without a hand, or by the rules alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from portfolio.application.backtest.decision import ByPolicy
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.records import EquityRow, SeriesFigures
from portfolio.application.backtest.request import BacktestRequest
from portfolio.application.backtest.result import series_figures
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.backtest.fills import WRITE_DOWN, Fill, Wallet
from portfolio.domain.lazy import lazy
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import Money, round_to_step
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason

DO_NOTHING: Final = "do_nothing"
POLICY: Final = "policy"

# So many days at once: whoever else computes meanwhile waits for no more than these.
DAYS_AT_ONCE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowQuestion:
    """The books at the end of ``first``, and what was paid in or out on the days after it until ``last``.

    Equal questions on equal closes have equal answers.
    """

    first: date
    last: date
    cash: Decimal
    quantities: Mapping[str, Decimal]
    flows: Mapping[date, Decimal]
    policy: RebalancePolicy
    risk_free_rate: Decimal = ZERO

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells it apart."""
        held, flows = tuple(sorted(self.quantities.items())), tuple(sorted(self.flows.items()))
        return self.first, self.last, self.cash, held, flows, self.policy.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """One shadow portfolio by the end of the last day, and what its trades cost, in dollars.

    ``cash`` may be below zero, where more was withdrawn than it had. ``days`` are in units of which one was worth 1 at
    the beginning.
    """

    name: str
    figures: SeriesFigures
    cash: Decimal
    trades: int
    traded: Decimal
    fees: Decimal
    slippage: Decimal
    days: Sequence[MeasuredDay] = field(repr=False)


class ShadowRun:
    """The shadows of one question, on their way from day to day; what was done stays done."""

    def __init__(self, question: ShadowQuestion, panel: Panel) -> None:
        """Begin with what was held.

        Raises:
            NotBacktestable: it was worth nothing.
        """
        self.question = question
        self._panel = panel
        request = BacktestRequest(policy=question.policy, first=question.first, last=question.last)
        begun = start(request, panel, Holdings(cash=question.cash, quantities=question.quantities))
        begun.flows = question.flows
        rules = {POLICY: tuple(Reason), **{reason.value: (reason,) for reason in Reason}}
        self._decide = {name: ByPolicy(question.policy, rules=counted) for name, counted in rules.items()}
        self.states: dict[str, BacktestState] = dict.fromkeys(self._decide, begun)

    @property
    def is_done(self) -> bool:
        """Return whether all of them have come to the last day."""
        return all(state.is_done for state in self.states.values())

    @property
    def left_out(self) -> Sequence[str]:
        """Return what was held and has no close to begin with."""
        return self.states[POLICY].left_out

    def go_on(self) -> None:
        """Take the next days of one of those that have days left."""
        name = next(name for name, state in self.states.items() if not state.is_done)
        state = self.states[name]
        until = state.next_day + timedelta(days=DAYS_AT_ONCE - 1)
        self.states[name] = advance(state, self._panel, until, decide=self._decide[name])

    @lazy
    def shadows(self) -> Sequence[Shadow]:
        """Return all of them once they are done: doing nothing, the whole policy, and each of its rules alone."""
        assert self.is_done
        policy = self.states[POLICY]
        nothing = self._shadow(DO_NOTHING, policy.equity, [row.do_nothing for row in policy.equity], policy.main.idle)
        by_rules = (
            self._shadow(name, state.equity, [row.value for row in state.equity], state.main.own, state.fills)
            for name, state in self.states.items()
        )
        return nothing, *by_rules

    @exact
    def _shadow(
        self,
        name: str,
        rows: Sequence[EquityRow],
        values: Sequence[Decimal],
        wallet: Wallet,
        fills: Sequence[Fill] = (),
    ) -> Shadow:
        trades = [fill for fill in fills if fill.rule != WRITE_DOWN]
        days = in_units([row.day for row in rows], values, self.question.flows)
        return Shadow(
            name=name,
            figures=series_figures(days, self.question.risk_free_rate),
            cash=wallet.cash,
            trades=len(trades),
            traded=total(fill.value for fill in trades),
            fees=total(fill.fee for fill in trades),
            slippage=total(fill.slippage for fill in trades),
            days=days,
        )


@exact
def in_units(dates: Sequence[date], values: Sequence[Decimal], flows: Mapping[date, Decimal]) -> list[MeasuredDay]:
    """Return values as days of a fund, of which a unit was worth 1 at first.

    Flows of later days are in the values: each buys or gives back units at the closes that it came at.
    """
    units, paid, days = Units().after_flow(Money.zero(), Money(values[0])), ZERO, list[MeasuredDay]()
    for day, value in zip(dates, values, strict=True):
        flow = flows.get(day, ZERO)
        before = Money.rounded(value - flow)
        units, paid = units.after_flow(before, Money.rounded(flow)), paid + flow
        days.append(MeasuredDay(day, Money(value), Money.rounded(paid), units.value(Money(value))))
    return days


@exact
def rebased(days: Sequence[MeasuredDay], first: date) -> list[MeasuredDay]:
    """Return the days from ``first`` on, which is one of them, in units of which one was worth 1 at its end."""
    there = [day for day in days if day.day >= first]
    assert there[0].day == first
    begun = there[0].unit_value
    return [replace(day, unit_value=round_to_step(day.unit_value / begun)) for day in there]
