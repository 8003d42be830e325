"""The plan that leads to weights: one strategy, settled with its costs like any plan of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, ONE, ZERO, exact, total
from portfolio.domain.ledger.trade import Side
from portfolio.domain.optimisation.headroom import Headroom
from portfolio.domain.rebalancing.funding import PlannedTrade, funded
from portfolio.domain.rebalancing.plan import Plan, make_plan
from portfolio.domain.rebalancing.recommendation import quantity_of
from portfolio.domain.rebalancing.settlement import Settlement, settle
from portfolio.domain.rebalancing.strategies.targets import Change, Strategy, Targets
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """What to trade to come to the weights, what it costs and leads to, and what the policy asks for after it.

    ``too_small`` are the assets whose trade would be under the dust limit: they stay as they are. Money is exact;
    ``turnover_percent`` is of today's total value.
    """

    current: Summary
    projected: Summary
    trades: Sequence[PlannedTrade]
    estimated_cost: Decimal
    turnover_percent: Decimal
    too_small: Sequence[str]
    remaining: Plan


def is_reachable(holding: Holding) -> bool:
    """Return whether a plan may bring an asset to a weight: its price is live, and it is not short."""
    return holding.tradable and holding.value >= 0


def reach(weights: Mapping[str, Decimal], headrooms: Sequence[Headroom] = ()) -> Strategy:
    """Return the strategy that brings each asset of ``weights``, all reachable, to its fraction of the total value.

    It may buy what is not held yet. Assets that keep their value, or whose trade would be too small, may leave less
    money than the weights count on, or less of the ``headrooms``: then the others have less, in proportion, so that
    cash is never short and no limit is passed.
    """
    # Most of them are an asset's own limit: a weight, as the goal is.
    own: dict[str, Decimal] = {}
    for headroom in filter(_is_own, headrooms):
        own[headroom.symbols[0]] = min(headroom.limit, own.get(headroom.symbols[0], headroom.limit))
    together = [headroom for headroom in headrooms if not _is_own(headroom)]

    @exact
    def strategy(targets: Targets) -> Sequence[Change]:
        free = {symbol: weight for symbol, weight in weights.items() if symbol not in targets.fixed}
        wanted = total(free.values()) * targets.whole
        kept = total(value for symbol, value in targets.values.items() if symbol not in free)
        scale = min(ONE, max(targets.whole - kept, ZERO) / wanted) if wanted > 0 else ONE
        scaled = targets.whole * scale
        goals = {
            symbol: min(weight * scaled, own[symbol] * targets.whole) if symbol in own else weight * scaled
            for symbol, weight in free.items()
        }
        for headroom in together:
            others = total(
                targets.values[symbol] for symbol in (*headroom.kept, *headroom.symbols) if symbol not in goals
            )
            most, wanted = (
                headroom.limit * targets.whole - others,
                total(goals.get(symbol, ZERO) for symbol in headroom.symbols),
            )
            if wanted > max(most, ZERO):
                part = max(most, ZERO) / wanted
                goals |= {symbol: goals[symbol] * part for symbol in headroom.symbols if symbol in goals}
        changes = {symbol: goal - targets.values[symbol] for symbol, goal in goals.items()}
        return [Change(symbol=symbol, change=change) for symbol, change in changes.items() if change]

    return strategy


def _is_own(headroom: Headroom) -> bool:
    return len(headroom.symbols) == 1 and not headroom.kept


@exact
def plan_to(current: Summary, weights: Mapping[str, Decimal], headrooms: Sequence[Headroom] = ()) -> TargetPlan | None:
    """Return the plan from what is held to ``weights`` within ``headrooms``: fractions of the total value after costs.

    None where there is nothing to take fractions of: a total value not above zero, before the trades or after.
    """
    settlement = _settled(current, weights, headrooms)
    if settlement is None:
        return None
    projected = current.after(settlement.view)
    return TargetPlan(
        current=current,
        projected=projected,
        trades=_trades(settlement),
        estimated_cost=settlement.cost,
        turnover_percent=settlement.turnover * HUNDRED / current.total_value,
        too_small=tuple(sorted(settlement.fixed)),
        remaining=make_plan(projected),
    )


def trades_to(
    current: Summary, weights: Mapping[str, Decimal], headrooms: Sequence[Headroom] = ()
) -> Sequence[PlannedTrade] | None:
    """Return the trades of ``plan_to`` alone; None as there."""
    settlement = _settled(current, weights, headrooms)
    return None if settlement is None else _trades(settlement)


def _settled(current: Summary, weights: Mapping[str, Decimal], headrooms: Sequence[Headroom]) -> Settlement | None:
    if current.total_value <= 0:
        return None
    return settle(current.limits, [reach(weights, headrooms)], deploys=False)


@exact
def _trades(settlement: Settlement) -> Sequence[PlannedTrade]:
    """Return sales before purchases, the largest first, then by symbol."""
    found = [_trade(settlement, symbol, change) for symbol, change in settlement.changes.items()]
    found.sort(key=lambda trade: (trade.action is Side.BUY, -trade.trade_value, trade.symbol))
    return tuple(funded(found, settlement.limits.view, settlement.limits.policy.fee_rate))


def _trade(settlement: Settlement, symbol: str, change: Decimal) -> PlannedTrade:
    view, holding = settlement.limits.view, settlement.limits.view.holdings[symbol]
    return PlannedTrade(
        symbol=symbol,
        action=Side.SELL if change < 0 else Side.BUY,
        current_allocation=holding.value * HUNDRED / view.total_value,
        target_allocation=(holding.value + change) * HUNDRED / settlement.whole,
        trade_value=abs(change),
        trade_quantity=quantity_of(holding, change),
        estimated_fee=abs(change) * settlement.limits.policy.fee_rate,
    )
