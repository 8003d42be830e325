"""What is handed to threads is computed by one of them."""

from __future__ import annotations

import asyncio
import threading

from portfolio.entrypoints.turns import take_turns


async def test_computations_handed_over_at_once_run_in_one_thread_in_the_order_they_came() -> None:
    await take_turns()
    ran: list[tuple[int, int]] = []
    first_may_go_on = threading.Event()

    def compute(number: int) -> None:
        if number == 0:
            assert first_may_go_on.wait(30)
        ran.append((number, threading.get_ident()))

    computing = [asyncio.create_task(asyncio.to_thread(compute, number)) for number in range(8)]
    await asyncio.sleep(0)  # all are handed over, and the first is held
    first_may_go_on.set()
    await asyncio.gather(*computing)
    assert [number for number, _ in ran] == list(range(8))
    assert len({thread for _, thread in ran}) == 1
    assert ran[0][1] != threading.get_ident()
