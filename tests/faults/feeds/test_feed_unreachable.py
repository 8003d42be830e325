"""A service that reaches no exchange from its start says so within one refresh cycle, held assets or none."""

from __future__ import annotations

from pathlib import Path

from tests.faults.feeds.priced_service import priced_service, until
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import free_port


def test_where_nobody_was_ever_reached_health_and_one_warning_say_so_in_the_first_cycle(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    settings = {"PORTFOLIO_COINBASE_URL": nobody, "PORTFOLIO_BINANCE_URL": nobody, "PORTFOLIO_REFRESH_SECONDS": "1"}
    with priced_service(sqlite_database, tmp_path, settings=settings) as service:
        until(lambda: len(service.events("prices.refreshed")) >= 3, what="three cycles")
        [warning] = service.events("prices.no_source_ever_answered")
        prices = service.get("/health")["prices"]
    assert warning["level"] == "warning"
    assert "coinbase: " in warning["reason"]
    assert "PORTFOLIO_PRICE_FEED=simulated" in warning["advice"]
    assert {source["state"] for source in prices["sources"].values()} == {"never answered"}
    assert all(source["last_error"] for source in prices["sources"].values())
    assert prices["last_refresh"] is None
