"""Daily closes from Binance, quoted in USDT and converted to dollars."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from portfolio.adapters.feeds.candles import DAY, days_between, midnight, windows
from portfolio.adapters.feeds.errors import Refused, SourceError
from portfolio.adapters.feeds.exchange_client import ExchangeClient
from portfolio.adapters.feeds.tether import USDT
from portfolio.application.errors import FeedFailed
from portfolio.application.prices.ports import CloseFeed
from portfolio.application.prices.records import Close
from portfolio.domain.errors import DomainError
from portfolio.domain.money import EXACT, Price
from portfolio.domain.prices.quote import decimal_of, price_of
from portfolio.domain.symbol import Symbol

_MOST_KLINES = 1000
_OPENED_AT, _CLOSE = 0, 4


class BinanceKlines:
    """Closes of daily bars in USDT, each converted at the USDT close of its day, or at parity without one."""

    def __init__(self, client: ExchangeClient, dollar_closes: CloseFeed) -> None:
        self._client = client
        self._dollar_closes = dollar_closes
        self._rates: dict[tuple[date, date], Mapping[date, Price]] = {}
        self._rates_turn = asyncio.Lock()

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        """Return the closes of the days from ``start`` to ``end``, oldest first; absent days are absent.

        Raises:
            FeedFailed: Binance did not answer, or has nothing of these days.
        """
        closes: list[Close] = []
        try:
            if symbol == USDT:
                raise Refused("Binance quotes in USDT, and so never USDT itself")
            in_tether: dict[date, Decimal] = {}
            for first, last in windows(start, end, _MOST_KLINES):
                in_tether.update(await self._ask(symbol, first, last))
            if not in_tether:
                raise Refused(f"no bars of {symbol} from {start} to {end}")
            rates = await self._usdt_closes(start, end)
            for day in sorted(in_tether):
                price = price_of(in_tether[day])
                if day in rates:
                    price = price_of(EXACT.multiply(price.value, rates[day].value))
                closes.append(Close(symbol=symbol, day=day, price=price, source=self._client.source))
        except SourceError as error:
            raise FeedFailed(self._client.source, error.reason) from error
        except DomainError as error:
            raise FeedFailed(self._client.source, f"price refused: {error}") from error
        return closes

    async def _ask(self, symbol: Symbol, first: date, last: date) -> dict[date, Decimal]:
        days = {midnight(day) * 1000: day for day in days_between(first, last)}
        query = {
            "symbol": f"{symbol}USDT",
            "interval": "1d",
            "startTime": str(midnight(first) * 1000),
            "endTime": str(midnight(last + DAY) * 1000 - 1),
            "limit": str(_MOST_KLINES),
        }
        closes: dict[date, Decimal] = {}
        for bar in await self._client.get("api/v3/klines", query, list[list[int | str]]):
            opened_at, close = (bar[_OPENED_AT], bar[_CLOSE]) if len(bar) > _CLOSE else (0, "")
            if isinstance(opened_at, int) and opened_at in days:
                closes[days[opened_at]] = decimal_of(str(close))
        return closes

    async def _usdt_closes(self, start: date, end: date) -> Mapping[date, Price]:
        """Return what a USDT was worth at the end of each day, as far as known; asked once for each span."""
        async with self._rates_turn:
            if (start, end) not in self._rates:
                try:
                    closes = await self._dollar_closes.daily_closes(USDT, start, end)
                except FeedFailed:
                    return {}
                self._rates = {(start, end): {close.day: close.price for close in closes}}
            return self._rates[start, end]
