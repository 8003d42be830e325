"""Daily closes from the exchanges, in the longest spans and at the highest rate that each allows."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from portfolio.adapters.feeds.errors import NotAsked, Refused, SourceError, Throttled
from portfolio.adapters.feeds.exchange_client import ExchangeClient, readable
from portfolio.adapters.feeds.tether import USDT
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.application.errors import FeedFailed
from portfolio.application.prices.ports import CloseFeed
from portfolio.application.prices.records import Close
from portfolio.domain.days import DAY, each_day
from portfolio.domain.errors import DomainError
from portfolio.domain.mark import ASSUMED_RATE
from portfolio.domain.money import EXACT, Price
from portfolio.domain.prices.quote import decimal_of, price_of
from portfolio.domain.symbol import Symbol

_LONGEST_WAIT_SECONDS = 30.0
_TRIES = 3


class _Candle(msgspec.Struct, array_like=True):
    """The begin of a bar of Coinbase; the time is in seconds."""

    opened_at: int
    low: Decimal
    high: Decimal
    open: Decimal
    close: Decimal


class _Kline(msgspec.Struct, array_like=True):
    """The beginning of a bar of Binance; the time is in milliseconds."""

    opened_at: int
    open: str
    high: str
    low: str
    close: str


class _Bars(ABC):
    """The closes of one exchange's daily bars."""

    most_days: int

    def __init__(self, client: ExchangeClient) -> None:
        self._client = client

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        source = self._client.source
        prices: dict[date, Price] = {}
        try:
            for first, last in windows(start, end, self.most_days):
                days = {midnight(day): day for day in each_day(first, last)}
                bars = await self._bars(symbol, first, last)
                prices.update((days[opened_at], price_of(close)) for opened_at, close in bars if opened_at in days)
            if not prices:
                raise Refused(f"no bars of {symbol} from {start} to {end}")
            rates = await self._rates(start, end)
            for day, rate in (rates or {}).items():
                if day in prices:
                    prices[day] = price_of(EXACT.multiply(prices[day].value, rate.value))
        except SourceError as error:
            raise FeedFailed(source, error.reason) from error
        except DomainError as error:
            raise FeedFailed(source, f"price refused: {error}") from error
        assumed = set() if rates is None else prices.keys() - rates.keys()
        return [
            Close(symbol=symbol, day=day, price=prices[day], source=source + (ASSUMED_RATE if day in assumed else ""))
            for day in sorted(prices)
        ]

    @abstractmethod
    async def _bars(self, symbol: Symbol, first: date, last: date) -> Iterable[tuple[int, Decimal]]:
        """Return the second at which each bar begins, and its close."""

    async def _rates(self, start: date, end: date) -> Mapping[date, Price] | None:
        """Return what one unit of the currency of the closes was worth in dollars each day; None where it is one."""
        del start, end
        return None


class CoinbaseCandles(_Bars):
    """Closes of the candles of Coinbase Exchange, in dollars."""

    most_days = 300

    def __init__(
        self, client: ExchangeClient, throttle: Throttle, *, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        super().__init__(client)
        self._throttle = throttle
        self._wait = wait

    async def _bars(self, symbol: Symbol, first: date, last: date) -> Iterable[tuple[int, Decimal]]:
        query = {"granularity": "86400", "start": f"{first}T00:00:00Z", "end": f"{last}T00:00:00Z"}
        for remaining in reversed(range(_TRIES)):
            try:
                await self._throttle.turn()
                candles = await self._client.get(f"products/{symbol}-USD/candles", query, list[Any])
                return [(candle.opened_at, candle.close) for candle in readable(candles, _Candle)]
            except (Throttled, NotAsked) as error:
                seconds = error.wait_seconds if isinstance(error, NotAsked) else error.retry_after_seconds
                if not remaining or seconds is None or seconds > _LONGEST_WAIT_SECONDS:
                    raise
                await self._wait(seconds)
        raise AssertionError("the last try returns or raises")


class BinanceKlines(_Bars):
    """Closes of bars in USDT, each converted at the USDT close of its day; without one at parity, which its source
    says.
    """

    most_days = 1000

    def __init__(self, client: ExchangeClient, dollar_closes: CloseFeed) -> None:
        super().__init__(client)
        self._dollar_closes = dollar_closes
        self._known_rates: dict[tuple[date, date], Mapping[date, Price]] = {}
        self._rates_turn = asyncio.Lock()

    async def _bars(self, symbol: Symbol, first: date, last: date) -> Iterable[tuple[int, Decimal]]:
        if symbol == USDT:
            raise Refused("Binance quotes in USDT, and so never USDT itself")
        query = {
            "symbol": f"{symbol}USDT",
            "interval": "1d",
            "startTime": str(midnight(first) * 1000),
            "endTime": str(midnight(last + DAY) * 1000 - 1),
            "limit": str(self.most_days),
        }
        rows = await self._client.get("api/v3/klines", query, list[Any])
        bars = readable(rows, _Kline)
        return [(bar.opened_at // 1000, decimal_of(bar.close)) for bar in bars if bar.opened_at % 1000 == 0]

    async def _rates(self, start: date, end: date) -> Mapping[date, Price]:
        """Return what a USDT was worth at the end of each day, as far as known; asked once for each span."""
        async with self._rates_turn:
            if (start, end) not in self._known_rates:
                try:
                    closes = await self._dollar_closes.daily_closes(USDT, start, end)
                except FeedFailed:
                    return {}
                self._known_rates = {(start, end): {close.day: close.price for close in closes}}
            return self._known_rates[start, end]


def windows(start: date, end: date, most_days: int) -> Iterator[tuple[date, date]]:
    """Yield spans of at most ``most_days`` that cover ``start`` to ``end``, newest first."""
    last = end
    while last >= start:
        first = max(start, last - (most_days - 1) * DAY)
        yield first, last
        last = first - DAY


def midnight(day: date) -> int:
    """Return the second at which the day begins, in UTC, since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
