"""Gathers what a backtest is made of: stored closes, and what is held."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.state import Holdings
from portfolio.application.risk.state import ReadMarket
from portfolio.domain.days import day_of
from portfolio.domain.symbol import Symbol


class GatherCloses(msgspec.Struct, frozen=True):
    """Reads the stored closes of assets, and what is held today."""

    market: ReadMarket

    async def __call__(self, symbols: Collection[str], days: int, *, of_held: bool = True) -> tuple[Panel, Holdings]:
        """Return the closes of ``symbols``, and with ``of_held`` of what is held, over the last ``days`` completed
        days, 1 to 3650.
        """
        snapshot = await self.market.newest()
        held = Holdings.of(snapshot.portfolio)
        closes = await self.market.closes(
            sorted({*(held.quantities if of_held else ()), *(Symbol(symbol).code for symbol in symbols)}),
            days,
            today=day_of(self.market.clock.now()),
            revisions=snapshot.revisions,
        )
        return Panel.of_closes(closes, self.market.categories), held
