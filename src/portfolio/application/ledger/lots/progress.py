"""How far a reading of the entries has come, and how fast: who does not wait for it is told when to come again."""

from __future__ import annotations

import asyncio
from typing import Final

from portfolio.application.errors import EntriesUnread

ENTRY_SECONDS: Final = 1e-4
"""What an entry takes to be read, about, as long as nobody has seen it."""


class Progress:
    """When a reading began, and at which ledger revision."""

    def __init__(self) -> None:
        self._began, self._first = 0.0, 0

    def begin(self, revision: int) -> None:
        """Take the time from now on: everything up to a revision is read."""
        self._began, self._first = asyncio.get_running_loop().time(), revision

    def unread(self, revision: int, until: int) -> EntriesUnread:
        """Return what somebody is told while the entries up to a revision are read, and those ``until`` another needed.

        It says how long the rest will take, as fast as it has gone so far.
        """
        took, count = asyncio.get_running_loop().time() - self._began, revision - self._first
        each = took / count if count > 0 else ENTRY_SECONDS
        return EntriesUnread(revision, until, seconds=(until - revision) * each)
