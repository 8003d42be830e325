"""Answers that are none, or absurd: refused within their bounds, named, and the price known before stands."""

from __future__ import annotations

import gzip
import secrets
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import psutil
import pytest

from tests.faults.feeds.priced_service import PricedService, priced_service
from tests.support.database.database_server import DatabaseServer
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange_faults import Fault

MEGABYTE = 1024 * 1024
DEADLINE_SECONDS = 6.0
# A hundred megabytes of spaces in a hundred kilobytes, and an answer's own end.
BOMB = Fault(body=gzip.compress(b" " * (100 * MEGABYTE) + b"{}"), headers={"Content-Encoding": "gzip"})
DIGITS = "1" + "0" * 10_000


@pytest.fixture(scope="module")
def shared(mariadb: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PricedService]:
    """One service for the tests of this file: each has symbols of its own, and finds every source in good health."""
    name = f"t_answers_{secrets.token_hex(4)}"
    database = mariadb.create_database_pair(name)
    settings = {"PORTFOLIO_REQUEST_DEADLINE_SECONDS": str(DEADLINE_SECONDS)}
    try:
        with priced_service(database, tmp_path_factory.mktemp(name), settings=settings) as service:
            # Of these two each source has one alone: so each is asked, and answers, at every refresh.
            service.buy("DOGE", "0.2")
            service.buy("BONK", "0.00001")
            service.exchange.market.tether.pop("DOGE")
            service.exchange.market.spot.pop("BONK")
            service.refresh()
            yield service
    finally:
        mariadb.drop(name)


@pytest.fixture
def service(shared: PricedService) -> Iterator[PricedService]:
    """The shared service, healed after each test."""
    yield shared
    shared.exchange.heal()
    assert {"DOGE", "BONK"} <= set(shared.refresh()["refreshed"])


def failures(answer: Mapping[str, Any]) -> Mapping[str, str]:
    """What a refresh says of the symbols that it has no price for."""
    return {failure["symbol"]: failure["reason"] for failure in answer["failed"]}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(faults.HTML, ["answered what is no answer"] * 2, id="html"),
        pytest.param(faults.TRUNCATED, ["answered what is no answer"] * 2, id="truncated"),
        pytest.param(faults.HUGE, ["answered more than 16384 bytes", "answered more than 524288 bytes"], id="100 MB"),
        pytest.param(faults.TRICKLE, ["no answer within 1.8 s"] * 2, id="a byte a second"),
        pytest.param(BOMB, ["answered in gzip, which was not asked for"] * 2, id="gzip bomb"),
    ],
)
def test_what_is_no_answer_is_refused_within_its_bounds_and_the_old_price_stands(
    service: PricedService, fault: Fault, said: list[str]
) -> None:
    service.buy("BTC", "80000", "0.001")
    service.refresh()
    before = service.position("BTC")
    process = psutil.Process(service.process.process.pid)
    resident, begun = process.memory_info().rss, time.monotonic()
    service.exchange.fail("spot", fault, symbols={"BTC"})
    service.exchange.fail("ticker", fault)
    answer = service.refresh()
    # Both sources, each within its share of a request's deadline, and DOGE's price is there.
    assert time.monotonic() - begun < DEADLINE_SECONDS
    coinbase, _, binance = failures(answer)["BTC"].partition("; ")
    assert (coinbase.startswith(f"coinbase: {said[0]}"), binance.startswith(f"binance: {said[1]}")) == (True, True)
    assert "DOGE" in answer["refreshed"]
    after = service.position("BTC")
    assert (after["current_price"], after["price_source"]) == (before["current_price"], "coinbase")
    assert process.memory_info().rss - resident < 8 * MEGABYTE


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "NaN",
        "1e308",
        "Infinity",
        "-Infinity",
        "1e-400",
        "1E+999999999",
        "",
        "0x10",
        pytest.param(DIGITS, id="ten thousand digits"),
    ],
)
def test_what_is_no_price_is_refused_and_leaves_the_valuation_alone(service: PricedService, text: str) -> None:
    service.buy("ETH", "3000", "0.001")
    service.refresh()
    before = service.position("ETH")
    service.exchange.market.set("ETH", text)
    answer = service.refresh()
    service.exchange.market.set("ETH", "3050.125")
    assert failures(answer)["ETH"].count("price refused") == 2, failures(answer)
    assert len(failures(answer)["ETH"]) < 600
    after = service.position("ETH")
    assert (after["current_price"], after["market_value"]) == (before["current_price"], before["market_value"])


def test_a_jump_is_quarantined_and_counted_until_another_source_confirms_it(service: PricedService) -> None:
    service.buy("LTC", "96")
    service.refresh()
    value = service.get("/portfolio")["portfolio"]["total_value"]
    caught = service.metric("portfolio_prices_quarantined_total")
    service.exchange.market.spot["LTC"] = "96710"
    answer = service.refresh()
    assert failures(answer)["LTC"] == "quarantined: coinbase says 96710 after 96.71"
    assert service.position("LTC")["current_price"] == Decimal("96.71")
    assert service.get("/portfolio")["portfolio"]["total_value"] == value
    prices = service.get("/health")["prices"]
    assert (prices["quarantined"], prices["quarantined_symbols"]) == (1, ["LTC"])
    assert service.metric("portfolio_prices_quarantined_total") == caught + 1
    assert service.metric('portfolio_prices{result="quarantined"}') == 1

    service.exchange.market.tether["LTC"] = "96700"
    assert "LTC" in service.refresh()["refreshed"]
    assert service.position("LTC")["current_price"] == 96710
    assert service.get("/health")["prices"]["quarantined"] == 0


def test_an_answer_for_another_asset_prices_nothing(service: PricedService) -> None:
    service.buy("UNI", "7")
    service.refresh()
    service.exchange.market.echo["UNI"] = "BTC"
    del service.exchange.market.tether["UNI"]
    answer = service.refresh()
    assert failures(answer)["UNI"].startswith("coinbase: answered BTC-USD to UNI-USD; binance: 400 Invalid symbol")
    assert service.position("UNI")["current_price"] == Decimal("7.331")


def test_a_token_with_a_currencys_code_is_never_priced_as_the_currency(service: PricedService) -> None:
    service.buy("ALL", "2")  # the stand-in knows the lek, at 92.01 a dollar, and no such token
    service.exchange.forget()
    assert "is a currency's code" in failures(service.refresh())["ALL"]
    assert service.exchange.count("spot") > 0
    # Its closes may be asked for behind the booking: among those are no currencies.
    assert not any("ALL-USD" in call.path for call in service.exchange.calls if call.is_of("coinbase"))
    position = service.position("ALL")
    # What it was bought at, and growing old; never 0, never the lek's.
    assert (position["current_price"], position["price_source"]) == (2, "trade")


def test_of_many_symbols_the_bad_one_is_named_and_the_others_update(service: PricedService) -> None:
    many = ["ADA", "AVAX", "ATOM", "DOT", "LINK", "SOL", "XRP", "BCH"]
    for symbol in many:
        service.buy(symbol, service.exchange.market.spot[symbol], "0.01")
    service.buy("NOSUCH", "1")
    answer = service.refresh()
    assert set(many) <= set(answer["refreshed"])
    assert failures(answer)["NOSUCH"].startswith("coinbase: 404 not_found: Invalid base currency; binance: 400")
    assert service.position("NOSUCH")["price_source"] == "trade"
    assert {service.position(symbol)["price_source"] for symbol in many} == {"coinbase"}
