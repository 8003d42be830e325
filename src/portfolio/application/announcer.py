"""Announces committed changes to the listeners in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec


class Announcement:
    """A committed change of a portfolio. Its subclasses stand in the topics of the use cases that make the change."""

    __slots__ = ()


Listener = Callable[[Announcement], None]
"""Who takes notice. It runs in the event loop and returns at once; longer work belongs in a task of its own."""


class Turn(msgspec.Struct, eq=False):
    """The turn of a commit to be told, in the order of the commits, and its events."""

    events: Sequence[Announcement] = ()
    is_settled: bool = False


class Announcer:
    """Calls every listener with every event of a portfolio, in the order of the commits.

    Events are told once, after their commit. A listener only takes notice: one that raises is reported to ``on_error``,
    and neither the other listeners nor what was committed suffer from it.
    """

    def __init__(self, on_error: Callable[[Announcement, Exception], None], listeners: Sequence[Listener] = ()) -> None:
        self._on_error = on_error
        self._listeners = listeners
        self._turns: deque[Turn] = deque()

    def __call__(self, events: Sequence[Announcement]) -> None:
        """Announce committed events to the listeners."""
        self._turns.append(Turn(events, is_settled=True))
        self._tell()

    @contextmanager
    def in_doubt(self) -> Iterator[Turn]:
        """Keep the turn of a commit whose answer was lost. Its ``events`` are announced if it is found in the books.

        What is announced meanwhile was committed later, and waits for the end of this.
        """
        turn = Turn()
        self._turns.append(turn)
        try:
            yield turn
        finally:
            turn.is_settled = True
            self._tell()

    def _tell(self) -> None:
        while self._turns and self._turns[0].is_settled:
            for event in self._turns.popleft().events:
                for listener in self._listeners:
                    try:
                        listener(event)
                    except Exception as error:  # noqa: BLE001  whatever it is, the booking is committed and stays so
                        self._on_error(event, error)


NO_LISTENERS: Final = Announcer(lambda _event, _error: None)
"""For a process where nobody listens: a command."""
