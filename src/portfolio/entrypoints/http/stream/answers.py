"""The messages of the stream, and the answer to who asks for entries page by page."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from portfolio.entrypoints.http.ledger.answers import CashKind, CashTransactionView, PositionView, TradeView
from portfolio.entrypoints.http.operations.answers import HealthAnswer
from portfolio.entrypoints.http.portfolio.answers import TotalsView
from portfolio.entrypoints.http.rebalancing.signals import SignalView
from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import Answer, Labelled, Moment

Position = Annotated[
    str,
    Meta(
        description="Where the books are: the ledger's revision, the prices', and a digest of the newest entry. A "
        "stream that is opened `after` it goes on from here.",
        examples=["118.4021.9f3c2ab1"],
    ),
]
Kind = Literal["trade", CashKind]


def _fields_of(*views: type[msgspec.Struct]) -> dict[str, tuple[str, Any, Any]]:
    """Return the fields of views, each of which an entry may lack."""
    found: dict[str, tuple[str, Any, Any]] = {}
    for view in views:
        for field in msgspec.structs.fields(view):
            found.setdefault(field.name, (field.name, field.type | UnsetType, UNSET))
    return found


EntryView = msgspec.defstruct(
    "EntryView",
    [
        ("ledger", Annotated[int, Meta(description="The ledger's revision after it.")]),
        ("kind", Kind),
        *(field for name, field in _fields_of(TradeView, CashTransactionView).items() if name != "kind"),
    ],
    kw_only=True,
    namespace={"__doc__": "An entry of the ledger: the fields of a trade, or of a cash transaction, by its kind."},
    module=__name__,
)


class PriceView(msgspec.Struct, kw_only=True):
    """The price of something that is held."""

    symbol: str
    current_price: Number | None
    price_source: str | None
    price_status: Literal["live", "stale", "missing"]
    priced_at: Moment | None


class Message(Labelled, kw_only=True, tag_field="type", tag=str.lower):
    """What every message has: its type."""


class Positioned(Message, kw_only=True):
    """A message after which the stream may be resumed."""

    position: Position


class Hello(Positioned, kw_only=True):
    """The first message: the stream goes on after `position`."""

    resumed: bool
    heartbeat_seconds: int
    server_time: Moment


class Snapshot(Positioned, kw_only=True):
    """The portfolio as it is, in parts with some of its positions each; all parts have the same `position`."""

    portfolio: TotalsView  # type: ignore[valid-type]  # a struct, made of another
    positions: list[PositionView]
    part: int
    parts: int


class Entries(Positioned, kw_only=True):
    """The entries of ledger revisions `first` to `last`, in order; `first` is one more than the `last` before it."""

    first: int
    last: int
    entries: list[EntryView]  # type: ignore[valid-type]  # as above


class State(Positioned, kw_only=True):
    """The sums of the portfolio at `position`, and the positions that changed since the state before.

    A position that was closed comes once more, with a quantity of 0.
    """

    totals: TotalsView  # type: ignore[valid-type]  # as above
    changed: list[PositionView]


class Prices(Positioned, kw_only=True):
    """Prices that are new, or whose status is another."""

    prices: list[PriceView]


class Signals(Positioned, kw_only=True):
    """Signals that are new, or whose status is another."""

    signals: list[SignalView]


class Health(Positioned, kw_only=True):
    """How the service is doing, when that is not as before."""

    health: HealthAnswer


class Heartbeat(Positioned, kw_only=True):
    """There was nothing to tell for `heartbeat_seconds`."""

    server_time: Moment


class Reset(Message, kw_only=True):
    """What was known is of other books: they were restored from a backup, or made anew. A snapshot follows."""

    reason: Literal["ahead", "other_history"]


class Bye(Message, kw_only=True):
    """The last message; after `retry_ms` a new stream may be opened."""

    reason: Literal["restart", "slow", "limit"]
    retry_ms: int


MESSAGES = (Hello, Snapshot, Entries, State, Prices, Signals, Health, Heartbeat, Reset, Bye)


class EntriesAnswer(Answer, kw_only=True):
    """Entries, in the order they were booked: those of ledger revisions `first` to `last`."""

    entries: list[EntryView]  # type: ignore[valid-type]  # as above
    first: Annotated[int | None, Meta(description="The ledger's revision after the first of them; null without any.")]
    last: Annotated[int | None, Meta(description="The ledger's revision after the last of them; null without any.")]
    position: Position
    next: Annotated[str | None, Meta(description="Send it as `after` for the next page; null at the end.")]
