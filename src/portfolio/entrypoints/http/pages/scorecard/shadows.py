"""Shadow portfolios, as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from portfolio.application.backtest.shadow_run import DO_NOTHING, POLICY
from portfolio.application.backtest.shadows import Shadows
from portfolio.entrypoints.charts import PERCENT, PLAIN, Bar, Frame, Series, Tone, bar_chart, line_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart
from portfolio.entrypoints.http.pages.frame.filters import exact_number
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.series_charts import MOST_ROWS, places_shown
from portfolio.entrypoints.http.pages.words import RULES
from portfolio.entrypoints.http.rebalancing.shadows import ShadowDayView, ShadowsView, UnitFiguresView, shadows_view

ACTUAL: Final = "actual"
NAMES: Final = {ACTUAL: "the portfolio", DO_NOTHING: "without a trade", POLICY: "the policy"}
DRAWN: Final = ((ACTUAL, Tone.OWN), (POLICY, Tone.OTHER), (DO_NOTHING, Tone.THIRD))

_FIGURES: Final = (
    ("Return", "total_return_percent", Kind.CHANGE),
    ("Volatility a year", "annualized_volatility", Kind.FRACTION),
    ("Sharpe ratio", "sharpe_ratio", Kind.RATIO),
    ("Deepest fall", "max_drawdown", Kind.FRACTION),
)
_OWN: Final = (("Result", "total_return", Kind.RESULT), ("Value", "value", Kind.MONEY))
_TRADING: Final = (
    ("Cash", "cash", Kind.MONEY),
    ("Traded", "traded", Kind.MONEY),
    ("Fees", "fees", Kind.COST),
    ("Slippage", "slippage", Kind.COST),
)


def shadows_content(found: Shadows, *, private: bool) -> dict[str, Any]:
    """Return what the page shows of shadows, as ``GET /shadows`` has them: of a private page returns and ratios."""
    view = shadows_view(found)
    figures, trading = (_FIGURES, ()) if private else ((*_FIGURES, *_OWN), _TRADING)
    rows = [(ACTUAL, view.actual), *((one.name, one) for one in view.shadows)] if view.actual else []
    return {
        "view": view,
        "over_time": _over_time(view),
        "returns": _returns(rows),
        "columns": ("Portfolio", *(label for label, _, _ in figures), "Trades", *(one[0] for one in trading)),
        "figures": [
            [
                name_of(name),
                *(Cell(getattr(one, key), kind, one.reasons.get(key)) for _, key, kind in figures),
                # What the portfolio itself traded is no part of the answer.
                Cell(getattr(one, "trades", None), Kind.COUNT, "see_trades"),
                *(Cell(getattr(one, key, None), kind, "see_trades") for _, key, kind in trading),
            ]
            for name, one in rows
        ],
    }


def name_of(shadow: str) -> str:
    """Return the name of a shadow as a person reads it."""
    return NAMES.get(shadow) or f"{RULES[shadow]} alone"


def _over_time(view: ShadowsView) -> Chart:
    title = "Value of a unit, beside its shadows"
    frame = Frame("shadows-chart", title, desc="Each was worth 1 at the beginning.", unit=PLAIN)
    lines = [
        Series(name=name_of(name), points=[(day.day, exact_number(getattr(day, name))) for day in view.days], tone=tone)
        for name, tone in DRAWN
    ]
    names = [name for name in ShadowDayView.__struct_fields__ if name != "day"]
    days = view.days
    shown = [days[place] for place in places_shown([day.day for day in days])]
    note = "Drawn are the portfolio, the policy and doing nothing; the table has each rule alone too."
    if len(days) > MOST_ROWS:
        note += " It has the last day of each month; GET /shadows has every day."
    return Chart.of(
        frame,
        line_chart(frame, lines),
        ("Day (UTC)", *map(name_of, names)),
        [
            [day.day.isoformat(), *(Cell(getattr(day, name), Kind.NUMBER, "not_final") for name in names)]
            for day in shown
        ],
        note,
    )


def _returns(rows: Sequence[tuple[str, UnitFiguresView]]) -> Chart:
    bars = [Bar(name_of(name), (exact_number(one.total_return_percent),)) for name, one in rows]
    frame = Frame("shadow-returns-chart", "Return of each", unit=PERCENT)
    return Chart.of(
        frame,
        bar_chart(frame, ("Return",), bars),
        ("Portfolio", "Return"),
        [
            [name_of(name), Cell(one.total_return_percent, Kind.CHANGE, one.reasons.get("total_return_percent"))]
            for name, one in rows
        ],
        "A rule alone that asks for nothing ends where no trade ends.",
    )
