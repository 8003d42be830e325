"""The bodies and queries of requests, and the wishes that are made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypedDict

import msgspec
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Raw, UnsetType

from portfolio.application.ledger.booking import MOST_BOOKINGS
from portfolio.application.ledger.cash import MoveCash
from portfolio.application.ledger.records import BookTrade, FeeInKind
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.errors import FORBIDDEN, RequestError
from portfolio.entrypoints.http.ledger.idempotency import one_key
from portfolio.entrypoints.http.ledger.remarks import Remarks
from portfolio.entrypoints.http.ledger.replies import read_each
from portfolio.entrypoints.http.shell.auth import Caller, Scope
from portfolio.entrypoints.http.shell.bodies import (
    LONGEST_KEY,
    LONGEST_NAME,
    MOMENT,
    SIDE,
    Fees,
    FieldReader,
    Key,
    Name,
    Notes,
    PositiveFigure,
    SideText,
    SymbolText,
    cursor_query,
    in_words,
    read_note,
    read_symbol,
    remark,
)
from portfolio.entrypoints.http.shell.strict_body import BodyOfBodies, decode

_NAME = msgspec.json.Decoder(Name)

TradesCursor = Annotated[str | None, cursor_query("t")]
OutcomesCursor = Annotated[str | None, cursor_query("r")]
CashCursor = Annotated[str | None, cursor_query("c")]
Remark = Annotated[Raw, remark("A text of at most 100 characters, or a number.")]
Engine = Annotated[
    Raw,
    remark(
        "A text of at most 100 characters, or a number; in a service without API keys nothing else: it is the owner."
    ),
]
Share = Annotated[Raw, remark("A number from 0 to 1.")]
FeeAsset = Annotated[
    SymbolText,
    Meta(
        description="What the fee was paid in. It is sold for its value at the price of that time, where none is "
        "known for `fees`; what was paid in `symbol` itself is what was not received."
    ),
]
Group = Annotated[Key, Meta(description="What it has in common with other entries.")]
Moment = Annotated[Raw, remark(f"{MOMENT}. One that cannot be is left out: the time of booking counts.")]
OverrideOwner = Annotated[
    Name,
    Meta(
        description="Whose booking an override makes good: the name of the key that booked first, or, in an open "
        "service, its engine. Only with `override`; by default the one owner that has a booking under this key."
    ),
]


SymbolQuery = Annotated[str | None, QueryParameter(description="Of this asset alone.", min_length=1, max_length=40)]
SideQuery = Annotated[str | None, QueryParameter(description="BUY or SELL, in any case.", pattern=SIDE)]
EngineQuery = Annotated[str | None, QueryParameter(description="As this engine reported them.", max_length=100)]
OwnerQuery = Annotated[
    str | None,
    QueryParameter(description="Booked by the key of this name; in an open service, by this engine.", max_length=100),
]
KeyQuery = Annotated[
    str | None, QueryParameter(description="Booked under this `client_trade_id`, byte for byte.", max_length=128)
]
SinceQuery = Annotated[
    str | None, QueryParameter(description=f"`executed_at` is this moment or later: {MOMENT}.", max_length=40)
]
UntilQuery = Annotated[
    str | None, QueryParameter(description=f"`executed_at` is before this moment: {MOMENT}.", max_length=40)
]
OutcomeStatus = Annotated[
    Literal["refused"], QueryParameter(description="Which bookings are wanted: the refused ones.")
]


class BookingBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One execution, as an engine reports it."""

    symbol: SymbolText
    side: SideText
    quantity: PositiveFigure
    price: PositiveFigure
    net_amount: PositiveFigure
    fees: Fees | UnsetType = UNSET
    fees_included: bool = False
    fee_asset: FeeAsset | UnsetType = UNSET
    fee_quantity: PositiveFigure | UnsetType = UNSET
    group: Group | UnsetType = UNSET
    client_trade_id: Key | None = None
    engine: Engine | UnsetType = UNSET
    executed_at: Moment | UnsetType = UNSET
    signal_id: Remark | UnsetType = UNSET
    recommendation_id: Remark | UnsetType = UNSET
    confidence: Share | UnsetType = UNSET
    notes: Notes | UnsetType = UNSET
    override: Annotated[bool, Meta(description="Book what was refused under this key. Admin only.")] = False
    owner: OverrideOwner | None = None


_BOOKING_SCHEMA = {"anyOf": [{"$ref": "#/components/schemas/BookingBody"}, {"description": "It is `unreadable` then."}]}


class BatchBody(BodyOfBodies, forbid_unknown_fields=True, kw_only=True):
    """Bookings, answered in order; each is read by itself."""

    bookings: Annotated[
        list[Annotated[Raw, Meta(extra_json_schema=_BOOKING_SCHEMA)]], Meta(min_length=1, max_length=MOST_BOOKINGS)
    ]


class CashTransactionBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A deposit or a withdrawal."""

    kind: Literal["deposit", "withdrawal"]
    amount: PositiveFigure
    note: Notes | UnsetType = UNSET
    client_transaction_id: Key | None = None
    override: Annotated[bool, Meta(description="Book what was refused under this key: cash may be below zero.")] = False
    owner: OverrideOwner | None = None


class ReversalBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a trade is taken back."""

    notes: Notes | UnsetType = UNSET


