"""Rows of the tables that only this service writes: outcomes, transactions, daily values, closes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from portfolio.adapters.database.ledger.mapping_positions import Values
from portfolio.application.ledger.records import (
    Acceptance,
    CashEntry,
    PositionAdjustment,
    RecordedCashEntry,
    RecordedOutcome,
    Refusal,
    TradeRequest,
)
from portfolio.domain.decimal_text import plain
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Side, Terms
from portfolio.domain.mark import Mark
from portfolio.domain.money import Amount, Money, Price, Quantity
from portfolio.domain.symbol import Symbol

BOOKED = "booked"
REFUSED = "refused"


# --- outcomes ---------------------------------------------------------------------------------------------------------


def outcome_to_row(outcome: RecordedOutcome) -> Values:
    """Return the columns of an outcome; what was decided is kept as JSON, its decimals as text."""
    result = outcome.result
    booked = isinstance(result, Acceptance)
    return {
        "owner": outcome.request.owner,
        "client_trade_id": outcome.request.client_trade_id,
        "fingerprint": outcome.fingerprint,
        "status": BOOKED if booked else REFUSED,
        "trade_id": result.trade_id if isinstance(result, Acceptance) else None,
        "symbol": outcome.terms.symbol.code,
        "side": outcome.terms.side.value,
        "quantity": outcome.terms.quantity.value,
        "price": outcome.terms.price.value,
        "net_amount": outcome.terms.net_amount.value,
        "fees": outcome.terms.fees.value,
        "engine": outcome.request.engine,
        "outcome": _json(_acceptance_to_json(result) if isinstance(result, Acceptance) else _refusal(result)),
        "decided_at": outcome.decided_at,
    }


def outcome_from_row(row: Any) -> RecordedOutcome:
    """Return the outcome of a row."""
    decided = json.loads(row.outcome)
    return RecordedOutcome(
        id=row.id,
        request=TradeRequest(owner=row.owner, client_trade_id=row.client_trade_id, engine=row.engine),
        terms=Terms(
            symbol=Symbol(row.symbol),
            side=Side(row.side),
            quantity=Quantity(row.quantity),
            price=Price(row.price),
            net_amount=Money(row.net_amount),
            fees=Money(row.fees),
        ),
        fingerprint=row.fingerprint,
        result=_acceptance_from_json(row.trade_id, decided) if row.status == BOOKED else Refusal(**decided),
        decided_at=row.decided_at,
    )


def _json(content: Values) -> str:
    return msgspec.json.encode(content).decode()


def _refusal(refusal: Refusal) -> Values:
    return {"error": refusal.error, "detail": refusal.detail}


def _acceptance_to_json(result: Acceptance) -> Values:
    allocation = result.allocation_percent
    return {
        "position": _position_to_json(result.position),
        "cash": str(result.cash),
        "realized_pnl": str(result.realized_pnl),
        "allocation_percent": None if allocation is None else plain(allocation),
        "over_concentrated": result.over_concentrated,
        "possible_duplicate_of": result.possible_duplicate_of,
    }


def _acceptance_from_json(trade_id: int, kept: Values) -> Acceptance:
    allocation = kept["allocation_percent"]
    return Acceptance(
        trade_id=trade_id,
        position=_position_from_json(kept["position"]),
        cash=Money(Decimal(kept["cash"])),
        realized_pnl=Money(Decimal(kept["realized_pnl"])),
        allocation_percent=None if allocation is None else Decimal(allocation),
        over_concentrated=kept["over_concentrated"],
        possible_duplicate_of=kept["possible_duplicate_of"],
    )


_AMOUNTS: tuple[tuple[str, type[Amount]], ...] = (
    ("quantity", Quantity),
    ("ledger_quantity", Quantity),
    ("asset_cost", Money),
    ("cost_basis", Money),
    ("realized_pnl", Money),
)


def _position_to_json(position: Position) -> Values:
    mark, average, updated = position.mark, position.avg_entry_price, position.updated_at
    return {
        "symbol": position.symbol.code,
        **{name: str(getattr(position, name)) for name, _ in _AMOUNTS},
        "avg_entry_price": None if average is None else str(average),
        "mark": None if mark is None else [str(mark.price), mark.source, mark.at.isoformat()],
        "updated_at": None if updated is None else updated.isoformat(),
    }


def _position_from_json(kept: Values) -> Position:
    average, mark, updated = kept["avg_entry_price"], kept["mark"], kept["updated_at"]
    amounts: dict[str, Any] = {name: kind(Decimal(kept[name])) for name, kind in _AMOUNTS}
    return Position(
        symbol=Symbol(kept["symbol"]),
        avg_entry_price=None if average is None else Price(Decimal(average)),
        mark=None if mark is None else Mark(Price(Decimal(mark[0])), mark[1], datetime.fromisoformat(mark[2])),
        updated_at=None if updated is None else datetime.fromisoformat(updated),
        **amounts,
    )


# --- transactions -----------------------------------------------------------------------------------------------------


def cash_entry_to_row(entry: CashEntry) -> Values:
    """Return the columns of a transaction; its positions are rows of their own."""
    transaction = entry.transaction
    return {
        "portfolio_id": entry.portfolio_id,
        "kind": transaction.kind.value,
        "cash_delta": transaction.cash_delta.value,
        "net_deposits_delta": transaction.net_deposits_delta.value,
        "realized_delta": transaction.realized_delta.value,
        "value_before": transaction.value_before.value,
        "moved_at": transaction.at,
        "ledger_revision": entry.revision,
        "owner": entry.owner,
        "client_transaction_id": entry.client_transaction_id,
        "fingerprint": entry.fingerprint,
        "note": entry.note,
        "cash_after": entry.cash_after.value,
        "net_deposits_after": entry.net_deposits_after.value,
    }


def cash_entry_from_row(row: Any, adjustments: Iterable[Any]) -> RecordedCashEntry:
    """Return the transaction of a row and of the rows of its positions."""
    entry = CashEntry(
        transaction=CashTransaction(
            kind=CashTransactionKind(row.kind),
            cash_delta=Money(row.cash_delta),
            net_deposits_delta=Money(row.net_deposits_delta),
            realized_delta=Money(row.realized_delta),
            value_before=Money(row.value_before),
            at=row.moved_at,
        ),
        portfolio_id=row.portfolio_id,
        revision=row.ledger_revision,
        owner=row.owner,
        client_transaction_id=row.client_transaction_id,
        fingerprint=row.fingerprint,
        note=row.note,
        positions=tuple(
            PositionAdjustment(symbol=Symbol(a.symbol), quantity_delta=Quantity(a.quantity_delta)) for a in adjustments
        ),
        cash_after=Money(row.cash_after),
        net_deposits_after=Money(row.net_deposits_after),
    )
    return RecordedCashEntry(id=row.id, entry=entry)
