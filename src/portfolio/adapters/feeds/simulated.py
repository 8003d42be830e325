"""Made-up prices, for working without a network."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from portfolio.application.clock import Clock
from portfolio.application.prices.ports import ExchangeRulesFeed
from portfolio.application.prices.records import Close
from portfolio.application.prices.sources import FeedReport, SourceCondition, SourceState
from portfolio.domain.days import each_day
from portfolio.domain.money import Price
from portfolio.domain.prices.quote import SIMULATED_SOURCE, Quote, price_of
from portfolio.domain.symbol import Symbol

SOURCE = SIMULATED_SOURCE

_EPOCH = date(2025, 1, 1)
_BRIDGE_TERMS = 48
_NOTICEABLE_SECONDS = 0.001
_DAILY_VOLATILITY = 0.03
_STABLE_VOLATILITY = 0.0002
_STABLE = frozenset({"USDT", "USDC", "DAI", "TUSD", "FDUSD", "PYUSD", "USDS"})
_STARTS: Mapping[str, float] = {
    "BTC": 94_000, "ETH": 3_350, "SOL": 190, "BNB": 700, "XRP": 2.1, "ADA": 0.85, "DOGE": 0.32, "AVAX": 36,
    "LINK": 20, "DOT": 6.7, "MATIC": 0.45, "POL": 0.45, "ATOM": 6.3, "UNI": 13.2, "LTC": 103, "BCH": 435,
    "XLM": 0.33, "TRX": 0.255, "NEAR": 5, "APT": 8.9, "ARB": 0.72, "OP": 1.75, "FIL": 4.9, "AAVE": 310,
    "SHIB": 0.0000212, "PEPE": 0.00002, "DEMO": 40,
}  # fmt: skip
# What was renamed goes on with the prices of what it was, and a coin that never was is split 2 for 1 on each 1 June:
# so a demonstration may have both, and what is held is worth the same before and after.
_RENAMED: Mapping[str, str] = {"POL": "MATIC"}
_SPLIT_EACH_YEAR, _SPLIT_MONTH, _SPLIT_LEVEL = "DEMO", 6, math.log(2)


class SimulatedFeed:
    """A geometric random walk: the same seed, symbol and moment always give the same price, on every machine.

    Daily closes are the walk's steps; within a day the price follows a Brownian bridge from one to the next
    (its Karhunen-Loeve series: sum of z_k sqrt(2) sin(k pi t) / (k pi)), so that what was live becomes the
    day's close.
    """

    def __init__(self, clock: Clock, *, seed: int = 8026) -> None:
        self._clock = clock
        self._seed = seed
        self._levels: dict[tuple[Symbol, int], list[float]] = {}

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        now = self._clock.now()
        quotes = {}
        for symbol in symbols:
            began = self._clock.monotonic()
            quotes[symbol] = Quote(symbol=symbol, price=self._price(symbol, now), source=SOURCE, observed_at=now)
            await self._let_others(began)
        return FeedReport(quotes=quotes)

    async def quotes_elsewhere(self, asked: Mapping[Symbol, str]) -> FeedReport:
        return FeedReport(quotes={}, failures=dict.fromkeys(asked, "there is no second opinion"))

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        began = self._clock.monotonic()
        closes = [
            Close(symbol=symbol, day=day, price=self._close(_walks_as(symbol), day), source=SOURCE)
            for day in each_day(start, end)
        ]
        await self._let_others(began)
        return closes

    async def _let_others(self, began: float) -> None:
        """Give others as much time as was taken: the first walk of a symbol takes some milliseconds, and in one turn
        between two a question to the database would come one step further.
        """
        taken = self._clock.monotonic() - began
        await asyncio.sleep(taken if taken > _NOTICEABLE_SECONDS else 0)

    def states(self) -> Mapping[str, SourceState]:
        return {SOURCE: SourceState(state=SourceCondition.ANSWERING, last_success=self._clock.now())}

    def _price(self, symbol: Symbol, at: datetime) -> Price:
        day, symbol = at.date(), _walks_as(symbol)
        passed = (at - datetime.combine(day, time(), tzinfo=UTC)).total_seconds() / 86_400
        opened = self._close_level(symbol, date.fromordinal(day.toordinal() - 1))
        closed = self._close_level(symbol, day)
        noise = self._random(symbol, f"within {day}")
        bridge = sum(
            noise.gauss(0, 1) * math.sqrt(2) * math.sin(k * math.pi * passed) / (k * math.pi)
            for k in range(1, _BRIDGE_TERMS + 1)
        )
        level = opened + (closed - opened) * passed + _volatility(symbol) * bridge
        return _as_price(level - _split_level(symbol, day))

    def _close(self, symbol: Symbol, day: date) -> Price:
        return _as_price(self._close_level(symbol, day) - _split_level(symbol, day))

    def _close_level(self, symbol: Symbol, day: date) -> float:
        """Return the logarithm of the day's close; before the epoch the walk goes on backwards."""
        steps = (day - _EPOCH).days
        way = 1 if steps >= 0 else -1
        levels = self._levels.setdefault((symbol, way), [self._start(symbol)])
        while len(levels) <= abs(steps):
            step = self._random(symbol, f"day {way * len(levels)}").gauss(0, _volatility(symbol))
            levels.append(levels[-1] + step)
        return levels[abs(steps)]

    def _start(self, symbol: Symbol) -> float:
        if symbol.code in _STABLE:
            return 0.0
        known = _STARTS.get(symbol.code)
        return math.log(known) if known else self._random(symbol, "start").uniform(math.log(0.1), math.log(100))

    def _random(self, symbol: Symbol, purpose: str) -> random.Random:
        return random.Random(f"{self._seed} {symbol} {purpose}")  # noqa: S311  no secret


def _walks_as(symbol: Symbol) -> Symbol:
    return Symbol(_RENAMED.get(symbol.code, symbol.code))


def _split_level(symbol: Symbol, day: date) -> float:
    """Return by how much splits until a day, since the epoch, have lowered the logarithm of a price."""
    if symbol.code != _SPLIT_EACH_YEAR:
        return 0.0
    return _SPLIT_LEVEL * (day.year - _EPOCH.year + (day.month >= _SPLIT_MONTH))


def _volatility(symbol: Symbol) -> float:
    return _STABLE_VOLATILITY if symbol.code in _STABLE else _DAILY_VOLATILITY


def _as_price(level: float) -> Price:
    """Return the price behind a logarithm, with eight significant digits."""
    return price_of(Decimal(f"{math.exp(level):.8g}"))


class SimulatedExchanges:
    """Made-up prices in the place of the exchanges: ``prices`` for now, ``closes`` for the days before.

    There are no ``rules``: whoever asks no exchange does not trade there.
    """

    def __init__(self, clock: Clock) -> None:
        self.prices = self.closes = SimulatedFeed(clock)
        self.rules: Mapping[str, ExchangeRulesFeed] = {}

    def least_interval_seconds(self, symbols: int) -> float:
        """Return 0: nobody is asked."""
        del symbols
        return 0.0

    async def close(self) -> None:
        """Do nothing: there is no connection."""
