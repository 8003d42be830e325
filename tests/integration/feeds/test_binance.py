from decimal import Decimal

import pytest

from portfolio.adapters.feeds.binance import BinanceFeed
from portfolio.adapters.feeds.exchange_client import ExchangeClient
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.adapters.feeds.tether import USDT, TetherRate
from portfolio.application.prices.sources import SourceCondition
from portfolio.domain.symbol import Symbol
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_prices import BTC, ETH, SOL

MANY = [Symbol(f"C{number:03}") for number in range(100)]


async def nothing_to_learn() -> None:
    """The rate is left as it is."""


@pytest.fixture
def binance(exchanges: Exchanges) -> BinanceFeed:
    return exchanges.fallback


@pytest.fixture
def usdt_at_90_cents(exchange: StandInExchange) -> None:
    exchange.market.spot["USDT"] = "0.90"
    exchange.market.tether.update(BTC="90000.00000000", ETH="3333.33333333")


@pytest.mark.usefixtures("usdt_at_90_cents")
async def test_prices_in_usdt_are_converted_to_dollars(binance: BinanceFeed) -> None:
    report = await binance.quotes([BTC, ETH])
    # 90,000 x 0.90 = 81,000; 3333.33333333 x 0.90 = 2999.999999997
    assert report.quotes[BTC].price.value == Decimal(81000)
    assert report.quotes[ETH].price.value == Decimal("2999.999999997")
    assert report.quotes[BTC].source == "binance"
    assert not report.quotes[BTC].assumed_rate


@pytest.mark.usefixtures("usdt_at_90_cents")
async def test_the_last_known_rate_serves_for_an_hour_and_then_parity_that_is_flagged(
    exchange: StandInExchange, binance: BinanceFeed, clock: FakeClock
) -> None:
    await binance.quotes([BTC])
    exchange.fail("coinbase", faults.SERVER_ERROR)
    clock.advance(3600)
    quote = (await binance.quotes([BTC])).quotes[BTC]
    assert (quote.price.value, quote.assumed_rate) == (Decimal(81000), False)
    clock.advance(1)
    quote = (await binance.quotes([BTC])).quotes[BTC]
    assert (quote.price.value, quote.assumed_rate) == (Decimal(90000), True)


@pytest.mark.usefixtures("usdt_at_90_cents")
@pytest.mark.parametrize("nonsense", ["0.1", "7", "0", "NaN"])
async def test_a_rate_no_stablecoin_has_is_not_believed(
    exchange: StandInExchange, binance: BinanceFeed, nonsense: str
) -> None:
    exchange.market.spot["USDT"] = nonsense
    quote = (await binance.quotes([BTC])).quotes[BTC]
    assert (quote.price.value, quote.assumed_rate) == (Decimal(90000), True)


async def test_all_symbols_are_one_call(exchange: StandInExchange, binance: BinanceFeed) -> None:
    for symbol in MANY:
        exchange.market.set(symbol.code, "2")
    assert len((await binance.quotes(MANY)).quotes) == 100
    assert exchange.count("binance") == 1


async def test_usdt_is_never_asked_for_in_usdt(exchange: StandInExchange, binance: BinanceFeed) -> None:
    report = await binance.quotes([USDT])
    assert set(report.failures) == {USDT}
    assert exchange.count("binance") == 0


async def test_usdc_is_priced_by_its_pair(exchange: StandInExchange, binance: BinanceFeed) -> None:
    usdc = Symbol("USDC")
    exchange.market.tether["USDC"] = "1.0004"
    # 1.0004 x 0.9995
    assert (await binance.quotes([usdc])).quotes[usdc].price.value == Decimal("0.9998998")


async def test_a_refused_batch_is_halved_until_the_bad_pairs_are_found(
    exchange: StandInExchange, clock: FakeClock
) -> None:
    client = ExchangeClient("binance", exchange.url, clock)
    binance = BinanceFeed(client, clock, TetherRate(clock), nothing_to_learn, budget_seconds=60)
    for symbol in MANY:
        exchange.market.set(symbol.code, "2")
    bad = {MANY[3], MANY[77]}
    for symbol in bad:
        exchange.market.drop(symbol.code)
    exchange.lockstep = True
    report = await binance.quotes(MANY)
    assert set(report.failures) == bad
    assert len(report.quotes) == 98
    # 100 symbols are halved at most 7 times (2^7 = 128), levels at once: 8 round trips at most
    assert exchange.rounds <= 8
    # two paths of a binary tree: at most 1 + 2 x 2 x 7 calls
    assert exchange.count("binance") <= 29
    await client.close()


