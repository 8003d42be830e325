"""What kind of asset a symbol is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

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
