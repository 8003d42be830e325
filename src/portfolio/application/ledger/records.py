"""Records of bookings, shared by use cases and ports; those of cash are in ``cash_records``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from json.encoder import encode_basestring_ascii as _quoted
from typing import Generic, NamedTuple, TypeVar

import msgspec

from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import DomainError, InvalidAmount, OutOfRange
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Execution, Side, Terms, Trade
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

T = TypeVar("T")

NEVER_BOOKABLE = tuple(error.__name__ for error in (InvalidAmount, OutOfRange))
"""Errors of amounts that no books can hold: rounded to zero at 18 decimals, or 1e20 and more."""

MOST_COUNTED = 10_000
"""How many refused bookings health looks at, and how many refused events and cash transactions: it is asked often."""

DIGEST_VERSION = "2:"
"""What digests begin with; those made before they had a version begin with neither number nor colon."""


class BookingKey(NamedTuple):
    """What makes a booking happen once: the client's own id, unique within its owner, compared byte for byte."""

    owner: str
    client_trade_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRequest:
    """Who asked for a trade, under which key, and what was said about it.

    ``owner`` is the name of the API key, or the engine where the service is open.
    """

    owner: str
    client_trade_id: str | None = None
    engine: str | None = None
    signal_id: str | None = None
    recommendation_id: str | None = None
    confidence: Decimal | None = None
    notes: str | None = None

    @property
    def key(self) -> BookingKey | None:
        """Return the key, or None when nothing can tell a retry from a second trade."""
        return BookingKey(self.owner, self.client_trade_id) if self.client_trade_id is not None else None


