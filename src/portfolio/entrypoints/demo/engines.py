"""The demonstration's trading engines: what they do on a day, given what is held and what it costs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from portfolio.application.ledger.records import BookTrade, FeeInKind
from portfolio.application.rebalancing.records import Signal
from portfolio.domain.arithmetic import exact
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.demo.script import ASIDE, DAYS, DUST, FEE_IN_BNB_DAYS, REVERSED_DAYS, targets

Prices = Mapping[Symbol, Price]

_BNB: Final = Symbol("BNB")
_CENT: Final = Decimal("0.01")
_FEE_RATE: Final = Decimal("0.001")
_SMALLEST_TRADE: Final = Decimal(150)
_SMALL_REST: Final = Decimal(700)  # what is left of a position that is given up goes at once
_DUST_VALUE: Final = Decimal(3)
_LAST_DAYS: Final = 6  # in which all of a difference is traded
_SIGNIFICANT: Final = 6
_CALM: Final = frozenset({Symbol("BTC"), Symbol("ETH"), Symbol("USDC")})

# What an engine got wrong on which day; each is refused for another reason.
_MISTAKES: Final[Mapping[int, str]] = {
    17: "cash", 96: "quantity", 188: "money", 333: "fees", 477: "quantity", 655: "money", 721: "cash", 727: "quantity",
}  # fmt: skip


class Engines:
    """Trade towards what the script wants held: a part of the largest differences, every few days.

    The same seed, books and prices make the same bookings.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"demo {seed}")  # noqa: S311  no secret
        self._numbers: Counter[str] = Counter()
        self._reported: list[BookTrade] = []

    def trades_on(self, day: int) -> bool:
        """Return whether anything is traded on a day of the history."""
        is_usual = self._random.random() < 0.17
        return is_usual or day in _MISTAKES or day in REVERSED_DAYS or day < 3 or day >= DAYS - _LAST_DAYS

    @exact
    def bookings(self, day: int, portfolio: Portfolio, prices: Prices, now: datetime) -> Sequence[BookTrade]:
        """Return what the engines report on a day, in order; sales before purchases, which they pay for."""
        is_end = day >= DAYS - _LAST_DAYS
        differences = sorted(_differences(day, portfolio), key=lambda one: abs(one[1]), reverse=True)
        chosen = differences if is_end else differences[: self._random.choice((1, 1, 2, 3))]
        cash, made = portfolio.cash.value, []
        for symbol, difference in sorted(chosen, key=lambda one: one[1]):
            share = Decimal(1) if is_end else Decimal(self._random.randrange(35, 90)) / 100
            value = min(difference * share, cash * Decimal("0.97"))
            if abs(value) >= _SMALLEST_TRADE:
                quantity = self._quantity(symbol, value, portfolio, prices[symbol])
                made.append(self._booking(symbol, quantity, prices[symbol], now))
                cash += made[-1].execution.cash_delta.value
        if day in FEE_IN_BNB_DAYS:
            made = [_fee_in_bnb(booking, portfolio, prices) for booking in made]
        self._reported += made
        if day in _MISTAKES:
            made.append(self._mistake(_MISTAKES[day], portfolio, prices, now))
        return made

    @exact
    def carry_out(self, signal: Signal, prices: Prices, now: datetime) -> BookTrade:
        """Return the booking of a signal that the rebalancer has claimed."""
        quantity = signal.quantity.value if signal.action is Side.BUY else -signal.quantity.value
        booking = self._booking(signal.symbol, quantity, prices[signal.symbol], now, engine="rebalancer")
        return replace(booking, signal_id=signal.id, notes="asked for by the plan")

    def again(self, portfolio: Portfolio) -> BookTrade:
        """Return the last execution that can be booked once more, under another key: the mistake that keys cannot tell
        from a second trade.
        """
        booking = next(one for one in reversed(self._reported) if _is_covered(one.execution, portfolio))
        return replace(booking, client_trade_id=self._key(booking.engine or ""), notes="sent twice")

    def _quantity(self, symbol: Symbol, value: Decimal, portfolio: Portfolio, price: Price) -> Decimal:
        """Return how much to trade, below zero to sell; all of a position where little would be left of it."""
        held = portfolio.position(symbol)
        if value < 0 and held.market_value.value + value < _SMALL_REST:
            if symbol != DUST:
                return -held.quantity.value
            value = _DUST_VALUE - held.market_value.value
        return _significant(value / price.value)

    def _booking(
        self, symbol: Symbol, quantity: Decimal, price: Price, now: datetime, *, engine: str | None = None
    ) -> BookTrade:
        """Return the report of an execution near this price, a few seconds ago."""
        slippage = Decimal(self._random.randrange(-12, 13)) / 10_000
        paid = Price(_significant(price.value * (1 + slippage), 8))
        engine = engine or ("accumulator" if symbol in _CALM and quantity > 0 else "momentum")
        net = (abs(quantity) * paid.value).quantize(_CENT, ROUND_HALF_EVEN)
        execution = Execution(
            symbol=symbol,
            side=Side.BUY if quantity > 0 else Side.SELL,
            quantity=Quantity(abs(quantity)),
            price=paid,
            net_amount=Money(net),
            fees=Money((net * _FEE_RATE).quantize(_CENT, ROUND_HALF_EVEN)),
            executed_at=now - timedelta(seconds=self._random.randrange(1, 30)),
        )
        confidence = Decimal(self._random.randrange(52, 96)) / 100 if engine == "momentum" else None
        return BookTrade(
            execution=execution,
            owner=engine,
            engine=engine,
            client_trade_id=self._key(engine),
            confidence=confidence,
            stated_at=execution.executed_at,
        )

    def _mistake(self, kind: str, portfolio: Portfolio, prices: Prices, now: datetime) -> BookTrade:
        largest = max(portfolio.open_positions, key=lambda position: position.market_value)
        symbol, price = largest.symbol, prices[largest.symbol]
        if kind == "quantity":
            return self._booking(symbol, _significant(largest.quantity.value * -3), price, now, engine="momentum")
        value = portfolio.total_value.value * 2 if kind == "cash" else Decimal(400)
        booking = self._booking(symbol, _significant(value / price.value), price, now, engine="momentum")
        execution = booking.execution
        if kind == "money":
            execution = replace(execution, net_amount=Money.rounded(execution.net_amount.value / 10))
        if kind == "fees":
            execution = replace(execution, fees=Money.rounded(execution.net_amount.value / 4))
        return replace(booking, execution=execution)

    def _key(self, engine: str) -> str:
        self._numbers[engine] += 1
        return f"{engine}-{self._numbers[engine]:05d}"


