"""What was committed, told to whoever listens in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Event:
    """Something that happened to a portfolio; its classes stand beside the use cases that bring it about."""

    __slots__ = ()


Announce = Callable[[Sequence[Event]], None]
Listener = Callable[[Event], None]


def nobody_listens(events: Sequence[Event]) -> None:
    """Tell nobody of ``events``."""


class Announcer:
    """Calls every listener with every event, in the order of the events.

    Events are told once, after their commit. A listener only takes notice: one that raises is reported to ``on_error``,
    and neither the other listeners nor what was committed suffer from it.
    """

    def __init__(self, on_error: Callable[[Event, Exception], None]) -> None:
        self._on_error = on_error
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with every event from now on."""
        self._listeners.append(listener)

    def __call__(self, events: Sequence[Event]) -> None:
        """Tell the listeners of events that are committed."""
        for event in events:
            for listener in self._listeners:
                try:
                    listener(event)
                except Exception as error:  # noqa: BLE001  whatever it is, the booking is committed and stays so
                    self._on_error(event, error)
