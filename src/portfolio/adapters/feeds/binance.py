"""Current prices from Binance, quoted in USDT and converted to dollars."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from portfolio.adapters.feeds.errors import Refused, SourceError
from portfolio.adapters.feeds.exchange_client import ExchangeClient, readable
from portfolio.adapters.feeds.tether import USDT, TetherRate
from portfolio.application.clock import Clock
from portfolio.application.prices.sources import FeedReport, Found, SourceState
from portfolio.domain.errors import DomainError
from portfolio.domain.money import EXACT
from portfolio.domain.prices.quote import Quote, decimal_of, price_of
from portfolio.domain.symbol import Symbol

_BAD_PAIR = frozenset({"-1121", "-1100"})  # invalid symbol; illegal characters in it
_REMEMBERED_SECONDS = 3600.0
_MOST_AT_ONCE = 300  # keeps the address below 8 KB


class _Ticker(msgspec.Struct):
    symbol: str
    price: str


class _Asked(NamedTuple):
    """A price in USDT, as written, and when it was asked for."""

    price: str
    at: datetime


@dataclass(slots=True, eq=False)
class BinanceFeed:
    """The prices of all symbols by one call.

    Binance refuses the whole of a call that names one pair it does not have: such a call is cut in halves,
    both asked at once, until the pairs refused are found; they are not asked for again for an hour.
    """

    client: ExchangeClient
    clock: Clock
    tether: TetherRate
    learn_tether: Callable[[], Coroutine[None, None, None]]
    _: KW_ONLY
    budget_seconds: float = 4.0
    _refused_at: dict[Symbol, float] = field(default_factory=dict, init=False)

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        found: Found = {s: reason for s in symbols if (reason := self._reason_not_to_ask(s))}
        wanted = list(dict.fromkeys(s for s in symbols if s not in found))
        in_tether: dict[Symbol, _Asked] = {}
        try:
            async with asyncio.timeout(self.budget_seconds), asyncio.TaskGroup() as calls:
                if wanted:
                    calls.create_task(self.learn_tether())
                for first in range(0, len(wanted), _MOST_AT_ONCE):
                    calls.create_task(self._ask(wanted[first : first + _MOST_AT_ONCE], in_tether, found))
        except TimeoutError:
            late = f"no answer within {self.budget_seconds:g} s"
            found = {**dict.fromkeys(wanted, late), **found}
        for symbol, asked in in_tether.items():
            try:
                found[symbol] = self._converted(symbol, asked)
            except DomainError as error:
                found[symbol] = f"price refused: {error}"
        return FeedReport.of(found)

    def states(self) -> Mapping[str, SourceState]:
        return {self.client.source: self.client.state}

    async def _ask(self, symbols: Sequence[Symbol], prices: dict[Symbol, _Asked], found: Found) -> None:
        """Add the prices in USDT of ``symbols``, and why there is none for the others."""
        asked_at = self.clock.now()
        query = {"symbols": msgspec.json.encode([f"{symbol}USDT" for symbol in symbols]).decode()}
        try:
            tickers = await self.client.get("api/v3/ticker/price", query, list[Any])
        except Refused as error:
            if error.code not in _BAD_PAIR or len(symbols) == 1:
                if error.code in _BAD_PAIR:
                    self._refused_at[symbols[0]] = self.clock.monotonic()
                found.update(dict.fromkeys(symbols, error.reason))
                return
            middle = len(symbols) // 2
            async with asyncio.TaskGroup() as halves:
                halves.create_task(self._ask(symbols[:middle], prices, found))
                halves.create_task(self._ask(symbols[middle:], prices, found))
        except SourceError as error:
            found.update(dict.fromkeys(symbols, error.reason))
        else:
            answered: dict[str, set[str]] = {}
            for ticker in readable(tickers, _Ticker):
                answered.setdefault(ticker.symbol, set()).add(ticker.price)
            for symbol in symbols:
                match list(answered.get(f"{symbol}USDT", ())):
                    case [price]:
                        prices[symbol] = _Asked(price, asked_at)
                    case []:
                        found[symbol] = "Binance left the pair out of its answer, or gave no price of it"
                    case _:
                        found[symbol] = "Binance gave two prices of the pair"

    def _converted(self, symbol: Symbol, asked: _Asked) -> Quote:
        rate, assumed = self.tether.in_dollars()
        return Quote(
            symbol=symbol,
            price=price_of(EXACT.multiply(price_of(decimal_of(asked.price)).value, rate.value)),
            source=self.client.source,
            observed_at=asked.at,
            assumed_rate=assumed,
        )

    def _reason_not_to_ask(self, symbol: Symbol) -> str | None:
        if symbol == USDT:
            return "Binance quotes in USDT, and so never USDT itself"
        at = self._refused_at.get(symbol)
        is_refused = at is not None and self.clock.monotonic() - at < _REMEMBERED_SECONDS
        return "Binance has no such pair, as of less than an hour ago" if is_refused else None
