"""What every price feed keeps to, whatever is behind it."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.adapters.feeds.simulated import SimulatedFeed
from portfolio.application.prices.ports import PriceFeed
from portfolio.application.prices.sources import SourceCondition
from portfolio.domain.symbol import Symbol
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_prices import BTC, ETH, ScriptedFeed

NOPE = Symbol("NOPE")
FEEDS: dict[str, Callable[[Exchanges, FakeClock], PriceFeed]] = {
    "coinbase": lambda exchanges, clock: exchanges.spot,
    "binance": lambda exchanges, clock: exchanges.fallback,
    "chain": lambda exchanges, clock: exchanges.prices,
    "simulated": lambda exchanges, clock: SimulatedFeed(clock),
    "scripted": lambda exchanges, clock: ScriptedFeed(clock, {BTC: "81401.385", ETH: "3050.125"}),
}
REMOTE = ["coinbase", "binance", "chain"]


@pytest.fixture
def exchange() -> Iterator[StandInExchange]:
    with StandInExchange() as stand_in:
        yield stand_in


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def exchanges(exchange: StandInExchange, clock: FakeClock) -> AsyncIterator[Exchanges]:
    feeds = Exchanges(exchange.settings, clock)
    yield feeds
    await feeds.close()


@pytest.fixture(params=FEEDS)
def feed(request: pytest.FixtureRequest, exchanges: Exchanges, clock: FakeClock) -> PriceFeed:
    return FEEDS[request.param](exchanges, clock)


async def test_every_symbol_has_a_quote_of_its_own_or_a_reason(feed: PriceFeed, clock: FakeClock) -> None:
    report = await feed.quotes([BTC, ETH, NOPE])
    assert set(report.quotes) | set(report.failures) == {BTC, ETH, NOPE}
    assert not set(report.quotes) & set(report.failures)
    assert {BTC, ETH} <= set(report.quotes)
    for symbol, quote in report.quotes.items():
        assert quote.symbol == symbol
        assert quote.price.value > 0
        assert quote.source
        assert quote.observed_at == clock.now()
        assert quote.observed_at.tzinfo is not None
    assert all(report.failures.values())


async def test_nothing_asked_is_nothing_answered(feed: PriceFeed) -> None:
    report = await feed.quotes([])
    assert not report.quotes
    assert not report.failures


async def test_a_healthy_source_says_so(feed: PriceFeed) -> None:
    await feed.quotes([BTC])
    assert feed.states()
    conditions = {state.state for state in feed.states().values()}
    assert SourceCondition.ANSWERING in conditions
    assert conditions <= {SourceCondition.ANSWERING, SourceCondition.NEVER_ANSWERED}  # who need not be asked


@pytest.mark.parametrize("feed", REMOTE, indirect=True)
@pytest.mark.parametrize("fault", [faults.SERVER_ERROR, faults.HTML, faults.coinbase_limit("5"), faults.RESTRICTED])
async def test_what_fails_is_in_the_report_and_never_raised(
    exchange: StandInExchange, feed: PriceFeed, fault: faults.Fault
) -> None:
    exchange.fail("coinbase", fault)
    exchange.fail("binance", fault)
    for _ in range(7):
        report = await feed.quotes([BTC, ETH])
        assert not report.quotes
        assert set(report.failures) == {BTC, ETH}
    assert all(state.state in {SourceCondition.RESTING, SourceCondition.OFF} for state in feed.states().values())
    assert all(state.last_error for state in feed.states().values())
