"""What the rows of the ledger say, as texts, and the digests that are made of them.

An entry's digest is made of the one before it and of every column that is written for it, as text that is the same on
every kind of database. So the newest digest, the head, is of all entries and of their order.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, NamedTuple

import msgspec

from portfolio.domain.decimal_text import plain
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol

SEPARATOR, NOTHING = "\x1f", "\x1e"

NO_ENTRY = ""
"""What comes before the first digest."""

# Texts that clients choose come last: whatever they contain, the columns before them can be told apart.
TRADE = (
    "ledger_revision",
    "symbol",
    "side",
    "quantity",
    "price",
    "amount",
    "fee",
    "net_amount",
    "cash_delta",
    "notional_delta",
    "cost_basis_sold",
    "realized_pnl",
    "closes",
    "reverses_trade_id",
    "reported_quantity",
    "execution_time",
    "booked_at",
    "portfolio_id",
    "confidence",
    "recommendation_id",
    "fingerprint",
    "booked_by",
    "client_trade_id",
    "engine",
    "signal_id",
    "recommendation_ref",
    "notes",
)
CASH_ENTRY = (
    "ledger_revision",
    "kind",
    "cash_delta",
    "net_deposits_delta",
    "realized_delta",
    "value_before",
    "cash_after",
    "net_deposits_after",
    "moved_at",
    "portfolio_id",
    "fingerprint",
    "owner",
    "client_transaction_id",
    "note",
)
TRADE_GROUP = ("group_id",)
"""Beside the others of a trade: their text is left out where they are all empty, as in every entry of before 0027."""
EVENT = ("flow_value", "effective_at", "is_basis_assumed", "ratio", "reverses_revision", "label", "group_id")
"""The same, of an entry that is no trade."""
ADJUSTMENT = ("symbol", "quantity_delta", "asset_cost_delta", "cost_basis_delta", "realized_delta", "avg_entry_price")
OUTCOME = (
    "status",
    "trade_id",
    "symbol",
    "side",
    "quantity",
    "price",
    "net_amount",
    "fees",
    "decided_at",
    "fingerprint",
    "owner",
    "client_trade_id",
    "engine",
    "outcome",
)
CASH_REFUSAL = ("portfolio_id", "error", "decided_at", "fingerprint", "owner", "client_transaction_id", "detail")


def content(columns: tuple[str, ...], values: Mapping[str, Any]) -> str:
    r"""Return the columns of a row as one text, each as every kind of database is made to write it.

    >>> content(("a", "b", "c"), {"a": Decimal("1.50"), "b": datetime(2026, 1, 2, tzinfo=UTC), "c": True})
    '1.5\x1f2026-01-02 00:00:00.000000\x1f1'
    """
    return SEPARATOR.join([_TEXTS.get(type(value), str)(value) for value in map(values.__getitem__, columns)])


def more_content(columns: tuple[str, ...], values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the text of columns that only some entries have; none where all of them are empty."""
    return (content(columns, values),) if any(values[name] is not None for name in columns) else ()


def digest_of(before: str, *contents: str) -> str:
    """Return the digest of texts that follow what has the digest ``before``: 64 characters."""
    return hashlib.sha256("\n".join((before, *contents)).encode()).hexdigest()


def entry_digest(kind: str, *parts: Any) -> str:
    """Return 8 characters that tell an entry from any other that could be in its place: in these books, or in others.

    Its parts are its number, its fingerprint, when it was booked, and its digest in the chain of all before it.
    """
    return digest_of(kind, SEPARATOR.join([_TEXTS.get(type(part), str)(part) for part in parts]))[:8]


@lru_cache(maxsize=64)  # a batch has the same moment in three columns of each row
def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


# What is written in another way than str() does.
_TEXTS: Mapping[type, Callable[[Any], str]] = {
    NoneType: lambda _: NOTHING,
    Decimal: plain,
    datetime: _moment,
    bool: lambda value: str(int(value)),
}


class KeptRow(NamedTuple):
    """A row with a digest of its own, and its columns as one text."""

    table: str
    id: int
    digest: str | None
    content: str

    @property
    def place(self) -> str:
        """Return where the row is."""
        return f"{self.table} row {self.id}"

    @property
    def is_intact(self) -> bool:
        """Return whether the row is what was written; those from before 0024 have no digest that would tell."""
        return self.digest in {None, digest_of(NO_ENTRY, self.content)}


class Reversed(NamedTuple):
    """Of the trade that an entry takes back, what the counts need."""

    symbol: str
    side: str
    closes: bool
    realized: str


class EntryLine(NamedTuple):
    """A row of the ledger: a trade with the outcome of its key, or another entry with what it moved by position.

    ``more`` is the text of the columns that only some entries have.
    """

    row: KeptRow
    adjustments: Sequence[str] = ()
    outcome: KeptRow | None = None
    reversed: Reversed | None = None
    more: Sequence[str] = ()

    @property
    def revision(self) -> int:
        """Return the ledger revision after the entry, its first column; where that is none, one beyond all others."""
        first = self.row.content.partition(SEPARATOR)[0]
        return int(first) if first.isdigit() else sys.maxsize


class Chain(msgspec.Struct):
    """Follows the digests. After a row that does not fit, the next may follow what it says, or what it should say."""

    heads: tuple[str, ...] = (NO_ENTRY,)
    has_begun: bool = False
    wanted: str | None = None
    was_seen: bool = False

    def fits(self, line: EntryLine) -> bool:
        """Take in the next entry, and return whether its digest is that of its row after all the rows before."""
        contents, stored = (line.row.content, *line.adjustments, *line.more), line.row.digest
        made = digest_of(self.heads[0], *contents)
        if stored == made or stored is None:
            fits = stored == made or not self.has_begun
            self.heads = (made,)
        else:
            fits = any(digest_of(head, *contents) == stored for head in self.heads[1:])
            self.heads = (stored,) if fits else (made, stored)
        self.has_begun |= stored is not None
        self.was_seen |= self.wanted in self.heads
        return fits


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBooks:
    """What the books say, in one consistent read.

    ``head`` is the digest that the newest entry left, None where the entries have none yet. ``asset_costs`` are the
    columns as they are. ``stray`` are rows that are in no chain: they say that they are of this ledger, and have no
    place in it.
    """

    portfolio: Portfolio
    head: str | None
    asset_costs: Mapping[Symbol, Decimal | None]
    stray: Sequence[str] = ()
