"""Projects trades, and computes how large one may be: for what-if and the check before a trade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from itertools import combinations
from types import MappingProxyType

from portfolio.domain.arithmetic import ONE, ZERO, exact, total
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import EXACT, LIMIT, STEP
from portfolio.domain.rebalancing.limits import LimitName, limit_of
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import MarketView

INFINITY = Decimal("Infinity")
_MOST = EXACT.subtract(LIMIT, STEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedTrade:
    """A trade that is considered, not booked; money is exact.

    ``trade_value`` is the money for the asset, without fees. At another price than the view's the total value moves by
    the difference.
    """

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    trade_value: Decimal
    estimated_fee: Decimal

    def __post_init__(self) -> None:
        assert self.quantity > 0
        assert self.trade_value > 0
        assert self.estimated_fee >= 0


@exact
def project(view: MarketView, trades: Iterable[ProjectedTrade], *, allow_negative_cash: bool = False) -> MarketView:
    """Return the view after ``trades``, one after the other. An asset that is not held yet has to be in the view as a
    holding of nothing.

    Raises:
        InsufficientQuantity: more sold than held by then.
        InsufficientCash: more spent than there is by then.
    """
    for trade in trades:
        view = _after(view, trade, allow_negative_cash)
    return view


@exact
def largest_quantity(current: Summary, side: Side, symbol: str, *, cost_rate: Decimal) -> Decimal | None:
    """Return the largest quantity of ``symbol``, which is in the view, that can be traded without breaking a limit,
    rounded down to 18 decimals; zero where there is none. The books hold less than 1e20 units.

    ``cost_rate`` is what the portfolio loses by a trade, as a fraction of what the quantity is worth at the view's
    price: the fee, and what a price other than the view's adds to it or takes away.

    A purchase has to leave the asset's own limits, its category's and its pairs' unbroken, whether they are broken now
    or not, and cash for the fee; a sale takes no more than is held. As the fee lowers the total value either of them
    may push others over: that counts for limits that are not broken yet. None where the price is unknown, or, for a
    purchase, the total value is not above zero.
    """
    view, holding = current.view, current.view.holdings[symbol]
    if holding.price is None or (side is Side.BUY and view.total_value <= 0):
        return None
    most = view.cash / (ONE + cost_rate) if side is Side.BUY else holding.value
    value = min([most, *_Room(current, symbol, side, most, cost_rate).bounds()])
    quantity = (max(value, ZERO) / holding.price).quantize(STEP, rounding=ROUND_DOWN)
    if side is Side.SELL:
        return max(holding.quantity if value >= holding.value else min(quantity, holding.quantity), ZERO)
    return min(quantity, max(_MOST - holding.quantity, ZERO))


def _after(view: MarketView, trade: ProjectedTrade, allow_negative_cash: bool) -> MarketView:
    holding = view.holdings[trade.symbol]
    worth = trade.quantity * holding.price if holding.price is not None else trade.trade_value
    if trade.side is Side.SELL:
        if trade.quantity > holding.quantity:
            raise InsufficientQuantity(trade.symbol, holding.quantity, trade.quantity)
        # All of it is nothing left, whatever a price of 18 decimals makes of the last digit.
        left = holding.quantity - trade.quantity
        if not left or holding.price is None:
            worth = holding.value * trade.quantity / holding.quantity
        after = replace(holding, quantity=left, value=holding.value - worth)
        cash = view.cash + trade.trade_value - trade.estimated_fee
    else:
        after = replace(holding, quantity=holding.quantity + trade.quantity, value=holding.value + worth)
        cash = view.cash - trade.trade_value - trade.estimated_fee
        if cash < 0 and not allow_negative_cash:
            raise InsufficientCash(view.cash, trade.trade_value + trade.estimated_fee)
    holdings = MappingProxyType({**view.holdings, trade.symbol: after})
    return replace(view, holdings=holdings, cash=cash)


class _Room:
    """How many dollars of one asset may be traded before each limit breaks.

    A trade of x dollars makes the asset worth ``value + sign * x`` and leaves a total value of ``whole - cost * x``, so
    that every limit is linear in x.
    """

    def __init__(self, current: Summary, symbol: str, side: Side, most: Decimal, cost: Decimal) -> None:
        self._limits = current.limits
        self._broken = frozenset(current.broken)
        self._symbol = symbol
        self._sign = ONE if side is Side.BUY else -ONE
        self._cost = cost
        self._whole = current.total_value
        self._values = current.view.values
        self._lowest_whole = self._whole - max(cost, ZERO) * most

    def bounds(self) -> Iterator[Decimal]:
        """Yield the bounds, in dollars: below zero for a limit that is broken already, infinite for one that this trade
        cannot break.
        """
        if self._whole <= 0:
            return
        for name in self._names():
            own = self._symbol in self._limits.members(name)
            # To sell relieves the asset's own limits; those that are broken elsewhere are not this trade's doing.
            if (own and self._sign < 0) or (not own and name in self._broken):
                continue
            yield self._pair_bound(name.subject) if name.reason is Reason.HIGH_CORRELATION else self._bound(name)

    def _names(self) -> Iterator[LimitName]:
        limits = self._limits
        for symbol, by_reason in limits.positions.items():
            for reason in by_reason:
                yield LimitName(reason, (symbol,))
        for category in limits.categories:
            yield LimitName(Reason.CATEGORY_CONCENTRATION, (category,))
        floor = limits.policy.pair_floor * self._lowest_whole
        large = [symbol for symbol in limits.positions if symbol == self._symbol or self._values[symbol] > floor]
        for pair in combinations(large, 2):
            if limits.correlation(pair) is not None:
                yield LimitName(Reason.HIGH_CORRELATION, pair)

    def _bound(self, name: LimitName) -> Decimal:
        """Return the x at which the limit is reached."""
        return self._reached(self._limits.members(name), limit_of(name, self._limits))

    def _pair_bound(self, pair: tuple[str, ...]) -> Decimal:
        """Return the x up to which one of the three conditions of a broken pair does not hold."""
        policy = self._limits.policy
        floors = [self._reached((symbol,), policy.pair_floor) for symbol in pair]
        return max(self._reached(pair, policy.pair_limit), *floors)

    def _reached(self, symbols: tuple[str, ...], limit: Decimal) -> Decimal:
        """Return the x up to which these assets together are not over ``limit``."""
        value = total(self._values[symbol] for symbol in symbols)
        speed = limit * self._cost + (self._sign if self._symbol in symbols else ZERO)
        room = limit * self._whole - value
        if speed > 0:
            return room / speed
        return INFINITY if room >= 0 else -INFINITY
