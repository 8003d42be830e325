"""Signals in a database: read as a list, changed within the transaction that holds the portfolio's row lock."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from portfolio.adapters.database.connection.bulk import insert_rows
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.mapping_positions import Values
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.unit_of_work import DatabaseLedgerUnit
from portfolio.adapters.database.prices.leases import take_turn
from portfolio.adapters.database.schema.tables import rebalance_signals
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import Page
from portfolio.application.rebalancing.records import LIVE, Origin, Signal, SignalFilter, SignalStatus
from portfolio.domain.decimal_text import plain
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import DECIMALS, EXACT, Money, Quantity
from portfolio.domain.rebalancing.reason import Priority, Reason
from portfolio.domain.rebalancing.strategies.targets import Figure, Proposal
from portfolio.domain.symbol import Symbol

_IDS_A_STATEMENT = 500
_STEP = Decimal(1).scaleb(-DECIMALS)

_signals = rebalance_signals.c
_live = _signals.status.in_([status.value for status in LIVE])


class DatabaseSignals:
    """The port ``Signals`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    def within(self, unit: LedgerUnit) -> DatabaseSignalBook:
        """Return the signals of the unit's portfolio; what is done to them is committed with the unit."""
        assert isinstance(unit, DatabaseLedgerUnit)
        return DatabaseSignalBook(unit.session, unit.portfolio.id)

    async def page(self, portfolio_id: int, wanted: SignalFilter) -> Page[Signal]:
        """Return signals, newest first.

        Raises:
            LedgerUnavailable: the database is away.
        """
        self._row.id_for(portfolio_id)
        conditions = _conditions(wanted)
        statement = select(rebalance_signals).where(*conditions).order_by(_signals.id.desc()).limit(wanted.limit + 1)
        found = [signal_from_row(row) for row in await self._connections.rows(statement)]
        more = len(found) > wanted.limit
        return Page(found[: wanted.limit], found[wanted.limit - 1].number if more else None)


class DatabaseSignalBook:
    """The port ``SignalBook`` on a database."""

    def __init__(self, session: Session, portfolio_id: int) -> None:
        self._session = session
        self._portfolio_id = portfolio_id

    async def live(self) -> Sequence[Signal]:
        """Return the signals kept as open or acknowledged, whether or not they have run out, oldest first."""
        mine = select(rebalance_signals).where(_live, _signals.portfolio_id == self._portfolio_id)
        return [signal_from_row(row) for row in await self._session.run(mine.order_by(_signals.id))]

    async def named(self, ids: Collection[str]) -> Mapping[str, Signal]:
        """Return the signals with these ids; absent where there is none."""
        found: dict[str, Signal] = {}
        ordered = sorted(ids)
        for first in range(0, len(ordered), _IDS_A_STATEMENT):
            of_these = _signals.signal_id.in_(ordered[first : first + _IDS_A_STATEMENT])
            mine = select(rebalance_signals).where(of_these, _signals.portfolio_id == self._portfolio_id)
            for row in await self._session.run(mine):
                found[row.signal_id] = signal_from_row(row)
        return found

    async def add(self, signals: Sequence[Signal]) -> None:
        """Keep new signals, numbered in their order; two who make them at once, on whatever nodes, do so in turn."""
        await take_turn(self._session, "signals")
        await insert_rows(self._session, rebalance_signals, [signal_to_row(signal) for signal in signals])

    async def change(self, signals: Sequence[Signal]) -> None:
        """Keep what became of signals: status, expiry, who claimed, what carried out, what took the place."""
        for signal in signals:
            place = update(rebalance_signals).where(_signals.signal_id == signal.id)
            await self._session.run(place.values(**_became(signal)))


def signal_to_row(signal: Signal) -> Values:
    """Return the columns of a signal; its evidence is kept as JSON, decimals as text."""
    return {
        "signal_id": signal.id,
        "portfolio_id": signal.portfolio_id,
        "symbol": signal.symbol.code,
        "action": signal.action.value,
        "reason": signal.reason.value,
        "also": ",".join(reason.value for reason in signal.also),
        "quantity": signal.quantity.value,
        "trade_value": signal.trade_value.value,
        "estimated_fee": signal.estimated_fee.value,
        "current_allocation": _rounded(signal.current_allocation),
        "target_allocation": _rounded(signal.target_allocation),
        "priority": signal.priority.value,
        "confidence": _rounded(signal.confidence),
        "evidence": json.dumps([_proposal_to_json(proposal) for proposal in signal.evidence]),
        "ledger_revision": signal.origin.ledger_revision,
        "price_revision": signal.origin.price_revision,
        "policy_id": signal.origin.policy_id,
        "statistics_day": signal.origin.statistics_day,
        "state": signal.origin.state,
        "created_at": signal.created_at,
        **_became(signal),
    }


def signal_from_row(row: Any) -> Signal:
    """Return the signal of a row."""
    return Signal(
        id=row.signal_id,
        portfolio_id=row.portfolio_id,
        symbol=Symbol(row.symbol),
        action=Side(row.action),
        reason=Reason(row.reason),
        also=tuple(Reason(word) for word in row.also.split(",") if word),
        quantity=Quantity(row.quantity),
        trade_value=Money(row.trade_value),
        estimated_fee=Money(row.estimated_fee),
        current_allocation=row.current_allocation,
        target_allocation=row.target_allocation,
        priority=Priority(row.priority),
        confidence=row.confidence,
        evidence=tuple(_proposal_from_json(row.symbol, kept) for kept in json.loads(row.evidence)),
        origin=Origin(
            ledger_revision=row.ledger_revision,
            price_revision=row.price_revision,
            policy_id=row.policy_id,
            statistics_day=row.statistics_day,
            state=row.state,
        ),
        created_at=row.created_at,
        expires_at=row.expires_at,
        status=SignalStatus(row.status),
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        executed_trade_id=row.executed_trade_id,
        superseded_by=row.superseded_by,
        number=row.id,
    )


def _became(signal: Signal) -> Values:
    return {
        "expires_at": signal.expires_at,
        "status": signal.status.value,
        "acknowledged_by": signal.acknowledged_by,
        "acknowledged_at": signal.acknowledged_at,
        "executed_trade_id": signal.executed_trade_id,
        "superseded_by": signal.superseded_by,
    }


def _conditions(wanted: SignalFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.before is not None:
        conditions.append(_signals.id < wanted.before)
    if wanted.status is None:
        return conditions
    as_kept = _signals.status == wanted.status.value
    if wanted.status in LIVE:
        conditions.append(and_(as_kept, _signals.expires_at > wanted.now))
    elif wanted.status is SignalStatus.EXPIRED:
        conditions.append(or_(as_kept, and_(_live, _signals.expires_at <= wanted.now)))
    else:
        conditions.append(as_kept)
    return conditions


def _proposal_to_json(proposal: Proposal) -> Values:
    figures: dict[str, Any] = {
        name: {"text": figure} if isinstance(figure, str) else plain(figure)
        for name, figure in proposal.evidence.items()
    }
    return {"reason": proposal.reason.value, "change": plain(proposal.change), "figures": figures}


def _proposal_from_json(symbol: str, kept: Values) -> Proposal:
    return Proposal(
        symbol=symbol,
        reason=Reason(kept["reason"]),
        change=Decimal(kept["change"]),
        evidence=dict(_figures(kept["figures"].items())),
    )


def _figures(kept: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Figure]]:
    for name, figure in kept:
        yield name, figure["text"] if isinstance(figure, dict) else Decimal(figure)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_STEP, rounding=ROUND_HALF_EVEN, context=EXACT)
