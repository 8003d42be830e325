"""Long sequences of records, kept as plain tuples: the search for garbage leaves those out by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from enum import Enum
from functools import cache
from heapq import merge
from operator import attrgetter, itemgetter
from sys import getrefcount
from typing import Any, Final, Generic, Self, TypeVar, cast, get_type_hints, overload

from portfolio.domain.money import Amount
from portfolio.domain.symbol import Symbol

T = TypeVar("T")
K = TypeVar("K")

SORTED_AT_ONCE: Final = 1_000
"""So many are sorted in one step, which no other thread can interrupt."""
_OWN_REFERENCES: Final = 3
"""Of a list that is one object's alone, while it is asked: that object's, a variable's, and the question's own."""


class Packing(Generic[T]):
    """How records of a frozen dataclass with slots are kept: as a tuple of texts, numbers and moments.

    An amount is kept as its decimal, a symbol as its code, a member of an enumeration as its value; other fields have
    to be what no search for garbage looks into. What is no record of the class is kept as it is, and may be no tuple.
    """

    def __init__(self, of: type[T]) -> None:
        self.of = of
        hints = get_type_hints(of)
        self.names = [field.name for field in fields(of)]  # type: ignore[arg-type]  # a dataclass, which no type says
        self._read = attrgetter(*(_path(name, hints[name]) for name in self.names))
        self._write = [_writing(getattr(of, name).__set__, hints[name]) for name in self.names]

    def pack(self, record: object) -> object:
        """Return what is kept of a record."""
        return self._read(record) if type(record) is self.of else record

    def unpack(self, kept: Any) -> Any:
        """Return the record again: equal to what was packed, and another object."""
        if type(kept) is not tuple:
            return kept
        made = object.__new__(self.of)
        for write, value in zip(self._write, kept, strict=True):
            write(made, value)
        return made


def _path(name: str, kind: object) -> str:
    if isinstance(kind, type):
        if issubclass(kind, Amount):
            return f"{name}.value"
        if issubclass(kind, Symbol):
            return f"{name}.code"
        if issubclass(kind, Enum):
            return f"{name}._value_"
    return name


def _writing(put: Callable[[object, Any], None], kind: object) -> Callable[[object, Any], None]:
    """Return how a field gets what was kept of it."""
    if not isinstance(kind, type) or not issubclass(kind, Amount | Symbol | Enum):
        return put
    if issubclass(kind, Symbol):
        make: Callable[[Any], Any] = cache(kind)
    elif issubclass(kind, Enum):
        make = {member.value: member for member in kind}.__getitem__
    else:
        make = kind
    return lambda made, value: put(made, make(value))


class Packed(Sequence[T]):
    """A sequence of records and, where they are others, of things kept as they are; a slice of it shares what is kept.

    Each record is made anew when it is asked for: what is long is gone through once, and not place by place.
    """

    __slots__ = ("_kept", "_packing")

    def __init__(self, packing: Packing[Any], records: Iterable[T] = ()) -> None:
        self._packing = packing
        self._kept: list[object] = []
        self += records

    def __del__(self) -> None:
        """Let go of what is long some at a time: all at once, 100,000 records are freed in one step of 20 ms.

        What somebody goes through is left to whoever does.
        """
        kept = self._kept
        if getrefcount(kept) == _OWN_REFERENCES:
            while kept:
                del kept[-SORTED_AT_ONCE:]

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[T]:
        return map(self._packing.unpack, self._kept)

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> Packed[T]: ...

    def __getitem__(self, place: int | slice) -> T | Packed[T]:
        if isinstance(place, slice):
            return self._of(self._kept[place])
        record: T = self._packing.unpack(self._kept[place])
        return record

    def __setitem__(self, place: int, record: T) -> None:
        self._kept[place] = self._packing.pack(record)

    def __iadd__(self, records: Iterable[T]) -> Self:
        self._kept += map(self._packing.pack, records)
        return self

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    def begins_with(self, other: Packed[T]) -> bool:
        """Return whether this is what became of the other by appending to a slice of all of it."""
        count = len(other)
        return count <= len(self) and (not count or self._kept[count - 1] is other._kept[-1])

    def append(self, record: T) -> None:
        """Add a record at the end."""
        self._kept.append(self._packing.pack(record))

    def where(self, wanted: Callable[[T], bool]) -> Packed[T]:
        """Return those that are wanted."""
        return self._of([kept for kept in self._kept if wanted(self._packing.unpack(kept))])

    def by(self, *names: str) -> Packed[T]:
        """Return the records by these fields, as they are kept, of equal ones in the order that they have.

        There is nothing but records.
        """
        rows = cast("list[tuple[Any, ...]]", self._kept)
        return self._of([*in_order(rows, itemgetter(*map(self._packing.names.index, names)))])

    @property
    def others(self) -> list[int]:
        """Return the places of what is no record."""
        return [place for place, kept in enumerate(self._kept) if type(kept) is not tuple]

    def _of(self, kept: list[object]) -> Packed[T]:
        made = Packed[T](self._packing)
        made._kept = kept
        return made


def in_order(items: Sequence[K], key: Callable[[K], Any]) -> list[K]:
    """Return items by their keys, of equal ones in the order that they have.

    They are sorted some at a time, and then merged one by one: whoever waits for another thread may go on in between.
    """
    parts = range(0, len(items), SORTED_AT_ONCE)
    return [*merge(*(sorted(items[at : at + SORTED_AT_ONCE], key=key) for at in parts), key=key)]
