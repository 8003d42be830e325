"""How the portfolio did over several periods at once."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get

from portfolio.application.performance.daily_positions import Contribution
from portfolio.application.performance.period import CONVENTION
from portfolio.application.performance.timeframes import Timeframe
from portfolio.entrypoints.http.performance import examples
from portfolio.entrypoints.http.performance.timeframe_answers import ContributionView, TimeframesAnswer, TimeframeView
from portfolio.entrypoints.http.performance.views import performance_view
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.numbers import number, number_or_null
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of

_OWN = {"start", "end", "period_days", "contributions", "other_effects", "reasons"}
_FIGURES = tuple(name for name in TimeframeView.__struct_fields__ if name not in _OWN)


@get(
    "/performance/timeframes",
    opt=declares(
        scope=Scope.READ,
        summary="The performance over 1d, 7d, 30d, 90d, ytd, 1y and all",
        tag="portfolio",
        answer=TimeframesAnswer,
        example=examples.TIMEFRAMES,
    ),
)
async def read_timeframes(request: HttpRequest) -> Response[bytes]:
    """Return every timeframe, of completed days, and what each position added to its result.

    Where the history does not reach over the whole of a timeframe its figures are null, and `reasons` says why.
    """
    cases = use_cases_of(request)
    read = await cases.timeframes()
    content = TimeframesAnswer(
        timestamp=cases.clock.now(),
        timeframes={frame.name: timeframe_view(frame) for frame in read.frames},
        convention=CONVENTION,
        stale=read.stale,
        as_of=read.as_of,
    )
    return answer(content)


def timeframe_view(frame: Timeframe) -> TimeframeView:
    """Return the figures of one timeframe."""
    measured = msgspec.structs.asdict(performance_view(frame.performance))
    figures: dict[str, Any] = {name: measured[name] for name in _FIGURES}
    found = frame.attribution
    reasons = {name: why for name, why in frame.performance.reasons.items() if name in _FIGURES}
    if frame.unattributed is not None:
        reasons |= dict.fromkeys(("contributions", "other_effects"), frame.unattributed)
    if frame.start is None:
        reasons["start"] = "no_history"
    return TimeframeView(
        start=frame.start,
        end=frame.end,
        period_days=frame.performance.period_days,
        contributions=[_contribution(part) for part in found.contributions] if found else None,
        other_effects=number(found.other) if found else None,
        reasons=reasons,
        **figures,
    )


def _contribution(part: Contribution) -> ContributionView:
    return ContributionView(
        symbol=part.symbol.code,
        money=number_or_null(part.money),
        percent=number_or_null(part.percent),
        reasons=dict(part.reasons),
    )
