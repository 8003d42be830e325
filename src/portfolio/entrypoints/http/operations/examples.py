"""Health answers as they really look; see ``examples``."""

from __future__ import annotations

from typing import Final

from portfolio.entrypoints.http.ledger.examples import AT, Example

ALIVE: Final[Example] = {"status": "alive", "timestamp": AT}
READY: Final[Example] = {"status": "ready", "timestamp": AT}
HEALTH: Final[Example] = {
    "status": "healthy",
    "timestamp": AT,
    "service": "portfolio",
    "version": "0.1.0",
    "database": {"status": "up", "latency_ms": 0.8, "schema_revision": "0007", "detail": None},
    "prices": {
        "last_refresh": AT,
        "oldest_age_seconds": 12,
        "stale": 0,
        "missing": 0,
        "quarantined": 0,
        "stale_symbols": [],
        "missing_symbols": [],
        "quarantined_symbols": [],
        "sources": {"coinbase": {"state": "closed", "last_error": None, "last_success": AT}},
    },
    "refresher": {"leader": True, "interval_seconds": 60.0, "last_tick_age_seconds": 12.4},
    "unreconciled": {"value": 0, "rows": []},
    "refused_bookings": 0,
}
