"""Requests and answers as they really look: the examples of the OpenAPI document. A test decodes each as its type."""

from __future__ import annotations

from typing import Any, Final

Example = dict[str, Any]

AT: Final = "2026-01-31T12:00:00Z"

BOOKINGS: Final[dict[str, object]] = {
    "buy": {
        "symbol": "BTC",
        "side": "BUY",
        "quantity": 0.1,
        "price": 45000.0,
        "net_amount": 4500.0,
        "fees": 22.5,
        "client_trade_id": "engine-a-000017",
    },
    "sell": {
        "symbol": "eth-usd",
        "side": "sell",
        "quantity": "1.5",
        "price": "3000",
        "net_amount": "4495.5",
        "fees": "4.5",
        "fees_included": True,
        "executed_at": "2026-01-31T12:59:58+01:00",
        "engine": "momentum",
        "confidence": 0.8,
        "notes": "stop loss",
    },
}
BATCHES: Final[dict[str, object]] = {"two": {"bookings": list(BOOKINGS.values())}}
TRANSACTIONS: Final[dict[str, object]] = {
    "deposit": {"kind": "deposit", "amount": 25000, "note": "savings", "client_transaction_id": "2026-01-top-up"},
    "withdrawal": {"kind": "withdrawal", "amount": "1250.50"},
}
REVERSALS: Final[dict[str, object]] = {"mistake": {"notes": "booked on the wrong account"}}

