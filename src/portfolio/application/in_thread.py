"""Runs computations in threads, one at a time in each, so that the event loop stays free."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# One thread, and of its own: the loop's are for what waits, such as the names of hosts.
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="computation")
# What takes seconds has others, imports one and what goes through all entries one: analyses, which take a tenth of a
# second, wait for neither.
_LONG_THREAD = ThreadPoolExecutor(1, thread_name_prefix="long computation")
_FOLD_THREAD = ThreadPoolExecutor(1, thread_name_prefix="fold")

# What is computed of fewer assets takes less time than handing it to a thread.
ASSETS_AT_ONCE: Final = 10


async def in_thread(compute: Callable[[*Ts], T], *given: *Ts) -> T:
    """Return the result of ``compute`` with these arguments, computed in the thread. Calls run one after the other.

    Python computes in one thread at a time whatever there is of them, so several are no faster. But each that wants to
    go on does so before the event loop may: with a dozen analyses at once it was late by twice as much.
    """
    return await _run(_THREAD, compute, *given)


async def in_long_thread(compute: Callable[[*Ts], T], *given: *Ts) -> T:
    """Return the result of ``compute``, which takes seconds: one such computation at a time, beside the others."""
    return await _run(_LONG_THREAD, compute, *given)


async def in_fold_thread(compute: Callable[[*Ts], T], *given: *Ts) -> T:
    """Return the result of ``compute``, which goes through all entries: one at a time, as they share what they make."""
    return await _run(_FOLD_THREAD, compute, *given)


async def _run(thread: ThreadPoolExecutor, compute: Callable[[*Ts], T], *given: *Ts) -> T:
    call = partial(contextvars.copy_context().run, compute, *given)
    return await asyncio.get_running_loop().run_in_executor(thread, call)


def later_in_fold_thread(work: Callable[[], object]) -> None:
    """Have the thread of the folds do some work when it comes to it, which nobody waits for."""
    _FOLD_THREAD.submit(work)


async def computed(assets: int, compute: Callable[[*Ts], T], *given: *Ts) -> T:
    """Return what ``compute`` makes of so many assets: of more than a few in the thread, so that bookings go on."""
    return await in_thread(compute, *given) if assets > ASSETS_AT_ONCE else compute(*given)
