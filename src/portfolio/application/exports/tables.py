"""What can be asked for of an export, and what a table of it is: columns with their kinds, pages of rows, and what the
file says of itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Generic, TypeAlias, TypeVar

import msgspec

from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.performance.records import Basis
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.money import Amount

R = TypeVar("R")

Cell: TypeAlias = Decimal | str | datetime | date | int | bool | None
Row: TypeAlias = Sequence[Cell]


class Kind(StrEnum):
    """What the cells of a column are. A decimal has at most 18 decimals and 20 digits before them."""

    DECIMAL = "decimal"
    TEXT = "text"
    MOMENT = "moment"
    DAY = "day"
    WHOLE = "whole"
    FLAG = "flag"


class What(StrEnum):
    """What can be exported."""

    TRADES = "trades"
    EVENTS = "events"
    POSITIONS = "positions"
    GAINS = "gains"
    PERFORMANCE = "performance"
    CLOSES = "closes"


DATED: Final = frozenset({What.TRADES, What.EVENTS, What.GAINS, What.PERFORMANCE, What.CLOSES})
"""What can be exported from a moment on."""

PAST: Final = frozenset({What.POSITIONS, What.GAINS, What.PERFORMANCE})
"""What can be exported as of a past moment, or as far as was known then."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported: of ``since`` or later by its own time, where that is given; gains by which ``method``.

    What is in ``PAST`` is as of a moment, and as far as was known then, where these are given; the days are those of a
    ``basis``, of the usual one where none is named.
    """

    what: What
    since: datetime | None = None
    method: LotMethod = LotMethod.FIFO
    as_of: datetime | None = None
    known_at: KnownAt | None = None
    basis: Basis | None = None

    @property
    def is_past(self) -> bool:
        """Return whether it is of other books than those of now."""
        return (self.as_of, self.known_at) != (None, None)


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """A column: its name, what its cells are, and how one is read of a record."""

    name: str
    kind: Kind
    read: Callable[[R], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is read page by page.

    ``about`` is what the file says of itself, in order: what it is, by which convention, as of when.
    """

    what: What
    columns: Mapping[str, Kind]
    about: Mapping[str, str]
    pages: AsyncIterator[Sequence[Row]]


def kinds_of(columns: Iterable[Column[R]]) -> Mapping[str, Kind]:
    """Return the columns' kinds by their names."""
    return {column.name: column.kind for column in columns}


def rows_of(columns: Sequence[Column[R]], records: Iterable[R]) -> list[Row]:
    """Return a row for each record."""
    return [[_cell(column.read(record)) for column in columns] for record in records]


def _cell(value: object) -> Cell:
    """Return what a cell is: the number of an amount, the text of a symbol and of an enumeration."""
    if isinstance(value, Amount):
        return value.value
    if value is None or isinstance(value, Decimal | datetime | date | int):
        return value
    return str(value)
