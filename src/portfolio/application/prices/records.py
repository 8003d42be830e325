"""Records of prices that use cases and ports exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.prices.exchange_rules import Rules
from portfolio.domain.symbol import Symbol


class PriceUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The believed prices of one refresh, and executions where there is none.

    ``since`` is the price revision that the refresh began on; None where it does not matter. ``instead_of`` are the
    marks that executions take the place of.
    """

    marks: Mapping[Symbol, Mark]
    at: datetime
    since: int | None = None
    instead_of: Mapping[Symbol, Mark] = msgspec.field(default_factory=dict)

    def marks_for(self, portfolio: Portfolio) -> Mapping[Symbol, Mark]:
        """Return the marks to write on ``portfolio`` as it is now; a newer price that is there already stays.

        Where other prices were written since the refresh began, those observed later stay: a refresh that was held up
        brings back no price of before. One from a clock ahead of this one is no reason. An execution takes the place
        of the mark that it was chosen against, and of no other.
        """
        return {symbol: mark for symbol, mark in self.marks.items() if self._counts(mark, portfolio, symbol)}

    def _counts(self, mark: Mark, portfolio: Portfolio, symbol: Symbol) -> bool:
        known = portfolio.position(symbol).mark
        if symbol in self.instead_of:
            return known == self.instead_of[symbol]
        is_first = self.since is None or self.since == portfolio.price_revision
        return is_first or known is None or not mark.at < known.at <= self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """An asset's price at the end of a UTC day."""

    symbol: Symbol
    day: date
    price: Price
    source: str


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """A lease held: the token grows with every new holder, so that an earlier writer is recognized."""

    name: str
    holder: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRules:
    """The rules of one exchange, as it gave them at ``fetched_at``."""

    venue: str
    fetched_at: datetime
    rules: Mapping[Symbol, Rules]
