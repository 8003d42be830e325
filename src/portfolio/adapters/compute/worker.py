"""What runs in the worker process. Nothing heavy is imported before its work comes: the service imports this too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portfolio.analytics.optimisation.problem import Chosen, Problem, Solved
    from portfolio.application.backtest.jobs.records import Advanced, Attempted

NICENESS = 10
"""Where processor time is short, a worker gets a tenth of what the ledger's process beside it gets."""
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

    return advanced(given, checkpoint, ahead, seconds=seconds, monotonic=time.monotonic, solve=choose)


def attempt_trial(given: bytes, place: int, state: bytes | None, seconds: float) -> Attempted:
    """Return how far one trial of a backtest is after so many seconds more."""
    from portfolio.application.backtest.jobs.slices import attempted  # noqa: PLC0415  as above

    return attempted(given, place, state, seconds=seconds, monotonic=time.monotonic, solve=choose)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)
