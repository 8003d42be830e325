"""The exchanges, connected to each other for the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from portfolio.adapters.feeds.binance import BinanceFeed
from portfolio.adapters.feeds.breaker import Breaker, BreakerRules
from portfolio.adapters.feeds.chain import ChainCloses, ChainFeed
from portfolio.adapters.feeds.closes import BinanceKlines, CoinbaseCandles
from portfolio.adapters.feeds.coinbase import CoinbaseFeed
from portfolio.adapters.feeds.exchange_client import Bounds, ExchangeClient
from portfolio.adapters.feeds.exchange_rules import BinanceRules, CoinbaseRules
from portfolio.adapters.feeds.tether import TetherRate
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.application.clock import Clock
from portfolio.application.prices.ports import ExchangeRulesFeed
from portfolio.settings import Settings

# Two hundred symbols, and USDT, in two rounds.
_COINBASE_IN_FLIGHT = 128
_CANDLES_PER_SECOND = 8.0  # of the 10 that are allowed
# Shares of a request's deadline: of one call, and of all that one source is asked in a refresh. Both sources, one
# after the other, have to fit it.
_CALL_SHARE, _SOURCE_SHARE = 0.3, 0.4
# Of a whole list of pairs. That of Binance has some megabytes; nobody waits for it.
_LISTS = Bounds(deadline_seconds=30.0, bytes=8 * 1024 * 1024, in_flight=1)


class Exchanges:
    """Coinbase first, then Binance: ``prices`` for now, ``closes`` for the days before, ``rules`` of the pairs."""

    def __init__(
        self, settings: Settings, clock: Clock, *, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        seconds = settings.request_deadline_seconds
        at_once = Bounds(deadline_seconds=_CALL_SHARE * seconds, in_flight=_COINBASE_IN_FLIGHT)
        coinbase = ExchangeClient("coinbase", settings.coinbase_url, clock, bounds=at_once)
        few = Bounds(deadline_seconds=_CALL_SHARE * seconds, in_flight=32)
        binance = ExchangeClient("binance", settings.binance_url, clock, bounds=few)
        # Too many calls a second is over in a second or two.
        breaker = Breaker("coinbase-exchange", clock, BreakerRules(ban_seconds=2.0))
        slow = Bounds(deadline_seconds=10.0, in_flight=8)
        candles = ExchangeClient("coinbase", settings.candles_url, clock, bounds=slow, breaker=breaker)
        # A list that fails says nothing of prices: what health tells of Binance is told by its prices alone.
        listing = Breaker("binance-rules", clock)
        products = ExchangeClient("coinbase", settings.candles_url, clock, bounds=_LISTS, breaker=breaker)
        info = ExchangeClient("binance", settings.binance_url, clock, bounds=_LISTS, breaker=listing)
        self._clients = (coinbase, binance, candles, products, info)
        tether, budget_seconds = TetherRate(clock), _SOURCE_SHARE * seconds
        self.spot = CoinbaseFeed(coinbase, clock, tether, Throttle.hourly(clock), budget_seconds=budget_seconds)
        self.fallback = BinanceFeed(binance, clock, tether, self.spot.learn_tether, budget_seconds=budget_seconds)
        turns = Throttle(clock, _CANDLES_PER_SECOND, wait=wait)
        daily = CoinbaseCandles(candles, turns, wait=wait)
        self.prices = ChainFeed({"coinbase": self.spot, "binance": self.fallback})
        self.closes = ChainCloses([daily, BinanceKlines(binance, daily)])
        self.rules: Mapping[str, ExchangeRulesFeed] = {
            "coinbase": CoinbaseRules(products, turns),
            "binance": BinanceRules(info, binance, tether, self.spot.learn_tether),
        }

    def least_interval_seconds(self, symbols: int) -> float:
        """Return the least interval between refreshes of so many symbols within the exchange's limits."""
        return self.spot.least_interval_seconds(symbols)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.close()
