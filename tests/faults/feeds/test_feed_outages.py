"""Sources that fail, refuse or ban: the next one serves, nobody is stampeded, and old prices are called old."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.faults.feeds.priced_service import priced_service, until
from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.exchanges.exchange_faults import Fault

PRICES = {"BTC": "50000", "ETH": "3000", "USDT": "1"}
CLIENTS = 40


@pytest.mark.parametrize(
    ("fault_of", "most_calls"),
    [
        # What is under way when it opens is not called back: BTC, ETH and USDT are asked for at once. Other failures
        # are forgiven four times, and each refresh begins at most three calls.
        pytest.param({"coinbase": faults.coinbase_limit()}, 0, id="429"),
        pytest.param({"BTC": faults.SERVER_ERROR, "ETH": faults.SILENCE, "USDT": faults.SILENCE}, 6, id="500, timeout"),
    ],
)
def test_with_coinbase_down_binance_serves_and_no_crowd_of_clients_stampedes_either(
    mysql_database: DatabaseUnderTest, tmp_path: Path, fault_of: Mapping[str, Fault], most_calls: int
) -> None:
    def fail(exchange: StandInExchange) -> None:
        for name, fault in fault_of.items():
            exchange.fail("coinbase", fault, symbols=None if name == "coinbase" else {name})

    settings = {"PORTFOLIO_REQUEST_DEADLINE_SECONDS": "8"}
    with priced_service(mysql_database, tmp_path, PRICES, settings=settings, prepare=fail) as service:
        service.buy("BTC", "49000")
        service.buy("ETH", "2900")
        service.refresh()
        service.exchange.market.tether["BTC"] = "51000"
        service.exchange.forget()
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(lambda _: service.refresh(), range(CLIENTS)))
        assert service.exchange.count("coinbase") <= most_calls, "more than what opens the circuit"
        # As many refreshes ran as could one after the other, each with one call; the others were shared.
        assert service.exchange.count("binance") < len(answers)
        for answer in answers:
            assert answer["refreshed"] == ["BTC", "ETH"]
        position = service.position("BTC")
        assert (position["price_source"], position["price_status"]) == ("binance+assumed-rate", "live")
        assert (position["current_price"], position["market_value"]) == (51000, 51000)
        assert 0 <= position["price_age_seconds"] < 60
        assert service.source("coinbase")["state"] in {"failing", "resting"}
        assert service.source("coinbase")["last_error"]
        assert service.source("binance")["state"] == "answering"
        assert len(service.events("prices.source_failed")) == 1


def test_a_binance_that_bans_is_left_alone_and_prices_that_nobody_renews_grow_stale(
    mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    settings = {"PORTFOLIO_PRICE_MAX_AGE_SECONDS": "4"}
    with priced_service(mysql_database, tmp_path, PRICES, settings=settings) as service:
        service.buy("BTC", "49000")
        service.refresh()
        until_date = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
        service.exchange.fail("coinbase", faults.coinbase_limit("120"))
        service.exchange.fail("binance", faults.binance_limit(418, until_date))
        service.exchange.forget()
        answers = [service.post("/portfolio/refresh") for _ in range(10)]
        assert [answer.status_code for answer in answers] == [503] * 10
        assert answers[-1].json()["type"].endswith("prices-unavailable")
        assert service.exchange.count("binance") == 1
        # The one that was told to wait, for BTC; its price of USDT was fresh.
        assert service.exchange.count("coinbase") == 1
        assert "not asked for another 1" in answers[-1].json()["detail"]  # a hundred seconds and some
        assert service.source("binance")["state"] == "resting"
        assert service.source("coinbase")["state"] == "resting"
        assert service.source("binance")["last_error"].startswith("418 ")

        until(lambda: service.get("/portfolio")["portfolio"]["stale"], what="the price is stale")
        position = service.position("BTC")
        assert (position["current_price"], position["price_source"]) == (50000, "coinbase")
        assert position["price_status"] == "stale"
        assert position["price_age_seconds"] >= 4
        assert service.get("/health")["status"] == "degraded"
        assert service.get("/health")["prices"]["stale_symbols"] == ["BTC"]
        generated = service.post("/rebalance/generate-signals").json()
        assert generated["signals"] == []
        detail = "only 0 % of the value of what is held has a fresh price; its price is stale: BTC"
        assert generated["withheld"] == {"reason": "prices_stale", "detail": detail}


def test_a_binance_that_will_not_serve_this_place_is_off_with_the_reason_and_one_line_in_the_log(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with priced_service(sqlite_database, tmp_path, PRICES) as service:
        service.buy("BTC", "49000")
        service.exchange.fail("spot", faults.status(404, '{"errors":[{"id":"not_found"}]}'), symbols={"BTC"})
        service.exchange.fail("binance", faults.RESTRICTED)
        for _ in range(20):
            assert service.post("/portfolio/refresh").status_code == 503
        assert service.exchange.count("binance") == 1
        assert service.source("binance")["state"] == "off"
        assert "restricted location" in service.source("binance")["last_error"]
        [line] = service.events("prices.source_off")
        assert "451" in line["reason"]
        # The other source goes on.
        service.exchange.heal()
        assert service.refresh()["refreshed"] == ["BTC"]
        assert service.source("binance")["state"] == "off"
