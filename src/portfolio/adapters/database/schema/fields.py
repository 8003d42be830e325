"""Which column keeps which field of a record: each is named once, for reading and writing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import DomainError
from portfolio.domain.money import LIMIT, Amount
from portfolio.domain.symbol import Symbol

T = TypeVar("T")

Values = dict[str, Any]
_Convert = Callable[[Any], Any]

NOT_READABLE = (DomainError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
"""What making a record of values that others wrote ends with where nothing can be made of them."""


class UnreadableRow(Exception):
    """Nothing can be made of a row; ``str()`` says why, and of which column where it is one.

    Whatever reads a row may raise it.
    """


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn whatever is raised while a row or a cell is read into one ``UnreadableRow`` that names it."""
    try:
        yield
    except (*NOT_READABLE, UnreadableRow) as error:
        raise UnreadableRow(f"{what}: {error}") from error


class Fields(Generic[T]):
    """The fields of a record that have a column each.

    A field's column has its name, or the one that ``renamed`` gives. Those ``apart`` are kept in another way: they are
    given when the record is read. Values may also come from JSON, whose decimals and moments are texts; ``as_text`` has
    them written so.

    >>> from portfolio.domain.ledger.units import Units
    >>> Fields(Units, count="unit_count", last_value="unit_value").values(Units())
    {'unit_count': Decimal('0'), 'unit_value': Decimal('1')}
    """

    def __init__(self, record: type[T], apart: Collection[str] = (), *, as_text: bool = False, **renamed: str) -> None:
        assert dataclasses.is_dataclass(record)
        hints = get_type_hints(record)
        self._make: Callable[..., T] = record
        self._fields = [
            (field.name, renamed.get(field.name, field.name), *_conversions(hints[field.name], as_text=as_text))
            for field in dataclasses.fields(record)
            if field.init and field.name not in apart
        ]

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return [column for _, column, *_ in self._fields]

    def values(self, record: T) -> Values:
        """Return the values of the columns."""
        return {
            column: value if (value := getattr(record, name)) is None or write is None else write(value)
            for name, column, write, _ in self._fields
        }

    def in_order(self, row: Any) -> T:
        """Return the record of a row that has these columns alone, in their order: looking each up took a fifth."""
        column, made = "", dict[str, Any]()
        try:
            for (name, column, _, read), value in zip(self._fields, row, strict=True):  # noqa: B007  an error names it
                made[name] = value if read is None else read(value)
            column = ""
            return self._make(**made)
        except NOT_READABLE as error:
            raise UnreadableRow(f"{column}: {error}" if column else str(error)) from error

    def record(self, row: Any, **apart: Any) -> T:
        """Return the record of a row."""
        column = ""
        try:
            for name, column, _, read in self._fields:
                value = getattr(row, column)
                apart[name] = value if read is None else read(value)
            column = ""
            return self._make(**apart)
        except NOT_READABLE as error:
            raise UnreadableRow(f"{column}: {error}" if column else str(error)) from error


def _conversions(hint: Any, *, as_text: bool) -> tuple[_Convert | None, _Convert | None]:
    """Return how a field of this type is written and read; None where it is kept as it is."""
    choices = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = choices[0]
    if not isinstance(kind, type):
        return None, None
    write, read = _of(kind)
    if as_text:
        write = next((text for each, text in _TEXTS.items() if issubclass(kind, each)), write)
    if read is None or NoneType not in choices:
        return write, read
    return write, lambda value: None if value is None else read(value)


_TEXTS: dict[type, _Convert] = {Amount: str, Decimal: plain, datetime: datetime.isoformat}


def _of(kind: type[Any]) -> tuple[_Convert | None, _Convert | None]:
    if issubclass(kind, Amount):
        return attrgetter("value"), lambda value: kind(Decimal(value) if isinstance(value, str) else value)
    if issubclass(kind, Symbol):
        return attrgetter("code"), kind
    if issubclass(kind, Enum):
        return attrgetter("value"), kind
    if kind is bool:
        return None, lambda value: bool(_one_of(int, value))
    if kind is Decimal:
        return None, _decimal
    if kind is datetime:
        return None, lambda value: _one_of(kind, datetime.fromisoformat(value) if isinstance(value, str) else value)
    if kind is str:
        return None, _text
    return None, partial(_one_of, kind) if kind in {int, date} else None


def _text(value: Any) -> str:
    text: str = _one_of(str, value)
    if not text.isascii():
        text.encode()  # half a character, which bytes that are no text are read as, is refused here
    return text


def _decimal(value: Any) -> Decimal:
    number: Decimal = _one_of(Decimal, Decimal(value) if isinstance(value, str) else value)
    if not number.is_finite() or number.copy_abs() >= LIMIT:
        raise ValueError(f"{number} is no number that can be")
    return number


def _one_of(kind: type[Any], value: Any) -> Any:
    """Return the value; others may have left one of any kind in a column, and in one of ours nothing at all."""
    if not isinstance(value, kind):
        raise TypeError(f"{str(value)[:60]!r} is not of the kind {kind.__name__}" if value is not None else "is empty")
    return value
