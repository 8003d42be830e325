"""What others do to the tables, rights, disk and files of the service, and what it may not say of itself meanwhile.

An independent observer, the run, knows what was done. While it lasts the service takes back the words that it cannot
stand by: ``healthy``, ``ready``, or that the books hold (``portfolio verify``). Mended, it says them again, and nothing
that was acknowledged is lost: the invariants of the run see to that.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import httpx

from tests.faults.harness.faults import Context, Fault
from tests.faults.harness.world import World, until

SEEN_SECONDS = 30.0
"""Far more than it takes the service to see what others wrote: a busy machine is no fault of it."""


class Claim(Enum):
    """What the service says of itself."""

    HEALTHY = "healthy"
    READY = "ready"
    HOLDS = "the books hold"


async def says(world: World, claim: Claim) -> bool:
    """Whether the service says that now."""
    if claim is Claim.HOLDS:
        done = await asyncio.to_thread(world.service.command, "verify", PORTFOLIO_REQUEST_DEADLINE_SECONDS="60")
        return done.returncode == 0
    async with httpx.AsyncClient(base_url=world.service.url, timeout=10) as client:
        if claim is Claim.READY:
            return (await client.get("/health/ready")).status_code == 200
        await client.get("/trades?limit=200")
        await client.get("/performance?days=7")
        return bool((await client.get("/health")).json()["status"] == "healthy")


async def take_back(world: World, *claims: Claim) -> None:
    """Return once the service says none of these any more."""
    for claim in claims:

        async def is_taken_back(claim: Claim = claim) -> bool:
            return not await says(world, claim)

        await until(is_taken_back, f"it still says {claim.value}, and it is not so", SEEN_SECONDS)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands, to be written as it was."""

    table: str
    columns: Sequence[str]
    values: Sequence[Any]

    def write(self, world: World) -> None:
        """Have the row again, whatever was made of it."""
        mark = "?" if world.is_sqlite else "%s"
        with world.tables.transaction() as cursor:
            cursor.execute(f"DELETE FROM {self.table} WHERE id = {self.values[0]}")
            marks = ", ".join([mark] * len(self.values))
            written: Any = cursor
            written.execute(
                f"INSERT INTO {self.table} ({', '.join(self.columns)}) VALUES ({marks})", tuple(self.values)
            )


def row_of(world: World, table: str, chosen: str) -> Row | None:
    """The newest row that is chosen; None where there is none."""
    with world.tables.transaction() as cursor:
        found: Any = cursor
        found.execute(f"SELECT * FROM {table} WHERE {chosen} ORDER BY id DESC LIMIT 1")
        row = found.fetchone()
        return None if row is None else Row(table, [column[0] for column in found.description], row)


def do(world: World, *statements: str) -> None:
    """Have statements carried out by somebody who asks nobody."""
    with world.tables.transaction() as cursor:
        if not world.is_sqlite:
            cursor.execute("SET SESSION sql_mode = ''")
        for statement in statements:
            cursor.execute(statement)


def _row_spoiled(table: str, chosen: str, statement: str, *claims: Claim) -> Context:
    """Do something to the newest row that is chosen, between two operations, and write the row as it was."""

    @asynccontextmanager
    async def spoiled(world: World, dice: random.Random) -> AsyncIterator[None]:
        row = await asyncio.to_thread(row_of, world, table, chosen)
        if row is not None:
            try:
                await asyncio.to_thread(do, world, statement.format(id=row.values[0]))
                await take_back(world, *claims)
            finally:
                await asyncio.to_thread(row.write, world)
            await say_again(world)
        yield

    return spoiled


async def say_again(world: World) -> None:
    """Return once the service is ready, and names no row any more."""
    await world.recover()

    async def names_none() -> bool:
        async with httpx.AsyncClient(base_url=world.service.url, timeout=10) as client:
            return bool((await client.get("/health")).json()["unreadable_rows"]["count"] == 0)

    await until(names_none, "a row that was mended is still named")


@asynccontextmanager
async def far_day(world: World, dice: random.Random) -> AsyncIterator[None]:
    """A day of the year 2031 stands in the daily history."""
    columns = "date, portfolio_value, cash_balance, invested_amount"
    await asyncio.to_thread(
        do, world, f"INSERT INTO mock_performance_history ({columns}) VALUES ('2031-01-01', 1, 1, 0)"
    )
    try:
        await take_back(world, Claim.HEALTHY)
        yield
    finally:
        await asyncio.to_thread(do, world, "DELETE FROM mock_performance_history WHERE date = '2031-01-01'")
    await say_again(world)


