"""The processor time of other processes, which the system counts in hundredths of a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import psutil

TICK_SECONDS: Final = 0.01


def processor_seconds(pid: int, work: Callable[[], object]) -> float:
    """Return what a process takes of the processor during ``work``, at least a tick."""
    before = _until_now(pid)
    work()
    return max(_until_now(pid) - before, TICK_SECONDS)


def _until_now(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
