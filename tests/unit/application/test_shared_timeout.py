"""One timer for many tasks: each has its own time, and only its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from portfolio.application.shared_timeout import SharedTimeout

SECONDS = 0.05


async def bounded(limit: SharedTimeout, work: Awaitable[object]) -> object:
    with limit:
        return await work


async def test_work_within_its_time_is_not_disturbed() -> None:
    timeout = SharedTimeout(60)
    assert await asyncio.gather(*(bounded(timeout, asyncio.sleep(0, n)) for n in range(3))) == [0, 1, 2]


async def test_work_that_takes_longer_is_cancelled() -> None:
    with pytest.raises(TimeoutError):
        await bounded(SharedTimeout(SECONDS), asyncio.Event().wait())


async def test_each_task_has_its_own_time_though_the_timer_is_shared() -> None:
    timeout, entered = SharedTimeout(SECONDS), asyncio.Event()

    async def later() -> object:
        await asyncio.sleep(SECONDS / 2)
        with timeout:
            entered.set()
            return await asyncio.Event().wait()

    first = asyncio.create_task(bounded(timeout, asyncio.Event().wait()))
    second = asyncio.create_task(later())
    await entered.wait()
    await asyncio.wait({first})
    assert not second.done()
    for task in (first, second):
        with pytest.raises(TimeoutError):
            await task


async def test_the_next_time_begins_anew_after_all_are_gone() -> None:
    timeout = SharedTimeout(SECONDS)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await bounded(timeout, asyncio.Event().wait())
        assert await bounded(timeout, asyncio.sleep(0, "in time")) == "in time"


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    task = asyncio.create_task(bounded(SharedTimeout(60), asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_cancellation_beside_an_expired_time_is_not_swallowed() -> None:
    timeout, cleaning = SharedTimeout(SECONDS), asyncio.Event()

    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(bounded(timeout, cleans_up()))
    await cleaning.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_is_passed_on() -> None:
    async def fails() -> None:
        raise LookupError("of its own")

    with pytest.raises(LookupError):
        await bounded(SharedTimeout(60), fails())


async def test_work_that_ends_by_itself_though_its_time_is_over_has_ended() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "an answer"
        return "never"

    assert await bounded(SharedTimeout(SECONDS), stubborn()) == "an answer"
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_work_whose_time_was_lifted_takes_as_long_as_it_will() -> None:
    timeout = SharedTimeout(SECONDS)
    timeout.lift()  # of who is not inside

    async def work() -> str:
        with timeout:
            timeout.lift()
            await asyncio.sleep(3 * SECONDS)
            return "done"

    assert await work() == "done"
    with pytest.raises(TimeoutError):
        await bounded(timeout, asyncio.Event().wait())


async def test_the_time_of_all_can_be_ended() -> None:
    timeout = SharedTimeout(60)
    works = [asyncio.create_task(bounded(timeout, asyncio.Event().wait())) for _ in range(3)]
    await asyncio.sleep(0)
    timeout.end()
    assert [type(ended) for ended in await asyncio.gather(*works, return_exceptions=True)] == [TimeoutError] * 3
