"""The input of every rule: holdings with their statistics, cash, and correlations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

from portfolio.domain.arithmetic import exact, total
from portfolio.domain.categories import OTHER
from portfolio.domain.lazy import lazy
from portfolio.domain.money import LIMIT
from portfolio.domain.prices.exchange_rules import NEVER_FETCHED, Rules

Pair = tuple[str, str]


def pair_of(one: str, other: str) -> Pair:
    """Return the two symbols in order: the name of their pair."""
    return (one, other) if one < other else (other, one)


class PairTable(Protocol):
    """Correlation coefficients: the defined ones, by ordered pair."""

    def get(self, pair: Pair) -> Decimal | None:
        """Return the coefficient of a pair; None where it is undefined."""

    def above(self, bound: Decimal) -> Mapping[Pair, Decimal]:
        """Return those greater than ``bound``."""

    def partners(self, symbol: str, bound: Decimal) -> Sequence[str]:
        """Return the symbols, in order, whose coefficient with ``symbol`` is greater than ``bound``."""

    def of(self, symbols: Collection[str]) -> PairTable:
        """Return those of the pairs of these symbols."""

    def summed(self) -> tuple[Decimal, int]:
        """Return the sum of all of them, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position as the rules see it.

    ``symbol`` is the ticker's code; ``value`` is in dollars (the cost where there is no price, below zero for a short
    position); ``tradable`` says that the price is live. ``volatility`` is annualised, ``momentum`` in [-1, 1]; None
    where undefined, and then it triggers nothing. ``rules`` are those of the exchange where it is traded. A holding of
    nothing stands for an asset that could be bought.
    """

    symbol: str
    quantity: Decimal
    value: Decimal
    price: Decimal | None
    category: str = OTHER
    tradable: bool = True
    volatility: Decimal | None = None
    momentum: Decimal | None = None
    rules: Rules = NEVER_FETCHED

    def __post_init__(self) -> None:
        numbers: tuple[object, ...] = (self.quantity, self.value, self.price, self.volatility, self.momentum)
        for number in numbers:
            assert number is None or (isinstance(number, Decimal) and number.is_finite())
        assert self.price is None or self.price > 0
        assert self.price is not None or not self.tradable

    @property
    def is_held(self) -> bool:
        """Return whether there is anything of it, long or short."""
        return self.value != 0

    @property
    def is_movable(self) -> bool:
        """Return whether a plan may trade it: a long position with a live price."""
        return self.tradable and self.value > 0

    @property
    def is_stuck(self) -> bool:
        """Return whether it is held, but no plan may trade it."""
        return self.is_held and not self.is_movable

    def moved_by(self, change: Decimal) -> Holding:
        """Return the holding with its value changed by ``change`` dollars at its own price."""
        value = self.value + change
        quantity = self.quantity + change / self.price if self.price is not None else self.quantity
        return replace(self, value=value, quantity=quantity)


@dataclass(frozen=True, kw_only=True)
class MarketView:
    """Everything that a plan depends on, apart from the policy; ``holdings`` are by symbol, in order."""

    holdings: Mapping[str, Holding]
    cash: Decimal
    correlations: PairTable

    @classmethod
    def of(cls, holdings: Iterable[Holding], cash: Decimal, correlations: PairTable) -> MarketView:
        """Return the view of these holdings, in any order."""
        by_symbol = {holding.symbol: holding for holding in holdings}
        return cls(holdings=MappingProxyType(dict(sorted(by_symbol.items()))), cash=cash, correlations=correlations)

    @lazy
    @exact
    def invested(self) -> Decimal:
        """Return the value of the holdings."""
        return total(holding.value for holding in self.holdings.values())

    @lazy
    @exact
    def total_value(self) -> Decimal:
        """Return cash plus the value of the holdings."""
        return self.cash + self.invested

    @lazy
    def held(self) -> Sequence[Holding]:
        """Return what there is anything of, by symbol."""
        return tuple(holding for holding in self.holdings.values() if holding.is_held)

    @lazy
    def stuck(self) -> Sequence[Holding]:
        """Return what is held, but no plan may trade, by symbol."""
        return tuple(holding for holding in self.holdings.values() if holding.is_stuck)

    @lazy
    def values(self) -> Mapping[str, Decimal]:
        """Return what each holding is worth."""
        return MappingProxyType({symbol: holding.value for symbol, holding in self.holdings.items()})

    @exact
    def is_uncountable(self, symbol: str) -> bool:
        """Return whether an asset's price is so low that the total value would be 1e20 units of it or more, which no
        books hold.
        """
        price = self.holdings[symbol].price
        return price is not None and self.total_value >= price * LIMIT

    @exact
    def changed(self, changes: Mapping[str, Decimal], *, cash: Decimal) -> MarketView:
        """Return the view with each named holding's value changed by that much, and this cash."""
        holdings = {
            symbol: holding.moved_by(changes[symbol]) if symbol in changes else holding
            for symbol, holding in self.holdings.items()
        }
        return replace(self, holdings=MappingProxyType(holdings), cash=cash)
