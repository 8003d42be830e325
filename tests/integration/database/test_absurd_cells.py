"""Whatever stands in any cell of any table: no read fails, it is named, bookings go on, and mended is as before."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import pytest
import pytest_asyncio
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from portfolio.adapters.database.schema.tables import metadata, prices_metadata
from portfolio.application.prices.records import Close, KeptRules
from portfolio.domain.money import Price
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in
from tests.support.database.migrated import bring_up_to_date
from tests.support.exchange_rules import rules
from tests.support.fakes.clock import FakeClock
from tests.support.services.http_service import Service, running_on
from tests.support.services.proxied_service import until

# Each of hundreds of cells is read by forty routes.
pytestmark = pytest.mark.unmeasured

HELD = Symbol("BTC")
SHOWN: Final = (
    "/trades?symbol=BTC",
    "/cash/transactions",
    "/rebalance/signals",
    "/positions",
    "/performance?days=7",
    "/gains?method=picked",
    "/imports",
)
LIGHT: Final = (
    *SHOWN,
    "/bookings?status=refused",
    "/bookings/second",
    "/portfolio",
    "/trades/2",
    "/trades?side=SELL",
    "/performance/timeframes",
    "/performance/history",
    "/performance/period?from=2026-01-01&to=2030-01-01",
    "/rebalance/signals?status=open",
    "/signals/scorecard",
    "/shadows",
    "/imports/1",
    "/pages/import",
    "/metrics",
    "/health/ready",
    "/health",
)
HEAVY: Final = (
    "/risk/concentration",
    "/risk/correlation-matrix",
    "/risk/volatility-analysis",
    "/risk/value-at-risk",
    "/risk/portfolio-health",
    "/risk/sector-allocation",
    "/rebalance/analysis",
    "/rebalance/recommendations",
)
READ_BY_RISK: Final = {
    "mock_holdings", "mock_portfolio", "portfolio_price_history", "portfolio_close_marks", "portfolio_exchange_rules"
}  # fmt: skip
# What comes and goes with the time, and with what is asked here.
VOLATILE: Final = {
    "timestamp",
    "as_of",
    "age_seconds",
    "price_age_seconds",
    "updated_at",
    "last_updated",
    "price_revision",
}
VALUES: Final[Mapping[str, Any]] = {
    "nothing": None,
    "an empty text": "",
    "a word": "many",
    "no number": "NaN",
    "without end": "Infinity",
    "huge": "1e400",
    "large": "99999999999999999999",
    "below zero": -5,
    "zero": 0,
    "the largest integer": 2**63 - 1,
    "long": "X" * 300,
    "the 0th of a month": "2026-11-00",
    "no day at all": "0000-00-00",
    "the year 2031": "2031-01-01",
    "the last year": "9999-12-31 23:59:59",
    "broken JSON": '{"broken',
    "other JSON": "[1, null, {}]",
    "no text": b"\xff\xfe\x00",
}


@dataclass(frozen=True)
class Books:
    """A service on books in which every table has rows, and the way other programs take to them."""

    service: Service
    database: DatabaseUnderTest
    connection: Connection

    def others(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement as another program would, with no rules of its own."""
        with self.connection.begin():
            marked = statement if self.database.kind == "sqlite" else statement.replace("?", "%s")
            result = self.connection.exec_driver_sql(marked, values)
            return list(result) if result.returns_rows else []

    def named(self, table: Table) -> str:
        """What the table is called here."""
        schema = self.database.prices_schema if table.metadata is prices_metadata else None
        return f"{schema}.{table.name}" if schema else table.name

    async def get(self, path: str) -> Any:
        """The answer; never one of 500."""
        answer = await self.service.http.get(path)
        assert answer.status_code in {200, 404, 503}, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    async def shown(self) -> Mapping[str, Any]:
        """What the lists show, but for what time makes of them."""
        self.service.clock.advance(5)
        return {path: steady(await self.get(path)) for path in SHOWN}

    async def refused(self) -> int:
        """The status of a booking that is looked at under the lock, and refused."""
        body = {"symbol": "SOL", "side": "SELL", "quantity": 1000, "price": 100, "net_amount": 100_000}
        answer = await self.service.http.post("/holdings/update", json=body)
        return answer.status_code

    async def unreadable(self) -> Sequence[str]:
        """The rows that health names, once its probe is answered in time: else it names those of before."""
        health: Any = None

        async def is_answered() -> bool:
            nonlocal health
            health = await self.get("/health")
            return "no answer" not in str(health["database"]["detail"])

        await until(is_answered, "the probe is not answered in time")
        rows: Sequence[str] = health["unreadable_rows"]["rows"]
        return rows


