"""The exchanges, connected to each other for the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from portfolio.adapters.feeds.binance import BinanceFeed
from portfolio.adapters.feeds.breaker import Breaker, BreakerRules
from portfolio.adapters.feeds.candles import CoinbaseCandles
from portfolio.adapters.feeds.chain import ChainFeed
from portfolio.adapters.feeds.closes import ChainCloses
from portfolio.adapters.feeds.coinbase import CoinbaseFeed
from portfolio.adapters.feeds.exchange_client import Bounds, ExchangeClient
from portfolio.adapters.feeds.klines import BinanceKlines
from portfolio.adapters.feeds.tether import TetherRate
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.application.clock import Clock
from portfolio.settings import Settings

COINBASE_URL = "https://api.coinbase.com"
BINANCE_URL = "https://api.binance.com"
CANDLES_URL = "https://api.exchange.coinbase.com"

# Two hundred symbols, and USDT, in two rounds.
_COINBASE_IN_FLIGHT = 128
_CANDLES_PER_SECOND = 8.0  # of the 10 that are allowed


class Exchanges:
    """Coinbase first, then Binance: ``prices`` for now, ``closes`` for the days before.

    A call may take ``call_seconds``, all that one source is asked in a refresh ``source_seconds``: both
    sources, one after the other, have to fit a request's deadline.
    """

    def __init__(  # shape: three addresses, two deadlines
        self,
        clock: Clock,
        *,
        coinbase_url: str = COINBASE_URL,
        binance_url: str = BINANCE_URL,
        candles_url: str = CANDLES_URL,
        call_seconds: float = 3.0,
        source_seconds: float = 4.0,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        at_once = Bounds(deadline_seconds=call_seconds, in_flight=_COINBASE_IN_FLIGHT)
        coinbase = ExchangeClient("coinbase", coinbase_url, clock, bounds=at_once)
        binance = ExchangeClient(
            "binance", binance_url, clock, bounds=Bounds(deadline_seconds=call_seconds, in_flight=32)
        )
        # Too many calls a second is over in a second or two.
        breaker = Breaker("coinbase-exchange", clock, BreakerRules(ban_seconds=2.0))
        bounds = Bounds(deadline_seconds=10.0, in_flight=8)
        candles = ExchangeClient("coinbase", candles_url, clock, bounds=bounds, breaker=breaker)
        self._clients = (coinbase, binance, candles)
        tether = TetherRate(clock)
        self.spot = CoinbaseFeed(coinbase, clock, tether, Throttle.hourly(clock), budget_seconds=source_seconds)
        self.fallback = BinanceFeed(binance, clock, tether, self.spot.learn_tether, budget_seconds=source_seconds)
        daily = CoinbaseCandles(candles, Throttle(clock, _CANDLES_PER_SECOND, wait=wait), wait=wait)
        self.prices = ChainFeed({"coinbase": self.spot, "binance": self.fallback})
        self.closes = ChainCloses([daily, BinanceKlines(binance, daily)])

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> Self:
        """Return the exchanges of the settings: both sources together fit the request's deadline."""
        return cls(
            clock,
            coinbase_url=settings.coinbase_url,
            binance_url=settings.binance_url,
            candles_url=settings.candles_url,
            call_seconds=0.3 * settings.request_deadline_seconds,
            source_seconds=0.4 * settings.request_deadline_seconds,
        )

    def least_interval_seconds(self, symbols: int) -> float:
        """Return the least interval between refreshes of so many symbols within the exchange's limits."""
        return self.spot.least_interval_seconds(symbols)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.close()
