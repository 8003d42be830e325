"""Records of events, shared by use cases and ports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment, RefusedCashEntry
from portfolio.application.ledger.records import DIGEST_VERSION, BookedTrade, TradeEntry, TradeRequest, digest_version
from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.cash_transaction import EventTerms
from portfolio.domain.ledger.happening import Happened, Happening
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.money import Money

_STATED = ("kind", "symbol", "quantity", "value", "basis", "to_symbol", "to_quantity", "ratio", "amount")
# What was booked by earlier programs has digests in which ratios have 28 digits.
_ONCE_ROUNDED = Context(prec=28, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEvent:
    """A request to book an event.

    ``stated_at`` is when the client says that it happened, None where it says nothing. With ``adopts_open`` its key is
    also that of a service without API keys. An ``override`` is for whoever has something under its key, unless
    ``owner_given``. What was ``noted`` when it was booked first is its note, whatever else would be said of it.
    """

    what: Happening
    owner: str
    client_event_id: str | None = None
    stated_at: datetime | None = None
    adopts_open: bool = False
    override: bool = False
    owner_given: bool = False
    noted: str | None = None

    @property
    def stated(self) -> Mapping[str, str]:
        """Return what was asked for, by name, as texts."""
        what = self.what
        said = {name: getattr(what, name) for name in (*_STATED, "label", "group")}
        if what.ratio is not None:
            said["ratio"] = plain(what.ratio)
        said["effective_at"] = what.effective_at.isoformat()
        return {name: str(each) for name, each in said.items() if each is not None}

    def digest(self, version: str = DIGEST_VERSION) -> str:
        """Return a digest of the normalised fields: 64 characters."""
        stated = [getattr(self.what, name) for name in _STATED]
        at = None if self.stated_at is None else self.stated_at.isoformat()
        texts = [None if each is None else str(each) for each in stated]
        ratio = None if self.what.ratio is None else plain(self.what.ratio)
        fields = ("event", *texts[:-2], ratio, texts[-1], at, self.what.label, self.what.group)
        return (version + hashlib.sha256(repr(fields).encode()).hexdigest())[:64]

    def is_same(self, fingerprint: str) -> bool:
        """Return whether a stored digest is of this very request; an override may state what was not: value, time.

        One ratio of over 28 digits may be taken for another: what was booked under the key says which it was.
        """
        version = digest_version(fingerprint)
        same = [self]
        if self.override:
            same.append(replace(self, what=replace(self.what, value=None)))
            same += [replace(one, stated_at=None) for one in same]
        if self.what.ratio is not None:
            rounded = _ONCE_ROUNDED.plus(self.what.ratio)
            same += [replace(one, what=replace(one.what, ratio=rounded)) for one in same]
        return any(one.digest(version) == fingerprint for one in same)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as kept, with the trades that it consists of; ``id`` is None where it was only looked at.

    ``reverses`` and ``reversed_by`` are the ids of events.
    """

    id: int | None
    entry: CashEntry
    trades: tuple[BookedTrade, ...] = ()
    reverses: int | None = None
    reversed_by: int | None = None

    @property
    def terms(self) -> EventTerms:
        """Return what its entry says of it."""
        terms = self.entry.transaction.event
        assert terms is not None
        return terms

    @property
    def trade_entries(self) -> Iterator[TradeEntry]:
        """Return the entries of its trades, in order."""
        return (trade.entry for trade in self.trades if trade.entry is not None)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Return all that it moved, asset by asset."""
        own = tuple(one.leg for one in self.entry.positions)
        return (*own, *(Leg.of(entry.trade) for entry in self.trade_entries))

    @property
    def cash_delta(self) -> Money:
        """Return by how much cash grew, its trades included."""
        return sum((e.trade.cash_delta for e in self.trade_entries), self.entry.transaction.cash_delta)

    @property
    def net_deposits_delta(self) -> Money:
        """Return by how much net deposits grew."""
        return self.entry.transaction.net_deposits_delta

    @property
    def realized_delta(self) -> Money:
        """Return what it brought, its trades included."""
        return sum((e.trade.realized_pnl for e in self.trade_entries), self.entry.transaction.realized_delta)

    @property
    def fees_delta(self) -> Money:
        """Return by how much fees paid grew: by those of its trades."""
        return sum((e.trade.fees_delta for e in self.trade_entries), Money.zero())


@dataclass(frozen=True, slots=True)
class EventReply:
    """What became of the request, recorded or refused, and whether an earlier request had decided that."""

    event: RecordedEvent | RefusedCashEntry
    replayed: bool


EventResult = EventReply | DomainError | KeyReused


def entries_of(
    happened: Happened, *, owner: str, key: str | None = None, fingerprint: str | None = None, note: str | None = None
) -> tuple[CashEntry, list[TradeEntry]]:
    """Return the entry of an event, and those of its trades, which follow it."""
    after, transaction = happened.after, happened.transaction
    assert transaction.event is not None
    moved = [PositionAdjustment.by(leg, after.position(leg.symbol)) for leg in happened.own_legs]
    entry = replace(
        CashEntry.of(transaction, after, owner=owner, note=note, positions=moved),
        revision=happened.revision,
        client_transaction_id=key,
        fingerprint=fingerprint,
    )
    request, group = TradeRequest(owner=owner), transaction.event.group
    trades = [
        replace(TradeEntry.of(trade, after, request, transaction.at, group=group), revision=happened.revision + place)
        for place, trade in enumerate(happened.trades, start=1)
    ]
    return entry, trades
