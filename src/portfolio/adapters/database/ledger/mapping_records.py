"""Rows of the tables that only this service writes: what became of bookings, and the entries that are no trade."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec

from portfolio.adapters.database.schema.fields import Fields, Values, reading
from portfolio.application.ledger.audit import CASH_REFUSAL, NO_ENTRY, OUTCOME, content, digest_of
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.records import Acceptance, RecordedOutcome, Refusal, TradeRequest
from portfolio.domain.ledger.cash_transaction import CashTransaction, EventTerms
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Terms
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price

BOOKED = "booked"
REFUSED = "refused"

_OUTCOME = Fields(RecordedOutcome, apart=["id", "request", "terms", "result"])
_REQUEST = Fields(TradeRequest, apart=["signal_id", "recommendation_id", "confidence", "notes"])
_TERMS = Fields(Terms)
_ACCEPTANCE = Fields(Acceptance, apart=["trade_id", "position"], as_text=True)
_REFUSAL = Fields(Refusal)
_REFUSED_CASH = Fields(RefusedCashEntry, apart=["refusal", "stated"])
_POSITION = Fields(Position, apart=["mark"], as_text=True)
_TRANSACTION = Fields(CashTransaction, apart=["event"], at="moved_at")
_EVENT = Fields(EventTerms, group="group_id")
_NO_EVENT: Values = dict.fromkeys(_EVENT.columns)
_ENTRY = Fields(CashEntry, apart=["transaction", "positions"], revision="ledger_revision")
_ADJUSTMENT = Fields(PositionAdjustment)


def outcome_to_row(outcome: RecordedOutcome) -> Values:
    """Return the columns of an outcome; what was decided is kept as JSON, its decimals as text."""
    result = outcome.result
    booked = isinstance(result, Acceptance)
    decided = _acceptance(result) if isinstance(result, Acceptance) else _REFUSAL.values(result)
    return _with_digest(
        OUTCOME,
        {
            **_OUTCOME.values(outcome),
            **_REQUEST.values(outcome.request),
            **_TERMS.values(outcome.terms),
            "status": BOOKED if booked else REFUSED,
            "trade_id": result.trade_id if isinstance(result, Acceptance) else None,
            "outcome": msgspec.json.encode(decided).decode(),
        },
    )


def outcome_from_row(row: Any) -> RecordedOutcome:
    """Return the outcome of a row."""
    with reading("outcome"):
        # Those of before there were these have none of them.
        none = {"booked_quantity": None, "remarks_changed": None, "field": None}
        decided = SimpleNamespace(**{**none, **json.loads(row.outcome)})
        result = _accepted(row.trade_id, decided) if row.status == BOOKED else _REFUSAL.record(decided)
    return _OUTCOME.record(row, id=row.id, request=_REQUEST.record(row), terms=_TERMS.record(row), result=result)


def _acceptance(result: Acceptance) -> Values:
    mark = result.position.mark
    kept = None if mark is None else [str(mark.price), mark.source, mark.at.isoformat()]
    return {**_ACCEPTANCE.values(result), "position": {**_POSITION.values(result.position), "mark": kept}}


def _accepted(trade_id: int, kept: Any) -> Acceptance:
    mark = kept.position["mark"]
    if mark is not None:
        mark = Mark(Price(Decimal(mark[0])), mark[1], datetime.fromisoformat(mark[2]))
    position = _POSITION.record(SimpleNamespace(**kept.position), mark=mark)
    return _ACCEPTANCE.record(kept, trade_id=trade_id, position=position)


def cash_entry_to_row(entry: CashEntry) -> Values:
    """Return the columns of a transaction; its positions are rows of their own."""
    transaction, event = entry.transaction, entry.transaction.event
    of_event = _NO_EVENT if event is None else _EVENT.values(event)
    return {**_TRANSACTION.values(transaction), **_ENTRY.values(entry), **of_event}


def cash_entry_from_row(row: Any, positions: tuple[PositionAdjustment, ...]) -> RecordedCashEntry:
    """Return the transaction of a row, which moved these positions."""
    event = None if row.effective_at is None else _EVENT.record(row)
    transaction = _TRANSACTION.record(row, event=event)
    return RecordedCashEntry(id=row.id, entry=_ENTRY.record(row, transaction=transaction, positions=positions))


def adjustments_to_rows(entry: CashEntry) -> list[Values]:
    """Return the columns of the positions that a transaction changed; its own number is not among them."""
    return [_ADJUSTMENT.values(one) for one in entry.positions]


def refused_cash_to_row(refused: RefusedCashEntry) -> Values:
    """Return the columns of a refused cash transaction or event; the reason is JSON, with what was asked for."""
    kept = _REFUSAL.values(refused.refusal)
    error, detail = kept.pop("error"), msgspec.json.encode({**kept, "stated": refused.stated}).decode()
    return _with_digest(CASH_REFUSAL, {**_REFUSED_CASH.values(refused), "error": error, "detail": detail})


def _with_digest(columns: tuple[str, ...], row: Values) -> Values:
    row["digest"] = digest_of(NO_ENTRY, content(columns, row))
    return row


def refused_cash_from_row(row: Any) -> RefusedCashEntry:
    """Return the refused cash transaction or event of a row."""
    with reading("detail"):
        # Those of before the reason was JSON have it alone.
        is_json = row.detail.startswith("{")
        kept = json.loads(row.detail) if is_json else {"detail": row.detail, "field": None, "stated": {}}
        refusal = _REFUSAL.record(SimpleNamespace(**{**kept, "error": row.error}))
        stated = {name: str(each) for name, each in kept["stated"].items()}
    return _REFUSED_CASH.record(row, refusal=refusal, stated=stated)
