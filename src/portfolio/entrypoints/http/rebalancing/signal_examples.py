"""Answers about signals as they really look: the examples of the OpenAPI document."""

from __future__ import annotations

from typing import Final

from portfolio.entrypoints.http.ledger.examples import AT, Example
from portfolio.entrypoints.http.rebalancing.examples import RECOMMENDATIONS

_RECOMMENDATION = RECOMMENDATIONS["recommendations"][0]
_SIGNAL: Final[Example] = {
    **_RECOMMENDATION,
    "id": "sig-0b1e7a5c2d3f4a6b8c9d0e1f2a3b4c5d",
    "signal_status": "open",
    "ledger_revision": 3,
    "price_revision": 7,
    "policy_id": "ecfdb2580a3aa6c1",
    "statistics_day": "2026-01-31",
    "created_at": AT,
    "expires_at": "2026-01-31T12:15:00Z",
    "acknowledged_by": None,
    "acknowledged_at": None,
    "executed_trade_id": None,
    "superseded_by": None,
}
_CLAIMED: Final[Example] = {
    **_SIGNAL,
    "signal_status": "acknowledged",
    "acknowledged_by": "engine-a",
    "acknowledged_at": AT,
}
GENERATED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "message": "1 signals created, 1 open",
    "signals": [_SIGNAL],
    "signals_created": 1,
    "claimed": [],
    "withheld": None,
}
SIGNALS: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "signals": [_CLAIMED],
    "count": 1,
    "next_cursor": None,
}
ACKNOWLEDGED: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "message": "SELL BTC is yours",
    "signal": _CLAIMED,
}
