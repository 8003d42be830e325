from decimal import Decimal

import pytest

from portfolio.adapters.feeds.coinbase import CoinbaseFeed
from portfolio.adapters.feeds.exchange_client import Bounds, ExchangeClient
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.adapters.feeds.tether import TetherRate
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.domain.symbol import Symbol
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_prices import BTC, ETH

MANY = [Symbol(f"C{number:03}") for number in range(200)]


@pytest.fixture
def coinbase(exchanges: Exchanges) -> CoinbaseFeed:
    return exchanges.spot


def list_many(exchange: StandInExchange) -> None:
    for number, symbol in enumerate(MANY):
        exchange.market.set(symbol.code, f"{1 + number * 7.31:.5f}")


async def test_each_symbol_is_priced_by_its_own_spot_call(
    exchange: StandInExchange, coinbase: CoinbaseFeed, clock: FakeClock
) -> None:
    report = await coinbase.quotes([BTC, ETH])
    assert report.quotes[BTC].price.value == Decimal("81401.385")
    assert report.quotes[BTC].source == "coinbase"
    assert report.quotes[BTC].observed_at == clock.now()
    assert not report.failures
    assert exchange.count("rates") == 0


async def test_fifty_symbols_are_one_round_trip(exchange: StandInExchange, patient: Exchanges) -> None:
    list_many(exchange)
    exchange.gather("spot", 51)  # and USDT
    assert len((await patient.spot.quotes(MANY[:50])).quotes) == 50
    assert exchange.count("rates") == 0


async def test_above_fifty_the_table_of_rates_serves_those_it_has_precisely(
    exchange: StandInExchange, coinbase: CoinbaseFeed
) -> None:
    list_many(exchange)
    exchange.market.coarse = {symbol.code for symbol in MANY[:10]}
    report = await coinbase.quotes(MANY[:51])
    assert len(report.quotes) == 51
    asked = {symbol for call in exchange.calls if call.kind == "spot" for symbol in call.symbols}
    assert asked == {symbol.code for symbol in MANY[:10]} | {"USDT"}
    # The stand-in writes rates with 16 digits: so close is their inverse to the price.
    true = Decimal(exchange.market.spot["C050"])
    assert abs(report.quotes[MANY[50]].price.value / true - 1) < Decimal("1e-15")


# The table with USDT beside it, and then 100 calls in one round: two. Of 200 calls 128 in the first round leave 72
# for the second: three.
@pytest.mark.parametrize(("number", "rounds"), [(100, 2), (200, 3)])
async def test_even_when_the_table_serves_none_a_refresh_is_three_round_trips(
    exchange: StandInExchange, patient: Exchanges, number: int, rounds: int
) -> None:
    list_many(exchange)
    exchange.market.coarse = {symbol.code for symbol in MANY}
    exchange.lockstep = True
    assert len((await patient.spot.quotes(MANY[:number])).quotes) == number
    assert (exchange.rounds, exchange.count("rates")) == (rounds, 1)


async def test_what_the_table_did_not_have_the_last_time_is_asked_for_beside_it(
    exchange: StandInExchange, patient: Exchanges
) -> None:
    """One round trip, where the first refresh took two: the table, then the ten that it lacks."""
    list_many(exchange)
    exchange.market.coarse = {symbol.code for symbol in MANY[:10]}
    await patient.spot.quotes(MANY[:60])
    exchange.forget()
    exchange.lockstep = True
    assert len((await patient.spot.quotes(MANY[:60])).quotes) == 60
    assert (exchange.rounds, exchange.count("rates"), exchange.count("spot")) == (1, 1, 10)


async def test_without_the_table_each_is_asked_for_by_itself(exchange: StandInExchange, coinbase: CoinbaseFeed) -> None:
    list_many(exchange)
    exchange.fail("rates", faults.SERVER_ERROR)
    assert len((await coinbase.quotes(MANY[:60])).quotes) == 60


@pytest.mark.parametrize("rate", ["0", "-1.00000000", "NaN", "1e308", "0.000000000", "abc", "12345678e90"])
async def test_a_rate_that_is_none_is_not_believed(
    exchange: StandInExchange, coinbase: CoinbaseFeed, rate: str
) -> None:
    list_many(exchange)
    table = faults.Fault(body=b'{"data":{"currency":"USD","rates":{"C000":"%s"}}}' % rate.encode())
    exchange.fail("rates", table)
    report = await coinbase.quotes(MANY[:51])
    assert report.quotes[MANY[0]].price.value == Decimal(exchange.market.spot["C000"])


async def test_a_table_in_another_currency_is_not_believed(exchange: StandInExchange, coinbase: CoinbaseFeed) -> None:
    list_many(exchange)
    table = faults.Fault(body=b'{"data":{"currency":"EUR","rates":{"C000":"0.123456789"}}}')
    exchange.fail("rates", table)
    report = await coinbase.quotes(MANY[:51])
    assert report.quotes[MANY[0]].price.value == Decimal(exchange.market.spot["C000"])


async def test_an_answer_for_another_base_is_refused(exchange: StandInExchange, coinbase: CoinbaseFeed) -> None:
    exchange.market.echo["BTC"] = "ETH"
    report = await coinbase.quotes([BTC, ETH])
    assert report.failures == {BTC: "answered ETH-USD to BTC-USD"}
    assert set(report.quotes) == {ETH}


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "1e308", "Infinity", "", "0.0000000000000000001", "1,000"])
async def test_what_is_no_price_is_refused_and_the_others_update(
    exchange: StandInExchange, coinbase: CoinbaseFeed, text: str
) -> None:
    exchange.market.spot["BTC"] = text
    report = await coinbase.quotes([BTC, ETH])
    assert report.failures[BTC].startswith("price refused")
    assert set(report.quotes) == {ETH}


