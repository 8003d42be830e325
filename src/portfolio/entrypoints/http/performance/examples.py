"""The answer about all timeframes as it really looks: an example of the OpenAPI document."""

from __future__ import annotations

from typing import Final

from portfolio.entrypoints.http.ledger.examples import AT, Example

_VALUES: Final = (
    "total_return", "total_return_percent", "sharpe_ratio", "sortino_ratio", "annualized_return",
    "annualized_volatility", "max_drawdown", "max_drawdown_peak", "max_drawdown_trough", "max_drawdown_recovery",
    "calmar_ratio", "contributions", "other_effects",
)  # fmt: skip
_TRADES: Final[Example] = {"win_rate": None, "profit_factor": None, "num_trades": 1}
_NO_CLOSING: Final = dict.fromkeys(("win_rate", "profit_factor"), "no_closing_trades")


def _too_short(start: str, days: int) -> Example:
    return {
        **dict.fromkeys(_VALUES),
        **_TRADES,
        "start": start,
        "end": "2026-01-30",
        "period_days": days,
        "days_covered": 0,
        "observations": 0,
        "reasons": {**dict.fromkeys(_VALUES, "history_too_short"), **_NO_CLOSING},
    }


def _covered(start: str, days: int) -> Example:
    return {
        **dict.fromkeys(_VALUES),
        **_TRADES,
        "start": start,
        "end": "2026-01-30",
        "period_days": days,
        "days_covered": days,
        "observations": days,
        "total_return": 477.5,
        "total_return_percent": 0.4775,
        "max_drawdown": 0,
        "contributions": [{"symbol": "BTC", "money": 477.5, "percent": 0.4775, "reasons": {}}],
        "other_effects": 0,
        "reasons": {
            **dict.fromkeys(("max_drawdown_peak", "max_drawdown_trough", "max_drawdown_recovery"), "no_drawdown"),
            **dict.fromkeys(("sharpe_ratio", "sortino_ratio", "annualized_volatility"), "too_few_observations"),
            **dict.fromkeys(("annualized_return", "calmar_ratio"), "period_too_short"),
            **_NO_CLOSING,
        },
    }


TIMEFRAMES: Final[Example] = {
    "status": "success",
    "timestamp": AT,
    "timeframes": {
        "1d": _covered("2026-01-29", 1),
        "7d": _too_short("2026-01-23", 7),
        "30d": _too_short("2025-12-31", 30),
        "90d": _too_short("2025-11-01", 90),
        "ytd": _too_short("2025-12-31", 30),
        "1y": _too_short("2025-01-30", 365),
        "all": _covered("2026-01-29", 1),
    },
    "convention": "crypto-365-v1",
    "stale": False,
    "as_of": AT,
}
