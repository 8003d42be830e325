"""Two sides measured in one run, a round of the one and a round of the other: A B A B ..."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from typing import TypeVar

T = TypeVar("T")


def _alone() -> None:
    """There is no other side."""


_PASS_ON: ContextVar[Callable[[], None]] = ContextVar("pass_on", default=_alone)


def pass_on() -> None:
    """Let the other side measure its next round, if there is another, and return when it is this side's turn again."""
    _PASS_ON.get()()


def alternate(works: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Return what came of each work, or why nothing did. Only one is at work at any time: each until it passes on."""
    return _Alternation(len(works)).run(works)


class _Alternation:
    def __init__(self, count: int) -> None:
        self._working = set(range(count))
        self._turn = 0
        self._changed = threading.Condition()

    def run(self, works: Sequence[Callable[[], T]]) -> list[T | Exception]:
        found: dict[int, T | Exception] = {}

        def work_at(side: int, work: Callable[[], T]) -> None:
            _PASS_ON.set(lambda: self._pass_on(side))
            self._wait(side)
            try:
                found[side] = work()
            except Exception as error:  # noqa: BLE001  # told to whoever asked for both: the other side goes on
                found[side] = error
            finally:
                self._end(side)

        threads = [
            threading.Thread(target=copy_context().run, args=(work_at, side, work)) for side, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [found[side] for side in range(len(works))]

    def _pass_on(self, side: int) -> None:
        self._give(side)
        self._wait(side)

    def _end(self, side: int) -> None:
        self._working.discard(side)
        self._give(side)

    def _wait(self, side: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._turn == side)

    def _give(self, side: int) -> None:
        """Have the next side go on that still works."""
        with self._changed:
            later = [other for other in sorted(self._working) if other > side]
            self._turn = next(iter(later), min(self._working, default=side))
            self._changed.notify_all()
