from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.adapters.feeds.closes import BinanceKlines, CoinbaseCandles, windows
from portfolio.adapters.feeds.exchange_client import ExchangeClient
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.application.errors import FeedFailed
from portfolio.domain.symbol import Symbol
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.exchanges.exchange_faults import Fault
from tests.support.exchanges.exchange_market import DAY_SECONDS
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_prices import BTC, ETH

MATIC, POL, USDT, NOPE = (Symbol(code) for code in ("MATIC", "POL", "USDT", "NOPE"))
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


def back(days: int) -> date:
    """The first of so many days that end yesterday."""
    return YESTERDAY - timedelta(days=days - 1)


def second_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


async def test_every_completed_day_has_its_close_oldest_first(exchange: StandInExchange, exchanges: Exchanges) -> None:
    closes = await exchanges.closes.daily_closes(BTC, back(31), YESTERDAY)
    assert [close.day for close in closes] == [back(31) + timedelta(days=n) for n in range(31)]
    for close in closes:
        assert float(close.price.value) == exchange.market.close("BTC", second_of(close.day))
    assert {close.source for close in closes} == {"coinbase"}


async def test_a_long_span_is_asked_for_in_windows_newest_first(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    closes = await exchanges.closes.daily_closes(BTC, back(700), YESTERDAY)
    assert len(closes) == 700
    starts = [call.query.split("start=")[1][:10] for call in exchange.calls]
    assert starts == sorted(starts, reverse=True)
    assert len(starts) == 3


def test_windows_cover_each_day_once() -> None:
    spans = list(windows(date(2025, 1, 1), date(2025, 1, 10), 4))
    assert spans == [
        (date(2025, 1, 7), date(2025, 1, 10)),
        (date(2025, 1, 3), date(2025, 1, 6)),
        (date(2025, 1, 1), date(2025, 1, 2)),
    ]


async def test_ten_calls_a_second_are_not_exceeded(exchanges: Exchanges, clock: FakeClock) -> None:
    begun = clock.monotonic()
    await exchanges.closes.daily_closes(BTC, back(3000), YESTERDAY)  # 10 windows: 9 gaps of an eighth of a second
    assert clock.monotonic() - begun == pytest.approx(9 / 8)


async def test_a_limit_that_ends_soon_is_waited_for(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock
) -> None:
    exchange.fail("candles", faults.status(429, '{"message":"Rate limit exceeded"}', Retry_After="3"), times=1)
    closes = await exchanges.closes.daily_closes(BTC, back(7), YESTERDAY)
    assert {close.source for close in closes} == {"coinbase"}
    assert 3 <= sum(clock.slept) < 4


async def test_a_limit_that_lasts_is_left_to_binance(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock
) -> None:
    exchange.fail("candles", faults.status(429, '{"message":"Rate limit exceeded"}', Retry_After="600"))
    closes = await exchanges.closes.daily_closes(BTC, back(7), YESTERDAY)
    assert {close.source for close in closes} == {"binance+assumed-rate"}  # for USDT has none either
    assert sum(clock.slept) < 1


async def test_a_limit_without_a_time_is_over_in_two_seconds(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock
) -> None:
    exchange.fail("candles", faults.status(429, '{"message":"Rate limit exceeded"}'), times=1)
    assert {close.source for close in await exchanges.closes.daily_closes(BTC, back(7), YESTERDAY)} == {"binance"}
    clock.advance(2)
    assert {close.source for close in await exchanges.closes.daily_closes(ETH, back(7), YESTERDAY)} == {"coinbase"}


async def test_a_limit_without_end_is_given_up(exchange: StandInExchange, exchanges: Exchanges) -> None:
    exchange.fail("candles", faults.status(429, "{}", Retry_After="1"))
    exchange.fail("klines", faults.SERVER_ERROR)
    with pytest.raises(FeedFailed, match="coinbase, binance: 429"):
        await exchanges.closes.daily_closes(BTC, back(7), YESTERDAY)
    assert exchange.count("candles") == 3


async def test_binance_closes_are_converted_at_the_usdt_close_of_their_day(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    exchange.fail("candles", faults.status(404, '{"message":"NotFound"}'), symbols={"BTC"})
    closes = await exchanges.closes.daily_closes(BTC, back(31), YESTERDAY)
    assert len(closes) == 31
    for close in closes:
        # The stand-in's bars are the dollar closes divided by USDT's, written with 8 decimals.
        true = exchange.market.close("BTC", second_of(close.day))
        assert float(close.price.value) == pytest.approx(true, rel=1e-9)
    assert {close.source for close in closes} == {"binance"}


async def test_the_closes_of_usdt_are_asked_for_once(exchange: StandInExchange, exchanges: Exchanges) -> None:
    exchange.fail("candles", faults.status(404, '{"message":"NotFound"}'), symbols={"BTC", "ETH"})
    await exchanges.closes.daily_closes(BTC, back(31), YESTERDAY)
    await exchanges.closes.daily_closes(ETH, back(31), YESTERDAY)
    assert sum("USDT-USD" in call.path for call in exchange.calls) == 1


async def test_without_the_closes_of_usdt_binance_is_taken_at_parity_and_says_so(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    exchange.fail("candles", faults.SERVER_ERROR)
    [close] = await exchanges.closes.daily_closes(BTC, YESTERDAY, YESTERDAY)
    day = second_of(YESTERDAY)
    expected = exchange.market.close("BTC", day) / exchange.market.close("USDT", day)
    assert float(close.price.value) == pytest.approx(expected, rel=1e-9)
    assert close.source == "binance+assumed-rate"


async def test_a_close_is_marked_only_where_that_of_usdt_is_missing_on_its_day(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    exchange.fail("candles", faults.status(404, '{"message":"NotFound"}'), symbols={"BTC"})
    exchange.market.first_day["USDT"] = second_of(back(3))
    closes = await exchanges.closes.daily_closes(BTC, back(5), YESTERDAY)
    assert [close.source for close in closes] == 2 * ["binance+assumed-rate"] + 3 * ["binance"]


async def test_days_that_coinbase_lacks_come_from_binance_and_the_others_do_not(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    listed = second_of(back(10))
    exchange.market.first_day["BTC"] = listed
    closes = await exchanges.closes.daily_closes(BTC, back(31), YESTERDAY)
    assert [close.day for close in closes] == [back(10) + timedelta(days=n) for n in range(10)]
    assert {close.source for close in closes} == {"coinbase"}
    candles = [[second_of(YESTERDAY), 1, 1, 1, 1, 1]]
    exchange.market.first_day.clear()
    exchange.fail("candles", Fault(body=str(candles).encode()), symbols={"BTC"})
    closes = await exchanges.closes.daily_closes(BTC, back(3), YESTERDAY)
    assert [close.source for close in closes] == ["binance", "binance", "coinbase"]


async def test_an_asset_with_a_new_name_has_the_closes_of_both(exchange: StandInExchange, exchanges: Exchanges) -> None:
    exchange.market.first_day["POL"] = second_of(back(5))
    closes = await exchanges.closes.daily_closes(MATIC, back(10), YESTERDAY)
    assert {close.symbol for close in closes} == {MATIC}
    assert len(closes) == 10
    old, new = closes[0], closes[-1]
    assert float(old.price.value) == exchange.market.close("MATIC", second_of(old.day))
    assert float(new.price.value) == exchange.market.close("POL", second_of(new.day))


async def test_what_nobody_lists_fails_with_what_each_said(exchanges: Exchanges) -> None:
    with pytest.raises(FeedFailed) as caught:
        await exchanges.closes.daily_closes(NOPE, back(7), YESTERDAY)
    assert str(caught.value) == "coinbase, binance: 404 NotFound; 400 Invalid symbol."


async def test_usdt_is_never_asked_of_binance(exchange: StandInExchange, exchanges: Exchanges) -> None:
    exchange.fail("candles", faults.SERVER_ERROR)
    with pytest.raises(FeedFailed):
        await exchanges.closes.daily_closes(USDT, back(7), YESTERDAY)
    assert exchange.count("klines") == 0


@pytest.mark.parametrize("close", ["0", "-1", "1e308", "1e-30"])
async def test_a_candle_without_a_price_is_refused(exchange: StandInExchange, clock: FakeClock, close: str) -> None:
    body = f"[[{second_of(YESTERDAY)}, 1, 1, 1, {close}, 1]]"
    exchange.fail("candles", Fault(body=body.encode()))
    client = ExchangeClient("coinbase", exchange.url, clock)
    with pytest.raises(FeedFailed, match="price refused"):
        await CoinbaseCandles(client, Throttle(clock, 8, wait=clock.sleep)).daily_closes(BTC, back(1), YESTERDAY)
    await client.close()


async def test_days_that_were_not_asked_for_are_dropped(exchange: StandInExchange, exchanges: Exchanges) -> None:
    today = second_of(YESTERDAY) + DAY_SECONDS
    rows = [[today, 1, 1, 1, 7, 1], [today - DAY_SECONDS, 1, 1, 1, 8, 1], [today - DAY_SECONDS + 1, 1, 1, 1, 9, 1]]
    exchange.fail("candles", Fault(body=str(rows).encode()))
    closes = await exchanges.closes.daily_closes(BTC, YESTERDAY, YESTERDAY)
    assert [close.price.value for close in closes] == [Decimal(8)]


@pytest.mark.parametrize("bar", ['"1.0"', "NaN", "[]"])
async def test_bars_that_are_none_are_a_failure_of_the_source(
    exchange: StandInExchange, clock: FakeClock, bar: str
) -> None:
    exchange.fail("klines", Fault(body=f"[{bar}]".encode()))
    client = ExchangeClient("binance", exchange.url, clock)
    candles = CoinbaseCandles(client, Throttle(clock, 8, wait=clock.sleep))
    with pytest.raises(FeedFailed):
        await BinanceKlines(client, candles).daily_closes(BTC, back(1), YESTERDAY)
    await client.close()


async def test_a_bar_with_a_price_that_is_none_is_refused(exchange: StandInExchange, clock: FakeClock) -> None:
    bar = f'[{second_of(YESTERDAY) * 1000}, "1", "1", "1", "NaN", "1"]'
    exchange.fail("klines", Fault(body=f"[{bar}]".encode()))
    client = ExchangeClient("binance", exchange.url, clock)
    candles = CoinbaseCandles(client, Throttle(clock, 8, wait=clock.sleep))
    with pytest.raises(FeedFailed, match="price refused"):
        await BinanceKlines(client, candles).daily_closes(BTC, back(1), YESTERDAY)
    await client.close()
