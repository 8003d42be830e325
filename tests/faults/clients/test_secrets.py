"""No secret gets out: a real process is given secrets that can be told again, and everything it says is searched."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import signal
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pymysql
from click.testing import CliRunner
from sqlalchemy import make_url

from portfolio.entrypoints.cli.commands import commands
from portfolio.main import CompositionRoot
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceByCommand, ServiceProcess, free_port
from tests.support.services.tcp_proxy import Mode, TcpProxy

JSON = {"Content-Type": "application/json"}
BOOKING = b'{"symbol":"BTC","side":"BUY","quantity":0.1,"price":45000.0,"net_amount":4500.0}'
# No proxy is trusted here: whoever sends these made them up.
FORWARDED = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP"), "203.0.113.77")
NO_HTTP = b"GET /portfolio HTTP/1.1\r\nX-TRADING-API-KEY: %s\x1b\r\n\r\n"


class Secrets:
    """Secrets that nobody else has, by what they are; and the search for them."""

    def __init__(self, database_password: str) -> None:
        self.by_name = {"database password": database_password}

    def new(self, name: str) -> str:
        """A fresh one."""
        self.by_name[name] = f"canary-{secrets.token_hex(12)}"
        return self.by_name[name]

    def found_in(self, said: Mapping[str, str]) -> list[str]:
        """Which secret is in which of the texts, as it is or as headers carry it."""
        return [
            f"{name} in {where}"
            for name, secret in self.by_name.items()
            for where, text in said.items()
            for form in (secret, base64.b64encode(f"user:{secret}".encode()).decode(), secret[:-6])
            if form in text
        ]


class Garbage(socketserver.BaseRequestHandler):
    """Answers a database client with what no database says."""

    def handle(self) -> None:
        self.request.sendall(b"\x4a\x00\x00\x00\x0a5.5.5\x00" + b"\xff\x00garbage\r\n" * 400)


@contextmanager
def garbage() -> Iterator[tuple[str, int]]:
    """The address of a server that speaks no known language."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Garbage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()


def requests(key: str, wrong: str, note: str) -> list[tuple[str, str, dict[str, str], bytes]]:
    """Good and bad requests: method, path, headers, body."""
    mine, other = {"X-TRADING-API-KEY": key, **FORWARDED}, {"X-TRADING-API-KEY": wrong, **FORWARDED}
    bearer = {"Authorization": f"Bearer {wrong}"}
    refused: tuple[dict[str, str], ...] = (other, bearer, {**mine, **bearer}, {}, {"Cookie": f"key={wrong}"})
    bodies = (BOOKING, BOOKING[:-1] + b',"notes":"%s"}' % note.encode(), BOOKING[:-1], b" " * 70_000)
    return [
        *(("GET", path, mine, b"") for path in GETS),
        *(("GET", "/portfolio", headers, b"") for headers in refused),
        *(("POST", "/holdings/update", {**mine, **JSON}, body) for body in bodies),
        ("GET", f"/portfolio?api_key={wrong}", {}, b""),
        ("GET", f"/nowhere?key={wrong}", {}, b""),
        ("POST", "/portfolio/refresh", {**mine, **JSON}, b""),
        ("POST", "/holdings/update", {**other, **JSON}, BOOKING),
        ("POST", "/holdings/update", {**mine, "Content-Type": "text/plain"}, BOOKING),
        ("POST", "/trades/1/reverse", {**mine, **JSON}, b"{}"),
        ("PATCH", "/portfolio", mine, b""),
    ]


async def provoke(service: ServiceProcess, when: str, key: str, wrong: str) -> dict[str, str]:
    """Everything that the service answers to good and bad requests, headers included."""
    said: dict[str, str] = {}

    async def ask(http: httpx.AsyncClient, number: int, method: str, path: str, **sent: Any) -> None:
        answer = await http.request(method, path, **sent)
        said[f"{when}: {method} {path[:20]} #{number} {answer.status_code}"] = f"{answer.headers}\n{answer.text}"

    async with service.client() as http:
        await asyncio.gather(
            *(
                ask(http, number, method, path, headers=headers, content=body)
                for number, (method, path, headers, body) in enumerate(requests(key, wrong, when))
            )
        )
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(NO_HTTP % key.encode())
    said[f"{when}: no HTTP"] = (await reader.read()).decode()
    writer.close()
    return said


GETS = (
    "/health", "/health/ready", "/metrics", "/openapi.json", "/docs", "/docs/openapi.json", "/docs/start.js",
    "/portfolio", "/positions", "/trades", "/bookings/none", "/bookings?status=refused", "/performance",
    "/risk/portfolio-health", "/rebalance/analysis", "/rebalance/signals",
)  # fmt: skip


def pymysql_of(url: str) -> pymysql.Connection[Any]:
    """A connection to the database at that URL."""
    at = make_url(url)
    return pymysql.connect(
        host=at.host,
        port=at.port or 3306,
        user=at.username,
        password=str(at.password),
        database=at.database,
        autocommit=True,
    )


