"""Coinbase first, Binance for the rest: what the whole of it survives."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.application.prices.sources import SourceCondition
from portfolio.domain.symbol import Symbol
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.exchanges.exchange_faults import Fault
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_prices import BTC, ETH
from tests.support.services.waiting import until

MATIC, POL, USDT, NOPE = (Symbol(code) for code in ("MATIC", "POL", "USDT", "NOPE"))
MANY = [Symbol(f"C{number:03}") for number in range(100)]


async def test_while_coinbase_answers_binance_is_not_asked(exchange: StandInExchange, exchanges: Exchanges) -> None:
    report = await exchanges.prices.quotes([BTC, ETH])
    assert {quote.source for quote in report.quotes.values()} == {"coinbase"}
    assert exchange.count("binance") == 0


async def test_what_coinbase_lacks_is_asked_of_binance_by_one_call(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    for code in ("BTC", "ETH"):
        del exchange.market.spot[code]
    report = await exchanges.prices.quotes([BTC, ETH, Symbol("SOL")])
    assert {symbol.code: quote.source for symbol, quote in report.quotes.items()} == {
        "SOL": "coinbase", "BTC": "binance", "ETH": "binance"
    }  # fmt: skip
    assert exchange.count("binance") == 1


async def test_what_nobody_has_is_named_with_what_each_said(exchanges: Exchanges) -> None:
    report = await exchanges.prices.quotes([BTC, NOPE])
    assert set(report.quotes) == {BTC}
    assert report.failures == {NOPE: "coinbase: 404 not_found: Invalid base currency; binance: 400 Invalid symbol."}


async def test_a_hundred_positions_of_which_some_need_everything_are_three_round_trips(
    exchange: StandInExchange, patient: Exchanges
) -> None:
    for number, symbol in enumerate(MANY):
        exchange.market.set(symbol.code, f"{1 + number * 7.31:.5f}")
    exchange.market.coarse = {symbol.code for symbol in MANY[:60]}
    for symbol in MANY[:20]:
        del exchange.market.spot[symbol.code]
    # The table of rates, and USDT beside it; at once the 60 that it has not precisely; one call to Binance.
    exchange.lockstep = True
    report = await patient.prices.quotes(MANY)
    assert len(report.quotes) == 100
    assert exchange.rounds == 3
    assert (exchange.count("rates"), exchange.count("spot"), exchange.count("binance")) == (1, 61, 1)


@pytest.mark.parametrize(
    "fault", [faults.coinbase_limit("30"), faults.SERVER_ERROR, faults.HTML, faults.TRUNCATED, faults.FIREWALL]
)
async def test_with_coinbase_down_binance_serves_and_coinbase_is_left_in_peace(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock, fault: Fault
) -> None:
    symbols = [Symbol(code) for code in exchange.market.tether if code != "POL"]
    exchange.fail("coinbase", fault)
    for _ in range(5):
        report = await exchanges.prices.quotes(symbols)
        assert {quote.source for quote in report.quotes.values()} == {"binance"}
        assert len(report.quotes) == len(symbols)
        clock.advance(1)
    # At most the first round was sent, all at once, before anything was known.
    assert exchange.count("coinbase") <= len(symbols) + 2
    assert exchanges.prices.states()["coinbase"].state is SourceCondition.RESTING
    assert exchanges.prices.states()["binance"].state is SourceCondition.ANSWERING


async def test_when_coinbase_is_back_one_call_tries_and_then_all_are_served_again(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock
) -> None:
    exchange.fail("coinbase", faults.coinbase_limit("30"))
    await exchanges.prices.quotes([BTC, ETH])
    exchange.heal()
    clock.advance(30)
    report = await exchanges.prices.quotes([BTC, ETH])
    assert {quote.source for quote in report.quotes.values()} == {"coinbase"}
    assert exchanges.prices.states()["coinbase"].state is SourceCondition.ANSWERING


async def test_while_coinbase_is_still_down_each_try_is_one_call(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock
) -> None:
    symbols = [Symbol(code) for code in exchange.market.tether]
    exchange.fail("coinbase", faults.SERVER_ERROR)
    await exchanges.prices.quotes(symbols)
    exchange.forget()
    for _ in range(4):
        clock.advance(400)
        await exchanges.prices.quotes(symbols)
    assert exchange.count("coinbase") == 4


async def test_with_both_down_every_symbol_has_its_reasons(exchange: StandInExchange, exchanges: Exchanges) -> None:
    exchange.fail("coinbase", faults.SERVER_ERROR)
    exchange.fail("binance", faults.SERVER_ERROR)
    report = await exchanges.prices.quotes([BTC, ETH])
    assert not report.quotes
    assert all("coinbase: 500" in reason and "binance: 500" in reason for reason in report.failures.values())


async def test_a_currency_in_name_only_is_priced_by_binance(exchange: StandInExchange, exchanges: Exchanges) -> None:
    exchange.market.tether["ERN"] = "1.23"
    report = await exchanges.prices.quotes([Symbol("ERN"), Symbol("ALL")])
    assert report.quotes[Symbol("ERN")].source == "binance"
    assert set(report.failures) == {Symbol("ALL")}


async def test_an_asset_with_a_new_name_is_priced_by_it(exchange: StandInExchange, exchanges: Exchanges) -> None:
    report = await exchanges.prices.quotes([MATIC])
    assert report.quotes[MATIC].price.value == Decimal("0.2214")  # POL's; MATIC's own would be 0.2213
    assert report.quotes[MATIC].symbol == MATIC
    assert set(report.quotes) == {MATIC}


async def test_an_old_name_serves_where_the_new_one_is_unknown(exchange: StandInExchange, exchanges: Exchanges) -> None:
    exchange.market.drop("POL")
    report = await exchanges.prices.quotes([MATIC, POL])
    assert report.quotes[MATIC].price.value == Decimal("0.2213")
    assert set(report.failures) == {POL}


async def test_a_second_opinion_comes_from_another_source(exchange: StandInExchange, exchanges: Exchanges) -> None:
    report = await exchanges.prices.quotes_elsewhere({BTC: "coinbase", ETH: "binance"})
    assert report.quotes[BTC].source == "binance"
    assert report.quotes[ETH].source == "coinbase"
    assert exchange.count("ticker") == 1


async def test_a_second_opinion_that_nobody_has_is_a_failure(exchanges: Exchanges) -> None:
    report = await exchanges.prices.quotes_elsewhere({USDT: "coinbase"})
    assert not report.quotes
    assert set(report.failures) == {USDT}


@pytest.mark.parametrize("source", ["coinbase", "binance"])
async def test_a_quote_is_as_old_as_its_question(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock, source: str
) -> None:
    if source == "binance":
        exchange.fail("coinbase", faults.SERVER_ERROR)
    exchange.latency_seconds = 0.3
    asked_at = clock.now()
    asking = asyncio.create_task(exchanges.prices.quotes([BTC]))
    await until(lambda: exchange.count(source))
    clock.advance(60)
    quote = (await asking).quotes[BTC]
    assert (quote.source, quote.observed_at) == (source, asked_at)


async def test_the_next_quote_is_as_much_younger_as_it_was_asked_for_later(
    exchanges: Exchanges, clock: FakeClock
) -> None:
    before = (await exchanges.prices.quotes([BTC])).quotes[BTC]
    clock.advance(60)
    after = (await exchanges.prices.quotes([BTC])).quotes[BTC]
    assert after == replace(before, observed_at=before.observed_at + timedelta(seconds=60))
