"""How good the signals were, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.rebalancing.scores import Scorecard
from portfolio.entrypoints.charts import FRACTION, Frame, Interval, interval_chart
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, Row, Term
from portfolio.entrypoints.http.pages.frame.filters import exact_number
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.words import RULES
from portfolio.entrypoints.http.rebalancing.scorecard import scorecard_view
from portfolio.entrypoints.http.rebalancing.scorecard_answers import CalibrationView, ScorecardView, ScoreView

ALL = "all signals"
RATES = (
    ("Claims", "claims", Kind.COUNT),
    ("Hit rate", "hit_rate", Kind.FRACTION),
    ("From", "hit_rate_low", Kind.FRACTION),
    ("To", "hit_rate_high", Kind.FRACTION),
    ("Base rate", "base_rate", Kind.FRACTION),
    ("Mean confidence", "mean_confidence", Kind.FRACTION),
    ("Brier score", "brier_score", Kind.RATIO),
    ("Brier score of the base rate", "base_brier_score", Kind.RATIO),
)
COUNTED = (("Scored", "scored"), ("Pending", "pending"), ("Close lacking", "missing_closes"), ("Filled", "filled"))
BROUGHT = (("Advice", "advice"), ("Fill", "fill"), ("Shortfall", "shortfall"))

COUNTS = (
    (
        "episodes",
        "Episodes",
        "Signals that took the place of one of the same symbol and reason are one episode with it.",
    ),
    ("executed", "Signals carried out", "Signals that a trade has named which was not reversed."),
)
CLAIMED = (
    (
        "hit_rate",
        "Hit rate",
        Kind.FRACTION,
        "The share of the episodes whose advice had brought something after 7 days, its fee paid.",
    ),
    (
        "base_rate",
        "Base rate",
        Kind.FRACTION,
        "How often the same trades had paid 7 days after a close, in the 365 days before their signals.",
    ),
    (
        "mean_confidence",
        "Mean confidence",
        Kind.FRACTION,
        "What was claimed, as a mean: a good claim lies within the interval of the hit rate.",
    ),
    (
        "brier_score",
        "Brier score",
        Kind.RATIO,
        "The mean of (confidence - outcome)². 0 is perfect, 0.25 is what always saying 0.5 gets.",
    ),
    (
        "base_brier_score",
        "Brier score of the base rate",
        Kind.RATIO,
        "What claiming the base rate each time would have got: confidence is worth something where its score is less.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardContent:
    """The scorecard, as ``GET /signals/scorecard`` has it; ``brought`` is a table, its columns first."""

    view: ScorecardView
    figures: Sequence[Figure]
    rates: Chart
    columns: Sequence[str]
    brought: Sequence[Row]


def card_content(card: Scorecard, as_of: datetime, *, private: bool) -> CardContent:
    """Return what the page shows of a scorecard: of a private page no money, which is what signals brought."""
    view = scorecard_view(card)
    scores = [view.overall, *view.by_reason]
    money = () if private else BROUGHT
    return CardContent(
        view=view,
        figures=_figures(view.overall, as_of),
        rates=_rates(scores),
        columns=("Signals", "Days later", *(label for label, _ in COUNTED), *(label for label, _ in money)),
        brought=[
            [
                _name(score),
                Cell(value=one.horizon_days, kind=Kind.COUNT),
                *(Cell(value=getattr(one, name), kind=Kind.COUNT) for _, name in COUNTED),
                *(Cell(value=getattr(one, name), kind=Kind.RESULT, reason="nothing_scored") for _, name in money),
            ]
            for score in scores
            for one in score.horizons
        ],
    )


def _rates(scores: Sequence[ScoreView]) -> Chart:
    title = "Hit rate after 7 days, beside the base rate"
    frame = Frame(id="rates-chart", title=title, desc="The bar is Wilson's interval of 95 %.", unit=FRACTION)
    intervals = [
        Interval(
            label=_name(one),
            value=exact_number(one.calibration.hit_rate),
            low=exact_number(one.calibration.hit_rate_low),
            high=exact_number(one.calibration.hit_rate_high),
            beside=exact_number(one.calibration.base_rate),
        )
        for one in scores
    ]
    return Chart(
        name="rates",
        title=title,
        svg=interval_chart(frame, intervals, ("hit rate", "base rate")),
        columns=("Signals", *(label for label, _, _ in RATES)),
        rows=[
            [
                _name(one),
                *(
                    Cell(value=getattr(found, name), kind=kind, reason=found.reasons.get(name))
                    for _, name, kind in RATES
                ),
            ]
            for one in scores
            for found in [one.calibration]
        ],
        note="The bar is Wilson's interval of 95 %. It takes each episode for a draw of its own; signals of a day "
        "move together, so it is narrower than what is known. Of fewer than 30 episodes no rate is told.",
    )


def _figures(score: ScoreView, as_of: datetime) -> Sequence[Figure]:
    found = score.calibration
    figure = partial(Figure, as_of=as_of, convention=CONVENTION)
    counted = [
        figure(name=name, label=label, value=getattr(score, name), kind=Kind.COUNT, formula=formula)
        for name, label, formula in COUNTS
    ]
    rates = [
        figure(
            name=name,
            label=label,
            value=getattr(found, name),
            kind=kind,
            formula=formula,
            terms=_hits(found) if name == "hit_rate" else (),
            reason=found.reasons.get(name),
        )
        for name, label, kind, formula in CLAIMED
    ]
    return [*counted, *rates]


def _hits(found: CalibrationView) -> Sequence[Term]:
    rate = exact_number(found.hit_rate)
    if rate is None:
        return ()
    return [
        Term(label="Episodes that paid", value=round(rate * found.claims), kind=Kind.COUNT),
        Term(sign="/", label="Episodes with an outcome", value=found.claims, kind=Kind.COUNT),
    ]


def _name(score: ScoreView) -> str:
    return ALL if score.reason is None else RULES[score.reason]
