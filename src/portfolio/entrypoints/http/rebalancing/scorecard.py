"""The scorecard of signals."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get
from msgspec import Meta

from portfolio.analytics.conventions import CONVENTION, DAYS_PER_YEAR
from portfolio.application.errors import LedgerUnavailable, PortfolioMissing
from portfolio.application.rebalancing.scores import Score, Scorecard
from portfolio.domain.rebalancing.scoring.forecasts import LEAST_FORECASTS
from portfolio.entrypoints.http.errors import kinds_of
from portfolio.entrypoints.http.performance.answers import Joined, Unjoined
from portfolio.entrypoints.http.risk.answers import Mixed, Simulated
from portfolio.entrypoints.http.risk.limit_answers import Rule
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.numbers import Cents, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

_RATES = ("mean_confidence", "hit_rate", "hit_rate_low", "hit_rate_high", "brier_score")
_BASE_RATES = ("base_rate", "base_brier_score")


class HorizonView(msgspec.Struct, kw_only=True):
    """What signals had brought at the close so many days after their own day, beside having done nothing, which is 0.

    `shortfall` is of the `filled` signals: what they had brought as they were advised, less `fill`, what their trades
    had brought.
    """

    horizon_days: Literal[1, 7, 30]
    scored: int
    pending: int
    missing_closes: int
    advice: Cents | None
    filled: int
    fill: Cents | None
    shortfall: Cents | None


class CalibrationView(msgspec.Struct, kw_only=True):
    """Whether `confidence`, read as the probability that the advice has brought something after 7 days, came true.

    It stands beside the base rate: how often the same trade had paid in the 365 days before its signal. Of fewer than
    30 claims nothing is said.
    """

    claims: int
    mean_confidence: Ratio | None
    hit_rate: Ratio | None
    hit_rate_low: Ratio | None
    hit_rate_high: Ratio | None
    brier_score: Ratio | None
    based: Annotated[int, Meta(description="Of how many of the claims the base rate is known.")]
    base_rate: Ratio | None
    base_brier_score: Ratio | None
    reasons: Reasons


class ScoreView(msgspec.Struct, kw_only=True):
    """How the signals of one reason did, or with a null reason all of them."""

    reason: Rule | None
    episodes: int
    executed: int
    horizons: list[HorizonView]
    calibration: CalibrationView


class ScorecardView(msgspec.Struct, kw_only=True):
    """How the signals did that were made from `first_day` on, at closes until `last_day`, the last final day."""

    first_day: date
    last_day: date
    overall: ScoreView
    by_reason: list[ScoreView]
    simulated_history: Simulated
    mixed_history: Mixed
    joined_history: Joined
    unjoined_history: Unjoined
    convention: str
    as_of: Annotated[Moment, Meta(description="When the signals were read: a long scorecard takes a while.")]


class ScorecardAnswer(Answer, kw_only=True):
    """The scorecard."""

    scorecard: ScorecardView


class ScorecardController(Controller):
    """The route of the scorecard."""

    path = "/signals"
    tags = ["rebalancing"]

    @get(
        "/scorecard",
        summary="How good the signals were",
        opt=access(Scope.READ, problems=kinds_of(PortfolioMissing, LedgerUnavailable)),
    )
    async def read_scorecard_of_signals(self, cases: Injected[UseCases], days: Days = DAYS_PER_YEAR) -> ScorecardAnswer:
        """Return what the signals of the last completed days and of today had brought 1, 7 and 30 days later.

        Only closes of days that are over count; an episode whose close is not known is `pending`. Signals that took the
        place of one of the same symbol and reason are one episode with it, scored by its first.
        """
        return ScorecardAnswer(
            timestamp=cases.clock.now(), scorecard=scorecard_view(await cases.rebalancing.read_scorecard(days))
        )


def scorecard_view(card: Scorecard) -> ScorecardView:
    """Return the scorecard as answers have it."""
    return view(
        ScorecardView,
        card,
        overall=_score_view(card.overall),
        by_reason=[_score_view(score) for score in card.by_reason],
        convention=CONVENTION,
    )


def _score_view(score: Score) -> ScoreView:
    calibration, reasons = score.calibration, dict[str, str]()
    if calibration.forecasts < LEAST_FORECASTS:
        reasons |= dict.fromkeys(_RATES, "too_few_episodes")
    if calibration.based < LEAST_FORECASTS:
        reasons |= dict.fromkeys(_BASE_RATES, "too_few_episodes")
    shown = view(CalibrationView, calibration, claims=calibration.forecasts, reasons=reasons)
    return view(ScoreView, score, calibration=shown)
