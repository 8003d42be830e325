"""Rule 6: cash above the trigger buys held assets that rise, by inverse volatility, within their limits."""

from __future__ import annotations

from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, ONE, exact
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.strategies.filling import filled
from portfolio.domain.rebalancing.strategies.targets import Figure, Proposal, Targets


@exact
def is_cash_idle(targets: Targets) -> bool:
    """Return whether the cash that the targets leave is over the trigger."""
    return targets.cash > targets.limits.policy.cash_trigger * targets.whole


@exact
def spend(targets: Targets) -> list[Proposal]:
    """Return the purchases that bring cash down to its target, whatever the trigger says.

    Money flows into all candidates at once, in proportion to 1 / volatility; one that meets a limit drops out and the
    others go on, until money or room ends.
    """
    rates = _rates(targets)
    if not rates:
        return []
    values, cash = filled(targets, rates), _cash_figures(targets)
    return [
        Proposal(
            symbol=symbol,
            rule=Reason.CASH_DEPLOYMENT,
            change=value - targets.values[symbol],
            figures={**cash, **_figures(targets, symbol)},
        )
        for symbol, value in values.items()
        if value > targets.values[symbol]
    ]


def _rates(targets: Targets) -> dict[str, Decimal]:
    """Return the inverse volatility of each asset that may be bought.

    Not bought besides what the policy excludes is what the books could not hold, by its price. Nor are, as their true
    size is not known, an asset of a category of which more than 5 % cannot be traded, and one that is correlated with a
    position over the pairs' floor that cannot.
    """
    limits, rates = targets.limits, {}
    uncertain = {symbol for members in limits.categories.values() if limits.is_stuck(members) for symbol in members}
    floor = limits.policy.pair_floor * targets.whole
    for holding in limits.view.stuck:
        if abs(holding.value) > floor:
            uncertain.update(limits.partners_of(holding.symbol))
    for symbol in targets.values:
        holding = limits.view.holdings[symbol]
        if symbol in uncertain or holding.category in limits.policy.stable_categories or not targets.can_move(symbol):
            continue
        if limits.view.is_uncountable(symbol):
            continue
        momentum, volatility = holding.momentum, holding.volatility
        if momentum is not None and momentum > 0 and volatility is not None and volatility > 0:
            rates[symbol] = ONE / volatility
    return rates


def _cash_figures(targets: Targets) -> dict[str, Figure]:
    policy = targets.limits.policy
    return {
        "cash_allocation": targets.share(targets.cash),
        "cash_trigger_allocation": policy.cash_trigger * HUNDRED,
        "cash_target_allocation": policy.cash_target * HUNDRED,
    }


def _figures(targets: Targets, symbol: str) -> dict[str, Figure]:
    holding = targets.limits.view.holdings[symbol]
    assert holding.momentum is not None
    assert holding.volatility is not None
    return {
        "position_allocation": targets.share(targets.values[symbol]),
        "momentum": holding.momentum,
        "volatility": holding.volatility,
    }