def commands_that_fail(service: ServiceProcess, known: Secrets, folder: Path) -> dict[str, str]:
    """What commands say that cannot work, for a setting or for a database."""
    password = known.by_name["database password"]
    wrong, cut, port = (
        known.new(name) for name in ("wrong password", "password with an @", "password with an @ and :")
    )
    entry, line = known.new("key without scopes"), known.new("key with a wrong scope")
    keys = folder / "bad-keys"
    keys.write_text(f"engine:sell:{line}\n")
    keys.chmod(0o600)
    denied = service.environment["PORTFOLIO_DATABASE_URL"].replace(password, wrong)
    processes = {
        "access denied": service.command("verify", PORTFOLIO_DATABASE_URL=denied),
        "port in use": service.command("serve"),
    }
    assert all(done.returncode for done in processes.values())
    said = {name: done.stdout + done.stderr for name, done in processes.items()}
    assert "Traceback" not in "".join(said.values())
    attempts: dict[str, tuple[str, str, str]] = {
        "an @ in the password": ("verify", "DATABASE_URL", f"mysql+aiomysql://u:x@{cut}@127.0.0.1:1/b"),
        "an @ and a : in the password": ("migrate", "DATABASE_URL", f"mysql+aiomysql://u:x@y:{port}@127.0.0.1:1/b"),
        "other database": ("migrate", "DATABASE_URL", f"postgresql://u:{wrong}@127.0.0.1/b"),
        "no connection": ("migrate", "DATABASE_URL", f"mysql+aiomysql://u:{wrong}@127.0.0.1:1/b"),
        "bad key": ("serve", "API_KEYS", entry),
        "bad keys file": ("serve", "API_KEYS_FILE", str(keys)),
        "bad number": ("serve", "DATABASE_POOL_SIZE", "many"),
    }
    for name, (command, setting, value) in attempts.items():
        changed = {**service.environment, f"PORTFOLIO_{setting}": value}
        done = CliRunner().invoke(commands, [command], obj=CompositionRoot(), env=changed)
        assert isinstance(done.exception, SystemExit), (name, done.exception)
        said[name] = done.output
    return said


def test_no_secret_is_in_anything_that_the_service_says(mysql_database: DatabaseUnderTest, tmp_path: Path) -> None:
    ledger = make_url(mysql_database.url)
    assert ledger.host
    assert ledger.port
    known = Secrets(str(ledger.password))
    key, filed = known.new("key"), known.new("key in the file")
    keys = tmp_path / "keys"
    keys.write_text(f"filed:read:{filed}\n")
    keys.chmod(0o644)
    feed = f"http://user:{known.new('feed password')}@127.0.0.1:{free_port()}"
    with garbage() as nonsense, TcpProxy(ledger.host, ledger.port) as proxy:
        service = ServiceByCommand(
            mysql_database,
            tmp_path,
            settings={
                "PORTFOLIO_DATABASE_URL": ledger.set(port=proxy.port).render_as_string(hide_password=False),
                "PORTFOLIO_API_KEYS": f"boss:read+trade+admin:{key}",
                "PORTFOLIO_API_KEYS_FILE": str(keys),
                "PORTFOLIO_PRICE_FEED": "exchanges",
                **{f"PORTFOLIO_{name}_URL": feed for name in ("COINBASE", "BINANCE", "CANDLES")},
                "PORTFOLIO_LOG_LEVEL": "DEBUG",
                "PORTFOLIO_REQUEST_DEADLINE_SECONDS": "2",
            },
        )
        wrong = known.new("wrong key")
        with service:
            said = asyncio.run(provoke(service, "up", key, wrong))
            said |= asyncio.run(provoke(service, "the other key", filed, wrong))
            said |= commands_that_fail(service, known, tmp_path)
            with closing(pymysql_of(mysql_database.migration_url)) as connection:
                connection.cursor().execute("ALTER TABLE mock_trades MODIFY side VARCHAR(20)")
                connection.cursor().execute("UPDATE mock_trades SET side = 'NONE'")
            said |= asyncio.run(provoke(service, "rows that cannot be", key, wrong))
            proxy.set_mode(Mode.REFUSE)
            said |= asyncio.run(provoke(service, "away", key, wrong))
            proxy.target = nonsense
            proxy.set_mode(Mode.PASS)
            said |= asyncio.run(provoke(service, "nonsense", key, wrong))
            process = Path("/proc", str(service.process.pid), "cmdline")
            said["command line"] = process.read_text() if process.exists() else ""
            service.stop(signal.SIGTERM)
    said |= {"log": (tmp_path / "service.log").read_text(), "terminal": service.output()}
    statuses = {where.split()[-1] for where in said if "#" in where}
    print(len(said), "texts,", sum(map(len, said.values())), "characters; statuses", sorted(statuses))
    assert {"200", "400", "401", "403", "404", "405", "413", "415", "503"} <= statuses
    assert "request.served" in said["log"]
    assert "secrets.readable_by_all" in said["log"]
    assert "203.0.113.77" not in said["log"] + said["terminal"]
    assert known.found_in(said) == []


def test_what_the_service_writes_only_its_own_user_may_read(sqlite_database: DatabaseUnderTest, tmp_path: Path) -> None:
    # As generous as a umask can be: the service is stricter by itself.
    before = os.umask(0)
    try:
        service = ServiceByCommand(sqlite_database, tmp_path)
        service.migrate_by_command()
        with service:
            service.log()
            written = sorted(path for path in tmp_path.iterdir() if path.name != "out.log")
            modes = {path.name: oct(path.stat().st_mode & 0o777) for path in written}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["portfolio.db", "portfolio.db-shm", "portfolio.db-wal", "service.log"], "0o600")
