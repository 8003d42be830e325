"""Recommendations: at most one trade a symbol, made of all proposals of the strategies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from portfolio.domain.arithmetic import HUNDRED, ZERO, exact
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import STEP
from portfolio.domain.rebalancing.funding import PlannedTrade, funded
from portfolio.domain.rebalancing.reason import Priority, Reason
from portfolio.domain.rebalancing.settlement import Settlement
from portfolio.domain.rebalancing.strategies.targets import Proposal
from portfolio.domain.rebalancing.view import Holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation(PlannedTrade):
    """A trade that the policy asks for.

    ``also`` are the other rules that took part in a sale; ``evidence`` is what each rule wished, with its figures, in
    order.
    """

    reason: Reason
    also: Sequence[Reason]
    priority: Priority
    confidence: Decimal
    evidence: Sequence[Proposal]


@exact
def recommendations_of(settlement: Settlement) -> list[Recommendation]:
    """Return the trades of a settlement: sales before purchases, by priority, then the largest, then by symbol. So the
    cash there is pays for the first of them, however many those are.
    """
    by_symbol: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in settlement.proposals:
        assert isinstance(proposal, Proposal)  # settled by the rules of a policy
        by_symbol[proposal.symbol].append(proposal)
    trades = [_recommendation(settlement, symbol, by_symbol[symbol]) for symbol in settlement.changes]
    trades.sort(key=lambda trade: (trade.action is Side.BUY, trade.priority.rank, -trade.trade_value, trade.symbol))
    return funded(trades, settlement.limits.view, settlement.limits.policy.fee_rate)


def _recommendation(settlement: Settlement, symbol: str, proposals: Sequence[Proposal]) -> Recommendation:
    policy, view = settlement.limits.policy, settlement.limits.view
    holding, change = view.holdings[symbol], settlement.changes[symbol]
    reasons = _reasons_to_sell(proposals) if change < 0 else [Reason.CASH_DEPLOYMENT]
    return Recommendation(
        symbol=symbol,
        action=Side.SELL if change < 0 else Side.BUY,
        reason=reasons[0],
        also=tuple(sorted(reasons[1:], key=lambda reason: reason.place)),
        current_allocation=holding.value * HUNDRED / view.total_value,
        target_allocation=(holding.value + change) * HUNDRED / settlement.whole,
        trade_value=abs(change),
        trade_quantity=quantity_of(holding, change),
        estimated_fee=abs(change) * policy.fee_rate,
        priority=min((policy.priorities[reason] for reason in reasons), key=lambda priority: priority.rank),
        confidence=policy.confidences[reasons[0]],
        evidence=tuple(proposals),
    )


def _reasons_to_sell(proposals: Sequence[Proposal]) -> list[Reason]:
    """Return the rules that took something, the one that took most first; a tie goes to the earlier rule."""
    taken: dict[Reason, Decimal] = {}
    for proposal in proposals:
        if proposal.change < 0:
            taken[proposal.rule] = taken.get(proposal.rule, ZERO) - proposal.change
    return sorted(taken, key=lambda reason: (-taken[reason], reason.place))


def quantity_of(holding: Holding, change: Decimal) -> Decimal:
    """Return the units that are worth ``change``: a purchase rounded down, so that its cash is there; a sale rounded
    up, so that its limit is met, but never more than is held, and all of it where everything goes.
    """
    assert holding.price is not None
    units = abs(change) / holding.price
    if change > 0:
        return units.quantize(STEP, rounding=ROUND_DOWN)
    if -change >= holding.value:
        return holding.quantity
    return min(units.quantize(STEP, rounding=ROUND_UP), holding.quantity)
