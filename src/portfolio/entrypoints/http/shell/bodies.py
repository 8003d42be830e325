"""Bodies and queries, read strictly: what is not understood to the last field is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast, get_args

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta, Raw

from portfolio.domain.errors import InvalidAmount, InvalidSymbol, OutOfRange
from portfolio.domain.money import Amount
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.shell.numbers import parse_number

T = TypeVar("T")
A = TypeVar("A", bound=Amount)

_FIGURE = r"^[+-]?[0-9]{1,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,7})?$"


def _figure(text: str, *, nullable: bool = False, **bounds: object) -> Meta:
    """Return the schema of a decimal: read as it stands, so that not a digit is lost before it is checked."""
    kinds = ["number", "string", "null"] if nullable else ["number", "string"]
    schema = {"type": kinds, "format": "decimal", "pattern": _FIGURE, "exclusiveMaximum": 1e20, **bounds}
    return Meta(description=f"{text}: a JSON number, or a string with one in it.", extra_json_schema=schema)


PositiveFigure = Annotated[Raw, _figure("Above zero, at most 18 decimals", exclusiveMinimum=0)]
Fees = Annotated[Raw, _figure("At least zero, at most 18 decimals", minimum=0, default=0)]
Share = Annotated[Raw, _figure("Between 0 and 1, at most 18 decimals, or null", minimum=0, maximum=1, nullable=True)]
Key = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[ -~]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Owner = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Notes = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]


def _cursor_pattern(kind: str) -> str:
    return f"^{kind}[0-9a-f]{{1,15}}$"


# What a pattern means, for who reads the refusal.
_IN_WORDS = {
    r"^[ -~]+$": "printable ASCII characters only",
    r"^[^\x00-\x1f\x7f]*$": "no control characters",
    r"^[^\x00]*$": "no NUL characters",
    "^([Bb][Uu][Yy]|[Ss][Ee][Ll][Ll])$": "BUY or SELL",
    **{_cursor_pattern(kind): "the next_cursor of a page of this list" for kind in "crst"},
}

AHEAD = timedelta(seconds=60)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


# Up to here nothing in a body can keep others waiting.
_SMALL_BYTES = 8 * 1024
_LONGEST_ECHO = 200


class RepeatedKey(ValueError):
    """An object names the same key twice: which of the two is meant cannot be told."""


def decode(body: bytes, wanted: type[T]) -> T:
    """Return the JSON in ``body`` as ``wanted``; see :func:`read_body`."""
    try:
        decoded: T = _decoder(cast("Hashable", wanted)).decode(body)
        if len(body) > _SMALL_BYTES:
            _refuse_nested_figures(decoded)
        _refuse_repeated_keys(body)
    except msgspec.ValidationError as error:
        raise _refused(str(error), "$") from error
    except RepeatedKey as error:
        raise RequestError(
            MALFORMED,
            f"the field {str(error)[:100]!r} is given twice",
            errors=[FieldError(str(error)[:100], "given twice")],
        ) from error
    except RecursionError as error:
        raise RequestError(MALFORMED, "the body is nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise RequestError(MALFORMED, "the body is not valid JSON in UTF-8") from error
    return decoded


class Reading:
    """Reads the fields of a body one by one and gathers all that is wrong with them."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def amount(self, kind: type[A], field: str, raw: Raw, *, least: str = "above zero") -> A:
        """Return an amount above zero, or at least zero where ``least`` says so."""
        found = self.decimal(field, raw)
        if found is None:
            return kind.zero()
        try:
            amount = kind(found)
        except (InvalidAmount, OutOfRange) as error:
            reason = error.reason if isinstance(error, InvalidAmount) else "has to be below 1e20"
            self.refuse(field, reason)
            return kind.zero()
        if found < 0 or (found == 0 and least == "above zero"):
            self.refuse(field, f"has to be {least}")
        return amount

    def decimal(self, field: str, raw: Raw) -> Decimal | None:
        """Return a decimal; None, and a complaint, where there is none."""
        try:
            return parse_number(raw)
        except ValueError as error:
            self.refuse(field, str(error))
            return None

    def taking(self, field: str, read: Callable[[], T], default: T) -> T:
        """Return what ``read`` returns; ``default``, and a complaint, where it raises ValueError."""
        try:
            return read()
        except ValueError as error:
            self.refuse(field, str(error))
            return default

    def moment(self, field: str, text: str | None, now: datetime) -> datetime:
        """Return a moment in UTC, ``now`` where none is given; with an offset, from 1970 on, at most 60 s ahead."""
        if text is None:
            return now
        try:
            found = parse_moment(text)
        except ValueError as error:
            self.refuse(field, str(error))
            return now
        if found > now + AHEAD:
            self.refuse(field, "is more than 60 seconds ahead")
        elif found < EARLIEST:
            self.refuse(field, "is before 1970-01-01")
        return found

    def refuse(self, field: str, message: str) -> None:
        """Note what is wrong with a field."""
        self.errors.append(FieldError(field, message))

    def finish(self) -> None:
        """Refuse the request if anything is wrong with it.

        Raises:
            RequestError: names every field that is wrong.
        """
        if self.errors:
            detail = "; ".join(f"{error.field} {error.message}" for error in self.errors[:10])
            raise RequestError(MALFORMED, detail, errors=self.errors)


