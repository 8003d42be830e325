"""How good the signals were, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.rebalancing.scores import Scorecard
from portfolio.entrypoints.charts import FRACTION, Frame, Interval, interval_chart
from portfolio.entrypoints.http.pages.frame.figures import About, Cell, Chart, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.filters import exact_number
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.words import RULES
from portfolio.entrypoints.http.rebalancing.scorecard import CalibrationView, ScoreView, scorecard_view

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
BROUGHT = (
    ("Advice", "advice", Kind.RESULT),
    ("Fill", "fill", Kind.RESULT),
    ("Shortfall", "shortfall", Kind.MONEY),  # above zero it is no gain
)

FIGURES: Final[Mapping[str, About]] = {
    "episodes": ("Episodes", Kind.COUNT,
                 "Signals that took the place of one of the same symbol and reason are one episode with it."),
    "executed": ("Signals carried out", Kind.COUNT, "Signals that a trade has named which was not reversed."),
    "hit_rate": ("Hit rate", Kind.FRACTION,
                 "The share of the episodes whose advice had brought something after 7 days, its fee paid."),
    "base_rate": ("Base rate", Kind.FRACTION,
                  "How often the same trades had paid 7 days after a close, in the 365 days before their signals."),
    "mean_confidence": ("Mean confidence", Kind.FRACTION,
                        "What was claimed, as a mean: a good claim lies within the interval of the hit rate."),
    "brier_score": ("Brier score", Kind.RATIO,
                    "The mean of (confidence - outcome)². 0 is perfect, 0.25 is what always saying 0.5 gets."),
    "base_brier_score": (
        "Brier score of the base rate", Kind.RATIO,
        "What claiming the base rate each time would have got: confidence is worth something where its score is less."),
}  # fmt: skip


def card_content(card: Scorecard, as_of: datetime, *, private: bool) -> dict[str, Any]:
    """Return what the page shows of a scorecard, as ``GET /signals/scorecard`` has it: of a private page no money,
    which is what signals ``brought``.
    """
    view = scorecard_view(card)
    scores = [view.overall, *view.by_reason]
    money = () if private else BROUGHT
    return {
        "view": view,
        "figures": _figures(view.overall, as_of),
        "rates": _rates(scores),
        "columns": ("Signals", "Days later", *(label for label, _ in COUNTED), *(label for label, _, _ in money)),
        "brought": [
            [
                _name(score),
                Cell(one.horizon_days, Kind.COUNT),
                *(Cell(getattr(one, name), Kind.COUNT) for _, name in COUNTED),
                *(Cell(getattr(one, name), kind, "nothing_scored") for _, name, kind in money),
            ]
            for score in scores
            for one in score.horizons
        ],
    }


def _rates(scores: Sequence[ScoreView]) -> Chart:
    title = "Hit rate after 7 days, beside the base rate"
    frame = Frame("rates-chart", title, desc="The bar is Wilson's interval of 95 %.", unit=FRACTION)
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
    return Chart.of(
        frame,
        interval_chart(frame, intervals, ("hit rate", "base rate")),
        ("Signals", *(label for label, _, _ in RATES)),
        [
            [_name(one), *(Cell(getattr(found, name), kind, found.reasons.get(name)) for _, name, kind in RATES)]
            for one in scores
            for found in [one.calibration]
        ],
        "The bar is Wilson's interval of 95 %. It takes each episode for a draw of its own; signals of a day "
        "move together, so it is narrower than what is known. Of fewer than 30 episodes no rate is told.",
    )


def _figures(score: ScoreView, as_of: datetime) -> Sequence[Figure]:
    figure, found = FigureOf(FIGURES, CONVENTION, as_of), score.calibration
    return [
        figure("episodes", score.episodes),
        figure("executed", score.executed),
        figure.of(found, "hit_rate", terms=_hits(found)),
        figure.of(found, "base_rate"),
        figure.of(found, "mean_confidence"),
        figure.of(found, "brier_score"),
        figure.of(found, "base_brier_score"),
    ]


def _hits(found: CalibrationView) -> Sequence[Term]:
    rate = exact_number(found.hit_rate)
    if rate is None:
        return ()
    return [
        Term("Episodes that paid", round(rate * found.claims), Kind.COUNT),
        Term("Episodes with an outcome", found.claims, Kind.COUNT, "/"),
    ]


def _name(score: ScoreView) -> str:
    return ALL if score.reason is None else RULES[score.reason]
