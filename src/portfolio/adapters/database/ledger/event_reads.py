"""Events as they are kept: their entries, the trades that swaps consist of, and what took them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.entries import TRADES, of_baseline, read_cash_rows, select_trades
from portfolio.adapters.database.schema.fields import UnreadableRow, reading
from portfolio.adapters.database.schema.tables import cash_transactions, mock_trades, position_adjustments
from portfolio.adapters.database.schema.types import UtcMoment
from portfolio.adapters.database.schema.unreadable import UnreadableRows
from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.happenings.activity import EntryFilter, ListedEntry
from portfolio.application.ledger.happenings.records import RecordedEvent
from portfolio.application.ledger.records import BookedTrade, Page
from portfolio.domain.ledger.cash_transaction import (
    EVENT_KINDS,
    SPLITS_AND_EXCHANGES,
    TRADES_OF_A_SWAP,
    CashTransactionKind,
)
from portfolio.domain.ledger.happening import BookedChange, LaterMove, changed_by
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Quantity
from portfolio.domain.symbol import Symbol

_KINDS = [kind.value for kind in EVENT_KINDS]

_c = cash_transactions.c
_WITH_LEGS = cash_transactions.join(position_adjustments, position_adjustments.c.cash_transaction_id == _c.id)
EFFECTIVE = func.coalesce(_c.effective_at, _c.moved_at, type_=UtcMoment)
"""When an entry that is no trade took effect."""
_OPENED = func.coalesce(of_baseline(_c.ledger_revision), 0)


def select_events(event_id: int | None = None) -> Select[Any]:
    """Return the statement for the rows of events; of one alone where its id is given.

    Deposits and withdrawals of imports say when they took effect too, and are none.
    """
    is_event = (_c.effective_at.is_not(None), _c.kind.in_(_KINDS))
    events = select(cash_transactions).where(*is_event)
    return events if event_id is None else events.where(_c.id == event_id)


def select_unit_changes(after: int) -> Select[Any]:
    """Return the statement for the rows of splits and exchanges after a ledger revision, as they were booked."""
    kinds = [kind.value for kind in SPLITS_AND_EXCHANGES]
    wanted = (_c.ledger_revision > after, _c.effective_at.is_not(None), _c.kind.in_(kinds))
    return select(cash_transactions).where(*wanted).order_by(_c.ledger_revision)


async def read_events(session: Session, rows: Sequence[Any], unreadable: UnreadableRows) -> list[RecordedEvent]:
    """Return the events of rows; those that cannot be read are left out, and trades of swaps that cannot be."""
    events = await read_cash_rows(session, rows, unreadable)
    if not events:
        return []
    swaps = [one.entry.revision for one in events if one.entry.transaction.kind is CashTransactionKind.SWAP]
    trades = await _trades_after(session, swaps, unreadable) if swaps else {}
    own = [one.entry.revision for one in events]
    named = sorted({r for one in events if (r := _reverses(one)) is not None})
    taking = await session.run(select(_c.id, _c.reverses_revision).where(_c.reverses_revision.in_(own)))
    taken = await session.run(select(_c.id, _c.ledger_revision).where(_c.ledger_revision.in_(named)))
    reversed_by = {row.reverses_revision: row.id for row in taking}
    ids = {row.ledger_revision: row.id for row in taken}
    return [
        RecordedEvent(
            id=one.id,
            entry=one.entry,
            trades=_following(one.entry.revision, trades) if one.entry.revision in swaps else (),
            reverses=ids.get(_reverses(one)),
            reversed_by=reversed_by.get(one.entry.revision),
        )
        for one in events
    ]


async def read_needed_event(session: Session, row: Any, unreadable: UnreadableRows) -> RecordedEvent:
    """Return the event of a row."""
    for event in await read_events(session, [row], unreadable):
        return event
    raise UnreadableRow(f"the row {row.id} of {cash_transactions.name} cannot be read")


def select_wanted_entries(wanted: EntryFilter) -> tuple[Select[Any] | None, Select[Any] | None]:
    """Return the statements for the trades and for the other entries that are wanted, newest first; None for none."""
    t = mock_trades.c
    side = wanted.kind if isinstance(wanted.kind, Side) else None
    kind = wanted.kind if isinstance(wanted.kind, CashTransactionKind) else None
    trades = None if kind else _newest(select_trades(), t.ledger_revision, t.execution_time, wanted)
    others = None if side else _newest(select(cash_transactions), _c.ledger_revision, EFFECTIVE, wanted)
    if trades is not None:
        trades = trades.where(t.booked_by.is_not(None))
        trades = trades if side is None else trades.where(t.side == side.value)
        trades = trades if wanted.symbol is None else trades.where(t.symbol == wanted.symbol.code)
    if others is not None:
        others = others if kind is None else others.where(_c.kind == kind.value)
        if wanted.symbol is not None:
            leg = position_adjustments.c
            others = others.where(_c.id.in_(select(leg.cash_transaction_id).where(leg.symbol == wanted.symbol.code)))
    return trades, others


def _newest(entries: Select[Any], revision: Column[Any], effective: Any, wanted: EntryFilter) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [revision.is_not(None)]
    if wanted.since is not None:
        conditions.append(effective >= wanted.since)
    if wanted.until is not None:
        conditions.append(effective < wanted.until)
    if wanted.revision is not None:
        conditions.append(revision == wanted.revision)
    if wanted.before is not None:
        conditions.append(revision < wanted.before)
    return entries.where(*conditions).order_by(revision.desc()).limit(wanted.limit + 1)


async def read_activity(session: Session, wanted: EntryFilter, unreadable: UnreadableRows) -> Page[ListedEntry]:
    """Return entries of all kinds, newest first; those that cannot be read are left out."""
    trades, others = select_wanted_entries(wanted)
    booked = [] if trades is None else list(await session.run(trades))
    moved = [] if others is None else list(await session.run(others))
    rows = sorted([*booked, *moved], key=lambda row: row.ledger_revision, reverse=True)
    end = rows[wanted.limit - 1].ledger_revision if len(rows) > wanted.limit else None
    shown = {row.ledger_revision for row in rows[: wanted.limit]}
    entries = [
        ListedEntry(revision=one.entry.revision, recorded=one)
        for one in unreadable.readable(TRADES, [row for row in booked if row.ledger_revision in shown])
        if one.entry is not None
    ]
    moved = [row for row in moved if row.ledger_revision in shown]
    taking = {} if not moved else await _taking_out(session, [row.ledger_revision for row in moved])
    entries += [
        ListedEntry(revision=one.entry.revision, recorded=one, taken_out_by=taking.get(one.entry.revision))
        for one in await read_cash_rows(session, moved, unreadable)
    ]
    return Page(sorted(entries, key=lambda one: one.revision, reverse=True), end)


async def _taking_out(session: Session, revisions: Sequence[int]) -> Mapping[int, int]:
    """Return by the revisions of events those of the events that take them out."""
    rows = await session.run(
        select(_c.reverses_revision, _c.ledger_revision).where(_c.reverses_revision.in_(revisions))
    )
    return {row.reverses_revision: row.ledger_revision for row in rows}


async def read_later_moves(session: Session, symbol: Symbol, at: datetime) -> list[LaterMove]:
    """Return what entries since the baseline moved of an asset that took effect after ``at``."""
    trades, moved = await session.run(_later_trades(symbol, at)), await session.run(_later_events(symbol, at))
    found = [
        LaterMove(name=f"trade {row.id}", quantity=_signed(row), stands=row.taken_out is None and row.takes_out is None)
        for row in trades
    ]
    for row in moved:
        with reading(f"the row {row.id} of {cash_transactions.name} cannot be read"):
            found.append(
                LaterMove(
                    name=f"event {row.id}",
                    quantity=Quantity(row.quantity_delta),
                    is_split=row.kind == CashTransactionKind.SPLIT.value,
                    stands=row.taken_out is None and row.reverses_revision is None,
                )
            )
    return found


async def read_changes(session: Session, at: datetime) -> list[BookedChange]:
    """Return the splits and renames that stand and took effect after ``at``, in the order they were booked."""
    by = cash_transactions.alias("taking")
    leg = position_adjustments.c
    found = select(_c.id, _c.kind, _c.label, _c.effective_at, _c.ledger_revision, leg.symbol, leg.quantity_delta)
    found = found.select_from(_WITH_LEGS.outerjoin(by, by.c.reverses_revision == _c.ledger_revision))
    kinds = [kind.value for kind in SPLITS_AND_EXCHANGES]
    wanted = (_c.effective_at > at, _c.kind.in_(kinds), _c.reverses_revision.is_(None), by.c.id.is_(None))
    changes: list[BookedChange] = []
    rows = await session.run(found.where(*wanted).order_by(_c.ledger_revision, leg.id))
    for event_id, legs in groupby(rows, attrgetter("id")):
        with reading(f"the row {event_id} of {cash_transactions.name} cannot be read"):
            kept = list(legs)
            row, moved = kept[0], [(Symbol(each.symbol), Quantity(each.quantity_delta)) for each in kept]
            of_event = {"event_id": event_id, "at": row.effective_at, "revision": row.ledger_revision}
            changed = changed_by(CashTransactionKind(row.kind), row.label, moved)
            changes += [BookedChange(symbol=symbol, became=became, **of_event) for symbol, became in changed]
    return changes


def _signed(row: Any) -> Quantity:
    with reading(f"the row {row.id} of {mock_trades.name} cannot be read"):
        quantity = Quantity(row.quantity)
        return quantity if Side(row.side) is Side.BUY else -quantity


def _later_trades(symbol: Symbol, at: datetime) -> Select[Any]:
    t, own, by = mock_trades.c, mock_trades.alias("own"), mock_trades.alias("taking")
    effective = func.coalesce(own.c.execution_time, t.execution_time, type_=UtcMoment)
    joined = mock_trades.outerjoin(own, own.c.id == t.reverses_trade_id)
    found = select(t.id, t.side, t.quantity, own.c.id.label("takes_out"), by.c.id.label("taken_out"))
    found = found.select_from(joined.outerjoin(by, by.c.reverses_trade_id == t.id))
    wanted = found.where(t.symbol == symbol.code, t.ledger_revision > _OPENED, effective > at)
    return wanted.order_by(t.ledger_revision)


def _later_events(symbol: Symbol, at: datetime) -> Select[Any]:
    legs, by = position_adjustments, cash_transactions.alias("taking")
    joined = cash_transactions.join(legs, legs.c.cash_transaction_id == _c.id)
    found = select(_c.id, _c.kind, _c.reverses_revision, legs.c.quantity_delta, by.c.id.label("taken_out"))
    found = found.select_from(joined.outerjoin(by, by.c.reverses_revision == _c.ledger_revision))
    wanted = found.where(legs.c.symbol == symbol.code, _c.ledger_revision > _OPENED, at < EFFECTIVE)
    return wanted.order_by(_c.ledger_revision, legs.c.id)


def _reverses(event: RecordedCashEntry) -> int | None:
    terms = event.entry.transaction.event
    return None if terms is None else terms.reverses_revision


async def _trades_after(
    session: Session, swaps: Sequence[int], unreadable: UnreadableRows
) -> Mapping[int, BookedTrade]:
    """Return the trades that follow entries of these revisions, by their own."""
    revisions = [first + place for first in swaps for place in range(1, TRADES_OF_A_SWAP + 1)]
    rows = await session.run(select_trades().where(mock_trades.c.ledger_revision.in_(revisions)))
    return {one.entry.revision: one for one in unreadable.readable(TRADES, rows) if one.entry is not None}


def _following(revision: int, trades: Mapping[int, BookedTrade]) -> tuple[BookedTrade, ...]:
    places = range(revision + 1, revision + 1 + TRADES_OF_A_SWAP)
    return tuple(trades[place] for place in places if place in trades)
