"""Shadow portfolios, as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portfolio.application.backtest.shadow_run import DO_NOTHING, POLICY
from portfolio.application.backtest.shadows import Shadows
from portfolio.entrypoints.charts import PERCENT, PLAIN, Bar, Frame, Series, Tone, bar_chart, line_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Row
from portfolio.entrypoints.http.pages.frame.filters import exact_number
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.series_charts import MOST_ROWS, places_shown
from portfolio.entrypoints.http.pages.words import RULES
from portfolio.entrypoints.http.rebalancing.shadow_answers import ShadowDayView, ShadowsView, UnitFiguresView
from portfolio.entrypoints.http.rebalancing.shadows import shadows_view

ACTUAL: Final = "actual"
NAMES: Final = {ACTUAL: "the portfolio itself", DO_NOTHING: "without a trade", POLICY: "the policy"}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowsContent:
    """Shadow portfolios, as ``GET /shadows`` has them; ``figures`` is a table, its columns first."""

    view: ShadowsView
    over_time: Chart
    returns: Chart
    columns: Sequence[str]
    figures: Sequence[Row]


def shadows_content(found: Shadows, *, private: bool) -> ShadowsContent:
    """Return what the page shows of shadows: of a private page returns and ratios alone."""
    view = shadows_view(found)
    own, trading = ((), ()) if private else (_OWN, _TRADING)
    rows = [(ACTUAL, view.actual), *((one.name, one) for one in view.shadows)] if view.actual else []
    return ShadowsContent(
        view=view,
        over_time=_over_time(view),
        returns=_returns(rows),
        columns=("Portfolio", *(label for label, _, _ in (*_FIGURES, *own)), "Trades", *(one[0] for one in trading)),
        figures=[
            [
                name_of(name),
                *(Cell(value=getattr(one, key), kind=kind, reason=one.reasons.get(key)) for _, key, kind in _FIGURES),
                *(Cell(value=getattr(one, key), kind=kind, reason=one.reasons.get(key)) for _, key, kind in own),
                # What the portfolio itself traded is no part of the answer.
                Cell(value=getattr(one, "trades", None), kind=Kind.COUNT, reason="see_trades"),
                *(Cell(value=getattr(one, key, None), kind=kind, reason="see_trades") for _, key, kind in trading),
            ]
            for name, one in rows
        ],
    )


def name_of(shadow: str) -> str:
    """Return the name of a shadow as a person reads it."""
    return NAMES.get(shadow) or f"{RULES[shadow]} alone"


def _over_time(view: ShadowsView) -> Chart:
    title = "Value of a unit, beside its shadows"
    frame = Frame(id="shadows-chart", title=title, desc="Each was worth 1 at the beginning.", unit=PLAIN)
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
    return Chart(
        name="shadows",
        title=title,
        svg=line_chart(frame, lines),
        columns=("Day (UTC)", *map(name_of, names)),
        rows=[
            [
                day.day.isoformat(),
                *(Cell(value=getattr(day, name), kind=Kind.NUMBER, reason="not_final") for name in names),
            ]
            for day in shown
        ],
        note=note,
    )


def _returns(rows: Sequence[tuple[str, UnitFiguresView]]) -> Chart:
    title = "Return of each"
    bars = [Bar(name_of(name), (exact_number(one.total_return_percent),)) for name, one in rows]
    return Chart(
        name="shadow-returns",
        title=title,
        svg=bar_chart(Frame(id="shadow-returns-chart", title=title, unit=PERCENT), ("Return",), bars),
        columns=("Portfolio", "Return"),
        rows=[
            [
                name_of(name),
                Cell(value=one.total_return_percent, kind=Kind.CHANGE, reason=one.reasons.get("total_return_percent")),
            ]
            for name, one in rows
        ],
        note="A rule alone that asks for nothing ends where no trade ends.",
    )
