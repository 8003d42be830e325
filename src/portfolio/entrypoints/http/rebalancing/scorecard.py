"""The scorecard of signals."""

from __future__ import annotations

from litestar import Controller, get

from portfolio.analytics.conventions import CONVENTION, DAYS_PER_YEAR
from portfolio.application.errors import LedgerUnavailable, PortfolioMissing
from portfolio.application.rebalancing.scores import Score, Scorecard
from portfolio.domain.rebalancing.scoring.claims import LEAST_CLAIMS
from portfolio.entrypoints.http.errors import kinds_of
from portfolio.entrypoints.http.rebalancing.scorecard_answers import (
    CalibrationView,
    ScorecardAnswer,
    ScorecardView,
    ScoreView,
)
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

_RATES = ("mean_confidence", "hit_rate", "hit_rate_low", "hit_rate_high", "brier_score")
_BASE_RATES = ("base_rate", "base_brier_score")


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
        return ScorecardAnswer(timestamp=cases.clock.now(), scorecard=scorecard_view(await cases.read_scorecard(days)))


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
    if calibration.claims < LEAST_CLAIMS:
        reasons |= dict.fromkeys(_RATES, "too_few_episodes")
    if calibration.based < LEAST_CLAIMS:
        reasons |= dict.fromkeys(_BASE_RATES, "too_few_episodes")
    return view(ScoreView, score, calibration=view(CalibrationView, calibration, reasons=reasons))