@asynccontextmanager
async def log_stuck(world: World, dice: random.Random) -> AsyncIterator[None]:
    """What the service prints goes into a pipe that is full, and that nobody reads."""
    printed, aside = world.service.folder / "out.log", world.service.folder / "out.aside"
    await world.terminate()
    if printed.exists():
        printed.rename(aside)
    os.mkfifo(printed)
    pipe = os.open(printed, os.O_RDWR | os.O_NONBLOCK)
    try:
        with_room = True
        while with_room:
            try:
                os.write(pipe, b"." * 4096)
            except BlockingIOError:
                with_room = False
        await world.start()
        yield
        assert await world.terminate() == 0, "it does not stop while its log is stuck"
    finally:
        os.close(pipe)
        printed.unlink()
        if aside.exists():
            aside.rename(printed)
    await world.start()


@asynccontextmanager
async def disk_full(world: World, dice: random.Random) -> AsyncIterator[None]:
    """No file of the service may grow."""
    pid = world.service.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
        await take_back(world, Claim.READY)
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    await world.recover()


@asynccontextmanager
async def rights_revoked(world: World, dice: random.Random) -> AsyncIterator[None]:
    """The service may read, and write nothing."""
    user, pattern = world.tables.ledger.replace("_ledger", "_service"), world.tables.ledger.replace("_", r"\_")
    await asyncio.to_thread(world.server.execute, f"REVOKE INSERT ON `{pattern}`.* FROM '{user}'@'%'")
    try:
        await asyncio.to_thread(world.proxy.cut)  # rights on a database are those of when a connection was made
        yield
        await take_back(world, Claim.READY)
    finally:
        await asyncio.to_thread(world.server.execute, f"GRANT INSERT ON `{pattern}`.* TO '{user}'@'%'")
        await asyncio.to_thread(world.proxy.cut)
    await world.recover()


@asynccontextmanager
async def portfolio_row_gone(world: World, dice: random.Random) -> AsyncIterator[None]:
    """The row of the portfolio is deleted, and restored as it was: nobody makes another one meanwhile."""
    row = await asyncio.to_thread(row_of, world, "mock_portfolio", "ledger_cash IS NOT NULL")
    assert row is not None
    await asyncio.to_thread(do, world, f"DELETE FROM mock_portfolio WHERE id = {row.values[0]}")
    try:
        yield
        await take_back(world, Claim.READY, Claim.HEALTHY, Claim.HOLDS)
        assert await asyncio.to_thread(world.tables.rows, "SELECT id FROM mock_portfolio") == []
    finally:
        await asyncio.to_thread(row.write, world)
    await world.recover()


@asynccontextmanager
async def file_replaced(world: World, dice: random.Random) -> AsyncIterator[None]:
    """Another file stands where the database's was, which is put back."""
    path = world.tables.path
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        path.write_bytes(aside.read_bytes())
        yield
        await take_back(world, Claim.READY)
    finally:
        aside.rename(path)
    await world.recover()


_OWN = "booked_by IS NOT NULL"
DEEDS = (
    Fault(
        name="entry deleted",
        enter=_row_spoiled("mock_trades", _OWN, "DELETE FROM mock_trades WHERE id = {id}", Claim.HOLDS),
        sqlite=True,
    ),
    Fault(
        name="entry with a side that nobody knows",
        enter=_row_spoiled(
            "mock_trades", _OWN, "UPDATE mock_trades SET side = 'HOLD' WHERE id = {id}", Claim.HOLDS, Claim.HEALTHY
        ),
        sqlite=True,
    ),
    Fault(
        name="entry with another amount",
        enter=_row_spoiled(
            "mock_trades", _OWN, "UPDATE mock_trades SET cash_delta = cash_delta + 1 WHERE id = {id}", Claim.HOLDS
        ),
        sqlite=True,
    ),
    Fault(name="a day of 2031", enter=far_day, sqlite=True),
    Fault(name="log stuck", enter=log_stuck, sqlite=True),
    Fault(name="portfolio row deleted", enter=portfolio_row_gone, sqlite=True),
    Fault(name="rights revoked", enter=rights_revoked),
    Fault(name="disk full", enter=disk_full, sqlite=True, mysql=False),
    Fault(name="database file replaced", enter=file_replaced, sqlite=True, mysql=False),
)
