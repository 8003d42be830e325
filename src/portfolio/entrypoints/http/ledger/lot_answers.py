"""What is answered about lots and gains."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from portfolio.application.ledger.lots.picking import PickReply
from portfolio.application.ledger.lots.reading import Gains, Lots, term_of
from portfolio.domain.ledger.lots.records import Disposal, Lot, days_between
from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import Answer, Cursor, Moment, SymbolCode
from portfolio.entrypoints.http.views import view

MethodName: TypeAlias = Literal["average", "fifo", "lifo", "hifo", "picked"]
Term = Annotated[
    Literal["short", "long"] | None,
    Meta(description="long where it was held for more than `long_term_days`; null where nobody knows for how long."),
]
DaysHeld = Annotated[int | None, Meta(description="UTC days from the acquisition on; null where its day is not known.")]
IsAssumed = Annotated[
    bool, Meta(description="Whether no entry states the cost: it is what the cost of all that was held left for it.")
]
MethodUsed = Annotated[MethodName, Meta(description="The method by which sales take lots.")]
IsPicked = Annotated[bool, Meta(description="Whether somebody picked the lot, and the method is picked.")]
Unpicked = Annotated[
    int | None,
    Meta(description="By the method picked, of how many rows of gains nobody picked the lot: fifo took it; else null."),
]


class LotView(msgspec.Struct, kw_only=True):
    """What is left of one acquisition; with the method average, of all of them.

    What was sold before it was bought is a lot too: its quantity and its basis are below zero.
    """

    symbol: SymbolCode
    quantity: Number
    basis: Number
    acquired_at: Moment | None
    days_held: DaysHeld
    term: Term
    trade_id: int | None
    basis_assumed: IsAssumed
    entry: Annotated[int | None, Meta(description="The ledger revision of the acquisition, by which a lot is picked.")]


class LotsAnswer(Answer, kw_only=True):
    """The lots at a moment, with the sums of all of them, on whatever page they are."""

    method: MethodUsed
    as_of: Moment
    lots: list[LotView]
    count: int
    next_cursor: Cursor
    basis: Number
    gain: Number
    unpicked: Unpicked
    long_term_days: int
    revision: int
    complete: bool


class GainView(msgspec.Struct, kw_only=True):
    """What one sale took of one lot, and brought."""

    symbol: SymbolCode
    quantity: Number
    acquired_at: Moment | None
    disposed_at: Moment | None
    days_held: DaysHeld
    term: Term
    proceeds: Number
    basis: Number
    gain: Number
    acquired_by: int | None
    disposed_by: int | None
    basis_assumed: IsAssumed
    picked: IsPicked


class GainsAnswer(Answer, kw_only=True):
    """What was realized in a UTC year, with the sums of all of it, on whatever page it is."""

    method: MethodUsed
    as_of: Moment
    year: int | None
    gains: list[GainView]
    count: int
    next_cursor: Cursor
    proceeds: Number
    basis: Number
    gain: Number
    short_term: Number
    long_term: Number
    undated: Number
    unpicked: Unpicked
    long_term_days: int
    revision: int
    complete: bool


class PickView(msgspec.Struct, kw_only=True):
    """What is taken of the lot that an entry opened."""

    entry: int
    quantity: Number


class PicksAnswer(Answer, kw_only=True):
    """Which lots a sale takes from now on, by the method picked; none where nobody picks any."""

    message: str
    trade_id: int
    symbol: SymbolCode
    lots: list[PickView]
    picked_by: str
    picked_at: Moment
    revision: int
    replayed: bool


ALL: Final = slice(None)


def lots_answer(
    found: Lots, at: datetime, long_term_days: int, shown: slice = ALL, following: str | None = None
) -> LotsAnswer:
    """Return a page of lots, with the cursor of the ``following`` one, and the sums of all."""
    views = lot_views(found.lots[shown], found.as_of, long_term_days)
    return view(
        LotsAnswer,
        found,
        timestamp=at,
        lots=views,
        count=len(views),
        next_cursor=following,
        basis=found.cost_basis,
        long_term_days=long_term_days,
        complete=found.is_complete,
    )


def gains_answer(found: Gains, at: datetime, shown: slice = ALL, following: str | None = None) -> GainsAnswer:
    """Return a page of gains, with the cursor of the ``following`` one, and the sums of all."""
    views = gain_views(found.disposals[shown], found.long_term_days)
    return view(
        GainsAnswer,
        found,
        timestamp=at,
        gains=views,
        count=len(views),
        next_cursor=following,
        complete=found.is_complete,
    )


def lot_views(lots: Iterable[Lot], as_of: datetime, long_term_days: int) -> list[LotView]:
    """Return lots as they are at a moment."""
    return [
        view(
            LotView,
            lot,
            days_held=(days := days_between(lot.acquired_at, as_of)),
            term=term_of(days, long_term_days),
            basis_assumed=lot.is_assumed,
        )
        for lot in lots
    ]


def gain_views(disposals: Iterable[Disposal], long_term_days: int) -> list[GainView]:
    """Return what was realized, row by row."""
    return [
        view(
            GainView,
            one,
            picked=one.is_picked,
            term=term_of(one.days_held, long_term_days),
            basis_assumed=one.is_assumed,
        )
        for one in disposals
    ]


def picks_answer(reply: PickReply, at: datetime) -> PicksAnswer:
    """Return the answer to whoever picked lots."""
    picked = reply.picked
    return view(
        PicksAnswer,
        picked,
        timestamp=at,
        message=f"Lots of trade {picked.trade_id} picked" if picked.lots else f"Nobody picks lots of {picked.trade_id}",
        symbol=reply.symbol,
        lots=[view(PickView, pick) for pick in picked.lots],
        revision=picked.ledger_revision,
        replayed=reply.replayed,
    )
