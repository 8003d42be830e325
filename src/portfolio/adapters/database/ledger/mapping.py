"""Rows to what the domain knows, and back: pure functions, one pair a table.

Other programs write the four old tables too. Reading therefore never trusts a column to agree with another; writing
keeps their columns truthful.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from portfolio.adapters.database.ledger.mapping_positions import positions_from_rows
from portfolio.adapters.database.schema.fields import Fields, Values, reading
from portfolio.application.ledger.records import BookedTrade, TradeEntry, TradeRequest
from portfolio.domain.arithmetic import HUNDRED, ZERO
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.positions import Positions
from portfolio.domain.ledger.trade import Trade
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import EXACT, Money, bounded_percent
from portfolio.domain.symbol import Symbol

_LARGEST_INT = 2**31 - 1

_PORTFOLIO = Fields(
    Portfolio,
    apart=("id", "ledger_cash", "units", "trade_counts", "positions", "unreadable_rows", "foreign_rows", "updated_at"),
    cash="cash_balance",
)
_UNITS = Fields(Units, count="unit_count", last_value="unit_value")
_COUNTS = Fields(TradeCounts, trades="booked_trades", wins="booked_wins", losses="booked_losses")
_TRADE = Fields(
    Trade,
    apart=["basis_delta"],
    notional="amount",
    fees="fee",
    executed_at="execution_time",
    reverses="reverses_trade_id",
)
_REQUEST = Fields(TradeRequest, owner="booked_by", recommendation_id="recommendation_ref")
_ENTRY = Fields(TradeEntry, apart=["trade", "request"], revision="ledger_revision", group="group_id")


# --- the portfolio ----------------------------------------------------------------------------------------------------


class ReadPortfolio(msgspec.Struct, frozen=True):
    """A portfolio and the rows of the holdings that its positions were read from."""

    portfolio: Portfolio
    rows: Mapping[Symbol, Any]


def read_portfolio(row: Any, holdings: Iterable[Any], read: Callable[[Any], Position]) -> ReadPortfolio:
    """Return the portfolio of its row and of all rows of the holdings, each of which ``read`` makes a position.

    Raises:
        UnreadableRow: a sum of the portfolio's own row is no number, or 1e20 or more.
    """
    with reading(f"the row {row.id} of mock_portfolio cannot be read"):
        with reading("cash_balance, realized_pnl"):
            own = Money(row.cash_balance), Money(row.realized_pnl)
        found, unreadable = positions_from_rows(holdings, *own, read)
        positions = Positions({symbol: position for symbol, (_, position) in found.items()})
        portfolio = portfolio_of(
            row, positions, [str(each.symbol) for each in unreadable], map(_unreadable, unreadable)
        )
        _ = portfolio.unreconciled, portfolio.cash_unreconciled
        return ReadPortfolio(portfolio, {symbol: each for symbol, (each, _) in found.items()})


def _unreadable(row: Any) -> str:
    return (
        f"row {row.id} of mock_holdings, {row.symbol!r}: another program wrote it; it names no asset, names one that "
        "is there twice, or has no amount that can be. It counts for nothing: mend or delete it"
    )


def foreign_portfolios(row: Any, others: Iterable[Any]) -> list[str]:
    """Return a line for each row that another program added to the portfolio's, or wrote since the books are open."""
    return [
        f"row {other.id} of mock_portfolio: another program's, with cash of {other.cash_balance}. It counts for "
        f"nothing here, and engines may take it for the portfolio: move what is theirs into row {row.id}, and delete it"
        for other in others
        if other.id > row.id or (other.id < row.id and other.opened_at and other.updated_at > other.opened_at)
    ]


def portfolio_of(row: Any, positions: Positions, unreadable: Iterable[str], foreign: Iterable[str]) -> Portfolio:
    """Return the portfolio of its own row and of positions that were read."""
    return _PORTFOLIO.record(
        row,
        id=row.id,
        ledger_cash=Money(row.ledger_cash or ZERO),
        units=_UNITS.record(row),
        trade_counts=_COUNTS.record(row),
        positions=positions,
        unreadable_rows=tuple(unreadable),
        foreign_rows=tuple(foreign),
        updated_at=row.updated_at,
    )


def portfolio_to_row(portfolio: Portfolio) -> Values:
    """Return the columns that are this ledger's own, and the cash that all share."""
    return {
        "ledger_cash": portfolio.ledger_cash.value,
        **_PORTFOLIO.values(portfolio),
        **_UNITS.values(portfolio.units),
        **_COUNTS.values(portfolio.trade_counts),
    }


def totals_to_row(portfolio: Portfolio) -> Values:
    """Return the columns in which other programs read what the portfolio is worth."""
    invested = portfolio.invested
    profit = portfolio.realized_pnl + portfolio.unrealized_pnl
    return {
        "total_value": (portfolio.cash + invested).value,
        "invested_amount": invested.value,
        "total_pnl": profit.value,
        "total_pnl_percent": bounded_percent(profit.value, portfolio.net_deposits.value),
    }


def counts_to_row(row: Any, before: TradeCounts, after: TradeCounts) -> Values:
    """Return the old counters of ``row`` moved by as much as the trade_counts; trades from before stay counted."""
    wins = _count(row.winning_trades, after.wins - before.wins)
    losses = _count(row.losing_trades, after.losses - before.losses)
    rate = EXACT.divide(HUNDRED * wins, Decimal(wins + losses)) if wins + losses > 0 else ZERO
    return {
        "total_trades": _count(row.total_trades, after.trades - before.trades),
        "winning_trades": wins,
        "losing_trades": losses,
        "win_rate": min(max(rate, ZERO), HUNDRED).quantize(Decimal("0.01")),
    }


def _count(stored: Any, more: int) -> int:
    """Return a counter of others moved on, within what its column holds; one that is no number began at zero."""
    return max(-_LARGEST_INT, min((stored if isinstance(stored, int) else 0) + more, _LARGEST_INT))


# --- trades -----------------------------------------------------------------------------------------------------------


def trade_from_row(row: Any) -> BookedTrade:
    """Return the trade of a row; without an entry where another program wrote it."""
    if row.booked_by is None:
        return BookedTrade(id=row.id, entry=None, reversed_by=row.reversed_by)
    return BookedTrade(id=row.id, entry=_entry_from_row(row), reversed_by=row.reversed_by)


def _entry_from_row(row: Any) -> TradeEntry:
    with reading("cash_delta, realized_pnl"):
        basis = Money(EXACT.subtract(row.realized_pnl, row.cash_delta))
    return _ENTRY.record(row, trade=_TRADE.record(row, basis_delta=basis), request=_REQUEST.record(row))


def trade_to_row(entry: TradeEntry) -> Values:
    """Return the columns of an entry; ``basis_delta`` follows from two of them and has none."""
    trade = entry.trade
    return {
        **_TRADE.values(trade),
        **_REQUEST.values(entry.request),
        **_ENTRY.values(entry),
        "recommendation_id": _as_int(entry.request.recommendation_id),
        "net_amount": abs(trade.cash_delta).value,
        "cost_basis_sold": trade.cost_basis_sold.value,
    }


def _as_int(reference: str | None) -> int | None:
    """Return a reference that is a plain number of the old column's range; None for any other."""
    if reference is None or not reference.isascii() or not reference.isdigit() or len(reference) > 10:
        return None
    number = int(reference)
    return number if number <= _LARGEST_INT else None
