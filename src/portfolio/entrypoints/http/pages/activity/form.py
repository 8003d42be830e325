"""Which entries are wanted, as it was typed into the form or stands in a link."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from portfolio.application.ledger.happenings.activity import EntryFilter, EntryKind
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.trade import Side
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.pages.frame.list_form import (
    PAGE_SIZES,
    ListForm,
    page_size,
    parse_end,
    parse_start,
    typed_symbol,
)
from portfolio.entrypoints.http.shell.bodies import FieldReader, Typed

_IN_WORDS: Final = {
    CashTransactionKind.BASELINE: "opening of the books",
    CashTransactionKind.ADJUSTMENT: "written by another program",
    CashTransactionKind.REBUILD: "rows made anew",
    CashTransactionKind.RESTATEMENT: "average cost restated",
    CashTransactionKind.EXCHANGE: "exchange (rename)",
    CashTransactionKind.CHARGE: "charge (money)",
    CashTransactionKind.INTEREST: "interest (money)",
}
KINDS: Final[Mapping[EntryKind, str]] = {
    **{side: side.value.lower() for side in Side},
    **{kind: _IN_WORDS.get(kind, kind.value.replace("_", " ")) for kind in CashTransactionKind},
}

_LARGEST: Final = 2**31 - 1
_CURSOR = re.compile(r"a[0-9a-f]{1,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityForm(ListForm):
    """What was typed, field by field; None where a field was left empty."""

    entry: Typed = None
    kind: Typed = None
    symbol: Typed = None
    since: Typed = None
    until: Typed = None

    def read(self) -> tuple[EntryFilter, Sequence[FieldError]]:
        """Return what is wanted, and what is wrong with what was typed: nothing is to be looked up then."""
        reading = FieldReader()
        wanted = EntryFilter(
            revision=reading.given("entry", self.entry, _revision),
            kind=reading.given("kind", self.kind, _kind),
            symbol=reading.given("symbol", self.symbol, typed_symbol),
            since=reading.given("since", self.since, parse_start),
            until=reading.given("until", self.until, parse_end),
            before=reading.given("cursor", self.cursor, _before),
            limit=reading.given("limit", self.limit, page_size) or PAGE_SIZES[0],
        )
        return wanted, tuple(reading.errors)


def _revision(text: str) -> int:
    text = text.strip().removeprefix("#")
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= _LARGEST):
        raise ValueError("has to be the number of an entry: a whole number above zero")
    return int(text)


def _kind(text: str) -> EntryKind:
    for kind in KINDS:
        if text.strip().lower() == kind.value.lower():
            return kind
    raise ValueError(f"takes one of {', '.join(kind.value.lower() for kind in KINDS)}")


def _before(text: str) -> int:
    if not _CURSOR.fullmatch(text) or not 0 < int(text[1:], 16) <= _LARGEST:
        raise ValueError("is no page of this list: go to the newest entries")
    return int(text[1:], 16)
