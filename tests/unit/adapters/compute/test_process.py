"""The worker process: started when it is needed, killed when it is late, followed by another when it dies."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from multiprocessing.popen_spawn_posix import Popen
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest

from portfolio.adapters.compute.optimiser import SpawnedOptimiser
from portfolio.adapters.compute.process import WorkerProcess
from portfolio.adapters.compute.worker import (
    NICENESS,
    SLICES_BEFORE_THE_IDLE,
    Turns,
    advance_backtest,
    choose,
    give_way,
)
from portfolio.analytics.optimisation.problem import Objective, TurnoverTooSmall
from portfolio.application.backtest.jobs.slices import begun
from portfolio.application.errors import ComputationFailed, ComputationLate, NotInstalled
from tests.support.backtests import held, named, panel_from, request_of, walk
from tests.support.fakes.compute import InThisProcess, chosen_here
from tests.support.optimisation import MEANS, ORTHANT, problem, uncorrelated
from tests.support.services.unmeasured import unmeasured
from tests.support.services.waiting import until

LONG = 60.0


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess()
    with unmeasured():
        yield worker
    await worker.close()


@pytest.mark.unmeasured
async def test_the_process_gives_the_same_weights_as_this_one_with_one_thread(worker: WorkerProcess) -> None:
    assert [worker.pid] == [None]
    one = problem(Objective.MAX_SHARPE, uncorrelated(MEANS), ORTHANT)
    found = await SpawnedOptimiser(worker).optimise(one, seconds=LONG)
    assert found.weights == (await InThisProcess().optimise(one, seconds=LONG)).weights
    pid = await worker.run(os.getpid, seconds=LONG)
    assert worker.pid == pid != os.getpid()
    # One is at work, and one waits for the end of the service.
    assert psutil.Process(pid).num_threads() <= 3


async def test_the_process_comes_behind_the_one_that_books(worker: WorkerProcess) -> None:
    assert await worker.run(os.nice, 0, seconds=LONG) == min(os.nice(0) + 10, 19)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        assert await worker.run(os.getenv, name, seconds=LONG) == "1"


def priorities() -> set[tuple[int, int]]:
    """Policy and niceness of each thread of this process."""
    threads = [int(name) for name in os.listdir("/proc/self/task")]
    return {(os.sched_getscheduler(one), os.getpriority(os.PRIO_PROCESS, one)) for one in threads}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has threads that take what nobody else wants")
async def test_backtests_take_what_nobody_else_wants_and_weights_that_are_waited_for_come_before(
    worker: WorkerProcess,
) -> None:
    behind = min(os.nice(0) + NICENESS, 19)
    assert await worker.run(priorities, seconds=LONG) == {(os.SCHED_OTHER, behind)}
    panel = panel_from(walk(75, 3), named(3))
    given = begun(request_of(panel), panel, held(10_000, A00=100))
    await worker.run(advance_backtest, given, None, {}, 0.0, seconds=LONG)
    assert await worker.run(priorities, seconds=LONG) == {(os.SCHED_OTHER, behind), (os.SCHED_IDLE, behind)}


def test_where_the_system_refuses_that_a_thread_comes_further_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    nicer: list[int] = []
    monkeypatch.setattr("os.nice", nicer.append)
    for error in (OSError(errno.EINVAL, "a sandbox"), AttributeError("another system")):
        monkeypatch.setattr("os.sched_setscheduler", Mock(side_effect=error), raising=False)
        give_way()
    assert nicer == [NICENESS, NICENESS]


def test_after_a_slice_that_got_next_to_nothing_some_come_before_the_idle() -> None:
    passed = used = 0.0
    turns = Turns(lambda: passed, lambda: used)

    def slice_with(share: float) -> bool:
        """Take half a second with so much of a processor, and return whether it was behind all."""

        def work() -> bool:
            nonlocal passed, used
            passed, used = passed + 0.5, used + 0.5 * share
            return threading.current_thread() is not threading.main_thread()

        return turns.take(work)

    assert [slice_with(share) for share in (1.0, 0.021, 0.3)] == [True] * 3
    assert [slice_with(0.019) for _ in range(12)] == [True, *[False] * SLICES_BEFORE_THE_IDLE, True, False]


async def test_it_is_kept_from_call_to_call_and_ended_when_idle() -> None:
    worker = WorkerProcess(idle_seconds=0.2)
    first = await worker.run(os.getpid, seconds=LONG)
    assert await worker.run(os.getpid, seconds=LONG) == first
    await until(lambda: worker.pid is None and not psutil.pid_exists(first))
    assert await worker.run(os.getpid, seconds=LONG) != first
    await worker.close()
    await worker.close()


async def test_a_process_that_dies_is_a_failure_and_the_next_call_starts_another(worker: WorkerProcess) -> None:
    first = await worker.run(os.getpid, seconds=LONG)
    with pytest.raises(ComputationFailed, match="ask again"):
        await worker.run(os._exit, 9, seconds=LONG)
    assert await worker.run(os.getpid, seconds=LONG) != first


async def test_a_process_that_was_killed_while_idle_costs_nobody_an_answer(worker: WorkerProcess) -> None:
    first = await worker.run(os.getpid, seconds=LONG)
    os.kill(first, signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(first))
    assert await worker.run(os.getpid, seconds=LONG) != first


async def test_more_memory_than_there_is_is_a_failure(worker: WorkerProcess) -> None:
    with pytest.raises(ComputationFailed, match="memory"):
        await worker.run(bytearray, 1 << 62, seconds=LONG)
    assert await worker.run(os.getpid, seconds=LONG) == worker.pid


async def test_a_process_that_cannot_be_started_is_a_failure_and_the_next_one_is_killed_when_late(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(Popen, "_launch", Mock(side_effect=BlockingIOError(errno.EAGAIN, "no more processes")))
        with pytest.raises(ComputationFailed, match="no more processes"):
            await worker.run(os.getpid, seconds=LONG)
    started = await worker.run(os.getpid, seconds=LONG)
    assert worker.pid == started
    with pytest.raises(ComputationLate):
        await worker.run(time.sleep, LONG, seconds=0.2)
    await until(lambda: not psutil.pid_exists(started))


async def test_a_late_process_is_killed_and_so_is_one_whose_caller_has_gone(worker: WorkerProcess) -> None:
    first = await worker.run(os.getpid, seconds=LONG)
    with pytest.raises(ComputationLate, match=r"0\.2 seconds"):
        await worker.run(time.sleep, LONG, seconds=0.2)
    await until(lambda: not psutil.pid_exists(first))
    second = await worker.run(os.getpid, seconds=LONG)
    task = asyncio.create_task(worker.run(time.sleep, LONG, seconds=LONG))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not psutil.pid_exists(second))


async def test_a_stop_of_the_whole_group_leaves_it_to_the_service(worker: WorkerProcess) -> None:
    pid = await worker.run(os.getpid, seconds=LONG)
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(pid, number)
    assert await worker.run(os.getpid, seconds=LONG) == pid


async def test_calls_take_turns_and_waiting_is_a_part_of_the_time(worker: WorkerProcess) -> None:
    await worker.run(os.getpid, seconds=LONG)
    long = asyncio.create_task(worker.run(time.sleep, 0.5, seconds=LONG))
    await asyncio.sleep(0)
    with pytest.raises(ComputationLate):
        await worker.run(os.getpid, seconds=0.1)
    await long  # the one that waited has not disturbed it


async def test_what_the_function_raises_is_raised_here(worker: WorkerProcess) -> None:
    limits = [((place,), 0.1) for place in range(4)]
    one = problem(Objective.MIN_VARIANCE, uncorrelated(), limits, current=[0.5, 0.0, 0.0, 0.0], turnover=0.1)
    with pytest.raises(TurnoverTooSmall) as refused:
        await SpawnedOptimiser(worker).optimise(one, seconds=LONG)
    assert refused.value.least == pytest.approx(0.4)


async def test_without_the_libraries_it_says_what_to_install(worker: WorkerProcess) -> None:
    lacking = SpawnedOptimiser(worker, libraries=("scipy", "no_such_solver"))
    with pytest.raises(NotInstalled, match=r"no_such_solver is not installed here: .*portfolio\[optimise\]"):
        await lacking.optimise(problem(Objective.HRP, uncorrelated()), seconds=LONG)
    assert worker.pid is None


PROGRAM = """
import asyncio, os, time
from portfolio.adapters.compute.process import WorkerProcess
from portfolio.adapters.compute.worker import choose

async def main():
    worker = WorkerProcess()
    print(await worker.run(os.getpid, seconds=60), flush=True)
    await worker.run(time.sleep, 600, seconds=600)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_it_ends_with_a_service_that_was_killed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    service = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert service.stdout is not None
    assert service.stderr is not None
    worker = int(service.stdout.readline())
    assert psutil.pid_exists(worker)
    service.kill()
    service.wait()
    service.stdout.close()
    asyncio.run(until(lambda: not psutil.pid_exists(worker) or psutil.Process(worker).status() == "zombie"))
    assert service.stderr.read() == "", "nor does what tidies up behind it write beside the service's log"
    service.stderr.close()


@pytest.mark.unmeasured
async def test_the_weights_alone_are_those_of_the_whole_answer(worker: WorkerProcess) -> None:
    asked = problem(Objective.MIN_VARIANCE, uncorrelated(MEANS), ORTHANT)
    chosen = await worker.run(choose, asked, seconds=30)
    whole = await InThisProcess().optimise(asked, seconds=30)
    assert (chosen.weights, chosen.stays) == (whole.weights, False)
    assert chosen == chosen_here(asked)
