"""What a bad day costs, as the page of risk shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.value_at_risk import ConfidenceReport, TailReport, value_at_risk_of
from portfolio.domain.decimal_text import plain
from portfolio.entrypoints.charts import FRACTION, Bar, Frame, bar_chart
from portfolio.entrypoints.http.pages.frame.figures import About, Cell, Chart, Figure, FigureOf, Term, last_days
from portfolio.entrypoints.http.pages.frame.filters import exact_number
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.risk.moves import left_out
from portfolio.entrypoints.http.risk.answers import BacktestView, ConfidenceView, LossView, TailView
from portfolio.entrypoints.http.risk.views import tail_view
from portfolio.entrypoints.http.shell.numbers import number, ratio

TAIL_DAYS: Final = DAYS_PER_YEAR
WAYS: Final = {"historical": "Historical", "cornish_fisher": "Cornish-Fisher", "normal": "Normal"}

_FORMULAS: Final = {
    "historical": "The daily losses of today's weights over each day observed, sorted from the worst: the one in the "
    "place below, which is (1 - confidence) x days, rounded up.",
    "cornish_fisher": "Mean + deviation x the normal quantile, bent by the skewness S and the excess kurtosis K of the "
    "losses: z + (z² - 1) S/6 + (z³ - 3z) K/24 - (2z³ - 5z) S²/36.",
    "normal": "Mean + z x deviation of the daily losses, as if they were normal.",
}
_BEYOND: Final = {
    "historical": "The mean of the (1 - confidence) x days worst losses; of the last of them the part that is left.",
    "cornish_fisher": "The mean of the same bent quantiles beyond the confidence.",
    "normal": "Mean + deviation x density(z) / (1 - confidence).",
}
FIGURES: Final[Mapping[str, About]] = {
    "observations": ("Days observed", Kind.COUNT, "Days on which all these assets have a return."),
    "tail_covered_percent": (
        "Covered by these figures", Kind.PERCENT,
        "The weight of the assets in them, in percent of the total value; cash loses nothing."),
    "total_value": ("Total value", Kind.MONEY,
                    "Cash and the value of the positions: a loss in dollars is its share of this."),
}  # fmt: skip


def tail_content(state: MarketState) -> dict[str, Any]:
    """Return value at risk three ways, as ``GET /risk/value-at-risk`` has it; ``left_out`` are the assets that it is
    made without, with the reason's code.
    """
    view, report = tail_view(state, TAIL_DAYS), value_at_risk_of(state, TAIL_DAYS)
    figure = FigureOf(FIGURES, state.convention, state.as_of)
    pairs = (
        (view.confidence_95, report.confidence_95, view.backtest_95),
        (view.confidence_99, report.confidence_99, view.backtest_99),
    )
    return {
        "view": view,
        "observed": [
            figure.of(view, "observations"),
            figure("tail_covered_percent", view.covered_percent, reason=view.reasons.get("covered_percent")),
            figure("total_value", number(state.view.total_value)),
        ],
        "chart": _chart(view),
        "confidences": [_confidence(figure, report, shown, found, test) for shown, found, test in pairs],
        "left_out": left_out(state, report.excluded),
    }


def _chart(view: TailView) -> Chart:
    bars: list[Bar] = []
    rows: list[Sequence[str | Cell]] = []
    for name, label in WAYS.items():
        for kind, words in (("value_at_risk", "value at risk"), ("conditional_value_at_risk", "mean beyond it")):
            losses = [getattr(one, name) for one in (view.confidence_95, view.confidence_99)]
            bars.append(Bar(f"{label}, {words}", [exact_number(getattr(loss, kind)) for loss in losses]))
            rows.append(
                [f"{label}, {words}", *(_cell(loss, kind) for loss in losses), *(_money(loss, kind) for loss in losses)]
            )
    frame = Frame("tail-chart", "What a day may lose, as a share of the total value", unit=FRACTION)
    return Chart(
        "value_at_risk",
        frame.title,
        bar_chart(frame, ("On 95 of 100 days", "On 99 of 100 days"), bars),
        ("Estimate", "At 95 %", "At 99 %", "At 95 %, in dollars", "At 99 %, in dollars"),
        rows,
        "Losses are above zero. A figure below zero is a gain: even that bad a day earned something.",
    )


def _figures_at(share: str) -> Mapping[str, About]:
    """Return what is said of the figures at one confidence, which is that ``share`` of the days, in percent."""
    return {
        **{f"{way}_{share}_value_at_risk": (f"{label}, value at risk", Kind.FRACTION, _FORMULAS[way])
           for way, label in WAYS.items()},
        **{f"{way}_{share}_conditional_value_at_risk": (f"{label}, mean beyond it", Kind.FRACTION, _BEYOND[way])
           for way, label in WAYS.items()},
        f"backtest_{share}_beyond": (
            "Days that lost more", Kind.COUNT,
            "Each day from the 31st on beside the historical value at risk of all days before it: how many lost more."),
        f"backtest_{share}_p_value": (
            "Kupiec's p-value", Kind.RATIO,
            ("How likely a number of days at least as far from the expected one is, if value at risk is right "
             "(likelihood ratio of the proportion of failures, chi-square with one degree of freedom).")),
    }  # fmt: skip


def _confidence(
    figure: FigureOf, report: TailReport, view: ConfidenceView, found: ConfidenceReport, test: BacktestView
) -> dict[str, Any]:
    """Return the loss at one confidence in three ways, and how the historical one did."""
    share, period = plain(found.confidence * 100), last_days(TAIL_DAYS)
    figure, figures = replace(figure, about=_figures_at(share)), []
    for way in WAYS:
        shown: LossView = getattr(view, way)
        for name, terms in (("value_at_risk", _terms(way, found, report)), ("conditional_value_at_risk", ())):
            value, reason = getattr(shown, name), shown.reasons.get(name)
            figures.append(figure(f"{way}_{share}_{name}", value, terms=terms, reason=reason, period=period))
    return {"label": f"At {share} %", "figures": figures, "backtest": _backtest(figure, share, test)}


def _terms(name: str, found: ConfidenceReport, report: TailReport) -> Sequence[Term]:
    if name == "historical":
        return [
            Term("(1 - confidence) x days", number(found.tail_days), Kind.NUMBER),
            Term("Place among the losses, from the worst", found.place, Kind.COUNT),
        ]
    moments = report.moments
    if moments is None:
        return ()
    terms = [
        Term("Mean daily loss", ratio(moments.mean), Kind.FRACTION),
        Term("Deviation of the daily losses", ratio(moments.deviation), Kind.FRACTION),
        Term("z, the normal quantile", ratio(found.normal_quantile), Kind.NUMBER),
    ]
    if name == "normal":
        return terms
    return [
        *terms,
        Term("S, skewness", ratio(moments.skewness), Kind.NUMBER),
        Term("K, excess kurtosis", ratio(moments.excess_kurtosis), Kind.NUMBER),
    ]


def _backtest(figure: FigureOf, share: str, test: BacktestView) -> Sequence[Figure]:
    expected = Term("Expected", test.expected, Kind.NUMBER)
    p_value, reason = test.kupiec_p_value, test.reasons.get("kupiec_p_value")
    beyond = test.beyond if test.days else None  # of no day compared none lost more, which says nothing
    of_beyond = [Term("Days compared", test.days, Kind.COUNT), expected]
    of_p_value = [Term("Days that lost more", beyond, Kind.COUNT, reason=reason), expected]
    return [
        figure(f"backtest_{share}_beyond", beyond, terms=of_beyond, reason=reason),
        figure(f"backtest_{share}_p_value", p_value, terms=of_p_value, reason=reason),
    ]


def _cell(loss: LossView, kind: str) -> Cell:
    return Cell(getattr(loss, kind), Kind.FRACTION, loss.reasons.get(kind))


def _money(loss: LossView, kind: str) -> Cell:
    return Cell(getattr(loss, f"{kind}_amount"), Kind.MONEY, loss.reasons.get(f"{kind}_amount"))
