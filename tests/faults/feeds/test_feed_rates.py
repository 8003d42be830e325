"""What a USDT is worth: prices of the fallback are converted by its rate, and assumed rates make no signal."""

from __future__ import annotations

from pathlib import Path

from tests.faults.feeds.priced_service import priced_service
from tests.support.database.databases import DatabaseUnderTest


def test_prices_in_usdt_are_converted_and_without_any_rate_flagged_and_good_for_no_signal(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    # Coinbase is well, and has neither of them: nobody knows of any rate.
    prices = {"BTC": "50000", "USDT": "1"}
    with priced_service(sqlite_database, tmp_path, prices, prepare=lambda one: one.market.spot.clear()) as service:
        service.buy("BTC", "49000", "10")  # half of all that there is: a signal is due
        market = service.exchange.market
        assert service.refresh()["refreshed"] == ["BTC"]
        position = service.position("BTC")
        assert (position["current_price"], position["price_source"]) == (50000, "binance+assumed-rate")
        generated = service.post("/rebalance/generate-signals").json()
        assert (generated["signals"], generated["withheld"]["reason"]) == ([], "assumed_rate")
        assert "BTC" in generated["withheld"]["detail"]

        market.spot["USDT"] = "0.90"
        service.refresh()
        position = service.position("BTC")
        assert (position["current_price"], position["price_source"]) == (45000, "binance")
        generated = service.post("/rebalance/generate-signals").json()
        assert (generated["withheld"], [signal["symbol"] for signal in generated["signals"]]) == (None, ["BTC"])

        # The rate known from a moment ago serves on.
        del market.spot["USDT"]
        market.tether["BTC"] = "51000"
        service.refresh()
        position = service.position("BTC")
        assert (position["current_price"], position["price_source"]) == (45900, "binance")
