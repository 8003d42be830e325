"""The periodic refresh: what it cannot do now it tries again, and how long it has not been done is told."""

from __future__ import annotations

from pathlib import Path

from tests.faults.feeds.priced_service import priced_service, until
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest


def test_a_refresh_that_raises_is_tried_again_in_longer_and_longer_pauses_and_its_age_is_told(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    history = f"`{mysql_database.prices_schema}`.portfolio_price_history"
    settings = {"PORTFOLIO_REFRESH_SECONDS": "1"}
    with priced_service(mysql_database, tmp_path, {"BTC": "50000", "USDT": "1"}, settings=settings) as service:

        def age() -> float:
            return float(service.get("/health")["refresher"]["last_tick_age_seconds"])

        service.buy("BTC", "49000")
        until(lambda: service.position("BTC")["current_price"] == 50000, what="a first tick")
        mariadb.execute(f"RENAME TABLE {history} TO {history}_away")
        until(lambda: len(service.events("prices.cycle_failed")) >= 3, what="three ticks fail")
        assert [event["pause_seconds"] for event in service.events("prices.cycle_failed")][:3] == [2, 4, 8]
        assert age() > 5  # 2 and 4 seconds of pauses
        service.buy("BTC", "50000")
        mariadb.execute(f"RENAME TABLE {history}_away TO {history}")
        service.exchange.market.set("BTC", "60000")
        until(lambda: service.position("BTC")["current_price"] == 60000, what="a tick goes through again")
        until(lambda: age() < 5, what="the age of the last tick begins anew")
