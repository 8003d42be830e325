"""The part of a query that asks for the books as they were."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from litestar.params import QueryParameter
from msgspec import Raw

from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.entrypoints.http.shell.bodies import MOMENT, FieldReader, parse_moment
from portfolio.entrypoints.http.shell.numbers import is_number, parse_number

MOST_REVISION: Final = 10**9
"""So many entries no ledger has; so many seconds after 1970 there was none."""

AsOfQuery = Annotated[
    str | None,
    QueryParameter(description=f"As of this moment, itself included; none: until now. {MOMENT}.", max_length=40),
]
KnownAtQuery = Annotated[
    str | None,
    QueryParameter(
        description="As far as was known then: at a ledger revision (a whole number under a thousand million), or at "
        "a moment, as `as_of`; none: all that is known by now.",
        max_length=40,
    ),
]


def read_past(as_of: str | None, known_at: str | None) -> tuple[datetime | None, KnownAt | None]:
    """Return as of when, and as far as was known when."""
    reading = FieldReader()
    moment = reading.given("as_of", as_of, parse_moment)
    known = reading.given("known_at", known_at, read_known_at)
    reading.finish()
    return moment, known


def read_known_at(text: str) -> KnownAt:
    """Return the revision or the moment that a text means.

    Raises:
        ValueError: neither. A number that is too small for a moment is not taken for one: in 1970 all books are empty.

    >>> read_known_at("17"), read_known_at("1700000000").isoformat()
    (17, '2023-11-14T22:13:20+00:00')
    """
    if text.isascii() and text.isdigit() and (count := int(text)) < MOST_REVISION:
        return count
    if is_number(text) and parse_number(Raw(text.encode())) < MOST_REVISION:
        raise ValueError("has to be a ledger revision, which is a whole number from 0 on, or a moment")
    return parse_moment(text)
