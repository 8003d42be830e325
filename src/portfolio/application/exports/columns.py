"""The columns of the tables: names as in the answers of the routes, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

from portfolio.application.exports.happened import HappenedRow
from portfolio.application.exports.tables import Column, Kind
from portfolio.application.history.past import PastPosition
from portfolio.application.ledger.cash_records import LoggedEntry
from portfolio.application.performance.records import MeasuredDay
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.lots.records import Disposal
from portfolio.domain.ledger.position import Position


def _of(kind: Kind, *names: str) -> list[Column[Any]]:
    """Return columns that are named as the attributes they are read of."""
    return [Column(name, kind, attrgetter(name)) for name in names]


def _booked(kind: Kind, *paths: str) -> list[Column[LoggedEntry]]:
    """Return columns of a trade at its place in the ledger; they are empty where its row cannot be read."""

    def column(path: str) -> Column[LoggedEntry]:
        read = attrgetter(path)
        return Column(path.rpartition(".")[2], kind, lambda one: None if one.entry is None else read(one.entry))

    return [column(path) for path in paths]


TRADE: Final[Sequence[Column[LoggedEntry]]] = [
    *_booked(Kind.WHOLE, "id"),
    *_booked(Kind.TEXT, "entry.trade.symbol", "entry.trade.side"),
    *_booked(
        Kind.DECIMAL,
        *[
            f"entry.trade.{name}"
            for name in ("quantity", "reported_quantity", "price", "notional", "fees", "cash_delta")
        ],
        "entry.trade.cost_basis_sold",
        "entry.trade.realized_pnl",
    ),
    *_booked(Kind.FLAG, "entry.trade.closes"),
    *_booked(Kind.MOMENT, "entry.trade.executed_at", "entry.booked_at"),
    *_booked(
        Kind.TEXT,
        *[f"entry.request.{name}" for name in ("owner", "engine", "client_trade_id", "signal_id", "recommendation_id")],
    ),
    *_booked(Kind.DECIMAL, "entry.request.confidence"),
    *_booked(Kind.TEXT, "entry.request.notes", "entry.group"),
    *_booked(Kind.WHOLE, "entry.trade.reverses", "reversed_by"),
    *_of(Kind.WHOLE, "revision"),
]


POSITION: Final[Sequence[Column[Position]]] = [
    *_of(Kind.TEXT, "symbol"),
    *_of(Kind.DECIMAL, "quantity", "avg_entry_price"),
    Column("current_price", Kind.DECIMAL, lambda position: position.mark and position.mark.price),
    *_of(Kind.DECIMAL, "market_value", "cost_basis", "unrealized_pnl", "realized_pnl"),
]

PAST_POSITION: Final[Sequence[Column[PastPosition]]] = [
    *_of(Kind.TEXT, "symbol"),
    *_of(Kind.DECIMAL, "quantity", "price", "market_value", "cost_basis", "unrealized_pnl", "realized_pnl"),
]

GAIN: Final[Sequence[Column[Disposal]]] = [
    *_of(Kind.TEXT, "symbol"),
    *_of(Kind.DECIMAL, "quantity"),
    *_of(Kind.MOMENT, "acquired_at", "disposed_at", "realized_at"),
    *_of(Kind.WHOLE, "days_held"),
    *_of(Kind.DECIMAL, "proceeds", "basis", "gain"),
    *_of(Kind.WHOLE, "acquired_by", "disposed_by"),
    Column("basis_assumed", Kind.FLAG, attrgetter("is_assumed")),
    Column("picked", Kind.FLAG, attrgetter("is_picked")),
]

DAY: Final[Sequence[Column[MeasuredDay]]] = [
    *_of(Kind.DAY, "day"),
    *_of(Kind.DECIMAL, "total_value", "net_deposits", "unit_value"),
    *_of(Kind.FLAG, "is_adopted"),
]

CLOSE: Final[Sequence[Column[Close]]] = [
    *_of(Kind.TEXT, "symbol"),
    *_of(Kind.DAY, "day"),
    Column("close", Kind.DECIMAL, attrgetter("price")),
    *_of(Kind.TEXT, "source"),
]

HAPPENED: Final[Sequence[Column[HappenedRow]]] = [
    *_of(Kind.WHOLE, "revision"),
    *_of(Kind.TEXT, "kind"),
    *_of(Kind.MOMENT, "effective_at", "booked_at"),
    *_of(Kind.TEXT, "side", "symbol"),
    *_of(Kind.DECIMAL, "quantity", "price", "amount", "fees"),
    *_of(Kind.TEXT, "to_symbol"),
    *_of(Kind.DECIMAL, "to_quantity", "ratio", "value", "basis"),
    *_of(Kind.FLAG, "basis_assumed"),
    *_of(Kind.TEXT, "label"),
    *_of(Kind.DECIMAL, "cash_delta", "net_deposits_delta", "realized_delta"),
    *_of(Kind.TEXT, "group", "owner", "key", "note"),
    *_of(Kind.WHOLE, "reverses"),
]
