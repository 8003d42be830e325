"""What runs in the worker process. Nothing heavy is imported before its work comes: the service imports this too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from portfolio.analytics.optimisation.problem import Chosen, Problem, Solved
    from portfolio.application.backtest.jobs.records import Advanced, Attempted

T = TypeVar("T")

NICENESS = 10
"""Where processor time is short, a worker gets a tenth of what the ledger's process beside it gets."""
LEAST_SHARE = 0.02
"""A slice of a backtest that got less of a processor than this is followed by some that come before the idle."""
SLICES_BEFORE_THE_IDLE = 9
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def prepare() -> None:
    """Make this process a worker: behind the ledger's, with one thread of linear algebra. It ends with the service,
    however that ends.

    Ctrl-C in a terminal, and a stop by systemd, reach every process of the group: the service ends what it has begun,
    and then this one.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    for name in ONE_THREAD:
        os.environ[name] = "1"
    warnings.simplefilter("ignore")  # what there is to say of a computation is in its result: this process has no log
    threading.Thread(target=_end_with_parent, name="end with the service", daemon=True).start()


def optimise(problem: Problem) -> Solved:
    """Return the weights of a problem."""
    from portfolio.adapters.compute.solvers import NativeSolvers  # noqa: PLC0415  native code is for this process alone
    from portfolio.analytics.optimisation.optimise import optimise as solve  # noqa: PLC0415  as above

    return solve(problem, NativeSolvers())


def choose(problem: Problem) -> Chosen:
    """Return the weights of a problem alone, as a backtest wants them."""
    from portfolio.adapters.compute.solvers import NativeSolvers  # noqa: PLC0415  native code is for this process alone
    from portfolio.analytics.optimisation.optimise import choose as solve  # noqa: PLC0415  as above

    return solve(problem, NativeSolvers())


def advance_backtest(given: bytes, checkpoint: bytes | None, ahead: dict[int, bytes], seconds: float) -> Advanced:
    """Return how far a backtest is after so many seconds more."""
    from portfolio.application.backtest.jobs.slices import advanced  # noqa: PLC0415  as above

    return _turns.take(lambda: advanced(given, checkpoint, ahead, is_over=_after(seconds), solve=choose))


def attempt_trial(given: bytes, place: int, state: bytes | None, seconds: float) -> Attempted:
    """Return how far one trial of a backtest is after so many seconds more."""
    from portfolio.application.backtest.jobs.slices import attempted  # noqa: PLC0415  as above

    return _turns.take(lambda: attempted(given, place, state, is_over=_after(seconds), solve=choose))


class Turns:
    """Slices of backtests, which take the processor time that nobody else wants.

    Where that was next to none, the next few have this process's niceness alone: jobs go on, however busy all is.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, thread_time: Callable[[], float] = time.thread_time
    ) -> None:
        self._monotonic, self._thread_time = monotonic, thread_time
        self._behind_all = ThreadPoolExecutor(1, thread_name_prefix="backtest", initializer=give_way)
        self._before_the_idle = 0

    def take(self, work: Callable[[], T]) -> T:
        """Return what the work returns, or raise what it raises."""
        if self._before_the_idle:
            self._before_the_idle -= 1
            return work()
        began = self._monotonic()
        found, used = self._behind_all.submit(self._timed, work).result()
        if used < LEAST_SHARE * (self._monotonic() - began):
            self._before_the_idle = SLICES_BEFORE_THE_IDLE
        return found

    def _timed(self, work: Callable[[], T]) -> tuple[T, float]:
        began = self._thread_time()
        return work(), self._thread_time() - began


def give_way() -> None:
    """Have this thread take only the processor time that nobody else wants, or next to that where it may not say so."""
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):  # a system without it, or a sandbox that allows niceness alone
        os.nice(NICENESS)


_turns = Turns()


def _after(seconds: float) -> Callable[[], bool]:
    """Return what tells whether so many seconds have passed since now."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)
