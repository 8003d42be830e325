"""Requests and answers about rebalancing as they really look: the examples of the OpenAPI document."""

from __future__ import annotations

from typing import Final

from portfolio.entrypoints.http.ledger.examples import AT, Example

QUESTIONS: Final[dict[str, object]] = {
    "trade": {"trades": [{"symbol": "BTC", "side": "SELL", "quantity": 0.01}]},
    "policy": {"policy": {"position_limit": 0.2, "fee_bps": "25"}},
}
_POLICY: Final[Example] = {
    "id": "ecfdb2580a3aa6c1",
    "position_limit": 0.25,
    "volatility_threshold": 0.8,
    "momentum_threshold": -0.5,
    "momentum_limit": 0.08,
    "category_limit": 0.4,
    "pair_correlation": 0.7,
    "pair_limit": 0.3,
    "pair_floor": 0.05,
    "cash_trigger": 0.3,
    "cash_target": 0.1,
    "sell_down_share": 0.92,
    "fee_bps": 10,
    "dust_value": 10,
    "uncapped_categories": ["other", "stablecoin"],
    "stable_categories": ["stablecoin"],
    "priorities": {
        "concentration_risk": "high",
        "high_volatility": "medium",
        "negative_momentum": "low",
        "category_concentration": "high",
        "high_correlation": "medium",
        "cash_deployment": "low",
    },
    "confidences": {
        "concentration_risk": 0.85,
        "high_volatility": 0.75,
        "negative_momentum": 0.6,
        "category_concentration": 0.8,
        "high_correlation": 0.7,
        "cash_deployment": 0.55,
    },
}
_RECOMMENDATION: Final[Example] = {
    "symbol": "BTC",
    "action": "SELL",
    "reason": "concentration_risk",
    "also": [],
    "current_allocation": 28.5,
    "target_allocation": 23,
    "trade_value": 386.14,
    "trade_quantity": 0.007721074092659946,
    "estimated_fee": 0.39,
    "priority": "high",
    "confidence": 0.85,
    "evidence": [
        {
            "rule": "concentration_risk",
            "change": -386.14,
            "figures": {"position_allocation": 28.501568, "limit_allocation": 25},
        }
    ],
}
_UNRESOLVED: Final[list[Example]] = [
    {
        "symbol": "BTC",
        "category": None,
        "symbols": ["BTC"],
        "reason": "undefined_volatility",
        "detail": "its volatility is undefined, so no rule on volatility is triggered and it is not bought",
        "limit": None,
    },
    {
        "symbol": "BTC",
        "category": None,
        "symbols": ["BTC"],
        "reason": "undefined_momentum",
        "detail": "its momentum is undefined, so no rule on momentum is triggered and it is not bought",
        "limit": None,
    },
]
ANALYSIS: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "analysis": {
        "portfolio_health_score": 85,
        "total_positions": 1,
        "total_recommendations": 1,
        "concentration_analysis": {
            "hhi": 1,
            "hhi_with_cash": 0.59245,
            "effective_positions": 1,
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
            "num_positions": 1,
            "recommended_action": "reduce_concentration",
        },
        "average_correlation": None,
        "high_priority_actions": 1,
        "recommendations": [_RECOMMENDATION],
        "unresolved": _UNRESOLVED,
        "turnover_percent": 5.501265,
        "estimated_cost": 0.39,
        "broken_limits": [
            {
                "rule": "concentration_risk",
                "symbols": ["BTC"],
                "category": None,
                "allocation": 28.5,
                "limit_allocation": 25,
            }
        ],
        "projected": {
            "total_value": 7018.75,
            "cash_balance": 5404.44,
            "cash_allocation": 77,
            "portfolio_health_score": 100,
            "total_positions": 1,
            "concentration_analysis": {
                "hhi": 1,
                "hhi_with_cash": 0.6458,
                "effective_positions": 1,
                "concentration_level": "high",
                "over_concentrated_positions": [],
                "over_concentrated_categories": [],
                "num_positions": 1,
                "recommended_action": "maintain",
            },
            "average_correlation": None,
            "broken_limits": [],
            "reasons": {"average_correlation": "too_few_positions"},
        },
        "withheld_rules": [],
        "withheld_because": None,
        "policy": _POLICY,
        "lookback_days": 30,
        "convention": "crypto-365-v1",
        "stale": False,
        "as_of": AT,
        "revision": 4,
        "reasons": {"average_correlation": "too_few_positions"},
    },
}
RECOMMENDATIONS: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "recommendations": [_RECOMMENDATION],
    "total_recommendations": 1,
    "high_priority": 1,
    "unresolved": _UNRESOLVED,
    "policy_id": "ecfdb2580a3aa6c1",
    "stale": False,
    "as_of": AT,
    "revision": 4,
}
WHAT_IF: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "what_if": {
        "basis": "plan",
        "trades": [
            {
                "symbol": "BTC",
                "side": "SELL",
                "quantity": 0.014181962299152518,
                "price": 50011.3725,
                "trade_value": 709.26,
                "estimated_fee": 1.77,
            }
        ],
        "turnover_percent": 10.104648,
        "estimated_cost": 1.77,
        "current": {
            "total_value": 7019.14,
            "cash_balance": 5018.69,
            "cash_allocation": 71.5,
            "portfolio_health_score": 85,
            "total_positions": 1,
            "concentration_analysis": {
                "hhi": 1,
                "hhi_with_cash": 0.59245,
                "effective_positions": 1,
                "concentration_level": "high",
                "over_concentrated_positions": [
                    {
                        "symbol": "BTC",
                        "current_allocation": 28.5,
                        "limit_allocation": 20,
                        "excess_allocation": 8.5,
                        "excess_value": 596.63,
                    }
                ],
                "over_concentrated_categories": [],
                "num_positions": 1,
                "recommended_action": "reduce_concentration",
            },
            "average_correlation": None,
            "broken_limits": [
                {
                    "rule": "concentration_risk",
                    "symbols": ["BTC"],
                    "category": None,
                    "allocation": 28.5,
                    "limit_allocation": 20,
                }
            ],
            "reasons": {"average_correlation": "too_few_positions"},
        },
        "projected": {
            "total_value": 7017.37,
            "cash_balance": 5726.17,
            "cash_allocation": 81.6,
            "portfolio_health_score": 100,
            "total_positions": 1,
            "concentration_analysis": {
                "hhi": 1,
                "hhi_with_cash": 0.699712,
                "effective_positions": 1,
                "concentration_level": "high",
                "over_concentrated_positions": [],
                "over_concentrated_categories": [],
                "num_positions": 1,
                "recommended_action": "maintain",
            },
            "average_correlation": None,
            "broken_limits": [],
            "reasons": {"average_correlation": "too_few_positions"},
        },
        "newly_broken": [],
        "recommendations": [
            {
                "symbol": "BTC",
                "action": "SELL",
                "reason": "concentration_risk",
                "also": [],
                "current_allocation": 28.5,
                "target_allocation": 18.4,
                "trade_value": 709.26,
                "trade_quantity": 0.014181962299152518,
                "estimated_fee": 1.77,
                "priority": "high",
                "confidence": 0.85,
                "evidence": [
                    {
                        "rule": "concentration_risk",
                        "change": -709.26,
                        "figures": {"position_allocation": 28.507201, "limit_allocation": 20},
                    }
                ],
            }
        ],
        "remaining": [],
        "unresolved": _UNRESOLVED,
        "policy": {**_POLICY, "id": "2d165e12dc6e40e9", "position_limit": 0.2, "fee_bps": 25},
        "stale": False,
        "as_of": AT,
        "revision": 4,
        "reasons": {},
    },
}
