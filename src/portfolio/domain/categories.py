"""What kind of asset a symbol is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol

OTHER = "other"
STABLECOIN = "stablecoin"


@dataclass(frozen=True, slots=True)
class Categories:
    """A map from symbols to categories; a symbol that is not in it is ``other``."""

    by_symbol: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, symbol: Symbol) -> str:
        """Return the category of ``symbol``."""
        return self.by_symbol.get(symbol.code, OTHER)


@dataclass(frozen=True, slots=True)
class PositionLimit:
    """How many percent of the total value a position may be; one of an asset in a category of ``without`` any."""

    percent: Decimal = Decimal(25)
    categories: Categories = field(default_factory=Categories)
    without: Collection[str] = frozenset()

    @exact
    def is_broken(self, symbol: Symbol, value: Money, whole: Money) -> bool:
        """Return whether a position of so much of the whole is over the limit; of no whole above zero none is."""
        is_over = whole.value > 0 and value.value * HUNDRED > self.percent * whole.value
        return is_over and self.categories.of(symbol) not in self.without


A_QUARTER: Final = PositionLimit()