def book_trade(body: BookingBody, caller: Caller, now: datetime, *, header_key: str | None = None) -> BookTrade:
    """Return the wish that the body states.

    Raises:
        RequestError: a field is wrong, two keys differ, or the caller may not override.
    """
    reading, remarks = FieldReader(), Remarks()
    executed_at, stated_at = remarks.moment("executed_at", body.executed_at, now)
    stated = _stated(reading, body, executed_at)
    fee = _fee(reading, body, stated)
    group = None if body.group is UNSET else reading.text("group", body.group, LONGEST_KEY)
    client_trade_id = one_key(reading, "client_trade_id", body.client_trade_id, header_key)
    owner = override_owner(reading, body.owner, override=body.override)
    is_remark = caller.name is not None
    engine = remarks.name("engine", body.engine) if is_remark else _strict_name(reading, "engine", body.engine)
    reading.finish()
    require_override(caller, override=body.override)
    opaque = {field: remarks.name(field, getattr(body, field)) for field in ("signal_id", "recommendation_id")}
    confidence, notes = remarks.share("confidence", body.confidence), remarks.notes(body.notes)
    return BookTrade(
        execution=Execution(**stated),
        owner=caller.owner(engine) if owner is None else owner,
        owner_given=owner is not None,
        client_trade_id=client_trade_id,
        engine=engine,
        **opaque,
        confidence=confidence,
        notes=notes,
        override=body.override,
        adopts_open=caller.adopts_open and owner is None,
        stated_at=stated_at,
        noted=remarks.noted(notes),
        remarks_changed=remarks.changes,
        fee=fee,
        group=group,
    )


class _Stated(TypedDict):
    symbol: Symbol
    side: Side
    quantity: Quantity
    price: Price
    net_amount: Money
    fees: Money
    executed_at: datetime
    fees_included: bool


def _stated(reading: FieldReader, body: BookingBody, executed_at: datetime) -> _Stated:
    """Return what the body states of the execution; it is judged only once all fields are read."""
    return {
        "symbol": reading.taking("symbol", lambda: read_symbol(body.symbol), Symbol("X")),
        "side": Side(body.side.upper()),
        "quantity": reading.amount(Quantity, "quantity", body.quantity),
        "price": reading.amount(Price, "price", body.price),
        "net_amount": reading.amount(Money, "net_amount", body.net_amount),
        "fees": Money.zero() if body.fees is UNSET else reading.amount(Money, "fees", body.fees, least="at least zero"),
        "executed_at": executed_at,
        "fees_included": body.fees_included,
    }


def _fee(reading: FieldReader, body: BookingBody, stated: _Stated) -> FeeInKind | None:
    """Return a fee in another asset. One in the asset itself becomes part of what is ``stated``: what was received."""
    if body.fee_asset is UNSET and body.fee_quantity is UNSET:
        return None
    if body.fee_asset is UNSET or body.fee_quantity is UNSET:
        reading.refuse("fee_quantity" if body.fee_quantity is UNSET else "fee_asset", "belongs to the other one")
        return None
    if body.fees_included:
        reading.refuse("fees_included", "is for fees in money")
    text = body.fee_asset
    symbol = reading.taking("fee_asset", lambda: read_symbol(text), Symbol("X"))
    quantity = reading.amount(Quantity, "fee_quantity", body.fee_quantity)
    if symbol != stated["symbol"]:
        return FeeInKind(symbol=symbol, quantity=quantity)
    is_bought = stated["side"] is Side.BUY
    stated["fees"] = reading.taking("fee_quantity", lambda: quantity.at(stated["price"]), Money.zero())
    stated["quantity"] = stated["quantity"] - quantity if is_bought else stated["quantity"] + quantity
    stated["fees_included"] = True
    return None


def book_trades(body: BatchBody, caller: Caller, now: datetime) -> list[BookTrade | RequestError]:
    """Return the wishes of a batch, in order; for one that cannot be read, why."""
    return read_each(body.bookings, lambda booking: book_trade(decode(booking, BookingBody), caller, now))


def move_cash(body: CashTransactionBody, caller: Caller, *, header_key: str | None) -> MoveCash:
    """Return the wish that the body states."""
    reading = FieldReader()
    amount = reading.amount(Money, "amount", body.amount)
    key = one_key(reading, "client_transaction_id", body.client_transaction_id, header_key)
    owner = override_owner(reading, body.owner, override=body.override)
    reading.finish()
    return MoveCash(
        kind=CashTransactionKind(body.kind),
        amount=amount,
        owner=caller.owner(None) if owner is None else owner,
        client_transaction_id=key,
        note=read_note(body.note),
        adopts_open=caller.adopts_open and owner is None,
        override=body.override,
        owner_given=owner is not None,
    )


def override_owner(reading: FieldReader, stated: str | int | None, *, override: bool) -> str | None:
    """Return whose booking an override makes good; None where it is not said."""
    owner = reading.text("owner", stated, LONGEST_NAME)
    if owner is not None and not override:
        reading.refuse("owner", "is for an override only")
    return owner


def require_override(caller: Caller, *, override: bool) -> None:
    """Refuse an override by a caller who may not, by raising RequestError."""
    if override and Scope.ADMIN not in caller.scopes:
        raise RequestError(FORBIDDEN, "an override needs a key with the scope admin")


def _strict_name(reading: FieldReader, field: str, raw: Raw | UnsetType) -> str | None:
    """Return a name that says whose key it is: two of them may not become one."""
    if raw is UNSET:
        return None
    try:
        return reading.text(field, _NAME.decode(raw), LONGEST_NAME)
    except msgspec.ValidationError as error:
        reading.refuse(field, in_words(str(error)))
        return None