async def test_a_price_finer_than_the_ledger_is_rounded_half_even(
    exchange: StandInExchange, coinbase: CoinbaseFeed
) -> None:
    exchange.market.spot["BTC"] = "0.1234567890123456785"
    assert (await coinbase.quotes([BTC])).quotes[BTC].price.value == Decimal("0.123456789012345678")


@pytest.mark.parametrize("code", ["ALL", "BSD", "ERN", "EUR", "MNT"])
async def test_a_currency_is_never_taken_for_a_token_of_the_same_name(
    exchange: StandInExchange, coinbase: CoinbaseFeed, code: str
) -> None:
    report = await coinbase.quotes([Symbol(code), BTC])
    assert report.failures == {Symbol(code): f"{code} is a currency's code at Coinbase: it is not asked there"}
    assert all(code not in call.symbols for call in exchange.calls)


async def test_a_refusal_is_not_remembered(exchange: StandInExchange, coinbase: CoinbaseFeed) -> None:
    answer = faults.status(400, '{"errors":[{"id":"invalid_request","message":"Currency is invalid"}]}')
    exchange.fail("spot", answer, symbols={"BTC"}, times=1)
    assert BTC in (await coinbase.quotes([BTC])).failures
    assert BTC in (await coinbase.quotes([BTC])).quotes


async def test_a_symbol_asked_for_twice_is_one_call(exchange: StandInExchange, coinbase: CoinbaseFeed) -> None:
    await coinbase.quotes([BTC, BTC])
    assert sum("BTC" in call.symbols for call in exchange.calls) == 1


async def test_what_does_not_answer_within_the_budget_has_failed_and_the_rest_stands(
    exchange: StandInExchange, clock: FakeClock
) -> None:
    client = ExchangeClient("coinbase", exchange.url, clock)
    feed = CoinbaseFeed(client, clock, TetherRate(clock), Throttle.hourly(clock), budget_seconds=0.3)
    exchange.fail("spot", faults.SILENCE, symbols={"ETH"})
    report = await feed.quotes([BTC, ETH])
    assert set(report.quotes) == {BTC}
    assert report.failures == {ETH: "no answer within 0.3 s"}
    await client.close()


async def test_a_silent_exchange_opens_its_circuit_in_the_first_round_however_much_is_held(
    exchange: StandInExchange, clock: FakeClock
) -> None:
    client = ExchangeClient("coinbase", exchange.url, clock, bounds=Bounds(deadline_seconds=0.2))
    feed = CoinbaseFeed(client, clock, TetherRate(clock), Throttle.hourly(clock), budget_seconds=1.0)
    for kind in ("spot", "rates"):
        exchange.fail(kind, faults.SILENCE)
    assert len((await feed.quotes(MANY[:60])).failures) == 60
    exchange.forget()
    report = await feed.quotes(MANY[:60])
    assert (exchange.count(), {why[:9] for why in report.failures.values()}) == (0, {"not asked"})
    await client.close()


async def test_the_price_of_usdt_is_learnt_beside_the_others_and_not_with_every_refresh(
    exchange: StandInExchange, coinbase: CoinbaseFeed, clock: FakeClock
) -> None:
    await coinbase.quotes([BTC])
    await coinbase.quotes([BTC])
    assert exchange.count("spot") == 3  # BTC twice, USDT once
    clock.advance(301)
    await coinbase.quotes([BTC])
    assert exchange.count("spot") == 5


async def test_no_hour_sees_more_calls_than_allowed(exchange: StandInExchange, clock: FakeClock) -> None:
    client = ExchangeClient("coinbase", exchange.url, clock)
    throttle = Throttle.hourly(clock, calls_per_hour=40, burst=4)
    feed = CoinbaseFeed(client, clock, TetherRate(clock), throttle)
    for _ in range(60):
        await feed.quotes([BTC])
        clock.advance(60)
    assert 30 < exchange.count() <= 40
    await client.close()


async def test_a_spent_allowance_is_a_reason_and_no_call(exchange: StandInExchange, clock: FakeClock) -> None:
    client = ExchangeClient("coinbase", exchange.url, clock)
    feed = CoinbaseFeed(client, clock, TetherRate(clock), Throttle.hourly(clock, calls_per_hour=40, burst=2))
    await feed.quotes([BTC])
    report = await feed.quotes([ETH])
    assert report.failures == {ETH: "not asked: the hourly allowance of calls is used up"}
    assert exchange.count() == 2
    await client.close()


async def test_the_least_interval_keeps_within_eight_thousand_calls_an_hour(
    exchange: StandInExchange, coinbase: CoinbaseFeed
) -> None:
    # 50 spot calls and one for USDT: 3600 / interval x 51 calls an hour
    assert 3600 / coinbase.least_interval_seconds(50) * 51 <= 8000
    # 200 symbols before anything is known of the table of rates: the table, 200 spot calls, USDT
    assert 3600 / coinbase.least_interval_seconds(200) * 202 <= 8000
    list_many(exchange)
    await coinbase.quotes(MANY)
    # the table has them all: two calls
    assert coinbase.least_interval_seconds(200) < 2
