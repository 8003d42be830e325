"""What is computed beside the event loop takes turns in a thread of its own."""

from __future__ import annotations

import asyncio
import threading

from portfolio.application.in_thread import in_thread


async def test_computations_handed_over_at_once_run_in_one_thread_in_the_order_they_came() -> None:
    ran: list[tuple[int, int]] = []
    first_may_go_on = threading.Event()

    def compute(number: int) -> None:
        if number == 0:
            assert first_may_go_on.wait(30)
        ran.append((number, threading.get_ident()))

    computing = [asyncio.create_task(in_thread(compute, number)) for number in range(8)]
    await asyncio.sleep(0)  # all are handed over, and the first is held
    first_may_go_on.set()
    await asyncio.gather(*computing)
    assert [number for number, _ in ran] == list(range(8))
    assert len({thread for _, thread in ran}) == 1
    assert ran[0][1] != threading.get_ident()


async def test_what_waits_in_the_loops_own_threads_holds_no_computation_up() -> None:
    may_go_on = threading.Event()
    waiting = [asyncio.create_task(asyncio.to_thread(may_go_on.wait, 30)) for _ in range(64)]
    await asyncio.sleep(0)
    assert await in_thread(lambda: 1 + 1) == 2
    may_go_on.set()
    assert all(await asyncio.gather(*waiting))