class FeeInKind(msgspec.Struct, frozen=True, kw_only=True):
    """A fee that was paid in another asset than money."""

    symbol: Symbol
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTrade(TradeRequest):
    """A request to book one execution.

    An override is for whoever has a booking under its key, unless ``owner_given``. With ``adopts_open`` the key is also
    the one that it was while the service had no API keys. ``stated_at`` is when the client says it was executed, None
    where it says nothing. ``remarks_changed`` says which remarks could not be kept as they were sent, and ``noted`` are
    the notes to keep that say so; both are None where all could be. A ``fee`` in another asset is sold for its value,
    which the fees of the execution state where the books know no price of it. ``group`` is what entries have in common.

    ``fingerprint`` is a digest of the normalised fields: equal for the same booking however it was written. It has a
    version, and a stored one is compared with the digest made in the way of its own version.
    """

    execution: Execution
    override: bool = False
    owner_given: bool = False
    adopts_open: bool = False
    stated_at: datetime | None = None
    noted: str | None = None
    remarks_changed: str | None = None
    fee: FeeInKind | None = None
    group: str | None = None
    fingerprint: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", "".join(self._digest(DIGEST_VERSION)))

    @property
    def adopted_key(self) -> BookingKey | None:
        """Return the key under which it would have been booked without API keys; None where that is not answered."""
        has_key = self.adopts_open and self.client_trade_id is not None
        return BookingKey(self.engine or "", self.client_trade_id or "") if has_key else None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Return the digests of this booking in each version, the newest first."""
        return self.fingerprint, "".join(self._digest(""))

    def is_same(self, fingerprint: str) -> bool:
        """Return whether a stored digest is of this very booking."""
        return fingerprint in self.fingerprints

    def is_same_execution(self, fingerprint: str) -> bool:
        """Return whether a stored digest is of a booking that moves the same money, whatever was remarked on it."""
        version, executed, _ = self._digest(digest_version(fingerprint))
        return fingerprint.startswith(version + executed)

    def _digest(self, version: str) -> tuple[str, str, str]:
        """Return the version, the digest of what was executed, and that of what was remarked: 64 characters."""
        e = self.execution
        amounts = '", "'.join([plain(a.value) for a in (e.quantity, e.price, e.net_amount, e.fees)])
        executed = f'["{e.symbol}", "{e.side}", "{amounts}", {str(e.fees_included).lower()}]'
        if self.fee is not None:
            executed += f', ["{self.fee.symbol}", "{plain(self.fee.quantity.value)}"]'
        remarks = [
            None if self.stated_at is None else self.stated_at.isoformat(),
            self.engine,
            self.signal_id,
            self.recommendation_id,
            None if self.confidence is None else plain(self.confidence),
            self.notes,
        ]
        if self.group is not None:
            remarks.append(self.group)
        remarked = f"[{', '.join(['null' if each is None else _quoted(each) for each in remarks])}]"
        first, second = (hashlib.sha256(text.encode()).hexdigest() for text in (executed, remarked))
        length = (64 - len(version)) // 2
        return version, first[:length], second[:length]


def digest_version(fingerprint: str) -> str:
    """Return the version of a stored digest; an empty text where it was made before there were any."""
    return DIGEST_VERSION if fingerprint.startswith(DIGEST_VERSION) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A booking that was booked, with the state right after it.

    ``booked_quantity`` is None where it is the one that was reported, ``remarks_changed`` where none were.
    """

    trade_id: int
    booked_quantity: Quantity | None = None
    position: Position
    cash: Money
    realized_pnl: Money
    allocation_percent: Decimal | None
    over_concentrated: bool
    possible_duplicate_of: int | None = None
    remarks_changed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A booking that was refused; ``error`` is the name of the domain error's class, ``field`` what it is about."""

    error: str
    detail: str
    field: str | None = None

    @classmethod
    def of(cls, error: DomainError) -> Refusal:
        """Return what is kept of an error."""
        return cls(error=type(error).__name__, detail=str(error), field=getattr(error, "field", None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOutcome:
    """The stored outcome of a booking: the answer to every later copy of it.

    Of the request, the owner, the key and the engine are stored.
    """

    id: int | None = None
    request: TradeRequest
    terms: Terms
    fingerprint: str
    result: Acceptance | Refusal
    decided_at: datetime

    @property
    def quantity(self) -> Quantity:
        """Return the quantity that was booked; the reported one where nothing was."""
        booked = self.result.booked_quantity if isinstance(self.result, Acceptance) else None
        return self.terms.quantity if booked is None else booked

    @property
    def reported_quantity(self) -> Quantity | None:
        """Return what the engine reported where another quantity was booked."""
        return None if self.quantity == self.terms.quantity else self.terms.quantity


class BookingReply(msgspec.Struct, frozen=True):
    """The answer to one booking: what became of it, and whether that had been decided before."""

    outcome: RecordedOutcome
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeEntry:
    """An entry for the ledger, with the request that it is of. ``revision`` is the portfolio's after it.

    ``group`` is what it has in common with other entries, such as the other trade of a swap.
    """

    trade: Trade
    request: TradeRequest
    portfolio_id: int
    revision: int
    fingerprint: str | None = None
    booked_at: datetime
    group: str | None = None

    @classmethod
    def of(
        cls, trade: Trade, after: Portfolio, request: TradeRequest, booked_at: datetime, **others: str | None
    ) -> TradeEntry:
        """Return the entry of a trade that led to the portfolio ``after``; ``others`` are its other fields."""
        return cls(
            trade=trade,
            request=request,
            portfolio_id=after.id,
            revision=after.revision,
            booked_at=booked_at,
            **others,
        )


class BookedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the trades table.

    ``entry`` is None where another program wrote the row, or it is from before the adoption: such a row never counts.
    """

    id: int
    entry: TradeEntry | None
    reversed_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFilter:
    """Which booked trades are wanted: executed at ``since`` or later, and before ``until``; with ``signal_prefix``
    those that name a signal whose id begins so.

    ``before`` is the id the last page ended with.
    """

    id: int | None = None
    symbol: Symbol | None = None
    side: Side | None = None
    engine: str | None = None
    owner: str | None = None
    client_trade_id: str | None = None
    signal_prefix: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and the id before which the next page begins; None on the last page."""

    items: Sequence[T]
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """The newest revisions of the ledger and of the prices."""

    ledger: int
    prices: int
