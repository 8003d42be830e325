"""Parts of the total value, rules, factors and obstacles in words; the codes are the API's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.unresolved import Obstacle

PARTS: Final = {
    "net_deposits": "Net deposits",
    "realized_pnl": "Realized result",
    "unrealized_pnl": "Unrealized result",
    "unreconciled": "Unreconciled",
}
"""The parts of the total value."""

RULES: Final = {
    Reason.CONCENTRATION_RISK.value: "position limit",
    Reason.HIGH_VOLATILITY.value: "limit of a volatile position",
    Reason.NEGATIVE_MOMENTUM.value: "limit of a falling position",
    Reason.CATEGORY_CONCENTRATION.value: "category limit",
    Reason.HIGH_CORRELATION.value: "limit of a correlated pair",
    Reason.CASH_DEPLOYMENT.value: "idle cash",
}

OBSTACLES: Final = {
    Obstacle.PRICE_NOT_LIVE.value: "its price is not live, so it is not traded",
    Obstacle.SHORT_POSITION.value: "it is a short position, which no rule trades",
    Obstacle.MEMBER_NOT_TRADED.value: "a position in it cannot be traded",
    Obstacle.TRADE_TOO_SMALL.value: "what is left to trade is too small",
    Obstacle.RULE_WITHHELD.value: "the plan was made without this rule",
    Obstacle.PRICE_TOO_LOW.value: "its price is too low for it to be bought: the books hold fewer than 1e20 units",
    Obstacle.UNDEFINED_VOLATILITY.value: "its volatility is not defined",
    Obstacle.UNDEFINED_MOMENTUM.value: "its momentum is not defined",
    Obstacle.UNDEFINED_CORRELATION.value: "their correlation is not defined",
}

OBJECTIVES: Final = {
    "min_variance": "least variance",
    "max_sharpe": "greatest Sharpe ratio",
    "min_cvar": "least CVaR",
    "risk_parity": "risk parity",
    "hrp": "hierarchical risk parity",
    "inverse_volatility": "inverse volatility",
    "equal_weight": "equal weights",
    "current": "the weights of today",
}

ESTIMATORS: Final = {
    "ledoit_wolf": "shrunk (Ledoit and Wolf)",
    "sample": "sample",
    "ewma": "exponentially weighted",
}


def named(name: str) -> str:
    """Return the name of a category or of a figure as a person writes it; the names of assets stay as they are.

    >>> named("smart_contracts"), named("BTC")
    ('smart contracts', 'BTC')
    """
    return name.replace("_", " ")


def subject_of(names: Sequence[str]) -> str:
    """Return whose limit it is: an asset, a category, or a pair of assets."""
    return " and ".join(map(named, names))


def broken_limits(summary: Summary) -> Sequence[str]:
    """Return the limits that are broken, by name: whatever the score is, they ask for trades.

    A page that shows the score says them beside it, as it says nothing of most of them.
    """
    return [f"{subject_of(over.name.subject)} ({RULES[over.rule.value]})" for over in summary.over]
