"""Signals in a database: read as a list, changed within the transaction that holds the portfolio's row lock."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import Column, ColumnElement, Over, Select, and_, case, func, or_, select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import chunks
from portfolio.adapters.database.ledger.lookups import newest_page, page_of
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.ledger.unit_of_work import DatabaseLedgerUnit
from portfolio.adapters.database.prices.leases import take_turn
from portfolio.adapters.database.schema.fields import Fields, Values, reading
from portfolio.adapters.database.schema.tables import mock_trades, rebalance_signals
from portfolio.adapters.database.schema.unreadable import Rows, UnreadableRows
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import Page
from portfolio.application.rebalancing.records import LIVE, Advice, Signal, SignalFilter, SignalOrigin, SignalStatus
from portfolio.domain.decimal_text import plain
from portfolio.domain.money import EXACT, STEP
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.strategies.targets import Proposal

_ROWS = RowWriter(rebalance_signals)

_SIGNAL = Fields(Signal, apart=["number", "also", "evidence", "origin", "after"], id="signal_id")
_ORIGIN = Fields(SignalOrigin)
_ADVICE = Fields(Advice, apart=["begins"], id="signal_id")
_BECAME = ("expires_at", "status", "acknowledged_by", "acknowledged_at", "executed_trade_id", "superseded_by")
_ROUNDED = ("current_allocation", "target_allocation", "confidence")

_signals = rebalance_signals.c
_live = _signals.status.in_([status.value for status in LIVE])


class DatabaseSignals:
    """The port ``Signals`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    def within(self, unit: LedgerUnit) -> DatabaseSignalBook:
        assert isinstance(unit, DatabaseLedgerUnit)
        return DatabaseSignalBook(unit.session, unit.portfolio.id, self._row.unreadable)

    async def reasons(self, portfolio_id: int, signal_ids: Collection[str]) -> Mapping[str, str]:
        self._row.id_for(portfolio_id)
        found: dict[str, str] = {}
        for part in chunks(sorted(signal_ids)):
            mine = select(_signals.signal_id, _signals.reason).where(_signals.signal_id.in_(part))
            found |= {row.signal_id: row.reason for row in await self._connections.rows(mine)}
        return found

    async def page(self, portfolio_id: int, wanted: SignalFilter) -> Page[Signal]:
        self._row.id_for(portfolio_id)
        conditions = _conditions(wanted)
        statement = newest_page(select(rebalance_signals).where(*conditions), _signals.id, wanted.before, wanted.limit)
        rows = page_of(await self._connections.rows(statement), wanted.limit)
        return Page(self._row.unreadable.readable(_SIGNALS, rows.items), rows.next_before)

    async def advices(self, portfolio_id: int, *, since: datetime) -> Sequence[Advice]:
        """Return the signals as the port says.

        Most of what is made each minute says the same again: the database passes over it, and sends no row of it.
        """
        self._row.id_for(portfolio_id)
        begins = {row.id: bool(row.begins) for row in await self._connections.rows(_select_episodes(since))}
        found: list[Advice] = []
        for part in chunks(list(begins)):
            rows = await self._connections.rows(_ADVICES.selected.where(_signals.id.in_(part)).order_by(_signals.id))
            first = {row.signal_id for row in rows if begins[row.id]}
            found += [
                replace(advice, begins=advice.id in first) for advice in self._row.unreadable.readable(_ADVICES, rows)
            ]
        return found


class DatabaseSignalBook:
    """The port ``SignalBook`` on a database."""

    def __init__(self, session: Session, portfolio_id: int, unreadable: UnreadableRows) -> None:
        self._unreadable = unreadable
        self._session = session
        self._portfolio_id = portfolio_id

    async def live(self) -> Sequence[Signal]:
        mine = select(rebalance_signals).where(_live, _signals.portfolio_id == self._portfolio_id)
        return self._unreadable.readable(_SIGNALS, await self._session.run(mine.order_by(_signals.id)))

    async def named(self, ids: Collection[str]) -> Mapping[str, Signal]:
        found: dict[str, Signal] = {}
        for part in chunks(sorted(ids)):
            mine = select(rebalance_signals).where(
                _signals.signal_id.in_(part), _signals.portfolio_id == self._portfolio_id
            )
            kept = self._unreadable.readable(_SIGNALS, await self._session.run(mine))
            found |= {signal.id: signal for signal in kept}
        return found

    async def taken_back(self, ids: Collection[str]) -> Collection[str]:
        reversed_trades = rebalance_signals.join(
            mock_trades, mock_trades.c.reverses_trade_id == _signals.executed_trade_id
        )
        found: set[str] = set()
        for part in chunks(sorted(ids)):
            mine = _signals.signal_id.in_(part), _signals.portfolio_id == self._portfolio_id
            rows = await self._session.run(select(_signals.signal_id).select_from(reversed_trades).where(*mine))
            found |= {row.signal_id for row in rows}
        return found

    async def add(self, signals: Sequence[Signal]) -> None:
        """Keep new signals, numbered in their order; two who make them at once, on whatever nodes, do so in turn."""
        await take_turn(self._session, "signals")
        await self._session.execute(*_ROWS.on(self._session.dialect, [signal_to_row(signal) for signal in signals]))

    async def change(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            kept = _SIGNAL.values(signal)
            place = update(rebalance_signals).where(_signals.signal_id == signal.id)
            await self._session.run(place.values(**{name: kept[name] for name in _BECAME}))


def signal_to_row(signal: Signal) -> Values:
    """Return the columns of a signal; its evidence is kept as JSON, decimals as text."""
    return {
        **_SIGNAL.values(signal),
        **_ORIGIN.values(signal.origin),
        **{name: _rounded(getattr(signal, name)) for name in _ROUNDED},
        "also": ",".join(reason.value for reason in signal.also),
        "waits_for": ",".join(signal.after),
        "evidence": json.dumps([_proposal_to_json(proposal) for proposal in signal.evidence]),
    }


def signal_from_row(row: Any) -> Signal:
    """Return the signal of a row."""
    with reading("also, evidence, waits_for"):
        after = tuple(symbol for symbol in (row.waits_for or "").split(",") if symbol)
        also = tuple(Reason(word) for word in row.also.split(",") if word)
        evidence = tuple(_proposal_from_json(row.symbol, kept) for kept in json.loads(row.evidence))
    return _SIGNAL.record(row, after=after, also=also, evidence=evidence, origin=_ORIGIN.record(row), number=row.id)


_SIGNALS = Rows.of(_signals.id, signal_from_row)
_ADVICES = Rows(_signals.id, select(_signals.id, *(_signals[name] for name in _ADVICE.columns)), _ADVICE.record)


def _conditions(wanted: SignalFilter) -> list[ColumnElement[bool]]:
    if wanted.status is None:
        return []
    as_kept = _signals.status == wanted.status.value
    if wanted.status in LIVE:
        return [as_kept, _signals.expires_at > wanted.now]
    if wanted.status is SignalStatus.EXPIRED:
        return [or_(as_kept, and_(_live, _signals.expires_at <= wanted.now))]
    return [as_kept]


def _select_episodes(since: datetime) -> Select[Any]:
    """Return the ids of the signals that begin an episode or were executed, and whether they begin one.

    At most one signal a symbol is open, so what a signal took the place of is the one before it.
    """
    made = (
        select(
            *(_signals[name] for name in ("id", "signal_id", "reason", "executed_trade_id")),
            _of_the_one_before(_signals.superseded_by).label("succeeded_by"),
            _of_the_one_before(_signals.reason).label("reason_before"),
        )
        .where(_signals.created_at >= since)
        .subquery()
    )
    goes_on = and_(made.c.succeeded_by == made.c.signal_id, made.c.reason_before == made.c.reason)
    begins = case((goes_on, 0), else_=1)
    wanted = or_(begins == 1, made.c.executed_trade_id.is_not(None))
    return select(made.c.id, begins.label("begins")).where(wanted).order_by(made.c.id)


def _of_the_one_before(column: Column[Any]) -> Over[Any]:
    """Return the column of the signal before on the same symbol."""
    return func.lag(column).over(partition_by=_signals.symbol, order_by=_signals.id)


def _proposal_to_json(proposal: Proposal) -> Values:
    figures: dict[str, Any] = {
        name: {"text": figure} if isinstance(figure, str) else plain(figure)
        for name, figure in proposal.figures.items()
    }
    return {"reason": proposal.rule.value, "change": plain(proposal.change), "figures": figures}


def _proposal_from_json(symbol: str, kept: Values) -> Proposal:
    return Proposal(
        symbol=symbol,
        rule=Reason(kept["reason"]),
        change=Decimal(kept["change"]),
        figures={
            name: figure["text"] if isinstance(figure, dict) else Decimal(figure)
            for name, figure in kept["figures"].items()
        },
    )


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(STEP, rounding=ROUND_HALF_EVEN, context=EXACT)
