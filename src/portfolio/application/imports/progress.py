"""How far an import is: told to whoever waits for it, every so many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias, TypeVar, overload

T = TypeVar("T")

Tell: TypeAlias = Callable[[str, int, int], None]
"""Takes what is being done, how many rows, events or entries of it are done, and how many there are in all."""

EVERY: Final = 1_000


def tell_nobody(what: str, done: float, total: int) -> None:
    """Say nothing."""
    del what, done, total


class Told(Sequence[T]):
    """A sequence that tells how far it is while it is iterated."""

    def __init__(self, members: Sequence[T], what: str, tell: Tell) -> None:
        self._members, self._what, self._tell = members, what, tell

    def __len__(self) -> int:
        return len(self._members)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice[Any, Any, Any]) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice[Any, Any, Any]) -> T | Sequence[T]:
        return self._members[index]

    def __iter__(self) -> Iterator[T]:
        total = len(self._members)
        for start in range(0, total, EVERY):
            self._tell(self._what, start, total)
            yield from self._members[start : start + EVERY]
        self._tell(self._what, total, total)
