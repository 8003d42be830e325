"""Rows of the holdings to positions, and back.

Other programs write these rows too, and one absurd cell must not make the others unreadable: what can be read is read,
and a row of which nothing can be made counts for nothing and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portfolio.adapters.database.schema.fields import NOT_READABLE, Values
from portfolio.domain.arithmetic import ZERO
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.positions import reach
from portfolio.domain.mark import Mark
from portfolio.domain.money import EXACT, LIMIT, Money, Price, Quantity
from portfolio.domain.symbol import Symbol

LEGACY_SOURCE = "legacy"
"""The source of a price that an engine left without saying where it came from."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# How far asset_cost may lie from quantity x average and still be ours: what rounding the average to 18 decimals and
# a long row of partial sales can make of it. A rewrite by another program smaller than that changes nothing.
_RELATIVE = Decimal("1e-9")
_ABSOLUTE = Decimal("1e-12")
_AVERAGE_STEP = Decimal("1e-18")


def positions_from_rows(
    rows: Iterable[Any], cash: Money, realized_pnl: Money, read: Callable[[Any], Position]
) -> tuple[Mapping[Symbol, tuple[Any, Position]], Sequence[Any]]:
    """Return by symbol each position and the row that it was read from, and the other rows.

    A row counts for nothing whose symbol names no asset or is there twice, or whose numbers are none. Beside ``cash``
    and what all ``realized`` the reach of what counts stays below 1e20: where it would not, the largest positions are
    left out. Nothing that this ledger booked is.
    """
    found: dict[Symbol, tuple[Any, Position]] = {}
    unreadable: list[Any] = []
    extent = realized = ZERO
    sizes: dict[Symbol, tuple[Decimal, Decimal]] = {}
    for row in rows:
        try:
            position = read(row)
            size = position.extent, position.realized_pnl.value.copy_abs()
            _ = position.unreconciled
        except NOT_READABLE:
            unreadable.append(row)
            continue
        if position.symbol in found:
            unreadable.append(row)
            continue
        found[position.symbol], sizes[position.symbol] = (row, position), size
        extent, realized = EXACT.add(extent, size[0]), EXACT.add(realized, size[1])
    while reach(cash, realized_pnl, extent, realized) >= LIMIT and sizes:
        largest = max(sizes, key=lambda symbol: (EXACT.add(*sizes[symbol]), symbol))
        size = sizes.pop(largest)
        extent, realized = EXACT.subtract(extent, size[0]), EXACT.subtract(realized, size[1])
        unreadable.append(found.pop(largest)[0])
    return found, unreadable


def position_from_row(row: Any) -> Position:
    """Return the position that a row of the holdings table describes, whoever wrote it last.

    Raises:
        InvalidSymbol: no asset goes by the row's symbol.
        InvalidAmount: a quantity or a sum is no number.
        OutOfRange: a quantity or a sum is 1e20 or more, which only SQLite can hold.
    """
    quantity = Quantity(row.quantity or ZERO)
    cost_basis = Money(row.total_invested or ZERO)
    average = _usable(row.avg_entry_price)
    return Position(
        symbol=Symbol(row.symbol.upper()),
        quantity=quantity,
        ledger_quantity=Quantity(row.ledger_quantity or ZERO),
        asset_cost=Money(_asset_cost(row, quantity.value, average)),
        cost_basis=cost_basis,
        realized_pnl=Money(row.realized_pnl or ZERO),
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
        "avg_entry_price": position.avg_entry_price.value if position.avg_entry_price else ZERO,
        "total_invested": position.cost_basis.value,
        "realized_pnl": position.realized_pnl.value,
        "asset_cost": position.asset_cost.value,
        "ledger_quantity": position.ledger_quantity.value,
        "last_price": mark.price.value if mark else ZERO,
        "price_source": mark.source if mark else None,
        "price_at": mark.at if mark else None,
        "position_value": position.market_value.value,
        "unrealized_pnl": unrealized.value,
        "total_pnl": (position.realized_pnl + unrealized).value,
    }


def _usable(number: Decimal | None) -> Decimal:
    """Return a number that columns can hold; zero for any other."""
    if number is None or not number.is_finite() or number.copy_abs() >= LIMIT:
        return ZERO
    return number


def _asset_cost(row: Any, quantity: Decimal, average: Decimal) -> Decimal:
    stored: Decimal | None = row.asset_cost
    if not average or not quantity:
        # Without an average nothing contradicts the stored sum, unless the quantity says that others were here.
        if stored is not None and quantity == row.ledger_quantity:
            return stored
        return row.total_invested or ZERO if quantity else stored or ZERO
    product = EXACT.multiply(quantity, average)
    if stored is not None:
        tolerance = EXACT.fma(product.copy_abs(), _RELATIVE, EXACT.fma(quantity.copy_abs(), _AVERAGE_STEP, _ABSOLUTE))
        if EXACT.subtract(stored, product).copy_abs() <= tolerance:
            return stored
    if product.copy_abs() < LIMIT - 1:
        return Money.rounded(product).value
    # A slip of somebody's pen: nothing of that size was ever paid.
    return stored if stored is not None else row.total_invested or ZERO


def _mark(row: Any) -> Mark | None:
    price = _usable(row.last_price)
    # A foreign slip of the pen must not make every read fail: such a position is carried at cost, its price missing.
    if price <= 0 or EXACT.multiply(row.quantity or ZERO, price).copy_abs() >= LIMIT:
        return None
    if row.price_source and isinstance(row.price_source, str) and row.price_source.isprintable():
        return Mark(Price(price), row.price_source, row.price_at or EPOCH)
    return Mark(Price(price), LEGACY_SOURCE, row.updated_at or EPOCH)
