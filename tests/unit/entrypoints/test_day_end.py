"""The day that is over is made final once, and again every hour while a close is lacking."""

from __future__ import annotations

from datetime import date

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.performance.final_days import FinalReport
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.day_end import RETRY_SECONDS, DayEnd
from tests.support.fakes.clock import FakeClock


async def test_a_day_is_made_final_once_and_again_every_hour_while_a_close_is_lacking() -> None:
    clock, lacking = FakeClock(), FinalReport(written=[date(2026, 1, 1)], lacking={Symbol("BTC")})
    results: list[FinalReport | Exception] = [LedgerUnavailable("away"), lacking, FinalReport(), FinalReport()]
    left = list(results)

    async def make_final() -> FinalReport:
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    end = DayEnd(make_final, clock)
    due = []
    for _ in range(3):
        due.append(end.is_due)
        await end.make_final()
        due.append(end.is_due)
        clock.advance(RETRY_SECONDS)
    assert due == [True, False] * 3
    assert (end.is_due, len(left)) == (False, 1)
    clock.advance(86_400)
    assert end.is_due
