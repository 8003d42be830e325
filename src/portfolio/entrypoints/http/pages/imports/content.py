"""What the page of imports shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from portfolio.application.imports.already.likes import by_whom, looks_like
from portfolio.application.imports.kept.records import LEAVE_OUT, Asked
from portfolio.application.imports.kept.words import in_fields
from portfolio.application.imports.recognition import FORMAT_NAMES
from portfolio.application.imports.records import Preview
from portfolio.application.ledger.happenings.imported import KeptImport
from portfolio.application.ledger.records import Page
from portfolio.domain.imports.records import Ignored, Place
from portfolio.entrypoints.http.imports.answers import import_view
from portfolio.entrypoints.http.pages.frame.figures import About, Figure, FigureOf
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.bodies import write_cursor
from portfolio.entrypoints.http.shell.numbers import number
from portfolio.entrypoints.printable import printable

SHOWN: Final = 40
"""How many rows of a kind a file shows; the answer of the API has them all."""

FIGURES: Final[Mapping[str, About]] = {
    "cash_balance": ("Cash", Kind.MONEY, "The sum of what all entries moved in cash."),
    "net_deposits": ("Net deposits", Kind.MONEY, "What came in from outside, less what went out."),
}

_CHOICES: Final = {
    "format": [("", "by its header"), *((name, name) for name in FORMAT_NAMES)],
    "decimal": [("", "as the file shows"), (",", "a comma"), (".", "a point")],
    "date_order": [
        ("", "as the file shows"),
        ("dmy", "day, month, year"),
        ("mdy", "month, day, year"),
        ("ymd", "year first"),
    ],
    "funding": [("", "report it"), ("implied", "deposit it, exactly")],
    "opening": [("", "report it"), ("true", "transfer it in, cost assumed")],
    "partial": [("", "book nothing of its file"), ("true", "book the others")],
    "like_booked": [("", "book it, and say so"), (LEAVE_OUT, "leave it out")],
}

_LABELS: Final = {
    "funding implied": "\u201cDollars that are missing: deposit it\u201d",
    "opening": "\u201cWhat is sold and was not there: transfer it in\u201d",
    "partial": "\u201cWhere a row is reported: book the others\u201d",
    "zone": "\u201cZone of times without one\u201d",
    "decimal": "\u201cDecimal sign\u201d",
    "date-order": "\u201cOrder of dates\u201d",
    "format": "\u201cFormat\u201d",
    "account": "\u201cAccount\u201d",
    "rates FILE": "a file in \u201cRates\u201d",
}
"""The fields of the form, by the options of the command."""


def import_content(
    reading: Reading, imports: Page[KeptImport] | None, asked: Mapping[str, str], booked: KeptImport | None
) -> dict[str, Any]:
    """Return the form, what came of it, and the imports there were, None where they could not be read."""
    cursor = None if imports is None else write_cursor("i", imports.next_before)
    return {
        "asked": dict.fromkeys(Asked.__dataclass_fields__, "") | dict(asked),
        "books": _books(reading),
        "booked": None if booked is None else import_view(booked),
        "imports": None if imports is None else [import_view(one) for one in imports.items],
        "older": cursor and f"?cursor={cursor}#imports",
        "choices": _CHOICES,
    }


def looked_at(preview_id: str, files: Sequence[Mapping[str, Any]] = (), *, was_tried: bool = False) -> dict[str, Any]:
    """Return a preview that waits for its booking, with how many events that would book.

    Without ``files`` its rows are not at hand any more. ``was_tried`` says that its booking was asked for, and booked
    nothing.
    """
    books = sum(one["counts"]["events"] for one in files if not one["is_given_up"])
    return {"preview_id": preview_id, "files": files, "was_tried": was_tried, "books": books}


def shown_file(preview: Preview) -> dict[str, Any]:
    """Return a file that was looked at: of its rows some are listed, and counted all."""
    return {
        "name": printable(preview.name),
        "format": preview.format or "not recognised",
        "rows": preview.rows,
        "is_given_up": preview.is_given_up,
        "counts": {
            "events": len(preview.events),
            "ignored": len(preview.ignored),
            "known": len(preview.known),
            "reported": len(preview.reported),
        },
        "reported": [(_row([one.row]), _said(one.reason)) for one in preview.reported[:SHOWN]],
        "more_reported": max(0, len(preview.reported) - SHOWN),
        "events": [(_row(one.event.rows), one.event) for one in preview.events[:SHOWN]],
        "more": max(0, len(preview.events) - SHOWN),
        "likes": [(_row(one.rows), printable(looks_like(one.booked))) for one in preview.like_booked[:SHOWN]],
        "like_booked": len(preview.like_booked),
        "like_by": printable(by_whom(preview.like_booked)),
        "remarks": [printable(remark) for remark in preview.remarks],
        "implied": [(_row([one.row]), one.at, one.symbol, one.quantity) for one in preview.implied[:SHOWN]],
        "reasons": [*_reasons("ignored", preview.ignored), *_reasons("known", preview.known)],
        "changes": [*preview.quantities.items(), *preview.cash_change.items()],
    }


def _said(reason: str) -> str:
    """Return a reason; where it names options of the command, it names the fields of the form."""
    return printable(in_fields(reason, _LABELS, mark=": "))


def _row(rows: Sequence[Place]) -> str:
    return printable(", ".join(map(str, rows[:3])) + (" and more" if len(rows) > 3 else ""))


def _reasons(what: str, listed: Iterable[Ignored]) -> list[tuple[str, str, int]]:
    counted = Counter(one.reason for one in listed).most_common()
    shown = [(what, _said(reason), count) for reason, count in counted[:SHOWN]]
    more = sum(count for _, count in counted[SHOWN:])
    return [*shown, (what, "for other reasons", more)] if more else shown


def _books(reading: Reading) -> Sequence[Figure]:
    portfolio, as_of = reading.valuation.portfolio, reading.snapshot.as_of
    figure = FigureOf(FIGURES, "USD, USDT and USDC are cash, one for one", as_of)
    at_cost = replace(figure, convention="transfers of coins at their cost")
    return [
        figure("cash_balance", number(portfolio.cash)),
        at_cost("net_deposits", number(portfolio.net_deposits)),
    ]
