"""Rules 1 to 3: a position over its limit is sold down to a share of it."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.strategies.targets import Figure, Proposal, Targets


@exact
def concentration_risk(targets: Targets, *, only: Container[str] | None = None) -> list[Proposal]:
    """Return the sales of positions over the position limit; with ``only``, of these symbols alone."""
    return _sell_down(targets, Reason.CONCENTRATION_RISK, only)


@exact
def high_volatility(targets: Targets) -> list[Proposal]:
    """Return the sales of positions that are too large for their volatility: the limit falls as it rises."""
    return _sell_down(targets, Reason.HIGH_VOLATILITY)


@exact
def negative_momentum(targets: Targets) -> list[Proposal]:
    """Return the sales of positions that are too large for their falling price."""
    return _sell_down(targets, Reason.NEGATIVE_MOMENTUM)


def _sell_down(targets: Targets, reason: Reason, only: Container[str] | None = None) -> list[Proposal]:
    proposals = []
    for symbol, limit in targets.limits.positions_over(reason, targets.values, targets.whole):
        if (only is None or symbol in only) and targets.can_move(symbol):
            value, goal = targets.values[symbol], limit * targets.limits.policy.sell_down_share * targets.whole
            evidence = _evidence(targets, symbol, value, limit, reason)
            proposals.append(Proposal(symbol=symbol, rule=reason, change=goal - value, figures=evidence))
    return proposals


def _evidence(targets: Targets, symbol: str, value: Decimal, limit: Decimal, reason: Reason) -> dict[str, Figure]:
    holding, policy = targets.limits.view.holdings[symbol], targets.limits.policy
    evidence: dict[str, Figure] = {
        "position_allocation": targets.share(value),
        "limit_allocation": limit * HUNDRED,
    }
    if reason is Reason.HIGH_VOLATILITY and holding.volatility is not None:
        evidence |= {"volatility": holding.volatility, "volatility_threshold": policy.volatility_threshold}
    if reason is Reason.NEGATIVE_MOMENTUM and holding.momentum is not None:
        evidence |= {"momentum": holding.momentum, "momentum_threshold": policy.momentum_threshold}
    return evidence
