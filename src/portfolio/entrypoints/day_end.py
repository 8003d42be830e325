"""Makes the day that is over final, once it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

import structlog

from portfolio.application.clock import Clock
from portfolio.application.performance.final_days import FinalReport
from portfolio.domain.days import day_of

_log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 3_600.0


class DayEnd:
    """Makes the last days final once a UTC day; where a close was lacking, again every hour of that day."""

    def __init__(self, make_final: Callable[[], Awaitable[FinalReport]], clock: Clock) -> None:
        self._make_final = make_final
        self._clock = clock
        self._done_on: date | None = None
        self._next_try = clock.monotonic()

    @property
    def is_due(self) -> bool:
        """Return whether a day may be over that is not final."""
        return self._done_on != day_of(self._clock.now()) and self._clock.monotonic() >= self._next_try

    async def make_final(self) -> None:
        """Make the days final. A failure is logged and tried again an hour later."""
        today = day_of(self._clock.now())
        self._next_try = self._clock.monotonic() + RETRY_SECONDS
        try:
            report = await self._make_final()
        except Exception as error:  # noqa: BLE001  prices must not stop for the days before
            _log.warning("performance.final_failed", reason=f"{type(error).__name__}: {error}")
            return
        if not report.lacking:
            self._done_on, self._next_try = today, self._clock.monotonic()
        if report.written or report.failed:
            _log.info(
                "performance.days_final",
                written=[day.isoformat() for day in report.written],
                carried={day.isoformat(): [s.code for s in symbols] for day, symbols in report.carried.items()},
                failed={day.isoformat(): reason for day, reason in report.failed.items()},
            )
