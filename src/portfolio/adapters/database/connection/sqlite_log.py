"""The log beside an SQLite database, of what is committed and may not be in the main file yet (`-wal`)."""

from __future__ import annotations

import os

# https://sqlite.org/fileformat2.html#walformat: a head, then frames, each a page with a head of its own.
_BEGINS = b"\x37\x7f\x06"
_HEAD = 32
_FRAME_HEAD = 24
_FRAMES_AT_ONCE = 100


class SqliteLog:
    """How much of the log was seen committed.

    By its size alone nobody can tell: SQLite empties it, or begins it anew under another head, once all of it is in the
    main file, and may cut off what is behind the last commit. What it never takes away is a commit under the same head.
    ADR 64 tells why this is looked for.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen = (0, 0)
        self._head = b""
        self._committed = 0
        self._looked_at = 0

    def is_whole(self, found: os.stat_result | None) -> bool:
        """Return whether it is a log, and has what was seen committed in it. One that is as it was is not read again.

        Reading it takes no lock from anybody; the main file and the index would lose all of this process when closed.
        """
        seen = (0, 0) if found is None else (found.st_size, found.st_mtime_ns)
        if seen == self._seen:
            return True
        if seen[0] == 0:
            self._seen, self._head = seen, b""
            return True
        try:
            log = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return True  # it is gone by now, or no file can be opened: it is looked at the next time
        try:
            self._seen = seen
            return self._goes_on(log)
        finally:
            os.close(log)

    def _goes_on(self, log: int) -> bool:
        head = os.pread(log, _HEAD, 0)
        if not head:
            return True  # it was emptied since it was looked at
        if len(head) < _HEAD or not head.startswith(_BEGINS):
            return False
        size, salt = _FRAME_HEAD + int.from_bytes(head[8:12], "big"), head[16:24]

        def frame(number: int) -> bytes:
            return os.pread(log, _FRAME_HEAD, _HEAD + number * size)

        if head != self._head:
            self._head, self._committed, self._looked_at = head, 0, 0
        elif self._committed and frame(self._committed - 1)[8:16] != salt:
            return os.pread(log, _HEAD, 0) != head  # else it was emptied or begun anew since the head was read
        for number in range(self._looked_at, self._looked_at + _FRAMES_AT_ONCE):
            now = frame(number)
            if now[8:16] != salt:
                # What is not committed may be written over: it is read again once the log has changed.
                self._looked_at = self._committed
                return True
            self._looked_at = number + 1
            if any(now[4:8]):  # the last frame of a commit
                self._committed = number + 1
        self._seen = (0, 0)  # there may be more: it goes on from here the next time
        return True
