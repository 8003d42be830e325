"""The positions of a portfolio, with their sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from portfolio.domain.arithmetic import exact
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, sum_of
from portfolio.domain.symbol import Symbol

_NONE: Final[Mapping[Symbol, Position]] = MappingProxyType({})
_Sums = tuple[Decimal, Decimal, Decimal, Decimal]
_NOTHING: Final[_Sums] = (Decimal(0),) * 4


class Positions(Mapping[Symbol, Position]):
    """Positions by symbol, closed ones too; never changed, only replaced by others.

    Sums are added up once: of positions that replace some of these, only the differences count.
    """

    __slots__ = ("_by_symbol", "_open", "_sums")

    def __init__(self, by_symbol: Mapping[Symbol, Position] = _NONE) -> None:
        self._by_symbol = dict(by_symbol)
        self._sums: _Sums | None = None
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
        """Return what they are worth."""
        return Money(self._totals()[0])

    @property
    def cost_basis(self) -> Money:
        """Return what they cost, fees included."""
        return Money(self._totals()[1])

    @property
    def realized_pnl(self) -> Money:
        """Return what all of them realized."""
        return Money(sum_of(position.realized_pnl for position in self._by_symbol.values()).value)

    def reconciled(self) -> Positions:
        """Return these, with what their rows hold taken for what the entries explain."""
        return Positions({s: replace(p, ledger_quantity=p.quantity) for s, p in self._by_symbol.items()})

    def reach(self, cash: Money, realized_pnl: Money) -> Decimal:
        """Return how large a sum of a portfolio can be that has these positions; from 1e20 on it is out of range."""
        _, _, extent, realized = self._totals()
        return reach(cash, realized_pnl, extent, realized)

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

    def _totals(self) -> _Sums:
        if self._sums is None:
            self._sums = _moved_by(_NOTHING, ((None, position) for position in self._by_symbol.values()))
        return self._sums


@exact
def reach(cash: Money, realized_pnl: Money, extent: Decimal, realized: Decimal) -> Decimal:
    """Return how large any sum of a portfolio can be: of its parts, whatever their signs.

    Its positions' extents add up to ``extent`` and what each realized to ``realized``, without signs. What is booked
    stays below 1e20, and so do the prices that are taken and the rows that are read: whatever is added up of it later,
    of all positions or of some, is in range.
    """
    own = max(cash.value.copy_abs() + realized, realized_pnl.value.copy_abs())
    return extent + own


@exact
def _moved_by(sums: _Sums, moved: Iterable[tuple[Position | None, Position]]) -> _Sums:
    invested, cost, extent, realized = sums
    for before, after in moved:
        if before is not None:
            invested -= before.market_value.value
            cost -= before.cost_basis.value
            extent -= before.extent
            realized -= before.realized_pnl.value.copy_abs()
        invested += after.market_value.value
        cost += after.cost_basis.value
        extent += after.extent
        realized += after.realized_pnl.value.copy_abs()
    return invested, cost, extent, realized
