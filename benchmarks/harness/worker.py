"""A process of its own, which takes no time of the benchmark's own, and the processor time that others take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import psutil

TICK_SECONDS: Final = 0.01


class Worker:
    """The process of a module, while it is entered; it ends when nothing more can be asked.

    Args:
        arguments: the module, as for ``python -m``, and its arguments.
        python: the interpreter, by default this one.
    """

    def __init__(self, *arguments: str, python: str = sys.executable) -> None:
        self._arguments = arguments
        self._python = python

    def __enter__(self) -> Self:
        command = [self._python, "-m", *self._arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def ask(self, line: bytes) -> None:
        """Begin to ask; what comes of it has to be fetched before anything else is asked."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def fetch(self) -> bytes:
        """Return the answer, once it is there.

        Raises:
            RuntimeError: the process has ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._arguments[0]} ended with {self._process.wait(timeout=10)}")
        return line


def processor_seconds(pid: int, work: Callable[[], object]) -> float:
    """Return what a process takes of the processor during ``work``, at least a tick."""
    before = _until_now(pid)
    work()
    return max(_until_now(pid) - before, TICK_SECONDS)


def _until_now(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
