"""The positions of a portfolio, with their sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import EXACT, Money
from portfolio.domain.symbol import Symbol

_NONE: Final[Mapping[Symbol, Position]] = MappingProxyType({})


class Positions(Mapping[Symbol, Position]):
    """Positions by symbol, closed ones too; never changed, only replaced by others.

    Sums are added up once: of positions that replace some of these, only the differences count.
    """

    __slots__ = ("_by_symbol", "_open", "_sums")

    def __init__(self, by_symbol: Mapping[Symbol, Position] = _NONE) -> None:
        self._by_symbol = dict(by_symbol)
        self._sums: tuple[Decimal, Decimal] | None = None
        self._open: tuple[Position, ...] | None = None

    def __getitem__(self, symbol: Symbol) -> Position:
        return self._by_symbol[symbol]

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._by_symbol)

    def __len__(self) -> int:
        return len(self._by_symbol)

    def __eq__(self, other: object) -> bool:
        return self._by_symbol == (other._by_symbol if isinstance(other, Positions) else other)

    def __hash__(self) -> int:
        return hash(frozenset(self._by_symbol))

    def __repr__(self) -> str:
        return f"Positions({list(self._by_symbol.values())!r})"

    @property
    def market_value(self) -> Money:
        """Return what they are worth.

        Raises:
            OutOfRange: 1e20 or more.
        """
        return Money(self._totals()[0])

    @property
    def cost_basis(self) -> Money:
        """Return what they cost, fees included.

        Raises:
            OutOfRange: 1e20 or more.
        """
        return Money(self._totals()[1])

    @property
    def open(self) -> tuple[Position, ...]:
        """Return what is held, by symbol."""
        if self._open is None:
            self._open = tuple(sorted((p for p in self.values() if p.is_open), key=lambda p: p.symbol.code))
        return self._open

    def replacing(self, positions: Iterable[Position]) -> Positions:
        """Return these with others in the place of those of the same symbols."""
        after = Positions(self._by_symbol)
        moved: list[tuple[Position | None, Position]] = []
        for position in positions:
            moved.append((after._by_symbol.get(position.symbol), position))
            after._by_symbol[position.symbol] = position
        if self._sums is not None:
            with suppress(OutOfRange):  # of one position's value: whoever asks for the sums hears of it
                after._sums = _moved_by(self._sums, moved)
        return after

    def _totals(self) -> tuple[Decimal, Decimal]:
        if self._sums is None:
            invested = cost = Decimal(0)
            for position in self._by_symbol.values():
                invested = EXACT.add(invested, position.market_value.value)
                cost = EXACT.add(cost, position.cost_basis.value)
            self._sums = invested, cost
        return self._sums


def _moved_by(
    sums: tuple[Decimal, Decimal], moved: Iterable[tuple[Position | None, Position]]
) -> tuple[Decimal, Decimal]:
    invested, cost = sums
    for before, after in moved:
        if before is not None:
            invested = EXACT.subtract(invested, before.market_value.value)
            cost = EXACT.subtract(cost, before.cost_basis.value)
        invested = EXACT.add(invested, after.market_value.value)
        cost = EXACT.add(cost, after.cost_basis.value)
    return invested, cost
