"""Column types that give back exactly what was put in, whatever the database makes of numbers and times."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, DateTime, Dialect, LargeBinary, Numeric, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from portfolio.domain.decimal_text import plain
from portfolio.domain.money import DECIMALS, EXACT, STEP

NO_TEXT = "surrogateescape"
"""How bytes that are no UTF-8 are read: so that no row is lost to the driver because of one cell in it."""

_NO_NUMBER = Decimal("NaN")


class Exact(TypeDecorator[Decimal]):
    """A decimal of 18 decimals: ``DECIMAL(38,18)``, and text on SQLite, whose numbers are binary floats.

    Other programs may have left integers or floats in an SQLite column; those are read as the decimal they print as.
    """

    impl = Numeric(38, DECIMALS)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return text on SQLite, the numeric type elsewhere."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric(38, DECIMALS))

    def bind_processor(self, dialect: Dialect) -> Callable[[Decimal | None], Any] | None:
        """Return how a decimal is sent; None where the driver takes it as it is."""
        return _unless_none(plain) if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Decimal | None] | None:
        """Return how a decimal is read; None where the driver gives one."""
        return from_any_number if dialect.name == "sqlite" else None


class UtcMoment(TypeDecorator[datetime]):
    """A moment in UTC, aware here and naive in the column; read as UTC whoever wrote it."""

    impl = DateTime()
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as naive UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Return how a moment is read: on SQLite from text of any kind, which SQLAlchemy's own type would refuse."""
        return from_any_moment if dialect.name == "sqlite" else _in_utc


class KeyText(TypeDecorator[str]):
    """Text compared byte for byte: ``VARBINARY`` on MySQL, where every collation but that folds or pads something.

    It is sent as text, which the server takes for its bytes in the connection's ``utf8mb4``, and comes back as bytes.
    """

    impl = String()
    cache_ok = True

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Return the text, bytes that are none in it as half characters: who reads a record of it refuses those."""
        return value.decode(errors=NO_TEXT) if isinstance(value, bytes) else value


class Blob(TypeDecorator[bytes]):
    """Bytes; on MySQL as the text of base64 in a binary column: the driver cannot send bytes (aiomysql 0.3.2 escapes
    them by a function that PyMySQL 1.2 has taken away).
    """

    impl = LargeBinary()
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], Any] | None:
        """Return how bytes are sent; None where the driver takes them as they are."""
        return None if dialect.name == "sqlite" else _unless_none(lambda value: b64encode(value).decode())

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], bytes | None] | None:
        """Return how bytes are read; None where the driver gives them."""
        return None if dialect.name == "sqlite" else _unless_none(b64decode)


class Day(TypeDecorator[date]):
    """A day of the calendar; None where others left what is none: MySQL takes the 0th of a month, SQLite anything."""

    impl = Date()
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return text on SQLite, which SQLAlchemy's own type would refuse to read, the type of days elsewhere."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Date())

    def bind_processor(self, dialect: Dialect) -> Callable[[date | None], Any] | None:
        """Return how a day is sent; None where the driver takes it as it is."""
        return _unless_none(date.isoformat) if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], date | None]:
        """Return how a day is read."""
        return from_any_day


def _unless_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def from_any_day(value: Any) -> date | None:
    """Return the day that a column holds; None for what is none.

    >>> from_any_day("2026-11-23"), from_any_day("2026-11-00")
    (datetime.date(2026, 11, 23), None)
    """
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, date) else None
    except ValueError:
        return None


def from_any_number(value: str | float | None) -> Decimal | None:
    """Return what an SQLite column holds as a decimal of 18 decimals, as servers give it; NaN for what is no number.

    >>> from_any_number("0.10"), from_any_number(1e-20), from_any_number("many")
    (Decimal('0.100000000000000000'), Decimal('0E-18'), Decimal('NaN'))
    """
    if value is None:
        return None
    try:
        number = Decimal(value if isinstance(value, str) else repr(value))
    except ArithmeticError:
        return _NO_NUMBER
    if not number.is_finite():
        return _NO_NUMBER
    return number.quantize(STEP, context=EXACT) if number.adjusted() < EXACT.prec - DECIMALS else number


def from_any_moment(value: Any) -> datetime | None:
    """Return the moment that an SQLite column holds, in UTC; None for what is none.

    >>> from_any_moment("2026-11-23 06:45:54"), from_any_moment("23/11/2026")
    (datetime.datetime(2026, 11, 23, 6, 45, 54, tzinfo=datetime.timezone.utc), None)
    """
    if not isinstance(value, str):
        return _in_utc(value)
    try:
        return _in_utc(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None


def _in_utc(value: Any) -> datetime | None:
    """Return the moment as aware UTC; None for a date that MySQL takes and the calendar does not have."""
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
