"""Rows to what the domain knows, and back: pure functions, one pair a table.

Other programs write the four old tables too. Reading therefore never trusts a column to agree with another; writing
keeps their columns truthful.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from portfolio.application.records import BookedTrade, NewTrade
from portfolio.domain.errors import InvalidSymbol
from portfolio.domain.money import EXACT, LIMIT, Money, Price, Quantity
from portfolio.domain.portfolio import Portfolio
from portfolio.domain.position import Mark, Position
from portfolio.domain.symbol import Symbol
from portfolio.domain.tally import Tally
from portfolio.domain.trade import Side, Trade
from portfolio.domain.units import Units

LEGACY_SOURCE = "legacy"
"""The source of a price that an engine left without saying where it came from."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Values = dict[str, Any]

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)
_PERCENT_STEP = Decimal("0.00000001")
_PERCENT_LIMIT = Decimal("999999999999.99999999")
_LARGEST_INT = 2**31 - 1
# How far asset_cost may lie from quantity x average and still be ours: what rounding the average to 18 decimals and
# a long row of partial sales can make of it. A rewrite by another program smaller than that changes nothing.
_RELATIVE = Decimal("1e-9")
_ABSOLUTE = Decimal("1e-12")
_AVERAGE_STEP = Decimal("1e-18")


# --- positions --------------------------------------------------------------------------------------------------------


def position_from_row(row: Any) -> Position:
    """Return the position that a row of the holdings table describes, whoever wrote it last.

    Raises:
        InvalidSymbol: no asset goes by the row's symbol.
    """
    quantity: Decimal = row.quantity or _ZERO
    average: Decimal = row.avg_entry_price or _ZERO
    return Position(
        symbol=Symbol(row.symbol.upper()),
        quantity=Quantity(quantity),
        ledger_quantity=Quantity(row.ledger_quantity or _ZERO),
        asset_cost=Money(_asset_cost(row, quantity, average)),
        cost_basis=Money(row.total_invested or _ZERO),
        realized_pnl=Money(row.realized_pnl or _ZERO),
        avg_entry_price=Price(average) if quantity and average > 0 else None,
        mark=_mark(row),
        updated_at=row.updated_at,
    )


def position_to_row(position: Position) -> Values:
    """Return the columns of a position, those that other programs read included."""
    mark, unrealized = position.mark, position.unrealized_pnl
    return {
        "symbol": position.symbol.code,
        "quantity": position.quantity.value,
        "avg_entry_price": position.avg_entry_price.value if position.avg_entry_price else _ZERO,
        "total_invested": position.cost_basis.value,
        "realized_pnl": position.realized_pnl.value,
        "asset_cost": position.asset_cost.value,
        "ledger_quantity": position.ledger_quantity.value,
        "last_price": mark.price.value if mark else _ZERO,
        "price_source": mark.source if mark else None,
        "price_at": mark.at if mark else None,
        "position_value": position.market_value.value,
        "unrealized_pnl": unrealized.value,
        "total_pnl": (position.realized_pnl + unrealized).value,
    }


def _asset_cost(row: Any, quantity: Decimal, average: Decimal) -> Decimal:
    stored: Decimal | None = row.asset_cost
    if not average or not quantity:
        # Without an average nothing contradicts the stored sum, unless the quantity says that others were here.
        if stored is not None and quantity == row.ledger_quantity:
            return stored
        return row.total_invested or _ZERO if quantity else stored or _ZERO
    product = EXACT.multiply(quantity, average)
    if stored is not None:
        tolerance = _RELATIVE * abs(product) + _ABSOLUTE + abs(quantity) * _AVERAGE_STEP
        if abs(EXACT.subtract(stored, product)) <= tolerance:
            return stored
    return Money.rounded(product).value


def _mark(row: Any) -> Mark | None:
    price: Decimal = row.last_price or _ZERO
    # A foreign slip of the pen must not make every read fail: such a position is carried at cost, its price missing.
    if price <= 0 or EXACT.multiply(row.quantity or _ZERO, price).copy_abs() >= LIMIT:
        return None
    if row.price_source:
        return Mark(Price(price), row.price_source, row.price_at or EPOCH)
    return Mark(Price(price), LEGACY_SOURCE, row.updated_at or EPOCH)


# --- the portfolio ----------------------------------------------------------------------------------------------------


def portfolio_from_rows(
    row: Any, holdings: Iterable[Any], read: Callable[[Any], Position] = position_from_row
) -> Portfolio:
    """Return the portfolio of its row and of the holdings; a row whose symbol names no asset is only named."""
    positions: dict[Symbol, Position] = {}
    unreadable: list[str] = []
    for holding in holdings:
        try:
            position = read(holding)
        except InvalidSymbol:
            unreadable.append(holding.symbol)
            continue
        if position.symbol in positions:
            unreadable.append(holding.symbol)
            continue
        positions[position.symbol] = position
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
        tally=Tally(
            trades=row.booked_trades,
            wins=row.booked_wins,
            losses=row.booked_losses,
            gross_profit=Money(row.gross_profit),
            gross_loss=Money(row.gross_loss),
        ),
        positions=MappingProxyType(positions),
        unreadable_rows=tuple(unreadable),
        updated_at=row.updated_at,
    )


