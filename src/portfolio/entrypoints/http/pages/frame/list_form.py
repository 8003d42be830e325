"""What the forms over long lists have in common: links to the same rows, sizes of pages, and days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from portfolio.domain.days import DAY
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.shell.bodies import Typed, parse_moment, read_symbol

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PAGE_SIZES: Final = (50, 100, 500)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OF_PAGES: Final = frozenset({"limit", "cursor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListForm:
    """What was typed, field by field; None where a field was left empty."""

    limit: Typed = None
    cursor: Typed = None

    @property
    def is_filtered(self) -> bool:
        """Return whether not all rows are wanted."""
        return any(getattr(self, field.name) for field in fields(self) if field.name not in _OF_PAGES)

    @property
    def page_size(self) -> str:
        """Return how many rows a page has, as it is chosen in the form."""
        return self.limit or str(PAGE_SIZES[0])

    @property
    def page_sizes(self) -> Sequence[tuple[str, str]]:
        """Return the choices of how many rows a page has."""
        return [(str(size), str(size)) for size in PAGE_SIZES]

    def query(self, **changed: Any) -> str:
        """Return the query of a link to the same rows, with other fields where they are ``changed``."""
        return query_of(replace(self, **changed))


def query_of(form: DataclassInstance) -> str:
    """Return the query of a link to a page with this form: the fields in which something was typed."""
    found = {field.name: text for field in fields(form) if (text := getattr(form, field.name))}
    return f"?{urlencode(found)}" if found else ""


def page_size(text: str) -> int:
    """Return how many rows a page is to have; raises ValueError where that is none of the sizes."""
    if text not in {str(size) for size in PAGE_SIZES}:
        raise ValueError(f"takes {', '.join(map(str, PAGE_SIZES[:-1]))} or {PAGE_SIZES[-1]}")
    return int(text)


def typed_symbol(text: str) -> Symbol:
    """Return the symbol that somebody typed: a telephone adds a blank after a word that it completes.

    Raises:
        ValueError: it is none; the text is for the reader.
    """
    return read_symbol(text.strip())


def parse_start(text: str) -> datetime:
    """Return the moment from which on rows are wanted: that of the text, or the beginning of its day in UTC.

    Raises:
        ValueError: it is neither; the text is for the reader.
    """
    text = text.strip()
    return _midnight(text) if _DAY.fullmatch(text) else parse_moment(text)


def parse_end(text: str) -> datetime:
    """Return the moment before which rows are wanted: that of the text, or the end of its day in UTC.

    Raises:
        ValueError: it is neither; the text is for the reader.
    """
    text = text.strip()
    if not _DAY.fullmatch(text):
        return parse_moment(text)
    try:
        return _midnight(text) + DAY
    except OverflowError as error:
        raise ValueError("is out of range") from error


def _midnight(text: str) -> datetime:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("has to be a day of the calendar, such as 2026-01-31") from error
    return datetime(found.year, found.month, found.day, tzinfo=UTC)
