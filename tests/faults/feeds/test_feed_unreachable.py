"""A service that reaches no exchange from its start says so within one refresh cycle, held assets or none."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer

import pytest

from tests.faults.feeds.priced_service import priced_service, until
from tests.support.database.certificates import Authority
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
    assert {source["state"] for source in prices["sources"].values()} <= {"failing", "resting"}
    assert all(source["last_error"] for source in prices["sources"].values())
    assert prices["last_refresh"] is None


@contextmanager
def hanging_up(tls: ssl.SSLContext | None) -> Iterator[str]:
    """Where somebody takes connections, perhaps for one of TLS, and ends them."""
    with TCPServer(("127.0.0.1", 0), BaseRequestHandler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("is_tls", "cause"), [(True, "not valid for '127.0.0.1'"), (False, "EOF occurred")])
def test_an_exchange_whose_encryption_fails_from_the_start_is_failing_with_its_cause_and_the_other_is_asked(
    sqlite_database: DatabaseUnderTest, tmp_path: Path, *, is_tls: bool, cause: str
) -> None:
    authority = Authority(tmp_path)
    named = authority.issue("another")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(named.cert, named.key)
    with hanging_up(tls if is_tls else None) as url:
        settings = {"PORTFOLIO_COINBASE_URL": url, "SSL_CERT_FILE": str(authority.cert)}
        with priced_service(sqlite_database, tmp_path, {"BTC": "50000"}, settings=settings) as service:
            service.buy("BTC", "50000")
            service.refresh()
            assert service.position("BTC")["price_source"].startswith("binance")
            coinbase = service.source("coinbase")
            [told] = service.events("prices.source_failed")
            assert service.metric('portfolio_source_state{source="coinbase",state="never answered"}') == 0
    assert coinbase["state"] in {"failing", "resting"}, "it fails, or rests after it"
    assert cause in coinbase["last_error"]
    assert coinbase["last_error"] == told["reason"]