def parse_moment(text: str) -> datetime:
    """Return the moment that an ISO 8601 text with an offset means, in UTC.

    Raises:
        ValueError: no such text, or without an offset.
    """
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise ValueError("has to be a date and time of ISO 8601, such as 2026-01-31T12:00:00Z") from error
    if found.tzinfo is None:
        raise ValueError("needs an offset, such as Z or +01:00")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error


@lru_cache(maxsize=32)
def _decoder(wanted: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted)


def _refuse_nested_figures(part: object, field: str = "") -> None:
    """Refuse a list or an object where a figure belongs: a million values in it would keep the second pass busy."""
    if isinstance(part, Raw):
        if memoryview(part)[0] in b"[{":
            reason = "has to be a decimal number"
            raise RequestError(MALFORMED, f"{field} {reason}", errors=[FieldError(field, reason)])
    elif isinstance(part, msgspec.Struct):
        for name in _parts(type(part)):
            _refuse_nested_figures(getattr(part, name), name)
    elif isinstance(part, list | dict):
        for one in part.values() if isinstance(part, dict) else part:
            _refuse_nested_figures(one, field)


@lru_cache(maxsize=32)
def _parts(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the fields that have figures in them."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if _has_figures(field.type))


def _has_figures(kind: Any) -> bool:
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return kind is Raw or is_struct or any(_has_figures(part) for part in get_args(kind))


def _refuse_repeated_keys(body: bytes) -> None:
    """Read the body once more for keys that msgspec drops silently; numbers stay text, so they cost nothing."""
    json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise RepeatedKey(name)
            seen.add(name)


def _refused(message: str, root: str) -> RequestError:
    """Return the refusal that msgspec's words mean: ``Expected `str`, got `int` - at `$.symbol```."""
    said, _, where = message.partition(" - at `")
    text = in_words(said)
    message = message.replace(said, text)
    field = where.rstrip("`").removeprefix(root).lstrip(".")
    if not field and "field `" in text:
        field = text.split("field `", 1)[1].rstrip("`")
    # The name of an unknown field is as long as the client likes.
    message, text, field = (_shortened(part) for part in (message, text, field))
    return RequestError(MALFORMED, message, errors=[FieldError(field, text)] if field else [])


def in_words(said: str) -> str:
    """Return what msgspec says of a value, a pattern told in words."""
    found = (words for pattern, words in _IN_WORDS.items() if said.endswith(f"matching regex {pattern!r}"))
    words = next(found, None)
    return said if words is None else f"takes {words}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "..."


SymbolText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        description="Any case, 1 to 20 of A-Z and 0-9; a suffix -USD, /USD, _USD (USDT, USDC) is dropped.",
        examples=["BTC", "eth-usd"],
    ),
]


SideText = Annotated[str, Meta(pattern="^([Bb][Uu][Yy]|[Ss][Ee][Ll][Ll])$", description="BUY or SELL, in any case.")]


MomentText = Annotated[
    str, Meta(max_length=40, description="ISO 8601 with an offset.", extra_json_schema={"format": "date-time"})
]


PageSize = Annotated[int, QueryParameter(ge=1, le=1000, description="How many at most.")]


def cursor_query(kind: str) -> QueryParameter:
    """Return the parameter that asks for the next page of a list; ``kind`` tells the cursors of the lists apart."""
    return QueryParameter(pattern=_cursor_pattern(kind), description="`next_cursor` of the page before.")


def write_cursor(kind: str, before: int | None) -> str | None:
    """Return the cursor of the page before that id; opaque to clients, and of no use to another list."""
    return None if before is None else f"{kind}{before:x}"


def read_cursor(cursor: str | None) -> int | None:
    """Return the id that a cursor stands for, its shape having been checked."""
    return None if cursor is None else int(cursor[1:], 16)


def read_symbol(text: str) -> Symbol:
    """Return the symbol that a body or a query names.

    Raises:
        ValueError: it is none; the text is for the caller.
    """
    try:
        return Symbol.parse(text)
    except InvalidSymbol as error:
        raise ValueError(error.hint) from error
