"""Repeats the strategies until limits hold on the total value after all fees, and no trade is too small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.arithmetic import exact, total
from portfolio.domain.lazy import lazy
from portfolio.domain.rebalancing.limits import Limits
from portfolio.domain.rebalancing.strategies.deployment import is_cash_idle, spend
from portfolio.domain.rebalancing.strategies.targets import MARGIN, Change, Strategy, Targets
from portfolio.domain.rebalancing.view import MarketView

# What is closer than this is equal: a millionth of a millionth of a millionth of a dollar.
STEP = Decimal(1).scaleb(-18)
MAX_ROUNDS = 64
_A_LINE = 2


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """The final targets, and the proposals that led to them.

    ``changes`` are the net trades in dollars, each of the dust limit or more, below zero for a sale; ``whole`` is the
    total value after ``cost``, the fees of all of them. ``fixed`` are the assets whose trade would have been dust.
    """

    limits: Limits
    proposals: Sequence[Change]
    changes: Mapping[str, Decimal]
    cost: Decimal
    whole: Decimal
    fixed: frozenset[str]

    @lazy
    @exact
    def turnover(self) -> Decimal:
        """Return the value of all trades, in dollars."""
        return total(abs(change) for change in self.changes.values())

    @lazy
    @exact
    def view(self) -> MarketView:
        """Return the view after the trades."""
        view = self.limits.view
        return view.changed(self.changes, cash=view.cash - total(self.changes.values()) - self.cost)


@exact
def settle(limits: Limits, strategies: Sequence[Strategy], *, deploys: bool) -> Settlement | None:
    """Return what the strategies lead to, applied in their order, and with ``deploys`` cash deployment after them.

    Whether cash is idle is judged where the strategies alone have come to stand. Trades under the dust limit are
    dropped, the smaller half of them at a time, as what they leave falls to the others and may lift those over it.

    None where there is nothing to hold limits against: a total value not above zero, before the trades or after costs.
    """
    fixed: frozenset[str] = frozenset()
    while True:
        settled = _settle_costs(limits, strategies, fixed)
        if deploys and settled is not None and is_cash_idle(_targets(settled)):
            settled = _settle_costs(limits, [*strategies, spend], fixed)
        if settled is None:
            return None
        sizes = {symbol: abs(change) for symbol, change in settled.changes.items() if symbol not in fixed}
        dust = sorted((size, symbol) for symbol, size in sizes.items() if size < limits.policy.dust_value)
        if not dust:
            return settled
        fixed |= {symbol for _, symbol in dust[: (len(dust) + 1) // 2]}


def _targets(settled: Settlement) -> Targets:
    before = settled.limits.view.values
    values = {**before, **{symbol: before[symbol] + change for symbol, change in settled.changes.items()}}
    return Targets(limits=settled.limits, whole=settled.whole, values=values, fixed=settled.fixed)


def _settle_costs(limits: Limits, strategies: Sequence[Strategy], fixed: frozenset[str]) -> Settlement | None:
    """Return the plan whose limits count on the total value that it leaves.

    Costs move the total value by a small part of what the limits move the trades, so a few rounds settle it; two of
    them make a line, and between two bends of the limits the third, where that line leads, is the last. Where a limit
    sits so that the rounds run in a circle, the lowest total value of the circle is taken: it is less than what the
    plan leaves, so that every limit holds all the more. Costs below the margin are of dust: what is at its limit stays
    there beside it.
    """
    before = limits.view.total_value
    whole = before
    tried: list[Decimal] = []
    while whole > 0 and len(tried) < MAX_ROUNDS:
        settled = _attempt(limits, strategies, fixed, whole, before)
        counted = settled.whole - MARGIN if settled.cost > MARGIN else settled.whole
        if abs(counted - whole) <= STEP:
            return settled
        tried.append(whole)
        whole = counted if len(tried) != _A_LINE else _where_it_leads(tried[0], tried[1], counted)
        if any(abs(whole - earlier) <= STEP for earlier in tried):
            break
    if whole <= 0:
        return None
    return _attempt(limits, strategies, fixed, min(tried), before)


def _where_it_leads(first: Decimal, second: Decimal, third: Decimal) -> Decimal:
    """Return the total value that leads to itself, if each of three leads to the next on a straight line."""
    slope = (third - second) / (second - first)
    return second + (third - second) / (1 - slope) if abs(slope) < 1 else third


def _attempt(
    limits: Limits, strategies: Sequence[Strategy], fixed: frozenset[str], whole: Decimal, before: Decimal
) -> Settlement:
    start = limits.view.values
    targets = Targets(limits=limits, whole=whole, values=start, fixed=fixed)
    proposals: list[Change] = []
    for strategy in strategies:
        if wanted := strategy(targets):
            proposals += wanted
            targets = targets.after(wanted)
    touched = {proposal.symbol for proposal in proposals}
    changes = {symbol: targets.values[symbol] - value for symbol, value in start.items() if symbol in touched}
    changes = {symbol: change for symbol, change in changes.items() if abs(change) > STEP}
    cost = total(abs(change) for change in changes.values()) * limits.policy.fee_rate
    return Settlement(limits=limits, proposals=proposals, changes=changes, cost=cost, whole=before - cost, fixed=fixed)
