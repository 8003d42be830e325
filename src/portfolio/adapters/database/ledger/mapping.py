"""Rows to what the domain knows, and back: pure functions, one pair a table.

Other programs write the four old tables too. Reading therefore never trusts a column to agree with another; writing
keeps their columns truthful.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from portfolio.adapters.database.connection.errors import rows_read
from portfolio.adapters.database.ledger.mapping_positions import Holdings, Values, holdings_from_rows, position_from_row
from portfolio.application.ledger.records import BookedTrade, TradeEntry, TradeRequest
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.positions import Positions
from portfolio.domain.ledger.trade import Side, Trade
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import EXACT, Money, Price, Quantity, bounded_percent
from portfolio.domain.symbol import Symbol

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)
_LARGEST_INT = 2**31 - 1


# --- the portfolio ----------------------------------------------------------------------------------------------------


def portfolio_from_rows(
    row: Any, holdings: Iterable[Any], read: Callable[[Any], Position] = position_from_row
) -> Portfolio:
    """Return the portfolio of its row and of the rows of the holdings.

    Raises:
        LedgerUnavailable: a sum of the portfolio's own row is no number, or 1e20 or more.
    """
    return read_portfolio(row, holdings, read)[0]


def read_portfolio(row: Any, holdings: Iterable[Any], read: Callable[[Any], Position]) -> tuple[Portfolio, Holdings]:
    """Return the portfolio, and which row each position was read from.

    Raises:
        LedgerUnavailable: a sum of the portfolio's own row is no number, or 1e20 or more.
    """
    with rows_read():
        held = holdings_from_rows(holdings, Money(row.cash_balance), read)
        return portfolio_of(row, Positions(held.positions), held.unreadable), held


def portfolio_of(row: Any, positions: Positions, unreadable: tuple[str, ...]) -> Portfolio:
    """Return the portfolio of its own row and of positions that were read."""
    return Portfolio(
        id=row.id,
        revision=row.revision,
        price_revision=row.price_revision,
        cash=Money(row.cash_balance),
        ledger_cash=Money(row.ledger_cash or _ZERO),
        net_deposits=Money(row.net_deposits),
        realized_pnl=Money(row.realized_pnl),
        fees_paid=Money(row.fees_paid),
        units=Units(count=row.unit_count, last_value=row.unit_value),
        trade_counts=TradeCounts(
            trades=row.booked_trades,
            wins=row.booked_wins,
            losses=row.booked_losses,
            gross_profit=Money(row.gross_profit),
            gross_loss=Money(row.gross_loss),
        ),
        positions=positions,
        unreadable_rows=unreadable,
        updated_at=row.updated_at,
    )


def portfolio_to_row(portfolio: Portfolio) -> Values:
    """Return the columns that are this ledger's own, and the cash that all share."""
    trade_counts = portfolio.trade_counts
    return {
        "revision": portfolio.revision,
        "price_revision": portfolio.price_revision,
        "cash_balance": portfolio.cash.value,
        "ledger_cash": portfolio.ledger_cash.value,
        "net_deposits": portfolio.net_deposits.value,
        "realized_pnl": portfolio.realized_pnl.value,
        "fees_paid": portfolio.fees_paid.value,
        "unit_count": portfolio.units.count,
        "unit_value": portfolio.units.last_value,
        "booked_trades": trade_counts.trades,
        "booked_wins": trade_counts.wins,
        "booked_losses": trade_counts.losses,
        "gross_profit": trade_counts.gross_profit.value,
        "gross_loss": trade_counts.gross_loss.value,
    }


def totals_to_row(portfolio: Portfolio) -> Values:
    """Return the columns in which other programs read what the portfolio is worth."""
    invested = portfolio.invested
    profit = portfolio.realized_pnl + invested - portfolio.cost_basis
    return {
        "total_value": (portfolio.cash + invested).value,
        "invested_amount": invested.value,
        "total_pnl": profit.value,
        "total_pnl_percent": bounded_percent(profit.value, portfolio.net_deposits.value),
    }


