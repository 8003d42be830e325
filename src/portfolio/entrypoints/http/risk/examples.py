"""Answers about risk as they really look: a portfolio of 7019.14 dollars, 28.5 % of it in BTC."""

from __future__ import annotations

from typing import Final

from portfolio.entrypoints.http.ledger.examples import AT, Example

_CONVENTION: Final = "crypto-365-v1"
_KNOWN: Final[Example] = {"convention": _CONVENTION, "stale": False, "as_of": AT, "revision": 4}
_HISTORY: Final[Example] = {
    **_KNOWN,
    "lookback_days": 30,
    "simulated_history": False,
    "mixed_history": [],
    "reasons": {},
}
_SALE: Final[Example] = {
    "symbol": "BTC",
    "action": "SELL",
    "reason": "concentration_risk",
    "also": [],
    "current_allocation": 28.5,
    "target_allocation": 23,
    "trade_value": 386.14,
    "trade_quantity": 0.008580888888888889,
    "estimated_fee": 0.39,
    "priority": "high",
    "confidence": 0.85,
    "evidence": [],
}
CONCENTRATION: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "concentration_analysis": {
        "hhi": 0.515357636306,
        "hhi_with_cash": 0.38645,
        "effective_positions": 1.94040008249,
        "concentration_level": "high",
        "over_concentrated_positions": [
            {
                "symbol": "BTC",
                "current_allocation": 28.5,
                "limit_allocation": 25,
                "excess_allocation": 3.5,
                "excess_value": 245.67,
            }
        ],
        "over_concentrated_categories": [],
        "num_positions": 2,
        "recommended_action": "reduce_concentration",
        **_KNOWN,
        "reasons": {},
    },
}
CORRELATION: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "correlation": {
        **_HISTORY,
        "symbols": ["BTC", "ETH", "NEW"],
        "matrix": [[1, 0.812345678901, None], [0.812345678901, 1, None], [None, None, None]],
        "average_correlation": 0.812345678901,
        "high_pairs": [{"symbols": ["BTC", "ETH"], "correlation": 0.812345678901, "common_days": 30}],
        "excluded": [{"symbol": "NEW", "reason": "too_few_observations"}],
        "undefined_pairs": [],
    },
}
VOLATILITY: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "volatility": {
        **_HISTORY,
        "portfolio_volatility": 0.273456789012,
        "diversification_ratio": 1.05123456789,
        "portfolio_heat": 0.0150345678901,
        "assets": [
            {
                "symbol": "BTC",
                "daily_volatility": 0.0261733489,
                "annualized_volatility": 0.500041,
                "level": "medium",
                "allocation_percent": 28.5,
                "risk_contribution": 0.62345678,
                "risk_contribution_percent": 62.345678,
                "reasons": {},
            },
            {
                "symbol": "ETH",
                "daily_volatility": 0.0314080186,
                "annualized_volatility": 0.600049,
                "level": "medium",
                "allocation_percent": 20,
                "risk_contribution": 0.37654322,
                "risk_contribution_percent": 37.654322,
                "reasons": {},
            },
        ],
        "excluded": [],
        "common_days": 30,
        "covered_percent": 48.5,
    },
}


def _loss(at_risk: float, conditional: float) -> Example:
    whole = 7019.14
    return {
        "value_at_risk": at_risk,
        "value_at_risk_amount": round(at_risk * whole, 2),
        "conditional_value_at_risk": conditional,
        "conditional_value_at_risk_amount": round(conditional * whole, 2),
        "reasons": {},
    }


_BENT: Final[Example] = {
    **dict.fromkeys(_loss(0, 0)),
    "reasons": {name: "expansion_not_monotone" for name in _loss(0, 0) if name != "reasons"},
}
TAIL: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "value_at_risk": {
        **_HISTORY,
        "lookback_days": 365,
        "confidence_95": {
            "confidence": 0.95,
            "historical": _loss(0.0221, 0.0318),
            "cornish_fisher": _loss(0.0234, 0.0339),
            "normal": _loss(0.0229, 0.0288),
        },
        "confidence_99": {
            "confidence": 0.99,
            "historical": _loss(0.0372, 0.0421),
            "cornish_fisher": _BENT,
            "normal": _loss(0.0326, 0.0374),
        },
        "observations": 365,
        "excluded": [],
        "covered_percent": 48.5,
    },
}
SECTORS: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "sectors": [
        {
            "category": "store_of_value",
            "value": 2000.45,
            "allocation_percent": 28.5,
            "limit_percent": 40,
            "over_limit": False,
            "symbols": ["BTC"],
            "reasons": {},
        },
        {
            "category": "smart_contracts",
            "value": 1403.83,
            "allocation_percent": 20,
            "limit_percent": 40,
            "over_limit": False,
            "symbols": ["ETH"],
            "reasons": {},
        },
        {
            "category": "cash",
            "value": 3614.86,
            "allocation_percent": 51.5,
            "limit_percent": None,
            "over_limit": False,
            "symbols": [],
            "reasons": {"limit_percent": "no_limit"},
        },
    ],
    **_KNOWN,
}
_OVER: Final[Example] = {
    "factor": "position_over_limit",
    "points": 15,
    "subject": "BTC",
    "detail": "BTC is 28.5 % of the total value, over the position limit of 25 %",
}
_ALIKE: Final[Example] = {
    "factor": "average_correlation",
    "points": 24.4,
    "subject": None,
    "detail": "the average correlation is 0.812345678901: 30 points at 1",
}
HEALTH: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "health": {
        "score": 60.6,
        "target": 70,
        "healthy": False,
        "average_correlation": 0.812345678901,
        "deductions": [_OVER, _ALIKE],
        "recommendations": [_SALE],
        "to_reach_target": {
            "reachable": True,
            "projected_score": 75.6,
            "trades": [_SALE],
            "trade_value": 386.14,
            "estimated_cost": 0.39,
            "in_the_way": [],
        },
        "lookback_days": 30,
        **_KNOWN,
        "reasons": {},
    },
}
