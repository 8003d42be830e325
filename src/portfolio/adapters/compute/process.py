"""One process beside the service, for what native code computes: started when it is needed, ended when it is idle."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Final, TypeVar, TypeVarTuple

from portfolio.adapters.compute.worker import prepare
from portfolio.application.errors import ComputationFailed, ComputationLate

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

IDLE_SECONDS: Final = 60.0
OUT_OF_MEMORY: Final = "it takes more memory than there is; ask for less"


class WorkerProcess:
    """Runs functions one after the other in one spawned process, through the port of ``concurrent.futures``.

    Spawned, not forked: a copy of a process with threads and open connections is no sound one.
    """

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._turn = asyncio.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._process: BaseProcess | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Return the id of the process; None where there is none."""
        return None if self._process is None else self._process.pid

    async def run(self, function: Callable[[*Ts], T], *given: *Ts, seconds: float) -> T:
        """Return the result of ``function``, which has to be importable by name, within ``seconds``, its turn included.

        What it raises is raised here. A process that is late, or whose caller has gone, is killed: native code hears
        nothing else.

        Raises:
            ComputationFailed: the process died over it, could not be started, or has too little memory; the next call
                starts another one.
            ComputationLate: it took longer.
        """
        try:
            async with asyncio.timeout(seconds), self._turn:
                return await self._run(function, *given)
        except TimeoutError as error:
            raise ComputationLate(f"it was not computed within {seconds:.1f} seconds; ask for less") from error

    async def close(self) -> None:
        """End the process, whatever it is at, and wait for that."""
        process = self._process
        self._kill()
        if process is not None:
            await asyncio.to_thread(process.join)

    async def _run(self, function: Callable[[*Ts], T], *given: *Ts) -> T:
        if self._timer is not None:
            self._timer.cancel()
        if self._process is not None and not self._process.is_alive():
            self._end()  # it was killed while it had nothing to do, which is no fault of what is asked now
        try:
            return await asyncio.wrap_future((self._pool or self._start()).submit(function, *given))
        except BrokenProcessPool as error:
            self._kill()
            raise ComputationFailed("the process that computes it ended; ask again") from error
        except MemoryError as error:
            self._kill()
            raise ComputationFailed(OUT_OF_MEMORY) from error
        except asyncio.CancelledError:
            self._kill()
            raise
        finally:
            if self._pool is not None:
                self._timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._end)

    def _start(self) -> ProcessPoolExecutor:
        before = set(multiprocessing.active_children())
        # Else what tidies up behind a service that was killed tells of it, on the standard error and in no log.
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
        context = multiprocessing.get_context("spawn")
        pool = self._pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=prepare)
        try:
            pool.submit(_nothing)  # it starts with its first work
        except OSError as error:
            self._end()
            raise ComputationFailed(f"the process that computes it was not started: {error}; ask again") from error
        self._process = next(iter(set(multiprocessing.active_children()) - before), None)
        return pool

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._process = self._timer = None


def _nothing() -> None:
    """Do nothing: the first work of a process."""
