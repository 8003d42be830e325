"""Reads the fields of bodies and queries strictly: an unknown or unreadable field is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Raw, UnsetType, inspect

from portfolio.analytics.conventions import MAX_DAYS
from portfolio.domain.errors import InvalidSymbol, OutOfRange
from portfolio.domain.money import Amount
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.shell.numbers import FIGURE, is_number, parse_number

T = TypeVar("T")
A = TypeVar("A", bound=Amount)

# A dollar sign alone is also before a line feed that ends the text.
END = r"(?!\n)$"
PRINTABLE = rf"^[ -~]+{END}"
NO_CONTROLS = rf"^[^\x00-\x1f\x7f]*{END}"
SIDE = f"^([Bb][Uu][Yy]|[Ss][Ee][Ll][Ll]){END}"

LONGEST_KEY, LONGEST_NAME, LONGEST_NOTE = 128, 100, 2_000
REPLACEMENT = "\ufffd"
"""What stands in a remark for a character that cannot be kept."""


def figure(text: str, **bounds: object) -> Meta:
    """Return the schema of a decimal: read as it stands, so that not a digit is lost before it is rounded."""
    schema = {"type": ["number", "string"], "format": "decimal", "pattern": f"^ *{FIGURE} *$", **bounds}
    return Meta(description=f"{text}: a JSON number, or a string with one in it.", extra_json_schema=schema)


_LIMIT: Mapping[str, object] = {"exclusiveMaximum": 1e20}
PositiveFigure = Annotated[Raw, figure("Above zero, rounded half even at 18 decimals", exclusiveMinimum=0, **_LIMIT)]
Fees = Annotated[Raw, figure("At least zero, rounded half even at 18 decimals", minimum=0, default=0, **_LIMIT)]
# A whole number may be a name; two fractions that are read as one double would be one identity.
Key = Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY, pattern=PRINTABLE)] | int
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, pattern=NO_CONTROLS)] | int


def remark(text: str) -> Meta:
    """Return the schema of a remark: it may be anything, since what moves no money decides over nothing that does."""
    return Meta(description=f"{text} Any value is taken, as well as it can be.", extra_json_schema={})


Notes = Annotated[Raw, remark("A text, or anything else as its JSON. Cut at 2,000 characters, which its end says.")]


def _cursor_pattern(kind: str) -> str:
    return f"^{kind}[0-9a-f]{{1,15}}{END}"


# What a pattern means, for who reads the refusal.
_IN_WORDS = {
    PRINTABLE: "printable ASCII characters only",
    NO_CONTROLS: "no control characters",
    SIDE: "BUY or SELL",
    **{_cursor_pattern(kind): "the next_cursor of a page of this list" for kind in (*"bcefgilrst", "[eu]")},
}

_EXPECTED = re.compile(r"Expected `([a-z |]+)`(?: (of length )?([<>])= (-?\d+))?(?:, got .*)?")
_DAY = "a day of the calendar, such as 2026-01-31"
_KINDS = {
    "str": "a text", "int": "a whole number", "bool": "true or false", "date": _DAY,
    "array": "a list", "object": "an object",
}  # fmt: skip
_SAID = {
    "Object contains unknown field": "is not known here",
    "Object missing required field": "is needed",
    "Integer value out of range": "is out of range",
    "Invalid RFC3339 encoded date": f"has to be {_DAY}",
}

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ROUNDED_TO_ZERO = Decimal("-5e-19")
_LONGEST_COUNT = 20  # in nanoseconds that is the year 5138
# From 1973 on milli-, micro- and nanoseconds are told from seconds by their size: 1e11 s is the year 5138.
_MOST_SECONDS = Decimal("1e11")
# In a query a plus sign means a blank.
_BLANK_OFFSET = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{0,2}$)")


class FieldReader:
    """Reads the fields of a body one by one and gathers all that is wrong with them."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def amount(self, kind: type[A], field: str, raw: Raw, *, least: str = "above zero") -> A:
        """Return an amount above zero, or at least zero where ``least`` says so; a small one may be rounded to zero."""

        def read() -> A:
            stated = parse_number(raw)
            if stated < _ROUNDED_TO_ZERO or (stated <= 0 and least == "above zero"):
                raise ValueError(f"has to be {least}")
            return kind.rounded(stated)

        return self.taking(field, read, kind.zero())

    def within(self, field: str, raw: Raw, low: Decimal, high: Decimal) -> Decimal:
        """Return a number from ``low`` to ``high``, to which both belong."""

        def read() -> Decimal:
            value = parse_number(raw)
            if not low <= value <= high:
                raise ValueError(f"has to be {low} to {high}")
            return value

        return self.taking(field, read, low)

    def taking(self, field: str, read: Callable[[], T], default: T) -> T:
        """Return what ``read`` returns; ``default``, and a complaint, where there is nothing to be read."""
        try:
            return read()
        except (ValueError, OutOfRange) as error:
            self.refuse(field, str(error) if isinstance(error, ValueError) else "has to be below 1e20")
            return default

    def given(self, field: str, text: str | None, read: Callable[[str], T]) -> T | None:
        """Return what ``read`` makes of a text; None where none is given."""
        return None if text is None else self.taking(field, lambda: read(text), None)

    def text(self, field: str, value: str | int | None, longest: int) -> str | None:
        """Return a name or a key, of a whole number its text: two fractions that are read as one number stay apart."""
        text = None if value is None else str(value)
        if text is not None and len(text) > longest:
            self.refuse(field, f"takes at most {longest} characters")
        return text

    def refuse(self, field: str, message: str) -> None:
        """Note what is wrong with a field."""
        self.errors.append(FieldError(field, message))

    def finish(self) -> None:
        """Refuse the request if anything is wrong with it.

        Raises:
            RequestError: names every field that is wrong.
        """
        if self.errors:
            detail = "; ".join(f"{error.field}: {error.message}" for error in self.errors[:10])
            raise RequestError(MALFORMED, detail, errors=self.errors)