def steady(answer: Any) -> Any:
    """An answer without what changes from one time to the next."""
    if isinstance(answer, dict):
        return {key: steady(value) for key, value in answer.items() if key not in VOLATILE}
    return [steady(one) for one in answer] if isinstance(answer, list) else answer


@asynccontextmanager
async def filled(database: DatabaseUnderTest) -> AsyncIterator[Books]:
    """Books in an empty database."""
    bring_up_to_date(database)
    opened = database.opened()
    clock = FakeClock(datetime.now(UTC) - timedelta(days=3))
    engine = database.engine()
    # Nothing is to change by itself: the clock goes ten seconds a cell, and a signal would expire after 90 of them.
    policy, lasting = RebalancePolicy(), 10.0**6
    async with running_on(
        opened, clock, policy=policy, price_max_age_seconds=lasting, signal_ttl_seconds=lasting
    ) as service:
        with engine.connect() as connection:
            if database.kind == "mysql":
                with connection.begin():
                    connection.exec_driver_sql("SET SESSION sql_mode = ''")
            await fill(service)
            kept = KeptRules(venue="coinbase", fetched_at=clock.now(), rules={HELD: rules()})
            await opened.exchange_rules.keep(kept, None)
            yield Books(service, database, connection)
    engine.dispose()


@pytest.fixture
async def books(database: DatabaseUnderTest) -> AsyncIterator[Books]:
    """Books for one test alone."""
    async with filled(database) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def shared_database(
    request: pytest.FixtureRequest, mariadb: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseUnderTest]:
    """Each kind of database in turn."""
    if request.param == "sqlite":
        yield sqlite_database_in(tmp_path_factory.mktemp("absurd"))
        return
    name = f"t_absurd_{secrets.token_hex(4)}"
    try:
        yield mariadb.create_database_pair(name)
    finally:
        mariadb.drop(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_books(shared_database: DatabaseUnderTest) -> AsyncIterator[Books]:
    """Books for the tests of all tables, each of which leaves them as they were: to fill them takes long."""
    async with filled(shared_database) as made:
        yield made


async def fill(service: Service) -> None:
    """Have something in every table."""
    service.feed.prices = {"BTC": "30000", "SOL": "100"}
    for key, side, quantity in (("first", "BUY", 1), ("second", "BUY", "0.2"), ("third", "SELL", "0.1")):
        money = Decimal(quantity) * 30_000
        body = {"symbol": "BTC", "side": side, "quantity": quantity, "price": 30_000, "net_amount": str(money)}
        await post(service, "/holdings/update", {**body, "client_trade_id": key, "notes": "a note"})
    await post(service, "/trades/3/reverse", {})
    sale = {"symbol": "BTC", "side": "SELL", "quantity": "0.05", "price": 30_000, "net_amount": 1_500}
    await post(service, "/holdings/update", sale)
    await post(service, "/trades/5/lots", {"lots": [{"entry": 4, "quantity": "0.05"}]})
    await post(service, "/cash/transactions", {"kind": "deposit", "amount": 50, "client_transaction_id": "d"})
    too_much = {"kind": "withdrawal", "amount": 10**9, "client_transaction_id": "w"}
    await service.http.post("/cash/transactions", json=too_much)
    today = service.clock.now().date()
    days = [today + timedelta(days=n) for n in range(-60, 3)]
    await service.prices.add_closes(
        [
            Close(symbol=Symbol(code), day=day, price=Price(Decimal(price + n % 7)), source="coinbase")
            for code, price in (("BTC", 30_000), ("SOL", 100))
            for n, day in enumerate(days)
        ]
    )
    for _ in range(3):
        service.clock.advance(86_400)
        await post(service, "/portfolio/refresh", {})
    await post(service, "/rebalance/generate-signals", {})
    asked = {"from": str(today - timedelta(days=20)), "to": str(today - timedelta(days=1))}
    await post(service, "/backtests", asked, status=202)
    await service.http.post(f"/imports/{await looked_at(service, FILLS)}/commit")
    await looked_at(service, FILLS)


FILLS: Final = (
    "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance\n"
    "L1,D1,2022-03-01 08:00:00,deposit,,currency,ZUSD,1000,0,1000\n"
)


async def looked_at(service: Service, text: str) -> str:
    """The id of a preview of a file."""
    answer = await service.http.post("/imports", files=[("file", ("a.csv", text))])
    assert answer.status_code == 200, answer.text
    preview_id: str = answer.json()["preview_id"]
    return preview_id


async def import_deeds(books: Books, table: Table) -> list[str]:
    """What goes wrong with the routes that write what imports keep: previews, booked and open, and the import.

    Where rows are not what they were a file is another one, and is not booked once more.
    """
    wrong = []
    rows = books.others("SELECT preview_id FROM portfolio_import_previews ORDER BY id")
    names = [row[0].decode(errors="replace") if isinstance(row[0], bytes) else str(row[0]) for row in rows]
    names = names if table.name in {"portfolio_import_previews", "portfolio_import_parts"} else names[:1]
    wanted: list[tuple[str, dict[str, Any]]] = [("/imports/1/reverse", {"json": {"dry_run": True}})]
    wanted += [(f"/imports/{quote(name, safe='')}/commit", {}) for name in names if name and len(name) < 60]
    wanted += [("/imports", {"files": [("file", ("a.csv", FILLS))]})]
    for path, sent in wanted:
        answer = await books.service.http.post(path, **sent)
        if answer.status_code not in {200, 400, 404, 409, 503}:
            wrong.append(f"{path} {answer.status_code} {answer.text[:200]}")
    return wrong


async def post(service: Service, path: str, body: Any, status: int = 200) -> None:
    """Ask for what has to be done."""
    answer = await service.http.post(path, json=body)
    assert answer.status_code == status, f"{path}: {answer.text}"


@contextmanager
def holding(books: Books, table: Table, column: str, value: Any) -> Iterator[bool]:
    """Have a cell of the table's newest row hold a value, and hold after that what it did; yield whether it does."""
    name, key = books.named(table), next(iter(table.primary_key)).name
    newest = f"SELECT {key}, {column} FROM {name} WHERE {victim(table)} ORDER BY {key} DESC LIMIT 1"
    [(number, before)] = books.others(newest)
    write = f"UPDATE {name} SET {column} = ? WHERE {key} = ?"
    try:
        books.others(write, value, number)
    except (DBAPIError, sqlite3.Error):
        yield False
        return
    [(now,)] = books.others(f"SELECT {column} FROM {name} WHERE {key} = ?", number)
    try:
        yield now != before
    finally:
        books.others(write, before, number)


def victim(table: Table) -> str:
    """Which rows are looked among."""
    if table.name == "mock_trades":
        return "booked_by IS NOT NULL AND symbol = 'BTC' AND id = 2"
    return "symbol = 'BTC'" if "symbol" in table.columns else "1 = 1"


TABLES: Final = {
    table.name: table
    for table in (*metadata.sorted_tables, *prices_metadata.sorted_tables)
    if table.name not in {"portfolio_schema_version", "portfolio_leases", "portfolio_position_adjustments"}
}


async def found_wrong(books: Books, table: Table, every: int) -> list[str]:
    """What goes wrong while each cell of the newest row holds one absurd value in ``every``, and afterwards."""
    wrong: list[str] = []
    before, deeds = await books.shown(), 0
    for column in (c.name for c in table.columns if not c.primary_key):
        for said, value in VALUES.items():
            deeds += 1
            if deeds % every:
                continue
            with holding(books, table, column, value) as holds:
                if not holds:
                    continue
                books.service.clock.advance(5)
                for route in (*LIGHT, *(HEAVY if table.name in READ_BY_RISK else ())):
                    answer = await books.service.http.get(route)
                    if answer.status_code not in {200, 404, 503}:
                        wrong.append(f"{column} holds {said}: {route} {answer.status_code} {answer.text[:200]}")
                if table.name.startswith("portfolio_import"):
                    wrong += [f"{column} holds {said}: {one}" for one in await import_deeds(books, table)]
                if await books.refused() not in {409, 422, 503}:
                    wrong.append(f"{column} holds {said}: a booking is answered {await books.refused()}")
            after, lines = await books.shown(), await books.unreadable()
            differing = [path for path in SHOWN if after[path] != before[path]]
            if differing or lines:
                wrong.append(f"{column} held {said}: afterwards {differing} differ, named are {lines}")
                before = after
    return wrong


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", TABLES)
async def test_no_cell_makes_a_read_fail_and_a_mended_one_is_forgotten(shared_books: Books, name: str) -> None:
    wrong = await found_wrong(shared_books, TABLES[name], every=37)
    assert not wrong, "\n".join(wrong)


@pytest.mark.faults_long
@pytest.mark.parametrize("name", TABLES)
async def test_no_absurd_value_in_any_cell_makes_a_read_fail(books: Books, name: str) -> None:
    wrong = await found_wrong(books, TABLES[name], every=1)
    assert not wrong, "\n".join(wrong)