POSITION: Final[Example] = {
    "symbol": "BTC",
    "quantity": 0.1,
    "avg_entry_price": 45000,
    "break_even_price": 45225,
    "current_price": 45000,
    "market_value": 4500,
    "cost_basis": 4522.5,
    "unrealized_pnl": -22.5,
    "unrealized_pnl_percent": -0.497512,
    "realized_pnl": 0,
    "allocation_percent": 4.501013,
    "category": "store_of_value",
    "price_source": "trade",
    "price_age_seconds": 0,
    "price_status": "live",
    "last_updated": AT,
    "reasons": {},
}
BOOKED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "message": "Holdings updated for BTC",
    "trade_id": 17,
    "position": POSITION,
    "cash_balance": 95477.5,
    "realized_pnl": 0,
    "risk": {"allocation_percent": 4.501013, "over_concentrated": False},
    "replayed": False,
    "possible_duplicate_of": None,
}
REFUSED: Final[Example] = {
    "type": "/problems/insufficient-cash",
    "title": "More spent than there is",
    "status": 409,
    "detail": "4522.5 is needed but cash is 100",
    "instance": "/holdings/update",
    "errors": [],
    "timestamp": AT,
    "replayed": False,
}
BATCH_BOOKED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "results": [
        {"index": 0, "status": "booked", "http_status": 200, "replayed": False, "booking": BOOKED, "problem": None},
        {"index": 1, "status": "refused", "http_status": 409, "replayed": False, "booking": None, "problem": REFUSED},
    ],
    "booked": 1,
    "refused": 1,
}
_KEPT: Final[Example] = {
    "owner": "engine-a",
    "client_trade_id": "engine-a-000017",
    "symbol": "BTC",
    "side": "BUY",
    "quantity": 0.1,
    "price": 45000,
    "net_amount": 4500,
    "fees": 22.5,
    "engine": None,
    "decided_at": AT,
    "possible_duplicate_of": None,
}
OUTCOME: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "booking": {**_KEPT, "status": "booked", "http_status": 200, "trade_id": 17, "problem": None},
    "reply": {**BOOKED, "replayed": True},
}
REFUSALS: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "bookings": [
        {
            **_KEPT,
            "status": "refused",
            "http_status": 409,
            "trade_id": None,
            "problem": {**REFUSED, "replayed": True},
        }
    ],
    "count": 1,
    "next_cursor": None,
}
MOVED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "message": "Cash deposited",
    "transaction": {
        "id": 3,
        "kind": "deposit",
        "amount": 25000,
        "owner": "treasury",
        "client_transaction_id": "2026-01-top-up",
        "note": "savings",
        "moved_at": AT,
        "revision": 19,
    },
    "cash_balance": 120477.5,
    "net_deposits": 125000,
    "replayed": False,
}
TRADES: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "trades": [
        {
            "id": 17,
            "symbol": "BTC",
            "side": "BUY",
            "quantity": 0.1,
            "price": 45000,
            "notional": 4500,
            "fees": 22.5,
            "cash_delta": -4522.5,
            "cost_basis_sold": 0,
            "realized_pnl": 0,
            "closes": False,
            "executed_at": AT,
            "booked_at": AT,
            "owner": "engine-a",
            "engine": None,
            "client_trade_id": "engine-a-000017",
            "signal_id": None,
            "recommendation_id": None,
            "confidence": None,
            "notes": None,
            "reverses": None,
            "reversed_by": None,
            "revision": 18,
        }
    ],
    "count": 1,
    "next_cursor": "t11",
}
_CLOSED: Final[Example] = {
    **POSITION,
    "quantity": 0,
    "avg_entry_price": None,
    "break_even_price": None,
    "market_value": 0,
    "cost_basis": 0,
    "unrealized_pnl": 0,
    "unrealized_pnl_percent": None,
    "allocation_percent": 0,
    "reasons": {
        "avg_entry_price": "closed",
        "break_even_price": "closed",
        "unrealized_pnl_percent": "no_cost_basis",
    },
}
REVERSED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "message": "Trade 17 reversed",
    "trade_id": 21,
    "reverses": 17,
    "position": _CLOSED,
    "cash_balance": 100000,
    "realized_pnl": 0,
    "replayed": False,
}
PERFORMANCE_FIGURES: Final[Example] = {
    "total_return": 5120.25,
    "total_return_percent": 5.12025,
    "daily_return": -22.5,
    "daily_return_percent": -0.0225,
    "win_rate": 0.55,
    "profit_factor": 1.8,
    "sharpe_ratio": 1.21,
    "sortino_ratio": 1.75,
    "annualized_return": None,
    "annualized_volatility": 0.31,
    "max_drawdown": -0.12,
    "max_drawdown_peak": "2026-01-05",
    "max_drawdown_trough": "2026-01-12",
    "max_drawdown_recovery": None,
    "calmar_ratio": None,
    "num_trades": 40,
    "period_days": 30,
    "days_covered": 30,
    "observations": 30,
    "first_day": "2025-12-31",
    "last_day": "2026-01-30",
    "as_of": AT,
    "stale": False,
    "convention": "crypto-365-v1",
    "reasons": {
        "annualized_return": "period_too_short",
        "max_drawdown_recovery": "not_recovered",
        "calmar_ratio": "period_too_short",
    },
}
PERFORMANCE: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "performance": PERFORMANCE_FIGURES,
    "period_days": 30,
}
_RISK: Final[Example] = {
    "health_score": 100,
    "hhi": 1,
    "concentration_level": "high",
    "average_correlation": None,
    "portfolio_volatility": 0.0225123456789,
    "portfolio_heat": 0.00117834567891,
    "value_at_risk_95": 0.00171234567891,
    "reasons": {"average_correlation": "too_few_positions"},
}
PORTFOLIO_VIEW: Final[Example] = {
    "total_value": 99977.5,
    "cash_balance": 95477.5,
    "invested_amount": 4500,
    "cost_basis": 4522.5,
    "unrealized_pnl": -22.5,
    "realized_pnl": 0,
    "total_pnl": -22.5,
    "total_pnl_percent": -0.0225,
    "fees_paid": 22.5,
    "net_deposits": 100000,
    "unreconciled": 0,
    "num_positions": 1,
    "positions": [POSITION],
    "performance_metrics": PERFORMANCE_FIGURES,
    "risk_metrics": _RISK,
    "priced_share_percent": 100,
    "stale": False,
    "as_of": AT,
    "revision": 3,
    "last_updated": AT,
    "reasons": {},
}
PORTFOLIO: Final[Example] = {"status": "success", "timestamp": AT, "portfolio": PORTFOLIO_VIEW}
POSITIONS: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "positions": [POSITION],
    "count": 1,
    "stale": False,
    "as_of": AT,
}
REFRESHED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "message": "1 prices refreshed, 1 failed",
    "portfolio": PORTFOLIO_VIEW,
    "refreshed": ["BTC"],
    "failed": [{"symbol": "XYZ", "reason": "no source knows it"}],
}
