"""The bodies of events, and the wishes that are made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Raw, UnsetType

from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.happening import FIELDS, LABELS, Happening
from portfolio.domain.ledger.trade import why_not_then
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.errors import RequestError
from portfolio.entrypoints.http.ledger.idempotency import one_key
from portfolio.entrypoints.http.ledger.replies import read_each
from portfolio.entrypoints.http.ledger.requests import OverrideOwner, override_owner, require_override
from portfolio.entrypoints.http.shell.auth import Caller
from portfolio.entrypoints.http.shell.bodies import (
    LONGEST_KEY,
    MOMENT,
    FieldReader,
    Key,
    PositiveFigure,
    SymbolText,
    cursor_query,
    figure,
    parse_moment,
    read_symbol,
    text_of,
)
from portfolio.entrypoints.http.shell.strict_body import BodyOfBodies, decode

MOST_EVENTS: Final = 1_000

_MOMENT_SCHEMA: Final = {"type": ["string", "number"]}

EventsCursor = Annotated[str | None, cursor_query("[eu]")]
EventStatus = Annotated[
    Literal["refused"] | None,
    QueryParameter(description="The refused ones alone, with refused deposits and withdrawals."),
]
EventKeyQuery = Annotated[
    str | None,
    QueryParameter(
        description="Booked or refused under this `client_event_id`, byte for byte.", max_length=LONGEST_KEY
    ),
]
EventOwnerQuery = Annotated[
    str | None,
    QueryParameter(
        description="Whose `client_event_id` is asked for: the name of an API key. By default the caller's.",
        max_length=100,
    ),
]
EventKind = Literal["transfer_in", "transfer_out", "income", "swap", "exchange", "split", "loss", "interest", "charge"]
EventLabel = Literal["staking", "airdrop", "interest", "mining", "rebate", "rename", "wrap", "bridge"]
AnyFigure = Annotated[Raw, figure("At least zero, rounded half even at 18 decimals", minimum=0, exclusiveMaximum=1e20)]
EffectiveAt = Annotated[
    Raw, Meta(description=f"When it happened: {MOMENT}. By default now.", extra_json_schema=_MOMENT_SCHEMA)
]

_AMOUNTS: Final = {"quantity": Quantity, "to_quantity": Quantity, "amount": Money, "ratio": Quantity}
_FROM_ZERO: Final = ("value", "basis")
_LABELLED: Final = (
    "Of an income what it is from: staking, airdrop, interest, mining, rebate. Of an exchange what it is: rename, "
    "wrap, bridge. Figures of history are of closes joined across splits and renames; an exchange without a label "
    "is taken for a rename. The value of a past day stays its quantity times its close."
)


class EventBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Something that happened. Which fields a kind takes, and which it needs, the route says."""

    kind: EventKind
    symbol: SymbolText | UnsetType = UNSET
    quantity: PositiveFigure | UnsetType = UNSET
    value: AnyFigure | UnsetType = UNSET
    basis: AnyFigure | UnsetType = UNSET
    to_symbol: SymbolText | UnsetType = UNSET
    to_quantity: PositiveFigure | UnsetType = UNSET
    ratio: PositiveFigure | UnsetType = UNSET
    amount: PositiveFigure | UnsetType = UNSET
    label: Annotated[EventLabel, Meta(description=_LABELLED)] | UnsetType = UNSET
    effective_at: EffectiveAt | UnsetType = UNSET
    group: Annotated[Key, Meta(description="What it has in common with other entries.")] | UnsetType = UNSET
    client_event_id: Key | None = None
    dry_run: Annotated[bool, Meta(description="Book nothing, and say what would be.")] = False
    override: Annotated[bool, Meta(description="Book what was refused under this key. Admin only.")] = False
    owner: OverrideOwner | None = None


_EVENT_SCHEMA = {"anyOf": [{"$ref": "#/components/schemas/EventBody"}, {"description": "It is `unreadable` then."}]}


class EventsBody(BodyOfBodies, forbid_unknown_fields=True, kw_only=True):
    """Events, answered in order; each is read by itself."""

    events: Annotated[
        list[Annotated[Raw, Meta(extra_json_schema=_EVENT_SCHEMA)]], Meta(min_length=1, max_length=MOST_EVENTS)
    ]
    dry_run: Annotated[bool, Meta(description="Book none of them, and say what would be.")] = False


