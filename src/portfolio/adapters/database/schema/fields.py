"""Records and the columns that keep them: each field is named once, and goes both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from datetime import datetime
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from portfolio.domain.money import Amount
from portfolio.domain.symbol import Symbol

T = TypeVar("T")

Values = dict[str, Any]
_Convert = Callable[[Any], Any]


class Fields(Generic[T]):
    """The fields of a record that have a column each.

    A field's column has its name, or the one that ``renamed`` gives. Those ``apart`` are kept in another way: they are
    given when the record is read. Values may also come from JSON, whose decimals and moments are texts.

    >>> from portfolio.domain.ledger.units import Units
    >>> Fields(Units, count="unit_count", last_value="unit_value").values(Units())
    {'unit_count': Decimal('0'), 'unit_value': Decimal('1')}
    """

    def __init__(self, record: type[T], apart: Collection[str] = (), **renamed: str) -> None:
        assert dataclasses.is_dataclass(record)
        hints = get_type_hints(record)
        self._make: Callable[..., T] = record
        self._fields = [
            (field.name, renamed.get(field.name, field.name), *_conversions(hints[field.name]))
            for field in dataclasses.fields(record)
            if field.init and field.name not in apart
        ]

    def values(self, record: T) -> Values:
        """Return the values of the columns."""
        return {
            column: value if (value := getattr(record, name)) is None or write is None else write(value)
            for name, column, write, _ in self._fields
        }

    def record(self, row: Any, **apart: Any) -> T:
        """Return the record of a row.

        Raises:
            DomainError: a value cannot be.
        """
        for name, column, _, read in self._fields:
            value = getattr(row, column)
            apart[name] = value if read is None else read(value)
        return self._make(**apart)


def _conversions(hint: Any) -> tuple[_Convert | None, _Convert | None]:
    """Return how a field of this type is written and read; None where it is kept as it is."""
    choices = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = choices[0]
    if not isinstance(kind, type):
        return None, None
    write, read = _of(kind)
    if read is None or NoneType not in choices:
        return write, read
    return write, lambda value: None if value is None else read(value)


def _of(kind: type[Any]) -> tuple[_Convert | None, _Convert | None]:
    if issubclass(kind, Amount):
        return attrgetter("value"), lambda value: kind(Decimal(value) if isinstance(value, str) else value)
    if issubclass(kind, Symbol):
        return attrgetter("code"), kind
    if issubclass(kind, Enum):
        return attrgetter("value"), kind
    if kind is bool:
        return None, bool
    if kind is Decimal:
        return None, lambda value: Decimal(value) if isinstance(value, str) else value
    if kind is datetime:
        return None, lambda value: datetime.fromisoformat(value) if isinstance(value, str) else value
    return None, None
