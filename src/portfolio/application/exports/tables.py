"""What a table of an export is: columns with their kinds, pages of rows, and what the file says of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

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