def _is_covered(execution: Execution, portfolio: Portfolio) -> bool:
    """Return whether there is the cash for a purchase, or the quantity for a sale."""
    if execution.side is Side.BUY:
        return portfolio.cash + execution.cash_delta >= Money.zero()
    return portfolio.position(execution.symbol).quantity >= execution.quantity


@exact
def _fee_in_bnb(booking: BookTrade, portfolio: Portfolio, prices: Prices) -> BookTrade:
    """Return a purchase with its fee in BNB, where enough of it is held: a quarter less, as exchanges have it."""
    execution = booking.execution
    if execution.side is Side.SELL or execution.symbol == _BNB:
        return booking
    quantity = _significant(execution.fees.value * Decimal("0.75") / prices[_BNB].value)
    if not 0 < 10 * quantity < portfolio.position(_BNB).quantity.value:
        return booking
    return replace(
        booking,
        execution=replace(execution, fees=Money.zero()),
        fee=FeeInKind(symbol=_BNB, quantity=Quantity(quantity)),
    )


def _differences(day: int, portfolio: Portfolio) -> Iterator[tuple[Symbol, Decimal]]:
    """Yield by how many dollars more of each asset the engines want than is held."""
    wanted, total = targets(day), portfolio.total_value.value
    held = {position.symbol: position.market_value.value for position in portfolio.open_positions}
    for symbol in sorted({*wanted, *held}):
        difference = wanted.get(symbol, Decimal(0)) * total - held.get(symbol, Decimal(0))
        if symbol in ASIDE:
            continue
        if symbol in wanted or symbol != DUST or held[symbol] > 2 * _DUST_VALUE:
            yield symbol, difference


def _significant(value: Decimal, digits: int = _SIGNIFICANT) -> Decimal:
    """Return a value with that many significant digits, as engines and exchanges write them."""
    return value.quantize(Decimal(1).scaleb(value.adjusted() - digits + 1), ROUND_HALF_EVEN)
