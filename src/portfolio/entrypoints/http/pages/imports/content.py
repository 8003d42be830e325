"""What the page of imports shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from portfolio.application.imports.kept.records import Asked
from portfolio.application.imports.kept.words import in_fields
from portfolio.application.imports.recognition import FORMAT_NAMES
from portfolio.application.imports.records import Identified, Preview
from portfolio.application.ledger.happenings.imported import KeptImport
from portfolio.application.ledger.records import Page
from portfolio.domain.imports.records import Ignored, Place
from portfolio.entrypoints.http.imports.answers import ImportView, import_view
from portfolio.entrypoints.http.pages.frame.figures import Figure
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.portfolio.reads import Reading
from portfolio.entrypoints.http.shell.bodies import write_cursor
from portfolio.entrypoints.http.shell.numbers import number
from portfolio.entrypoints.printable import printable

SHOWN: Final = 40
"""How many rows of a kind a file shows; the answer of the API has them all."""

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
    "opening": [("", "report it"), ("true", "transfer it in, its cost assumed")],
    "partial": [("", "book nothing of its file"), ("true", "book the others")],
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event of a file, as a row of a table."""

    row: str
    at: datetime
    kind: str
    symbol: str
    quantity: Decimal
    amount: Decimal | None
    quote: str
    fee: Decimal | None
    fee_symbol: str
    legs: Sequence[tuple[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """A file that was looked at. Of its rows some are listed, and counted all."""

    name: str
    format: str
    rows: int
    is_given_up: bool
    counts: Sequence[tuple[str, int]]
    reported: Sequence[tuple[str, str]]
    events: Sequence[EventRow]
    implied: Sequence[tuple[str, datetime, str, Decimal]]
    reasons: Sequence[tuple[str, str, int]]
    changes: Sequence[tuple[str, Decimal]]

    @property
    def more(self) -> int:
        """Return how many events are not listed."""
        return dict(self.counts)["events"] - len(self.events)

    @property
    def more_reported(self) -> int:
        """Return how many reported rows are not listed."""
        return dict(self.counts)["reported"] - len(self.reported)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A preview that waits for its booking. Without ``files`` its rows are not at hand any more.

    ``was_tried`` says that its booking was asked for, and booked nothing.
    """

    preview_id: str
    files: Sequence[ShownFile] = ()
    was_tried: bool = False

    @property
    def books(self) -> int:
        """Return how many events its booking would book."""
        return sum(dict(one.counts)["events"] for one in self.files if not one.is_given_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportContent:
    """The page: the form, what came of it, and the imports there were, None where they could not be read."""

    asked: Mapping[str, str]
    mistakes: Mapping[str, str]
    books: Sequence[Figure]
    is_keyed: bool
    looked: Looked | None
    booked: ImportView | None
    is_nothing_new: bool
    imports: Sequence[ImportView] | None
    older: str | None
    is_first: bool
    choices: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=lambda: dict(_CHOICES))


def import_content(  # shape: what the page is made of
    reading: Reading,
    imports: Page[KeptImport] | None,
    *,
    is_keyed: bool,
    asked: Mapping[str, str] | None = None,
    mistakes: Mapping[str, str] | None = None,
    looked: Looked | None = None,
    booked: KeptImport | None = None,
    is_nothing_new: bool = False,
    is_first: bool = True,
) -> ImportContent:
    """Return what the page shows."""
    cursor = None if imports is None else write_cursor("i", imports.next_before)
    return ImportContent(
        asked=dict.fromkeys(Asked.__dataclass_fields__, "") | dict(asked or {}),
        mistakes=mistakes or {},
        books=_books(reading),
        is_keyed=is_keyed,
        looked=looked,
        booked=None if booked is None else import_view(booked),
        is_nothing_new=is_nothing_new,
        imports=None if imports is None else [import_view(one) for one in imports.items],
        older=cursor and f"?cursor={cursor}#imports",
        is_first=is_first,
    )


def shown_file(preview: Preview) -> ShownFile:
    """Return a file as it is shown."""
    counts = [
        ("events", len(preview.events)),
        ("ignored", len(preview.ignored)),
        ("known", len(preview.known)),
        ("reported", len(preview.reported)),
    ]
    return ShownFile(
        name=printable(preview.name),
        format=preview.format or "not recognised",
        rows=preview.rows,
        is_given_up=preview.is_given_up,
        counts=counts,
        reported=[(_row([one.row]), _said(one.reason)) for one in preview.reported[:SHOWN]],
        events=[_event(one) for one in preview.events[:SHOWN]],
        implied=[(_row([one.row]), one.at, one.symbol, one.quantity) for one in preview.implied[:SHOWN]],
        reasons=[*_reasons("ignored", preview.ignored), *_reasons("known", preview.known)],
        changes=[*preview.quantities.items(), *preview.cash_change.items()],
    )


def _said(reason: str) -> str:
    """Return a reason; where it names options of the command, it names the fields of the form."""
    return printable(in_fields(reason, _LABELS, mark=": "))


def _event(identified: Identified) -> EventRow:
    event = identified.event
    return EventRow(
        row=_row(event.rows),
        at=event.at,
        kind=event.kind.value.replace("_", " "),
        symbol=event.symbol,
        quantity=event.quantity,
        amount=event.amount,
        quote=event.quote or "",
        fee=event.fee,
        fee_symbol=event.fee_symbol or "",
        legs=list(event.legs.items()),
    )


def _row(rows: Sequence[Place]) -> str:
    return printable(", ".join(map(str, rows[:3])) + (" and more" if len(rows) > 3 else ""))


def _reasons(what: str, listed: Iterable[Ignored]) -> list[tuple[str, str, int]]:
    counted = Counter(one.reason for one in listed).most_common(SHOWN)
    return [(what, _said(reason), count) for reason, count in counted]


def _books(reading: Reading) -> Sequence[Figure]:
    portfolio, as_of = reading.valuation.portfolio, reading.snapshot.as_of
    return [
        Figure(
            name="cash_balance",
            label="Cash",
            value=number(portfolio.cash),
            kind=Kind.MONEY,
            formula="The sum of what all entries moved in cash.",
            convention="USD, USDT and USDC are cash, one for one",
            as_of=as_of,
        ),
        Figure(
            name="net_deposits",
            label="Net deposits",
            value=number(portfolio.net_deposits),
            kind=Kind.MONEY,
            formula="What came in from outside, less what went out.",
            convention="transfers of coins at their cost",
            as_of=as_of,
        ),
    ]
