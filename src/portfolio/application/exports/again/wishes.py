"""The wishes that rows of exported events are: what the use cases of bookings take."""

from __future__ import annotations

import hashlib
from dataclasses import fields

from portfolio.application.exports.happened import HappenedRow
from portfolio.application.ledger.cash import UNITS_BEGIN_ANEW, MoveCash
from portfolio.application.ledger.happenings.late_splits import without_remark
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.ledger.records import BookTrade
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.happening import FIELDS, Happening
from portfolio.domain.ledger.trade import Execution


def key_of(row: HappenedRow) -> str:
    """Return the key of an entry that had none: with it a row is booked once, whoever books the file how often."""
    said = [str(getattr(row, field.name)) for field in fields(HappenedRow)]
    return f"portfolio-export-{row.revision}-{hashlib.sha256(repr(said).encode()).hexdigest()[:32]}"


def cash_of(row: HappenedRow, owner: str, key: str) -> MoveCash:
    """Return the wish to move money."""
    assert row.kind is not None  # here and below: the rows were looked at
    assert row.amount is not None
    return MoveCash(
        kind=CashTransactionKind(row.kind),
        amount=row.amount,
        owner=owner,
        client_transaction_id=key,
        note=_noted(row),
        # Money that came by an import has a time of its own, and says of its cost that nothing is assumed.
        effective_at=None if row.basis_assumed is None else row.effective_at,
    )


def trade_of(row: HappenedRow, owner: str, key: str) -> BookTrade:
    """Return the wish to book a trade."""
    assert row.symbol is not None
    assert row.side is not None
    assert row.quantity is not None
    assert row.price is not None
    assert row.amount is not None
    assert row.fees is not None
    assert row.effective_at is not None
    execution = Execution(
        symbol=row.symbol,
        side=row.side,
        quantity=row.quantity,
        price=row.price,
        net_amount=row.amount,
        fees=row.fees,
        executed_at=row.effective_at,
    )
    return BookTrade(
        execution=execution,
        owner=owner,
        owner_given=True,
        client_trade_id=key,
        notes=without_remark(row.note),
        group=row.group,
        stated_at=row.effective_at,
    )


def event_of(row: HappenedRow, owner: str, key: str) -> BookEvent:
    """Return the wish to book an event as it was stated; where its cost was assumed it states none."""
    assert row.kind is not None
    assert row.effective_at is not None
    kind = CashTransactionKind(row.kind)
    of_kind = FIELDS[kind]
    stated = {name: getattr(row, name) for name in of_kind.needs | of_kind.takes}
    if row.basis_assumed:
        stated.pop("basis", None)
    if kind is CashTransactionKind.EXCHANGE:
        # By its ratio where that was stated: of two quantities another one may come out.
        assert row.quantity is not None
        by_ratio = None if row.ratio is None else row.quantity.times(row.ratio)
        del stated["to_quantity" if by_ratio == row.to_quantity else "ratio"]
    if kind is CashTransactionKind.SPLIT:
        stated["added"] = row.quantity  # which was of all that was held, or of what was held at its moment
    what = Happening(kind=kind, effective_at=row.effective_at, group=row.group, **stated)
    return BookEvent(what=what, owner=owner, client_event_id=key, stated_at=row.effective_at, noted=_noted(row))


def _noted(row: HappenedRow) -> str | None:
    """Return the note of a row, without what is said anew where it is booked."""
    note = row.note or ""
    return (note.removesuffix(UNITS_BEGIN_ANEW).removesuffix("; ") if note.endswith(UNITS_BEGIN_ANEW) else note) or None
