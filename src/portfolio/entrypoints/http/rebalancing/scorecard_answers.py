"""The body of the scorecard's answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portfolio.entrypoints.http.performance.answers import Joined, Unjoined
from portfolio.entrypoints.http.risk.answers import Mixed, Simulated
from portfolio.entrypoints.http.risk.limit_answers import Rule
from portfolio.entrypoints.http.shell.numbers import Cents, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons


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
