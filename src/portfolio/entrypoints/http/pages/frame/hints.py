"""What a figure is, in a few words that stand beside it: its formula is only there once it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WAYS: Final = ("historical", "cornish_fisher", "normal")
_SHARES: Final = ((95, 5), (99, 1))

HINTS: Final[Mapping[str, str]] = {
    "annualized_return": "at this pace, a year",
    "annualized_volatility": "how far a year's return swings, of the books as they were",
    "average_correlation": "1 moves alike, 0 independently, −1 against each other",
    "base_brier_score": "of claiming the base rate each time",
    "base_rate": "how often such trades paid anyway",
    "beta": "1 moves as the benchmark does, 0 without it",
    "brier_score": "of claims: 0 is perfect, 0.25 is guessing",
    "calmar_ratio": "return a year for its deepest fall",
    "current_drawdown": "below the last peak, at the end",
    "diversification_ratio": "1 is none: all moves as one",
    "down_capture": "its part in the benchmark's falls",
    "effective_positions": "so many of equal size are as concentrated",
    "episodes": "advice on one asset for one reason",
    "expectancy": "mean result of a closing trade",
    "expected_cvar": "mean loss of the worst days",
    "expected_sharpe": "return for its volatility",
    "expected_volatility": "of these weights, over the days looked at",
    "hhi": "sum of squared shares: 1 is all in one asset",
    "hhi_with_cash": "the same, with cash as one of them",
    "max_drawdown": "deepest fall from a peak",
    "money_weighted_return": "a year, by when deposits came",
    "money_weighted_return_percent": "over the period, by when deposits came",
    "portfolio_heat": "a day's move, if all moved together",
    "portfolio_volatility": "how far a year's return swings, of what is held now",
    "profit_factor": "gains for a dollar of losses",
    "sharpe_ratio": "return for its volatility",
    "sharpe_standard_error": "the ratio is known to about this",
    "sortino_ratio": "return for its losses alone",
    "tail_covered_percent": "of the value has enough history",
    "total_return_percent": "of a unit: deposits do not count",
    "up_capture": "its part in the benchmark's rises",
    "volatility_covered_percent": "of the value has enough history",
    **{
        f"{way}_{share}_value_at_risk": f"more is lost on {beyond} of 100 days"
        for way in _WAYS
        for share, beyond in _SHARES
    },
    **{f"{way}_{share}_conditional_value_at_risk": "mean loss of those days" for way in _WAYS for share, _ in _SHARES},
    **{f"backtest_{share}_p_value": "under 0.05 the estimate is in doubt" for share, _ in _SHARES},
}


def hint(name: str) -> str:
    """Return a few words about the figure of this name; none where its label says all.

    >>> hint("beta"), hint("total_value")
    ('1 moves as the benchmark does, 0 without it', '')
    """
    return HINTS.get(name, "")
