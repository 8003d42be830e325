"""How many imports are at work at once, and that nobody looks for garbage meanwhile."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final, TypeVar

from portfolio.application.in_thread import in_long_thread
from portfolio.entrypoints.http.errors import RATE_LIMITED, RequestError, retry_after

T = TypeVar("T")

MOST_AT_WORK: Final = 4
"""How many uploads and bookings of imports one instance has in hand: what they take of memory is bounded by it."""

LONGEST_PAUSE: Final = 600.0
"""After so many seconds garbage is looked for between two imports, whatever else is at work."""

_BUSY_SECONDS: Final = 5.0


def _nothing() -> None:
    """Do nothing."""


class ImportSlots:
    """Lets so many imports be at work at once, and tells others to come again.

    An import makes a million objects that all live until its answer. To look for circles among them stops everything
    for more than half a second, and finds none: Python does not look as long as imports are at work.
    """

    def __init__(self, most: int = MOST_AT_WORK, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = self._free = most
        self._monotonic = monotonic
        self._since = 0.0
        self._looked_before = True

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place. What is large has to be let go before it is given back.

        Raises:
            RequestError: there is none.
        """
        if not self._free:
            raise RequestError(
                RATE_LIMITED, "as many imports are at work as may: ask again", headers=retry_after(_BUSY_SECONDS)
            )
        if self._free == self._most:
            self._since, self._looked_before = self._monotonic(), gc.isenabled()
            gc.disable()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
            if self._free == self._most:
                if self._looked_before:
                    gc.enable()
            elif self._monotonic() - self._since > LONGEST_PAUSE:
                self._since = self._monotonic()
                gc.collect()

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of ``work``, which holds a place until it ends.

        Raises:
            RequestError: there is none; nothing of it was begun.
        """
        with closing(work), self.taken():
            result = await work
            await in_long_thread(_nothing)  # after which that thread has let go of what it was given
            return result
