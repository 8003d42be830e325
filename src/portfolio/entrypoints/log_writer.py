"""Writes log lines in a thread: whoever logs never waits for a disk, a pipe or a terminal."""

from __future__ import annotations

import os
import select
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

CAPACITY_BYTES: Final = 1024 * 1024
GATHER_SECONDS: Final = 0.1

DROPPED: Final[Counter[str]] = Counter()
"""How many lines each destination has lost."""


class LogWriter(threading.Thread):
    """Takes lines at once, and writes them to one destination, many at a time.

    Lines that do not fit into the buffer, or cannot be written, are dropped and counted. The first one is told by
    `log.unwritable`, which the other destination shows; when lines are written again, `log.dropped` tells how many.
    """

    def __init__(
        self, destination: str, opened: Callable[[], int], *, dressed: Callable[[bytes], bytes] = bytes
    ) -> None:
        """``opened`` returns the descriptor to write to; ``dressed`` changes lines before they are written."""
        super().__init__(name=f"log-{destination}", daemon=True)
        self._destination = destination
        self._opened = opened
        self._dressed = dressed
        # An object that is destroyed while a line is put may log another one.
        self._lock = threading.RLock()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._missing = 0
        self._is_torn = False
        self._is_closed = False
        DROPPED[destination] += 0  # each destination has its count
        self._has_lines, self._is_urgent, self._is_idle = (threading.Event() for _ in range(3))
        self._is_idle.set()

    def put(self, line: bytes) -> None:
        """Take a line, which ends with a newline; it is written within moments."""
        with self._lock:
            fits = self._bytes + len(line) <= CAPACITY_BYTES
            if fits:
                self._lines.append(line)
                self._bytes += len(line)
                if len(self._lines) == 1:
                    self._is_idle.clear()
                    self._has_lines.set()
        if not fits:
            self._drop(1, "it takes no lines, or takes them too slowly")

    def hurry(self) -> None:
        """Have what was put written at once."""
        self._is_urgent.set()

    def wait(self, seconds: float) -> bool:
        """Wait until all is written that was put, and return whether it is."""
        done = self._is_idle.wait(seconds)
        self._is_urgent.clear()
        return done

    def close(self) -> None:
        """End the thread once it has nothing to write."""
        self._is_closed = True
        self._has_lines.set()

    def run(self) -> None:
        """Write lines until it is closed."""
        while self._has_lines.wait() and not (self._is_closed and self._is_idle.is_set()):
            self._is_urgent.wait(GATHER_SECONDS)
            with self._lock:
                self._has_lines.clear()
                lines, self._lines, self._bytes = self._lines, [], 0
            self._write(b"".join(map(self._dressed, lines)))
            with self._lock:
                if not self._lines:
                    self._is_idle.set()
                if self._is_closed:
                    self._has_lines.set()

    def _write(self, batch: bytes) -> None:
        rest = batch
        try:
            descriptor = self._opened()
            if self._is_torn:
                _write_some(descriptor, b"\n")
                self._is_torn = False
            while rest:
                rest = rest[_write_some(descriptor, rest) :]
        except OSError as error:
            self._is_torn = self._is_torn or (len(rest) < len(batch) and batch[-len(rest) - 1 :][:1] != b"\n")
            self._drop(rest.count(b"\n"), error.strerror or type(error).__name__)
        else:
            self._tell()

    def _drop(self, lines: int, reason: str) -> None:
        with self._lock:
            is_news = not self._missing
            self._missing += lines
            DROPPED[self._destination] += lines
        if is_news:
            _log().warning("log.unwritable", destination=self._destination, reason=reason)

    def _tell(self) -> None:
        with self._lock:
            if self._bytes > CAPACITY_BYTES // 2:  # the line that tells it would be the next one to be lost
                return
            lines, self._missing = self._missing, 0
        if lines:
            _log().warning("log.dropped", destination=self._destination, lines=lines)


class LogFile:
    """A file to append to, which is followed when it is rotated away."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    def open(self) -> int:
        """Return a descriptor of the file that has the name now."""
        if self._descriptor is not None and not self._is_current(self._descriptor):
            os.close(self._descriptor)
            self._descriptor = None
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self._descriptor

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False


def _write_some(descriptor: int, data: bytes) -> int:
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:  # whoever made the descriptor wants no waiting; this thread may wait
            select.select((), (descriptor,), ())


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)
    return log
