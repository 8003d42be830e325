"""Daily closes from Coinbase Exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from portfolio.adapters.feeds.errors import NotAsked, SourceError, Throttled
from portfolio.adapters.feeds.exchange_client import ExchangeClient
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.application.errors import FeedFailed
from portfolio.application.prices.records import Close
from portfolio.domain.errors import DomainError
from portfolio.domain.prices.quote import price_of
from portfolio.domain.symbol import Symbol

DAY = timedelta(days=1)
_MOST_CANDLES = 300
_LONGEST_WAIT_SECONDS = 30.0
_TRIES = 3

_Candle = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]  # time, low, high, open, close, volume


class CoinbaseCandles:
    """Closes of daily candles, in the longest spans and at the highest rate that the exchange allows."""

    def __init__(
        self, client: ExchangeClient, throttle: Throttle, *, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._client = client
        self._throttle = throttle
        self._wait = wait

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        """Return the closes of the days from ``start`` to ``end``, oldest first; days without a trade are absent.

        Raises:
            FeedFailed: the exchange did not answer, or has nothing of these days.
        """
        closes: dict[date, Close] = {}
        try:
            for first, last in windows(start, end, _MOST_CANDLES):
                days = {midnight(day): day for day in days_between(first, last)}
                for time, _low, _high, _open, close, _volume in await self._ask(symbol, first, last):
                    if time in days:
                        price = price_of(close)
                        closes[days[time]] = Close(
                            symbol=symbol, day=days[time], price=price, source=self._client.source
                        )
        except SourceError as error:
            raise FeedFailed(self._client.source, error.reason) from error
        except DomainError as error:
            raise FeedFailed(self._client.source, f"price refused: {error}") from error
        if not closes:
            raise FeedFailed(self._client.source, f"no candles of {symbol} from {start} to {end}")
        return [closes[day] for day in sorted(closes)]

    async def _ask(self, symbol: Symbol, first: date, last: date) -> list[_Candle]:
        query = {"granularity": "86400", "start": f"{first}T00:00:00Z", "end": f"{last}T00:00:00Z"}
        for remaining in reversed(range(_TRIES)):
            try:
                await self._throttle.turn()
                return await self._client.get(f"products/{symbol}-USD/candles", query, list[_Candle])
            except (Throttled, NotAsked) as error:
                seconds = error.wait_seconds if isinstance(error, NotAsked) else error.retry_after_seconds
                if not remaining or seconds is None or seconds > _LONGEST_WAIT_SECONDS:
                    raise
                await self._wait(seconds)
        raise AssertionError("the last try returns or raises")


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from ``first`` to ``last``, both included."""
    for number in range((last - first).days + 1):
        yield first + number * DAY


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