def portfolio_to_row(portfolio: Portfolio) -> Values:
    """Return the columns that are this ledger's own, and the cash that all share."""
    tally = portfolio.tally
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
        "booked_trades": tally.trades,
        "booked_wins": tally.wins,
        "booked_losses": tally.losses,
        "gross_profit": tally.gross_profit.value,
        "gross_loss": tally.gross_loss.value,
    }


def totals_to_row(portfolio: Portfolio) -> Values:
    """Return the columns in which other programs read what the portfolio is worth."""
    invested = portfolio.invested
    profit = portfolio.realized_pnl + invested - portfolio.cost_basis
    return {
        "total_value": (portfolio.cash + invested).value,
        "invested_amount": invested.value,
        "total_pnl": profit.value,
        "total_pnl_percent": percent(profit.value, portfolio.net_deposits.value),
    }


def counts_to_row(row: Any, before: Tally, after: Tally) -> Values:
    """Return the old counters of ``row`` moved by as much as the tally; trades from before stay counted."""
    wins = (row.winning_trades or 0) + after.wins - before.wins
    losses = (row.losing_trades or 0) + after.losses - before.losses
    rate = EXACT.divide(_HUNDRED * wins, Decimal(wins + losses)) if wins + losses > 0 else _ZERO
    return {
        "total_trades": (row.total_trades or 0) + after.trades - before.trades,
        "winning_trades": wins,
        "losing_trades": losses,
        "win_rate": min(max(rate, _ZERO), _HUNDRED).quantize(Decimal("0.01")),
    }


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """Return ``part`` in percent of ``whole``, half even at 8 decimals and cut to the column; 0 where undefined."""
    if whole <= 0:
        return _ZERO
    share = EXACT.divide(EXACT.multiply(part, _HUNDRED), whole)
    return max(min(share, _PERCENT_LIMIT), -_PERCENT_LIMIT).quantize(_PERCENT_STEP, context=EXACT)


# --- trades -----------------------------------------------------------------------------------------------------------


def trade_from_row(row: Any) -> BookedTrade:
    """Return the trade of a row; without an entry where another program wrote it."""
    if row.booked_by is None:
        return BookedTrade(id=row.id, entry=None, reversed_by=row.reversed_by)
    return BookedTrade(id=row.id, entry=_entry_from_row(row), reversed_by=row.reversed_by)


def _entry_from_row(row: Any) -> NewTrade:
    cash, realized = Money(row.cash_delta), Money(row.realized_pnl)
    trade = Trade(
        symbol=Symbol(row.symbol),
        side=Side(row.side),
        quantity=Quantity(row.quantity),
        price=Price(row.price),
        asset_money=Money(row.amount),
        fees=Money(row.fee),
        cash_delta=cash,
        asset_delta=Money(row.asset_delta),
        basis_delta=realized - cash,
        realized_pnl=realized,
        closes=bool(row.closes),
        executed_at=row.execution_time,
        reverses=row.reverses_trade_id,
    )
    return NewTrade(
        trade=trade,
        portfolio_id=row.portfolio_id,
        revision=row.ledger_revision,
        owner=row.booked_by,
        client_trade_id=row.client_trade_id,
        fingerprint=row.fingerprint,
        engine=row.engine,
        signal_id=row.signal_id,
        recommendation_id=row.recommendation_ref,
        confidence=row.confidence,
        notes=row.notes,
        booked_at=row.booked_at,
    )


def trade_to_row(entry: NewTrade) -> Values:
    """Return the columns of an entry; ``basis_delta`` follows from two of them and has none."""
    trade = entry.trade
    return {
        "recommendation_id": _as_int(entry.recommendation_id),
        "symbol": trade.symbol.code,
        "side": trade.side.value,
        "quantity": trade.quantity.value,
        "price": trade.price.value,
        "amount": trade.asset_money.value,
        "fee": trade.fees.value,
        "net_amount": abs(trade.cash_delta.value),
        "execution_time": trade.executed_at,
        "notes": entry.notes,
        "confidence": entry.confidence,
        "client_trade_id": entry.client_trade_id,
        "booked_by": entry.owner,
        "fingerprint": entry.fingerprint,
        "cash_delta": trade.cash_delta.value,
        "asset_delta": trade.asset_delta.value,
        "basis_sold": trade.basis_sold.value,
        "realized_pnl": trade.realized_pnl.value,
        "closes": trade.closes,
        "ledger_revision": entry.revision,
        "portfolio_id": entry.portfolio_id,
        "engine": entry.engine,
        "signal_id": entry.signal_id,
        "recommendation_ref": entry.recommendation_id,
        "reverses_trade_id": trade.reverses,
        "booked_at": entry.booked_at,
    }


def _as_int(reference: str | None) -> int | None:
    """Return a reference that is a plain number of the old column's range; None for any other."""
    if reference is None or not reference.isascii() or not reference.isdigit() or len(reference) > 10:
        return None
    number = int(reference)
    return number if number <= _LARGEST_INT else None
