"""Answers as lines of comma-separated values, by RFC 4180: exact numbers, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Raw, Struct

CSV: Final = "text/csv"

# Spreadsheets take what begins so for a formula, some of them also after blanks, or in the forms of East Asian scripts.
# With apostrophes before it, it is none: it gets one more, so that the text can be told from the one without.
_FORMULA: Final = re.compile(r"'*(?:[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")


def header_of(kind: type[Struct]) -> str:
    """Return the line with the names of an answer's fields."""
    return lines_of([kind.__struct_fields__])


def rows_of(answers: Iterable[Struct]) -> str:
    """Return a line for each answer."""
    return lines_of([cell(getattr(answer, name)) for name in answer.__struct_fields__] for answer in answers)


def cell(value: object) -> str:
    """Return what stands in a cell: a number digit by digit, a moment in UTC, and a text such that it stays one.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.

    >>> cell("=1+1"), cell(Raw(b"-0.10")), cell(None), cell(True)
    ("'=1+1", '-0.10', '', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, Raw):
        return bytes(value).decode()
    if isinstance(value, int):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def text_in(written: str) -> str:
    """Return the text that stands in a cell: without the apostrophe that kept it from being a formula.

    >>> text_in("'=1+1"), text_in("'tis"), text_in("-0.10"), text_in(cell("'=1+1"))
    ('=1+1', "'tis", '-0.10', "'=1+1")
    """
    return written[1:] if written[:1] == "'" and _FORMULA.match(written[1:]) else written


def lines_of(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as lines."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue()
