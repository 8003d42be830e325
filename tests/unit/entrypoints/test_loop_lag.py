"""What keeps the event loop busy is measured."""

from __future__ import annotations

import asyncio
import time

from portfolio.entrypoints.loop_lag import LoopLag
from tests.support.services.http_service import Service, running


async def test_a_busy_loop_shows_as_lag_as_long_as_it_was_busy() -> None:
    lags: list[float] = []
    seen = asyncio.Event()

    def observe(seconds: float) -> None:
        lags.append(seconds)
        seen.set()

    lag = LoopLag(observe, interval_seconds=0.001)
    await lag.start()
    await seen.wait()  # it is at work
    seen.clear()
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251  the loop is to be kept busy
    await seen.wait()
    await lag.stop()
    # All of the 0.2 s but the 1 ms that it would have slept anyway.
    assert list(lag.recent) == lags
    assert max(lags) >= 0.199
    assert min(lags) >= 0


async def test_one_that_never_began_can_be_stopped() -> None:
    await LoopLag(lambda _: None).stop()


async def test_the_longest_lag_is_told_once() -> None:
    async with running() as service:
        service.app.state.metrics.lagged(0.75)
        service.app.state.metrics.lagged(0.25)
        first, second = await _figures(service), await _figures(service)
    assert first["portfolio_event_loop_lag_max_seconds"] == 0.75
    assert second["portfolio_event_loop_lag_max_seconds"] == 0
    assert second["portfolio_event_loop_lag_seconds_sum"] == 1
    assert second["portfolio_event_loop_lag_seconds_count"] == 2


async def _figures(service: Service) -> dict[str, float]:
    lines = (await service.http.get("/metrics")).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}