def parse_moment(text: str) -> datetime:
    """Return the moment that a text means, in UTC: ISO 8601 with an offset, or seconds since 1970.

    Raises:
        ValueError: no such text, without an offset, or out of range.
    """
    found = parse_wall_time(text)
    if found.tzinfo is None:
        raise ValueError("needs an offset, such as Z or +01:00")
    return found


def parse_wall_time(text: str) -> datetime:
    """Return the moment that a text means, in UTC; as it stands, and without an offset, where it has none.

    Raises:
        ValueError: no such text, or out of range.
    """
    try:
        if is_number(text):
            return _since_1970(parse_number(Raw(text.encode())))
        found = _iso(text)
        return found if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error


def _since_1970(count: Decimal) -> datetime:
    if count.adjusted() > _LONGEST_COUNT:
        raise OverflowError
    while count >= _MOST_SECONDS:
        count = count.scaleb(-3)
    return EPOCH + timedelta(microseconds=int(count.scaleb(6).to_integral_value()))


def _iso(text: str) -> datetime:
    """Return the moment of a text; of more than six decimals the sixth is rounded where msgspec knows the form."""
    if "T" in text.upper() or text.count(":") > 1:
        text = _BLANK_OFFSET.sub("+", text)
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        words = "has to be a date and time of ISO 8601, such as 2026-01-31T12:00:00Z, or seconds since 1970"
        raise ValueError(words) from error


def text_of(raw: Raw) -> str:
    """Return the text that a value is; of what is none, its JSON."""
    return msgspec.json.decode(raw, type=str) if memoryview(raw)[0] == ord('"') else bytes(raw).decode()


def read_note(raw: Raw | UnsetType) -> str | None:
    """Return a remark, None where none is given. One that is too long is cut, and its end says so."""
    if raw is UNSET or not (text := text_of(raw).replace("\0", REPLACEMENT)).strip():
        return None
    if len(text) <= LONGEST_NOTE:
        return text
    said = f" [cut, of {len(text)} characters]"
    return text[: LONGEST_NOTE - len(said)] + said