def counts_to_row(row: Any, before: TradeCounts, after: TradeCounts) -> Values:
    """Return the old counters of ``row`` moved by as much as the trade_counts; trades from before stay counted."""
    wins = (row.winning_trades or 0) + after.wins - before.wins
    losses = (row.losing_trades or 0) + after.losses - before.losses
    rate = EXACT.divide(_HUNDRED * wins, Decimal(wins + losses)) if wins + losses > 0 else _ZERO
    return {
        "total_trades": (row.total_trades or 0) + after.trades - before.trades,
        "winning_trades": wins,
        "losing_trades": losses,
        "win_rate": min(max(rate, _ZERO), _HUNDRED).quantize(Decimal("0.01")),
    }


# --- trades -----------------------------------------------------------------------------------------------------------


def trade_from_row(row: Any) -> BookedTrade:
    """Return the trade of a row; without an entry where another program wrote it."""
    if row.booked_by is None:
        return BookedTrade(id=row.id, entry=None, reversed_by=row.reversed_by)
    return BookedTrade(id=row.id, entry=_entry_from_row(row), reversed_by=row.reversed_by)


def _entry_from_row(row: Any) -> TradeEntry:
    cash, realized = Money(row.cash_delta), Money(row.realized_pnl)
    trade = Trade(
        symbol=Symbol(row.symbol),
        side=Side(row.side),
        quantity=Quantity(row.quantity),
        price=Price(row.price),
        notional=Money(row.amount),
        fees=Money(row.fee),
        cash_delta=cash,
        notional_delta=Money(row.notional_delta),
        basis_delta=realized - cash,
        realized_pnl=realized,
        closes=bool(row.closes),
        executed_at=row.execution_time,
        reverses=row.reverses_trade_id,
    )
    return TradeEntry(
        trade=trade,
        portfolio_id=row.portfolio_id,
        revision=row.ledger_revision,
        request=TradeRequest(
            owner=row.booked_by,
            client_trade_id=row.client_trade_id,
            engine=row.engine,
            signal_id=row.signal_id,
            recommendation_id=row.recommendation_ref,
            confidence=row.confidence,
            notes=row.notes,
        ),
        fingerprint=row.fingerprint,
        booked_at=row.booked_at,
    )


def trade_to_row(entry: TradeEntry) -> Values:
    """Return the columns of an entry; ``basis_delta`` follows from two of them and has none."""
    trade = entry.trade
    return {
        "recommendation_id": _as_int(entry.request.recommendation_id),
        "symbol": trade.symbol.code,
        "side": trade.side.value,
        "quantity": trade.quantity.value,
        "price": trade.price.value,
        "amount": trade.notional.value,
        "fee": trade.fees.value,
        "net_amount": abs(trade.cash_delta.value),
        "execution_time": trade.executed_at,
        "notes": entry.request.notes,
        "confidence": entry.request.confidence,
        "client_trade_id": entry.request.client_trade_id,
        "booked_by": entry.request.owner,
        "fingerprint": entry.fingerprint,
        "cash_delta": trade.cash_delta.value,
        "notional_delta": trade.notional_delta.value,
        "cost_basis_sold": trade.cost_basis_sold.value,
        "realized_pnl": trade.realized_pnl.value,
        "closes": trade.closes,
        "ledger_revision": entry.revision,
        "portfolio_id": entry.portfolio_id,
        "engine": entry.request.engine,
        "signal_id": entry.request.signal_id,
        "recommendation_ref": entry.request.recommendation_id,
        "reverses_trade_id": trade.reverses,
        "booked_at": entry.booked_at,
    }


def _as_int(reference: str | None) -> int | None:
    """Return a reference that is a plain number of the old column's range; None for any other."""
    if reference is None or not reference.isascii() or not reference.isdigit() or len(reference) > 10:
        return None
    number = int(reference)
    return number if number <= _LARGEST_INT else None
