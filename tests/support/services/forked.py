"""The service in processes that are forked from one which has imported it: a start takes a third of what it takes by
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


class ForkedService:
    """``portfolio serve``, asked as a ``subprocess.Popen`` is."""

    def __init__(self, environment: Mapping[str, str], folder: Path, printed: Path) -> None:
        with unmeasured():
            multiprocessing.forkserver.ensure_running()
        self._process = _FORKS.Process(target=_serve, args=(dict(environment), folder, printed))
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
            raise subprocess.TimeoutExpired("portfolio serve", timeout or 0.0)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _serve(environment: Mapping[str, str], folder: Path, printed: Path) -> None:
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["portfolio", "serve"]
    main()
