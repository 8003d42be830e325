"""The state that the rules work on: the portfolio at its prices, with the statistics of its assets."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from portfolio.analytics.returns import PriceHistory
from portfolio.analytics.statistics import Statistics, asset_statistics
from portfolio.application.clock import Clock
from portfolio.application.in_thread import in_thread
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.prices.closes import YEAR, Closes, ReadCloses
from portfolio.application.prices.valuation import PositionValue, PriceStatus, Valuation, aged, value_portfolio
from portfolio.domain.arithmetic import ZERO
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Price
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.view import Holding, MarketView
from portfolio.domain.symbol import Symbol

CONVENTION: Final = "crypto-365-v1"
DEFAULT_DAYS: Final = 30

_MOST_KEPT = 16
# Smaller tables take less time than handing them to a thread.
_CELLS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketState:
    """The portfolio and its market at one moment, whole: every figure of an answer is made of this alone.

    ``view`` is what the rules look at; its total value is the valuation's. ``closes`` are the prices behind
    ``statistics``, over ``days`` completed days. ``stale`` says that a price is not live, or that the database could
    not be asked since ``as_of``.
    """

    snapshot: Snapshot
    valuation: Valuation
    view: MarketView
    policy: RebalancePolicy
    days: int
    closes: Closes
    statistics: Statistics
    at: datetime

    @property
    def as_of(self) -> datetime:
        """Return when the books were read."""
        return self.snapshot.as_of

    @property
    def stale(self) -> bool:
        """Return whether a part of it may be out of date."""
        return self.snapshot.database_away or not self.closes.is_current or bool(self.valuation.stale_symbols)

    @property
    def weights(self) -> Sequence[float]:
        """Return the share of the total value of each column of the statistics; zeros without a total value."""
        whole = self.view.total_value
        values = [self.view.holdings[symbol].value for symbol in self.statistics.history.symbols]
        return [float(value / whole) if whole > 0 else 0.0 for value in values]


class ReadMarket:
    """Reads the market state; statistics are computed once for the closes they come from.

    Tables of more than a few assets are worked on in a thread, so that bookings go on meanwhile.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        closes: ReadCloses,
        clock: Clock,
        *,
        categories: Categories,
        policy: RebalancePolicy,
        max_price_age: timedelta,
    ) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._categories = categories
        self._policy = policy
        self._max_price_age = max_price_age
        self._closes = closes
        self._computed: OrderedDict[tuple[object, ...], Statistics] = OrderedDict()
        self._computing: dict[tuple[object, ...], asyncio.Task[Statistics]] = {}
        self._valued: Valuation | None = None

    @property
    def policy(self) -> RebalancePolicy:
        """Return the policy that the portfolio is held to."""
        return self._policy

    async def __call__(
        self, days: int = DEFAULT_DAYS, *, also: Mapping[Symbol, Price | None] | None = None
    ) -> MarketState:
        """Return the state with statistics over the last ``days`` completed days, 1 to 3650.

        ``also`` are assets, with their prices, that are to be in the view although nothing of them may be held.

        Raises:
            LedgerUnavailable: the database is away and no state was ever seen.
            PortfolioMissing: the books were never opened.
        """
        return await self.of(await self._snapshots.newest(), days, also=also)

    async def of(
        self, snapshot: Snapshot, days: int = DEFAULT_DAYS, *, also: Mapping[Symbol, Price | None] | None = None
    ) -> MarketState:
        """Return the state of a snapshot read already. Without the database the closes are the last ones seen."""
        now = self._clock.now()
        today = (snapshot.as_of if snapshot.database_away else now).date()
        valuation = self._valuation(snapshot.portfolio, now)
        wanted = {value.position.symbol.code for value in valuation.positions}
        wanted |= {symbol.code for symbol in also or {}}
        closes = await self._closes(
            sorted(wanted),
            max(days, YEAR),
            today=today,
            price_revision=snapshot.revisions.prices,
            asks=not snapshot.database_away,
        )
        statistics = await self._statistics(closes, days)
        return MarketState(
            snapshot=snapshot,
            valuation=valuation,
            view=_view(valuation, statistics, self._categories, also or {}),
            policy=self._policy,
            days=days,
            closes=closes,
            statistics=statistics,
            at=now,
        )

    def _valuation(self, portfolio: Portfolio, now: datetime) -> Valuation:
        """Return the portfolio valued now; one that still stands is not valued again, its prices have grown older."""
        last, max_age = self._valued, self._max_price_age
        if last is not None and last.portfolio is portfolio:
            return aged(last, now=now, max_age=max_age)
        self._valued = value_portfolio(portfolio, now=now, max_age=max_age, categories=self._categories)
        return self._valued

    async def _statistics(self, closes: Closes, days: int) -> Statistics:
        history = closes.history
        key = (history.symbols, history.last_day, days, closes.version, closes.is_simulated)
        if key in self._computed:
            self._computed.move_to_end(key)
            return self._computed[key]
        if history.closes.size <= _CELLS_AT_ONCE:
            return self._keep(key, asset_statistics(history, days))
        computing = self._computing.get(key)
        if computing is None:
            # In a task of its own: whoever came first may go away before the others have what they wait for.
            computing = asyncio.create_task(self._compute(key, history, days), name="statistics")
            self._computing[key] = computing
        return await asyncio.shield(computing)

    async def _compute(self, key: tuple[object, ...], history: PriceHistory, days: int) -> Statistics:
        try:
            return self._keep(key, await in_thread(asset_statistics, history, days))
        finally:
            del self._computing[key]

    def _keep(self, key: tuple[object, ...], statistics: Statistics) -> Statistics:
        self._computed[key] = statistics
        while len(self._computed) > _MOST_KEPT:
            self._computed.popitem(last=False)
        return statistics


def _view(
    valuation: Valuation, statistics: Statistics, categories: Categories, also: Mapping[Symbol, Price | None]
) -> MarketView:
    holdings = {value.position.symbol.code: _holding(value, statistics) for value in valuation.positions}
    for symbol, price in also.items():
        if symbol.code not in holdings:
            nothing = Holding(
                symbol=symbol.code,
                quantity=ZERO,
                value=ZERO,
                price=price.value if price else None,
                category=categories.of(symbol),
                tradable=price is not None,
                volatility=statistics.volatilities.get(symbol.code),
                momentum=statistics.momenta.get(symbol.code),
            )
            holdings[symbol.code] = nothing
    return MarketView(
        holdings=MappingProxyType(dict(sorted(holdings.items()))),
        cash=valuation.portfolio.cash.value,
        correlations=statistics.correlations,
    )


def _holding(value: PositionValue, statistics: Statistics) -> Holding:
    position = value.position
    return Holding(
        symbol=position.symbol.code,
        quantity=position.quantity.value,
        value=value.market_value.value,
        price=position.mark.price.value if position.mark else None,
        category=value.category,
        tradable=value.price_status is PriceStatus.LIVE,
        volatility=statistics.volatilities.get(position.symbol.code),
        momentum=statistics.momenta.get(position.symbol.code),
    )
