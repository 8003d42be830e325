"""What a bad day costs, as the page of risk shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from msgspec import Raw

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.value_at_risk import ConfidenceReport, LossReport, TailReport, value_at_risk_of
from portfolio.domain.decimal_text import plain
from portfolio.entrypoints.charts import FRACTION, Bar, Frame, bar_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.risk.answers import BacktestView, ConfidenceView, LossView, TailView
from portfolio.entrypoints.http.risk.views import tail_view
from portfolio.entrypoints.http.shell.numbers import number, ratio

TAIL_DAYS: Final = DAYS_PER_YEAR
WAYS: Final = {"historical": "Historical", "cornish_fisher": "Cornish-Fisher", "normal": "Normal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceContent:
    """The loss at one confidence in three ways, and how the historical one did."""

    label: str
    figures: Sequence[Figure]
    backtest: Sequence[Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailContent:
    """What a bad day costs; ``left_out`` are the assets that it is made without, with the reason's code."""

    view: TailView
    observed: Sequence[Figure]
    chart: Chart
    confidences: Sequence[ConfidenceContent]
    left_out: Mapping[str, str]


def tail_content(state: MarketState) -> TailContent:
    """Return value at risk three ways, as ``GET /risk/value-at-risk`` has it."""
    view, report = tail_view(state, TAIL_DAYS), value_at_risk_of(state, TAIL_DAYS)
    figure = FigureOf(state.convention, state.as_of)
    pairs = (
        (view.confidence_95, report.confidence_95, view.backtest_95),
        (view.confidence_99, report.confidence_99, view.backtest_99),
    )
    return TailContent(
        view=view,
        observed=[
            figure(
                "observations",
                "Days observed",
                view.observations,
                Kind.COUNT,
                "Days on which all these assets have a return.",
            ),
            figure(
                "tail_covered_percent",
                "Covered by these figures",
                view.covered_percent,
                Kind.PERCENT,
                "The weight of the assets in them, in percent of the total value; cash loses nothing.",
                reason=view.reasons.get("covered_percent"),
            ),
            figure(
                "total_value",
                "Total value",
                number(state.view.total_value),
                Kind.MONEY,
                "Cash and the value of the positions: a loss in dollars is its share of this.",
            ),
        ],
        chart=_chart(view),
        confidences=[_confidence(state, report, shown, found, test) for shown, found, test in pairs],
        left_out={one.symbol: one.reason for one in report.excluded},
    )


def _chart(view: TailView) -> Chart:
    title = "What a day may lose, as a share of the total value"
    bars: list[Bar] = []
    rows: list[Sequence[str | Cell]] = []
    for name, label in WAYS.items():
        for kind, words in (("value_at_risk", "value at risk"), ("conditional_value_at_risk", "mean beyond it")):
            losses = [getattr(one, name) for one in (view.confidence_95, view.confidence_99)]
            bars.append(Bar(f"{label}, {words}", [_drawn(getattr(loss, kind)) for loss in losses]))
            rows.append(
                [f"{label}, {words}", *(_cell(loss, kind) for loss in losses), *(_money(loss, kind) for loss in losses)]
            )
    return Chart(
        name="value_at_risk",
        title=title,
        svg=bar_chart(
            Frame(id="tail-chart", title=title, unit=FRACTION), ("On 95 of 100 days", "On 99 of 100 days"), bars
        ),
        columns=("Estimate", "At 95 %", "At 99 %", "At 95 %, in dollars", "At 99 %, in dollars"),
        rows=rows,
        note="Losses are above zero. A figure below zero is a gain: even that bad a day earned something.",
    )


def _confidence(
    state: MarketState, report: TailReport, view: ConfidenceView, found: ConfidenceReport, test: BacktestView
) -> ConfidenceContent:
    share = plain(found.confidence * 100)
    figures = []
    for name, label in WAYS.items():
        loss: LossReport = getattr(found, name)
        shown: LossView = getattr(view, name)
        prefix = f"{name}_{share}"
        terms = _terms(name, found, report)
        figures += [
            FigureOf(state.convention, state.as_of)(
                f"{prefix}_value_at_risk", f"{label}, value at risk", shown.value_at_risk, Kind.FRACTION,
                _FORMULAS[name], terms=terms, reason=loss.value_at_risk.reason, days=TAIL_DAYS,
            ),
            FigureOf(state.convention, state.as_of)(
                f"{prefix}_conditional_value_at_risk", f"{label}, mean beyond it", shown.conditional_value_at_risk,
                Kind.FRACTION, _BEYOND[name],
                reason=loss.conditional_value_at_risk.reason, days=TAIL_DAYS,
            ),
        ]  # fmt: skip
    return ConfidenceContent(label=f"At {share} %", figures=figures, backtest=_backtest(state, share, test))


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


def _terms(name: str, found: ConfidenceReport, report: TailReport) -> Sequence[Term]:
    if name == "historical":
        return [
            Term(label="(1 - confidence) x days", value=number(found.tail_days), kind=Kind.NUMBER),
            Term(label="Place among the losses, from the worst", value=found.place, kind=Kind.COUNT),
        ]
    moments = report.moments
    if moments is None:
        return ()
    terms = [
        Term(label="Mean daily loss", value=ratio(moments.mean), kind=Kind.FRACTION),
        Term(label="Deviation of the daily losses", value=ratio(moments.deviation), kind=Kind.FRACTION),
        Term(label="z, the normal quantile", value=ratio(found.normal_quantile), kind=Kind.NUMBER),
    ]
    if name == "normal":
        return terms
    return [
        *terms,
        Term(label="S, skewness", value=ratio(moments.skewness), kind=Kind.NUMBER),
        Term(label="K, excess kurtosis", value=ratio(moments.excess_kurtosis), kind=Kind.NUMBER),
    ]


def _backtest(state: MarketState, share: str, test: BacktestView) -> Sequence[Figure]:
    figure = FigureOf(state.convention, state.as_of)
    return [
        figure(
            f"backtest_{share}_beyond",
            "Days that lost more",
            test.beyond,
            Kind.COUNT,
            "Each day from the 31st on beside the historical value at risk of all days before it: how many lost more.",
            terms=[
                Term(label="Days compared", value=test.days, kind=Kind.COUNT),
                Term(label="Expected", value=test.expected, kind=Kind.NUMBER),
            ],
        ),
        figure(
            f"backtest_{share}_p_value",
            "Kupiec's p-value",
            test.kupiec_p_value,
            Kind.RATIO,
            "How likely a number of days at least as far from the expected one is, if value at risk is right "
            "(likelihood ratio of the proportion of failures, chi-square with one degree of freedom).",
            terms=[
                Term(label="Days that lost more", value=test.beyond, kind=Kind.COUNT),
                Term(label="Expected", value=test.expected, kind=Kind.NUMBER),
            ],
            reason=test.reasons.get("kupiec_p_value"),
        ),
    ]


def _cell(loss: LossView, kind: str) -> Cell:
    return Cell(value=getattr(loss, kind), kind=Kind.FRACTION, reason=loss.reasons.get(kind))


def _money(loss: LossView, kind: str) -> Cell:
    return Cell(value=getattr(loss, f"{kind}_amount"), kind=Kind.MONEY, reason=loss.reasons.get(f"{kind}_amount"))


def _drawn(value: Raw | None) -> Decimal | None:
    return None if value is None else Decimal(bytes(value).decode())
