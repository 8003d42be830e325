"""The program in processes that are forked from one which has imported it: a start takes a third of what it takes by
its command.

From the first statement of the program on it is the same: arguments, environment, folder, output, signals, status.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from portfolio.__main__ import main
from tests.support.services.unmeasured import unmeasured

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.support.services.forked", "tests.support.services.imported"])


class ForkedProgram:
    """``portfolio`` with these words, asked as a ``subprocess.Popen`` is; what it prints is added to the two files."""

    def __init__(
        self, words: tuple[str, ...], environment: Mapping[str, str], folder: Path, output: Path, errors: Path
    ) -> None:
        with unmeasured():
            multiprocessing.forkserver.ensure_running()
        self._words = words
        self._process = _FORKS.Process(target=_run, args=(words, dict(environment), folder, output, errors))
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, less than nothing for a signal; nothing while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit status; nothing while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status.

        Raises:
            subprocess.TimeoutExpired: it runs still after so many seconds.
        """
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0.0)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _run(words: tuple[str, ...], environment: Mapping[str, str], folder: Path, output: Path, errors: Path) -> None:
    for descriptor, file in ((1, output), (2, errors)):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["portfolio", *words]
    main()
