"""An exchange to ask, and the feeds that ask it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from portfolio.adapters.feeds.exchanges import Exchanges
from tests.support.exchanges.exchange import StandInExchange
from tests.support.fakes.clock import FakeClock


@pytest.fixture
def exchange() -> Iterator[StandInExchange]:
    with StandInExchange() as stand_in:
        yield stand_in


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def patient(exchange: StandInExchange, clock: FakeClock) -> AsyncIterator[Exchanges]:
    """Feeds with all the time in the world: what is counted with them must not depend on the machine's
    speed.
    """
    feeds = Exchanges(clock, coinbase_url=exchange.url, binance_url=exchange.url, call_seconds=60, source_seconds=120)
    yield feeds
    await feeds.close()


@pytest.fixture
async def exchanges(exchange: StandInExchange, clock: FakeClock) -> AsyncIterator[Exchanges]:
    feeds = Exchanges(
        clock, coinbase_url=exchange.url, binance_url=exchange.url, candles_url=exchange.url, wait=clock.sleep
    )
    yield feeds
    await feeds.close()
