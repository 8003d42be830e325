"""What the page of lots and gains shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from portfolio.application.ledger.lots.reading import Gains, Lots
from portfolio.domain.decimal_text import counted
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.ledger.lot_answers import gain_views, lot_views
from portfolio.entrypoints.http.pages.frame.figures import About, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.list_form import query_of
from portfolio.entrypoints.http.pages.frame.typed import messages
from portfolio.entrypoints.http.shell.bodies import FieldReader, Typed, write_cursor
from portfolio.entrypoints.http.shell.numbers import number

METHODS: Final[Mapping[LotMethod, str]] = {
    LotMethod.FIFO: "oldest lot first (FIFO)",
    LotMethod.LIFO: "newest lot first (LIFO)",
    LotMethod.HIFO: "dearest lot first (HIFO)",
    LotMethod.AVERAGE: "average cost (the ledger's)",
    LotMethod.PICKED: "picked lot, else the oldest",
}
FIGURES: Final[Mapping[str, About]] = {
    "lots_basis": ("Cost of what is left", Kind.COST,
                   "The sum of the costs of all lots that are left, fees included."),
    "gain_ever": (
        "Realized, ever", Kind.RESULT,
        ("Proceeds less cost of all that was sold until now. Less the cost of what is left, and of what was "
         "transferred out, it is the same by every method.")),
}  # fmt: skip
UNDATED: Final = "Of what nobody knows when it was acquired, and what was realized without a sale."
ROWS_A_PAGE: Final = 100
EVER: Final = "all"
NOTHING: Final = number(Decimal(0))
"""The quantity of what was realized without a sale: as income is, or a restatement of cost."""

_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_CURSOR = re.compile(r"[lg][0-9a-f]{1,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LotsForm:
    """What was chosen: a method, a year, and from which row on each table goes; None where nothing was said."""

    method: Typed = None
    year: Typed = None
    lots: Typed = None
    gains: Typed = None

    def query(self, **changed: str | None) -> str:
        """Return the query of a link to the same page, with other fields where they are ``changed``."""
        return query_of(replace(self, **changed))

    def read(self, this_year: int) -> tuple[Wanted, Sequence[FieldError]]:
        """Return what is wanted, of this year where none is named, and what is wrong with what was typed."""
        reading = FieldReader()
        wanted = Wanted(
            method=reading.given("method", self.method or None, _method) or LotMethod.FIFO,
            year=reading.given("year", self.year or str(this_year), _year),
            lots=reading.given("lots", self.lots or None, _row) or 0,
            gains=reading.given("gains", self.gains or None, _row) or 0,
        )
        return wanted, tuple(reading.errors)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A method and a year, None for ever, and from which row on each table is shown."""

    method: LotMethod
    year: int | None
    lots: int
    gains: int


def lots_content(
    form: LotsForm, wanted: Wanted, errors: Sequence[FieldError], read: tuple[Lots, Gains] | None, this_year: int
) -> dict[str, Any]:
    """Return what the page shows of the lots and gains that were read; ``found`` is None where they were not.

    ``csv`` is the query of the gains as a file.
    """
    year = {} if wanted.year is None else {"year": str(wanted.year)}
    return {
        "mistakes": messages(errors),
        "wanted": wanted,
        "methods": [(method.value, words) for method, words in METHODS.items()],
        "method_in_words": METHODS[wanted.method],
        "chosen_year": form.year or str(this_year),
        "of_year": "of all years" if wanted.year is None else f"of {wanted.year} (UTC)",
        "nothing": NOTHING,
        "found": None if read is None else _found(form, wanted, *read),
        "csv": "?" + urlencode({"method": wanted.method.value, **year, "format": "csv"}),
    }


def _found(form: LotsForm, wanted: Wanted, lots: Lots, gains: Gains) -> dict[str, Any]:
    """Return a page of the lots that are left and one of the gains, with the sums of all of them as figures."""
    days = gains.long_term_days
    return {
        "left": _left(lots),
        "lots": lot_views(lots.lots[wanted.lots : wanted.lots + ROWS_A_PAGE], lots.as_of, days),
        "lot_rows": _rows(form, "lots", wanted.lots, len(lots.lots)),
        "realized": _realized(gains),
        "gains": gain_views(gains.disposals[wanted.gains : wanted.gains + ROWS_A_PAGE], days),
        "gain_rows": _rows(form, "gains", wanted.gains, len(gains.disposals)),
        "long_term_days": days,
        "is_complete": lots.is_complete,
        "unpicked": gains.unpicked,
    }


def _rows(form: LotsForm, name: str, start: int, count: int) -> dict[str, Any]:
    """Return how many rows a table has on all its pages, and the queries of others, None where there is none."""
    following = start + ROWS_A_PAGE
    return {
        "count": count,
        "first": form.query(**{name: None}) or "?" if start else None,
        "following": form.query(**{name: write_cursor(name[0], following)}) if following < count else None,
    }


def _left(lots: Lots) -> Sequence[Figure]:
    figure = FigureOf(FIGURES, f"{METHODS[lots.method]}; trades by the time of their execution", lots.as_of)
    return [figure("lots_basis", lots.cost_basis), figure("gain_ever", lots.gain)]


def _realized(gains: Gains) -> Sequence[Figure]:
    days = counted(gains.long_term_days, "day")
    about = {
        "gain": ("Gain", Kind.RESULT, "Proceeds less cost, both with their fees."),
        "short_term": ("Of it short-term", Kind.RESULT, f"Of what was held for at most {days}."),
        "long_term": ("Of it long-term", Kind.RESULT, f"Of what was held for more than {days}."),
        "undated": ("Of it without a date", Kind.RESULT, UNDATED),
    }
    figure = FigureOf(about, f"{METHODS[gains.method]}; a year is one of UTC; no country's tax rules", gains.as_of)
    terms = [Term("Proceeds", gains.proceeds, Kind.MONEY), Term("Cost of what was sold", gains.basis, Kind.COST, "−")]
    period = "all years" if gains.year is None else str(gains.year)
    return [
        figure("gain", gains.gain, terms=terms, period=period),
        figure("short_term", gains.short_term, period=period),
        figure("long_term", gains.long_term, period=period),
        figure("undated", gains.undated, period=period),
    ]


def _method(text: str) -> LotMethod:
    try:
        return LotMethod(text.strip().lower())
    except ValueError as error:
        raise ValueError(f"takes {', '.join(method.value for method in METHODS)}") from error


def _year(text: str) -> int | None:
    text = text.strip().lower()
    if text == EVER:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4 and _FIRST_YEAR <= int(text) <= _LAST_YEAR):
        raise ValueError(f"takes a year, such as 2026, or {EVER}")
    return int(text)


def _row(text: str) -> int:
    if not _CURSOR.fullmatch(text):
        raise ValueError("is no page of this table: go to its first")
    return int(text[1:], 16)