def read_event(body: EventBody, caller: Caller, now: datetime, *, header_key: str | None = None) -> BookEvent:
    """Return the wish that the body states.

    Raises:
        RequestError: a field is wrong, is lacking, or does not belong to the kind, two keys differ, or the caller may
            not override.
    """
    reading, kind = FieldReader(), CashTransactionKind(body.kind)
    _check_fields(reading, body, kind)
    stated = _stated(reading, body)
    stated_at = None
    if body.effective_at is not UNSET:
        raw = body.effective_at
        stated_at = reading.taking("effective_at", lambda: _moment(text_of(raw), now), now)
    group = None if body.group is UNSET else reading.text("group", body.group, LONGEST_KEY)
    key = one_key(reading, "client_event_id", body.client_event_id, header_key)
    owner = override_owner(reading, body.owner, override=body.override)
    reading.finish()
    require_override(caller, override=body.override)
    if isinstance(ratio := stated.get("ratio"), Quantity):
        stated["ratio"] = ratio.value
    return BookEvent(
        what=Happening(
            kind=kind,
            effective_at=stated_at or now,
            label=None if body.label is UNSET else body.label,
            group=group,
            **stated,
        ),
        owner=caller.owner(None) if owner is None else owner,
        client_event_id=key,
        stated_at=stated_at,
        adopts_open=caller.adopts_open and owner is None,
        override=body.override,
        owner_given=owner is not None,
    )


def _stated(reading: FieldReader, body: EventBody) -> dict[str, Any]:
    """Return what the body states of assets and amounts; it is judged only once all fields are read."""
    stated: dict[str, Any] = {}
    for name in ("symbol", "to_symbol"):
        if (text := getattr(body, name)) is not UNSET:
            stated[name] = _symbol(reading, name, text)
    for name, of in _AMOUNTS.items():
        if (raw := getattr(body, name)) is not UNSET:
            stated[name] = reading.amount(of, name, raw)
    for name in _FROM_ZERO:
        if (raw := getattr(body, name)) is not UNSET:
            stated[name] = reading.amount(Money, name, raw, least="at least zero")
    return stated


def read_events(body: EventsBody, caller: Caller, now: datetime) -> list[BookEvent | RequestError]:
    """Return the wishes of a batch, in order; for one that cannot be read, why."""

    def read_one(text: bytes) -> BookEvent:
        event = decode(text, EventBody)
        if event.dry_run:
            reading = FieldReader()
            reading.refuse("dry_run", "is for all events of a batch: it stands beside them")
            reading.finish()
        return read_event(event, caller, now)

    return read_each(body.events, read_one)


def _check_fields(reading: FieldReader, body: EventBody, kind: CashTransactionKind) -> None:
    """Refuse what the kind does not take, and what it lacks."""
    fields = FIELDS[kind]
    for name in ("symbol", *_AMOUNTS, *_FROM_ZERO, "to_symbol", "label"):
        is_given = getattr(body, name) is not UNSET
        if is_given and name not in fields.needs | fields.takes:
            reading.refuse(name, f"is no field of the kind {kind}")
        elif not is_given and name in fields.needs:
            reading.refuse(name, f"is needed by the kind {kind}")
    labels = LABELS.get(kind)
    if body.label is not UNSET and labels is not None and body.label not in labels:
        reading.refuse("label", f"of the kind {kind} is {', '.join(labels[:-1])} or {labels[-1]}")
    if kind is CashTransactionKind.EXCHANGE and (body.to_quantity is UNSET) == (body.ratio is UNSET):
        reading.refuse("to_quantity", "or ratio is needed by the kind exchange: one of them, and not both")


def _symbol(reading: FieldReader, field: str, text: str) -> Symbol:
    return reading.taking(field, lambda: read_symbol(text), Symbol("X" if field == "symbol" else "Y"))


def _moment(text: str, now: datetime) -> datetime:
    """Return when something happened; raises ValueError where that is no moment, before 1970, or over 60 s ahead."""
    stated = parse_moment(text)
    why = why_not_then(stated, now)
    if why is not None:
        raise ValueError(why)
    return stated
