"""The answer of a check before a trade as it really looks: the example of the OpenAPI document."""

from __future__ import annotations

from typing import Final

from portfolio.entrypoints.http.ledger.examples import AT, Example

CHECKED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "check": {
        "symbol": "BTC",
        "side": "SELL",
        "quantity": 0.01,
        "price": 50000,
        "category": "store_of_value",
        "accepted": True,
        "problem": None,
        "allowed": True,
        "breaks_limits": False,
        "broken_limits": [],
        "largest_quantity": 0.04,
        "current": {
            "quantity": 0.04,
            "value": 2000.45,
            "allocation_percent": 28.5,
            "category_allocation": 28.5,
            "total_value": 7019.14,
            "cash_balance": 5018.69,
            "cash_allocation": 71.5,
            "hhi": 1,
            "hhi_with_cash": 0.59245,
            "concentration_level": "high",
            "portfolio_health_score": 85,
            "average_correlation": None,
            "correlations": {},
            "portfolio_volatility": None,
            "value_at_risk_95": None,
            "excluded": [{"symbol": "BTC", "reason": "too_few_observations"}],
            "reasons": {
                "average_correlation": "too_few_positions",
                "portfolio_volatility": "too_few_observations",
                "value_at_risk_95": "too_few_observations",
            },
        },
        "projected": {
            "quantity": 0.03,
            "value": 1500.34,
            "allocation_percent": 21.376869,
            "category_allocation": 21.376869,
            "total_value": 7018.53,
            "cash_balance": 5518.19,
            "cash_allocation": 78.623131,
            "hhi": 1,
            "hhi_with_cash": 0.663856724431,
            "concentration_level": "high",
            "portfolio_health_score": 100,
            "average_correlation": None,
            "correlations": {},
            "portfolio_volatility": None,
            "value_at_risk_95": None,
            "excluded": [{"symbol": "BTC", "reason": "too_few_observations"}],
            "reasons": {
                "average_correlation": "too_few_positions",
                "portfolio_volatility": "too_few_observations",
                "value_at_risk_95": "too_few_observations",
            },
        },
        "policy_id": "ecfdb2580a3aa6c1",
        "stale": False,
        "as_of": AT,
        "revision": 4,
        "reasons": {},
    },
}
