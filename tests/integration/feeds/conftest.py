"""An exchange to ask, and the feeds that ask it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from msgspec.structs import replace

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
    feeds = Exchanges(replace(exchange.settings, request_deadline_seconds=300.0), clock)
    yield feeds
    await feeds.close()


@pytest.fixture
async def exchanges(exchange: StandInExchange, clock: FakeClock) -> AsyncIterator[Exchanges]:
    feeds = Exchanges(exchange.settings, clock, wait=clock.sleep)
    yield feeds
    await feeds.close()
