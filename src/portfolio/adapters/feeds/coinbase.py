"""Current prices from Coinbase."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from portfolio.adapters.feeds.errors import Refused, SourceError
from portfolio.adapters.feeds.exchange_client import ExchangeClient
from portfolio.adapters.feeds.fiat import CURRENCIES
from portfolio.adapters.feeds.tether import USDT, TetherRate
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.application.clock import Clock
from portfolio.application.prices.sources import FeedReport, Found, SourceState
from portfolio.domain.errors import DomainError
from portfolio.domain.money import EXACT, Price
from portfolio.domain.prices.quote import Quote, decimal_of, price_of
from portfolio.domain.symbol import Symbol

SPOT_ALONE = 50  # up to so many symbols each is asked for by itself
_TRUSTED_DIGITS = 8
# The share of a round's time after which a call has failed by itself: what is only cut off at the end of the round does
# not count against the exchange, and a silent one would be asked for minutes.
_OWN_SHARE = 0.95
_SPOT_BYTES = 16 * 1024  # of which an answer needs a hundred, and there may be a hundred at once


class _Spot(msgspec.Struct):
    amount: str | None = None
    base: str | None = None
    currency: str | None = None


class _SpotAnswer(msgspec.Struct):
    data: _Spot


class _Rates(msgspec.Struct):
    currency: str
    rates: dict[str, Any]


class _RatesAnswer(msgspec.Struct):
    data: _Rates


@dataclass(slots=True, eq=False)
class CoinbaseFeed:
    """Spot prices, all at once; above 50 symbols, the table of exchange rates where it is precise enough.

    A symbol that is also a currency's code is never asked for: the answer would be the currency's. No refusal
    is remembered, as Coinbase has refused valid codes in an outage. The whole round ends within
    ``budget_seconds``; what has not answered by then has failed.
    """

    client: ExchangeClient
    clock: Clock
    tether: TetherRate
    throttle: Throttle
    _: KW_ONLY
    budget_seconds: float = 4.0
    _rated_share: float = field(default=0.0, init=False)
    _unrated: frozenset[Symbol] = field(default=frozenset(), init=False)

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        found: Found = {
            s: f"{s} is a currency's code at Coinbase: it is not asked there" for s in symbols if s.code in CURRENCIES
        }
        wanted = list(dict.fromkeys(s for s in symbols if s not in found))
        try:
            async with asyncio.timeout(self.budget_seconds):
                await self._ask(wanted, found)
        except TimeoutError:
            late = f"no answer within {self.budget_seconds:g} s"
            found = {**dict.fromkeys(wanted, late), **found}
        return FeedReport.of(found)

    def states(self) -> Mapping[str, SourceState]:
        return {self.client.source: self.client.state}

    def least_interval_seconds(self, symbols: int) -> float:
        """Return the least interval between refreshes of so many symbols within the hourly allowance of calls."""
        calls = symbols if symbols <= SPOT_ALONE else 1 + round(symbols * (1 - self._rated_share))
        return self.throttle.interval_seconds(calls + 1)

    async def learn_tether(self) -> None:
        """Bring the price of USDT up to date where it is old; it stays as it is where Coinbase fails."""
        if not self.tether.is_fresh:
            await self._ask_one(USDT, {})

    async def _ask(self, wanted: Collection[Symbol], found: Found) -> None:
        """Ask for all at once; for many, ask for the table and for those that it lacked the last time."""
        is_many = len(wanted) > SPOT_ALONE
        until = asyncio.get_running_loop().time() + _OWN_SHARE * self.budget_seconds
        async with asyncio.TaskGroup() as at_once:
            if is_many:
                at_once.create_task(self._ask_table(wanted, found))
            at_once.create_task(self._ask_each([s for s in wanted if not is_many or s in self._unrated], found))
            if USDT not in wanted:
                at_once.create_task(self.learn_tether())
        await self._ask_each([s for s in wanted if s not in found], found, until=until)

    async def _ask_table(self, symbols: Collection[Symbol], found: Found) -> None:
        """Add the quotes of those symbols whose exchange rate is given precisely enough."""
        asked_at = self.clock.now()
        try:
            self.throttle.take()
            answer = await self.client.get("v2/exchange-rates", {"currency": "USD"}, _RatesAnswer)
        except SourceError:
            self._rated_share = 0.0  # each is asked for by itself instead, and says what is wrong
            return
        rates = answer.data.rates if answer.data.currency == "USD" else {}
        prices = {symbol: _price_from_rate(rates.get(symbol.code)) for symbol in symbols}
        rated = {symbol: price for symbol, price in prices.items() if price is not None}
        found.update((symbol, self._believed(symbol, price, asked_at)) for symbol, price in rated.items())
        self._unrated = frozenset(symbols).difference(rated)
        self._rated_share = len(rated) / len(symbols)

    async def _ask_each(self, symbols: Sequence[Symbol], found: Found, *, until: float = math.inf) -> None:
        async with asyncio.TaskGroup() as round_of_calls:
            for symbol in symbols:
                round_of_calls.create_task(self._ask_one(symbol, found, until=until))

    async def _ask_one(self, symbol: Symbol, found: Found, *, until: float = math.inf) -> None:
        asked_at = self.clock.now()
        try:
            self.throttle.take()
            path = f"v2/prices/{symbol}-USD/spot"
            answer = await self.client.get(path, {}, _SpotAnswer, most_bytes=_SPOT_BYTES, until=until)
            spot = answer.data
            if (spot.base, spot.currency) != (symbol.code, "USD"):
                raise Refused(f"answered {str(spot.base)[:20]}-{str(spot.currency)[:20]} to {symbol}-USD")
            if spot.amount is None:
                raise Refused(f"answered no price of {symbol}")
            found[symbol] = self._believed(symbol, price_of(decimal_of(spot.amount)), asked_at)
        except SourceError as error:
            found.setdefault(symbol, error.reason)
        except DomainError as error:
            found.setdefault(symbol, f"price refused: {error}")

    def _believed(self, symbol: Symbol, price: Price, asked_at: datetime) -> Quote:
        if symbol == USDT:
            self.tether.learn(price)
        return Quote(symbol=symbol, price=price, source=self.client.source, observed_at=asked_at)


def _price_from_rate(text: object) -> Price | None:
    """Return the price behind ``text`` units for a dollar; None where it is too coarse, or no rate at all."""
    if not isinstance(text, str):
        return None
    try:
        rate = decimal_of(text)
        if len(rate.as_tuple().digits) < _TRUSTED_DIGITS:
            return None
        return price_of(EXACT.divide(Decimal(1), rate))
    except (DomainError, ArithmeticError):
        return None