def in_words(said: str, allowed: Sequence[object] = ()) -> str:
    """Return what msgspec says of a value: a pattern is told in words, and choices are named."""
    if allowed and said.startswith("Invalid enum value"):
        return f"takes {' or '.join(map(str, allowed))}"
    if found := _EXPECTED.fullmatch(said):
        names, length, sign, bound = found.groups()
        limit = f"at {'most' if sign == '<' else 'least'} {bound}" if sign else ""
        if length:
            one, more = ("character", "characters") if names == "str" else ("entry", "entries")
            return f"takes {limit} {one if bound == '1' else more}"
        kinds = ", or ".join(words for name, words in _KINDS.items() if name in names.split(" | ")) or names
        return f"takes {kinds} of {limit}" if limit else f"takes {kinds}"
    taken = (f"takes {words}" for pattern, words in _IN_WORDS.items() if said.endswith(f"matching regex {pattern!r}"))
    return next(taken, next((words for start, words in _SAID.items() if said.startswith(start)), said))


def choices(kind: inspect.Type, path: Sequence[str] = ()) -> Sequence[object]:
    """Return the values that the field at ``path`` may have; none where it is no choice."""
    match kind:
        case inspect.LiteralType(values=values):
            return values
        case inspect.StructType(fields=fields):
            return next((choices(field.type, path[1:]) for field in fields if [field.name] == [*path[:1]]), ())
        case inspect.ListType(item_type=inner) | inspect.Metadata(type=inner):
            return choices(inner, path)
        case inspect.UnionType(types=kinds):
            return next(filter(None, (choices(one, path) for one in kinds)), ())
    return ()


SymbolText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        description="Any case, 1 to 20 of A-Z and 0-9; a suffix -USD, /USD, _USD (USDT, USDC) is dropped. Another "
        "quote is refused, other stablecoins too. A ticker that ends like a pair needs such a suffix: NEWUSD-USD.",
        examples=["BTC", "eth-usd"],
    ),
]
SideText = Annotated[str, Meta(pattern=SIDE, description="BUY or SELL, in any case.")]
MOMENT = "ISO 8601 with an offset (`Z`, `+01:00`), or seconds since 1970 (milli-, micro- and nanoseconds by their size)"

PageSize = Annotated[int, QueryParameter(ge=1, le=1000, description="How many at most.")]
Typed = Annotated[str | None, QueryParameter(description="As it was typed.")]
"""A field of a form, None where it was left empty. Anything is taken: the page says beside it what is wrong."""
Days = Annotated[int, QueryParameter(ge=1, le=MAX_DAYS, description="Over how many completed days.")]


def cursor_query(kind: str) -> QueryParameter:
    """Return the parameter that asks for the next page of a list; ``kind`` tells the cursors of the lists apart."""
    return QueryParameter(pattern=_cursor_pattern(kind), description="`next_cursor` of the page before.")


def write_cursor(kind: str, before: int | None) -> str | None:
    """Return the cursor of the page before that id; opaque to clients, and of no use to another list."""
    return None if before is None else f"{kind}{before:x}"


def read_cursor(cursor: str | None) -> int | None:
    """Return the id that a cursor stands for, its shape having been checked."""
    return None if cursor is None else int(cursor[1:], 16)


def page_of(kind: str, cursor: str | None, limit: int, count: int) -> tuple[slice, str | None]:
    """Return which of ``count`` rows are on a page, and the cursor of the page after it."""
    end = (start := read_cursor(cursor) or 0) + limit
    return slice(start, end), write_cursor(kind, end if end < count else None)


def read_symbol(text: str) -> Symbol:
    """Return the symbol that a body or a query names.

    Raises:
        ValueError: it is none; the text is for the caller.
    """
    try:
        return Symbol.parse(text)
    except InvalidSymbol as error:
        raise ValueError(error.hint) from error
