"""Orders filled at closes: slippage, fees, sales before purchases, and never more than there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from operator import mul

from portfolio.domain.arithmetic import HUNDRED, ONE, ZERO, exact, total
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import STEP

MONEY_STEP = Decimal("0.000001")
"""Money of a backtest has 6 decimals."""

WRITE_DOWN = "write_down"
"""The rule of a fill that is no trade: an asset without a price is written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a fill costs, as fractions of its value: the fee, and by how much its price is worse than the close."""

    fee_rate: Decimal
    slippage_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A trade that was decided at 24:00 UTC of ``decided``; ``rule`` is what asked for it, ``quantity`` above zero."""

    decided: date
    symbol: str
    side: Side
    quantity: Decimal
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A trade as it was filled.

    ``value`` is ``quantity x price``, with the price that slippage left of the ``close``, and ``fee`` a part of it:
    both are money of 6 decimals, half even, as they are booked. ``slippage`` is by how much the value is worse than
    ``quantity x close``: exact, so what rounding moved the value by is in it.
    """

    decided: date
    filled: date
    symbol: str
    side: Side
    quantity: Decimal
    close: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    slippage: Decimal
    rule: str

    @property
    def change(self) -> Decimal:
        """Return by how much the quantity held grew: below zero for a sale."""
        return self.quantity if self.side is Side.BUY else self.quantity.copy_negate()


@dataclass(slots=True, kw_only=True)
class Wallet:
    """A simulated portfolio: cash, and quantities above or below zero by symbol; what is not held is absent."""

    cash: Decimal
    quantities: dict[str, Decimal]

    def copy(self) -> Wallet:
        """Return another one that holds the same."""
        return Wallet(cash=self.cash, quantities=dict(self.quantities))

    @exact
    def value(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return cash plus the value of what is held, each at its mark."""
        held = self.quantities
        return self.cash + total(map(mul, held.values(), map(marks.__getitem__, held)))

    @exact
    def liquidation_cost(self, marks: Mapping[str, Decimal], costs: Costs) -> Decimal:
        """Return what it would cost to close every position at its mark: slippage, and the fee on what that leaves."""
        return total(
            abs(quantity) * marks[symbol] * _cost_rate(costs, Side.SELL if quantity > 0 else Side.BUY)
            for symbol, quantity in self.quantities.items()
        )

    @exact
    def fill(self, orders: Sequence[Order], closes: Mapping[str, Decimal], day: date, costs: Costs) -> list[Fill]:
        """Fill orders at the closes of ``day``, and return what was filled, in its order: sales, then purchases.

        An order without a close is dropped. A sale takes no more than is held. Purchases that the cash does not cover
        are all scaled by one factor, their quantities rounded down.
        """
        there = [order for order in orders if order.symbol in closes]
        fills = [self._sold(order, closes[order.symbol], day, costs) for order in there if order.side is Side.SELL]
        purchases = [order for order in there if order.side is Side.BUY]
        factor = self._affordable(purchases, closes, costs)
        fills += [self._bought(order, factor, closes[order.symbol], day, costs) for order in purchases]
        return [fill for fill in fills if fill.quantity]

    @exact
    def write_down(self, symbol: str, mark: Decimal, recovery: Decimal, day: date) -> Fill | None:
        """Turn what is held of an asset into ``recovery``, a fraction of its last price; None where nothing is held."""
        quantity = self.quantities.pop(symbol, ZERO)
        if not quantity:
            return None
        price = mark * recovery
        self.cash += quantity * price
        return Fill(
            decided=day,
            filled=day,
            symbol=symbol,
            side=Side.SELL if quantity > 0 else Side.BUY,
            quantity=abs(quantity),
            close=price,
            price=price,
            value=abs(quantity) * price,
            fee=ZERO,
            slippage=ZERO,
            rule=WRITE_DOWN,
        )

    def _affordable(self, purchases: Sequence[Order], closes: Mapping[str, Decimal], costs: Costs) -> Decimal:
        rate = (ONE + costs.slippage_rate) * (ONE + costs.fee_rate)
        wanted = total(order.quantity * closes[order.symbol] for order in purchases) * rate
        there = max(self.cash - MONEY_STEP * len(purchases), ZERO)  # value and fee of each may be rounded up, by half
        return ONE if wanted <= there else there / wanted

    def _sold(self, order: Order, close: Decimal, day: date, costs: Costs) -> Fill:
        held = max(self.quantities.get(order.symbol, ZERO), ZERO)
        fill = _filled(order, min(order.quantity, held), close, day, costs)
        self._change(order.symbol, fill.change)
        self.cash += fill.value - fill.fee
        return fill

    def _bought(self, order: Order, factor: Decimal, close: Decimal, day: date, costs: Costs) -> Fill:
        quantity = order.quantity
        if factor < 1:
            quantity = (quantity * factor).quantize(STEP, rounding=ROUND_DOWN)
        fill = _filled(order, quantity, close, day, costs)
        self._change(order.symbol, fill.change)
        self.cash -= fill.value + fill.fee
        return fill

    def _change(self, symbol: str, change: Decimal) -> None:
        quantity = self.quantities.get(symbol, ZERO) + change
        if quantity:
            self.quantities[symbol] = quantity
        else:
            self.quantities.pop(symbol, None)


def recovery_of(percent: Decimal) -> Decimal:
    """Return a percentage as the fraction that ``write_down`` takes."""
    return percent / HUNDRED


def _filled(order: Order, quantity: Decimal, close: Decimal, day: date, costs: Costs) -> Fill:
    worse = close * costs.slippage_rate
    price = close + worse if order.side is Side.BUY else close - worse
    value = (quantity * price).quantize(MONEY_STEP, rounding=ROUND_HALF_EVEN)
    worse_by = value - quantity * close
    return Fill(
        decided=order.decided,
        filled=day,
        symbol=order.symbol,
        side=order.side,
        quantity=quantity,
        close=close,
        price=price,
        value=value,
        fee=(value * costs.fee_rate).quantize(MONEY_STEP, rounding=ROUND_HALF_EVEN),
        slippage=worse_by if order.side is Side.BUY else -worse_by,
        rule=order.rule,
    )


def _cost_rate(costs: Costs, side: Side) -> Decimal:
    """Return what a fill costs in all, as a fraction of its value at the close."""
    worse = costs.slippage_rate if side is Side.BUY else -costs.slippage_rate
    return costs.slippage_rate + costs.fee_rate * (ONE + worse)