async def test_refused_pairs_are_remembered_for_an_hour(
    exchange: StandInExchange, binance: BinanceFeed, clock: FakeClock
) -> None:
    nope = Symbol("NOPE")
    await binance.quotes([BTC, nope])
    exchange.forget()
    report = await binance.quotes([BTC, nope])
    assert exchange.count("binance") == 1
    assert "less than an hour" in report.failures[nope]
    clock.advance(3600)
    exchange.market.set("NOPE", "2")
    assert nope in (await binance.quotes([BTC, nope])).quotes


async def test_a_pair_left_out_of_the_answer_is_named_and_asked_for_again(
    exchange: StandInExchange, binance: BinanceFeed
) -> None:
    exchange.market.leaves_out_mismatches = True
    nope = Symbol("NOPE")
    report = await binance.quotes([BTC, nope])
    assert set(report.quotes) == {BTC}
    assert report.failures == {nope: "Binance left the pair out of its answer, or gave no price of it"}
    exchange.market.set("NOPE", "2")
    assert nope in (await binance.quotes([BTC, nope])).quotes


async def test_a_refusal_for_another_reason_is_neither_halved_nor_remembered(
    exchange: StandInExchange, binance: BinanceFeed
) -> None:
    exchange.fail("ticker", faults.status(400, '{"code":-1104,"msg":"Not all sent parameters were read"}'), times=1)
    report = await binance.quotes([BTC, ETH])
    assert set(report.failures) == {BTC, ETH}
    assert exchange.count("ticker") == 1
    assert set((await binance.quotes([BTC, ETH])).quotes) == {BTC, ETH}


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "1e308"])
async def test_what_is_no_price_is_refused_and_the_others_update(
    exchange: StandInExchange, binance: BinanceFeed, text: str
) -> None:
    exchange.market.tether["BTC"] = text
    report = await binance.quotes([BTC, ETH])
    assert report.failures[BTC].startswith("price refused")
    assert set(report.quotes) == {ETH}


@pytest.mark.parametrize("status", [429, 418])
async def test_no_call_is_made_for_as_long_as_binance_asks(
    exchange: StandInExchange, binance: BinanceFeed, clock: FakeClock, status: int
) -> None:
    exchange.fail("binance", faults.binance_limit(status, "120"), times=1)
    await binance.quotes([BTC])
    exchange.forget()
    for _ in range(12):
        clock.advance(9.99)
        report = await binance.quotes([BTC])
        assert BTC in report.failures
    assert exchange.count("binance") == 0
    clock.advance(0.13)  # 12 x 9.99 + 0.13 > 120
    assert BTC in (await binance.quotes([BTC])).quotes


async def test_a_restricted_place_switches_binance_off_for_good(
    exchange: StandInExchange, binance: BinanceFeed, clock: FakeClock
) -> None:
    exchange.fail("binance", faults.RESTRICTED)
    for _ in range(5):
        assert "restricted location" in (await binance.quotes([BTC])).failures[BTC]
        clock.advance(86_400)
    assert exchange.count("binance") == 1
    assert binance.states()["binance"].state is SourceCondition.OFF


async def test_a_firewall_opens_the_circuit_at_once(exchange: StandInExchange, binance: BinanceFeed) -> None:
    exchange.fail("binance", faults.FIREWALL)
    await binance.quotes([BTC])
    await binance.quotes([BTC])
    assert exchange.count("binance") == 1
    assert binance.states()["binance"].state is SourceCondition.RESTING


async def test_what_does_not_answer_within_the_budget_has_failed(exchange: StandInExchange, clock: FakeClock) -> None:
    client = ExchangeClient("binance", exchange.url, clock)
    feed = BinanceFeed(client, clock, TetherRate(clock), nothing_to_learn, budget_seconds=0.2)
    exchange.fail("binance", faults.SILENCE)
    report = await feed.quotes([BTC, SOL])
    assert report.failures == dict.fromkeys([BTC, SOL], "no answer within 0.2 s")
    await client.close()
