"""The service as its users have it: a process, a database, real HTTP."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import time
from decimal import Decimal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges import exchange_faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.services.service import ServiceByCommand, ServiceProcess

EXAMPLE = b'{"symbol":"BTC","side":"BUY","quantity":0.1,"price":45000.0,"net_amount":4500.0,"fees":22.5}'
JSON = {"Content-Type": "application/json"}


def test_the_contracts_example_gives_the_contracts_figures(database: DatabaseUnderTest, tmp_path: Path) -> None:
    service = ServiceByCommand(database, tmp_path, is_measured=database.kind == "sqlite")
    service.migrate_by_command()
    with service:
        answer = httpx.post(f"{service.url}/holdings/update", content=EXAMPLE, headers=JSON)
        assert answer.status_code == 200, answer.text
        body = answer.json(parse_float=Decimal)
        assert body["cash_balance"] == Decimal("95477.5")
        position = body["position"]
        assert position["quantity"] == Decimal("0.1")
        assert position["avg_entry_price"] == 45000
        assert position["cost_basis"] == Decimal("4522.5")
        assert position["break_even_price"] == 45225
        assert service.get("/portfolio")["portfolio"]["total_value"] == 99977.5
        verified = service.command("verify")
        assert verified.returncode == 0, verified.stdout
        assert service.stop() == 0


@pytest.mark.faults_long
def test_64_clients_at_once_lose_nothing_and_double_nothing(mysql_database: DatabaseUnderTest, tmp_path: Path) -> None:
    clients, each = 64, 79  # 5,056 trades
    settings = {"PORTFOLIO_INITIAL_CASH": "100000000"}
    with ServiceByCommand(mysql_database, tmp_path, settings=settings) as service:
        bought, sold = asyncio.run(_trade_at_once(service, clients, each))
        trades = clients * each
        portfolio = httpx.get(f"{service.url}/portfolio").json(parse_float=Decimal)["portfolio"]
        [position] = portfolio["positions"]
        # Every buy is of 2 at 10 with a fee of 0.02, every sell of 1 at 11 with a fee of 0.01.
        assert position["quantity"] == 2 * bought - sold
        assert portfolio["cash_balance"] == (100_000_000 - bought * Decimal("20.02") + sold * Decimal("10.99"))
        assert portfolio["unreconciled"] == 0
        assert portfolio["total_value"] == (
            portfolio["net_deposits"] + portfolio["realized_pnl"] + portfolio["unrealized_pnl"]
        )
        verified = service.command("verify")
        assert verified.returncode == 0, verified.stdout
        assert verified.stdout.startswith(f"{trades} trades")


async def _trade_at_once(service: ServiceProcess, clients: int, each: int) -> tuple[int, int]:
    """Book from many clients; every third booking is sent twice at once. Return how many buys and sells were told."""
    seen: dict[str, int] = {}

    async def one(number: int) -> tuple[int, int]:
        dice = random.Random(number)
        bought = sold = 0
        async with service.client() as client:
            for turn in range(each):
                sells = sold < bought and dice.random() < 0.5
                key = f"client-{number}-{turn}"
                body = {
                    "symbol": "ETH",
                    "side": "SELL" if sells else "BUY",
                    "quantity": 1 if sells else 2,
                    "price": 11 if sells else 10,
                    "net_amount": 11 if sells else 20,
                    "fees": 0.01 if sells else 0.02,
                    "client_trade_id": key,
                }
                copies = 2 if turn % 3 == 0 else 1
                answers = await asyncio.gather(*(client.post("/holdings/update", json=body) for _ in range(copies)))
                ids = {answer.json()["trade_id"] for answer in answers}
                assert [answer.status_code for answer in answers] == [200] * copies, answers[0].text
                assert sum(not answer.json()["replayed"] for answer in answers) == 1
                assert len(ids) == 1
                seen[key] = ids.pop()
                sold, bought = sold + sells, bought + (not sells)
        return bought, sold

    counts = await asyncio.gather(*(one(number) for number in range(clients)))
    assert len(set(seen.values())) == clients * each
    return sum(bought for bought, _ in counts), sum(sold for _, sold in counts)


def test_a_booking_in_flight_at_sigterm_is_finished(database: DatabaseUnderTest, tmp_path: Path) -> None:
    service = ServiceByCommand(database, tmp_path, is_measured=database.kind == "sqlite")
    with service:
        answers = asyncio.run(_stop_amid_bookings(service))
        assert service.process.wait(timeout=30) == 0
    acknowledged = sum(answer is not None and answer.status_code == 200 for answer in answers)
    assert acknowledged > 0
    verified = service.command("verify")
    assert verified.returncode == 0, verified.stdout
    assert int(verified.stdout.split()[0]) >= acknowledged
    assert "Event loop is closed" not in service.output()
    assert "Traceback" not in service.output()


def test_a_second_ctrl_c_leaves_nothing_unfinished(sqlite_database: DatabaseUnderTest, tmp_path: Path) -> None:
    service = ServiceByCommand(sqlite_database, tmp_path)
    with service, socket.create_connection(("127.0.0.1", service.port)) as one:
        one.sendall(b"POST /holdings/update HTTP/1.1\r\nHost: localhost\r\n")
        one.sendall(b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(EXAMPLE) + EXAMPLE[:9])
        assert service.answers("/health/live")  # by then it has read this
        service.process.send_signal(signal.SIGINT)
        give_up = time.monotonic() + 20
        while "Waiting for connections to close" not in service.output() and time.monotonic() < give_up:
            time.sleep(0.02)
        service.process.send_signal(signal.SIGINT)
        time.sleep(0.5)  # it would be gone by then
        one.sendall(EXAMPLE[9:])
        assert one.recv(100).startswith(b"HTTP/1.1 200 ")
        assert service.process.wait(timeout=30) == 0
    assert "Application shutdown complete" in service.output()
    assert "Traceback" not in service.output()


async def _stop_amid_bookings(service: ServiceProcess) -> list[httpx.Response | None]:
    async with service.client() as client:

        async def book() -> httpx.Response | None:
            try:
                return await client.post(
                    "/holdings/update",
                    content=EXAMPLE.replace(b"0.1", b"0.001").replace(b"4500.0", b"45").replace(b"22.5", b"0"),
                    headers=JSON,
                )
            except httpx.TransportError:
                return None  # never answered: it may be booked, and nobody was told

        bookings = [asyncio.create_task(book()) for _ in range(40)]
        await asyncio.wait(bookings, return_when=asyncio.FIRST_COMPLETED)
        service.process.send_signal(signal.SIGTERM)
        return list(await asyncio.gather(*bookings))


def test_idle_it_needs_less_than_150_megabytes(sqlite_database: DatabaseUnderTest, tmp_path: Path) -> None:
    with ServiceByCommand(sqlite_database, tmp_path) as service:
        service.get("/portfolio")
        resident = psutil.Process(service.process.pid).memory_info().rss
        assert resident < 150 * 1024 * 1024


def test_prices_come_from_coinbase_then_binance_and_then_grow_stale(
    database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with StandInExchange({"BTC": "50000", "ETH": "3000", "USDT": "1"}) as exchange:
        settings = {
            "PORTFOLIO_PRICE_FEED": "exchanges",
            "PORTFOLIO_COINBASE_URL": exchange.url,
            "PORTFOLIO_BINANCE_URL": exchange.url,
            "PORTFOLIO_CANDLES_URL": exchange.url,
            "PORTFOLIO_PRICE_MAX_AGE_SECONDS": "2",
        }
        is_measured = database.kind == "sqlite"
        with ServiceByCommand(database, tmp_path, settings=settings, is_measured=is_measured) as service:
            httpx.post(f"{service.url}/holdings/update", content=EXAMPLE, headers=JSON)
            assert _refreshed_source(service) == "coinbase"
            exchange.fail("coinbase", exchange_faults.SERVER_ERROR)
            assert _refreshed_source(service) == "binance"
            exchange.fail("binance", exchange_faults.SERVER_ERROR)
            assert httpx.post(f"{service.url}/portfolio/refresh", headers=JSON).status_code == 503
            while not (portfolio := service.get("/portfolio")["portfolio"])["stale"]:
                time.sleep(0.05)
            [position] = portfolio["positions"]
            assert (position["price_status"], position["current_price"]) == ("stale", 50000)


def _refreshed_source(service: ServiceProcess) -> str:
    answer = httpx.post(f"{service.url}/portfolio/refresh", headers=JSON, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["portfolio"]["positions"][0]["price_source"])


@pytest.mark.parametrize("kind", ["verify", "migrate"])
def test_a_setting_that_does_not_exist_is_named(sqlite_database: DatabaseUnderTest, tmp_path: Path, kind: str) -> None:
    done = ServiceByCommand(sqlite_database, tmp_path, settings={"PORTFOLIO_DATABSE_URL": "x"}).command(kind)
    assert done.returncode == 3
    assert "PORTFOLIO_DATABSE_URL" in done.stderr


def test_a_policy_that_cannot_be_refuses_the_start_and_is_named(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("position_limit = 25\n")
    service = ServiceByCommand(sqlite_database, tmp_path, settings={"PORTFOLIO_POLICY_FILE": str(policy)})
    service.migrate()
    done = service.command("serve")
    assert done.returncode != 0
    assert "position_limit has to be above 0 and at most 1" in done.stderr


def test_a_port_that_is_taken_is_told_at_once(sqlite_database: DatabaseUnderTest, tmp_path: Path) -> None:
    service = ServiceByCommand(sqlite_database, tmp_path)  # with no schema, which would be refused after the port
    with socket.create_server(("127.0.0.1", service.port)):
        done = service.command("serve")
    said = f"cannot listen on 127.0.0.1, port {service.port}: Address already in use (PORTFOLIO_HOST, PORTFOLIO_PORT)"
    assert (done.returncode, done.stderr) == (3, f"portfolio: {said}\n")


def test_an_address_that_this_machine_lacks_is_told_at_once(sqlite_database: DatabaseUnderTest, tmp_path: Path) -> None:
    service = ServiceByCommand(sqlite_database, tmp_path, settings={"PORTFOLIO_ALLOW_OPEN": "true"})
    done = service.command("serve", PORTFOLIO_HOST="192.0.2.1")
    assert done.returncode == 3
    assert done.stderr.startswith(f"portfolio: cannot listen on 192.0.2.1, port {service.port}: ")


def test_it_starts_in_a_cluster_with_a_kubernetes_service_named_portfolio(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    service = ServiceByCommand(sqlite_database, tmp_path)
    (tmp_path / ".env").write_text(f"PORTFOLIO_PORT={service.port}\n")
    service.environment |= {
        "PORTFOLIO_SERVICE_HOST": "10.96.0.12",
        "PORTFOLIO_SERVICE_PORT": "8026",
        "PORTFOLIO_PORT": "tcp://10.96.0.12:8026",
        "PORTFOLIO_PORT_8026_TCP": "tcp://10.96.0.12:8026",
        "PORTFOLIO_PORT_8026_TCP_PROTO": "tcp",
        "PORTFOLIO_PORT_8026_TCP_PORT": "8026",
        "PORTFOLIO_PORT_8026_TCP_ADDR": "10.96.0.12",
    }
    with service:
        assert service.stop() == 0
