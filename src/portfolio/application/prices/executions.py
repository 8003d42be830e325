"""Executions whose price counts because that of the feed has become stale since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from portfolio.application.clock import Clock
from portfolio.application.prices.ports import PriceStore
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import Mark

NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class SettleStalePrices:
    """Puts the newest execution in the place of a feed's price that has become stale, whenever a portfolio is read.

    A refresh cycle does the same and writes it; who reads need not wait for it. The executions are asked for when a
    price becomes stale, and again after each entry, not for each read.
    """

    prices: PriceStore
    clock: Clock
    max_price_age: timedelta
    _of: Portfolio | None = field(default=None, init=False)
    _until: datetime = field(default=NEVER, init=False)

    async def __call__(self, portfolio: Portfolio) -> Portfolio:
        """Return the portfolio, the same where no execution is newer than a stale price of a feed."""
        now = self.clock.now()
        if portfolio is self._of and now <= self._until:
            return portfolio
        quoted = {p.symbol: p.mark for p in portfolio.open_positions if p.mark is not None and not p.mark.is_execution}
        stale = {symbol: mark for symbol, mark in quoted.items() if not mark.is_live(now, self.max_price_age)}
        since = {symbol: mark.at for symbol, mark in stale.items()}
        found = await self.prices.executed(portfolio.id, since) if since else {}
        newer = {s: mark for s, mark in found.items() if stale[s].yields_to(mark, now, self.max_price_age)}
        settled = portfolio.marked(newer) if newer else portfolio
        live: list[Mark] = [mark for symbol, mark in quoted.items() if symbol not in stale]
        self._until = min((mark.at + self.max_price_age for mark in live), default=NEVER)
        self._of = settled
        return settled
