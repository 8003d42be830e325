"""Records of prices that use cases and ports exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceUpdate:
    """The believed prices of one refresh.

    ``since`` is the price revision that the refresh began on; None where it does not matter.
    """

    marks: Mapping[Symbol, Mark]
    at: datetime
    since: int | None = None

    def marks_for(self, portfolio: Portfolio) -> Mapping[Symbol, Mark]:
        """Return the marks to write on ``portfolio`` as it is now; a newer price that is there already stays.

        Where other prices were written since the refresh began, those observed later stay: a refresh that was held up
        brings back no price of before. One from a clock ahead of this one is no reason.
        """
        if self.since is None or self.since == portfolio.price_revision:
            return self.marks
        return {symbol: mark for symbol, mark in self.marks.items() if not self._is_behind(mark, portfolio, symbol)}

    def _is_behind(self, mark: Mark, portfolio: Portfolio, symbol: Symbol) -> bool:
        known = portfolio.position(symbol).mark
        return known is not None and mark.at < known.at <= self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """An asset's price at the end of a UTC day."""

    symbol: Symbol
    day: date
    price: Price
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A lease held: the token grows with every new holder, so that an earlier writer is recognized."""

    name: str
    holder: str
    token: int
