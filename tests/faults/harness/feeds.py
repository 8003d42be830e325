"""The faults of the exchanges: what they answer wrongly, late, or not at all, while the context is entered."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

from tests.faults.harness.faults import Context, Fault
from tests.faults.harness.world import MARKET, World
from tests.support.exchanges import exchange_faults
from tests.support.exchanges.exchange_market import Market

EXCHANGES = ("coinbase", "binance")
SLOW = exchange_faults.Fault(delay_seconds=1.0)


def _answering(fault: exchange_faults.Fault) -> Context:
    @asynccontextmanager
    async def answering(world: World, dice: random.Random) -> AsyncIterator[None]:
        """Have one of the exchanges, or both, answer so."""
        for source in dice.choice([("coinbase",), ("binance",), EXCHANGES]):
            world.exchange.fail(source, fault)
        try:
            yield
        finally:
            world.exchange.heal()

    return answering


def _quoting(change: Callable[[Market, str], None]) -> Context:
    @asynccontextmanager
    async def quoting(world: World, dice: random.Random) -> AsyncIterator[None]:
        """Have the exchanges say what cannot be of one symbol."""
        symbol = dice.choice(sorted(MARKET))
        change(world.exchange.market, symbol)
        try:
            yield
        finally:
            for name, price in MARKET.items():
                world.exchange.market.set(name, price)
            world.exchange.market.echo.clear()

    return quoting


def _price(text: str) -> Context:
    return _quoting(lambda market, symbol: market.set(symbol, text))


def _jump(market: Market, symbol: str) -> None:
    """One exchange alone says a thousand times the price."""
    market.spot[symbol] = str(Decimal(market.spot[symbol]) * 1000)


def _wrong_base(market: Market, symbol: str) -> None:
    """Another asset's price, under that asset's name."""
    market.echo[symbol] = "EUR"
    market.spot[symbol] = "1.16"


FEED_FAULTS = tuple(
    Fault(name=f"exchange: {name}", enter=enter, sqlite=True, refreshes=True)
    for name, enter in (
        ("429", _answering(exchange_faults.status(429, Retry_After="1"))),
        ("500", _answering(exchange_faults.SERVER_ERROR)),
        ("HTML", _answering(exchange_faults.HTML)),
        ("truncated", _answering(exchange_faults.TRUNCATED)),
        ("slow", _answering(SLOW)),
        ("hangs up", _answering(exchange_faults.HANG_UP)),
        ("price 0", _price("0")),
        ("price -1", _price("-1")),
        ("price NaN", _price("NaN")),
        ("price 1e308", _price("1e308")),
        ("price times 1000", _quoting(_jump)),
        ("wrong base", _quoting(_wrong_base)),
    )
)
