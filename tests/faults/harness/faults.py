"""The faults, each for as long as its context is entered: real signals, real cuts, real locks. Leaving it mends.

What strikes "inside" an operation strikes after a moment that the dice choose; how far the operation has come by
then is the machines' doing. What has to strike at a certain place waits for the proxy's trap to spring there.
"""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pymysql

from tests.faults.harness.world import World, reached
from tests.support.services.tcp_proxy import COMMIT, Mode, Trap

Context = Callable[[World, random.Random], AbstractAsyncContextManager[None]]
LONGEST_MOMENT_SECONDS = 0.03
TRAP_SECONDS = 1.5
# InnoDB's tables about itself say the same again until they were not asked for a tenth of a second.
UNASKED_SECONDS = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kind of fault; ``sqlite`` says whether the embedded database can have it too, ``mysql`` a server."""

    name: str
    enter: Context
    sqlite: bool = False
    mysql: bool = True
    refreshes: bool = False
    """Whether it is a fault of the exchanges, which only a refresh can meet."""


@asynccontextmanager
async def _struck(dice: random.Random, strike: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Strike a moment after the body has begun; the body's end waits for the strike."""
    moment = dice.uniform(0, LONGEST_MOMENT_SECONDS)

    async def strike_then() -> None:
        await asyncio.sleep(moment)
        await strike()

    striking = asyncio.create_task(strike_then())
    try:
        yield
    finally:
        await striking


# --- the service ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def killed(world: World, dice: random.Random) -> AsyncIterator[None]:
    """SIGKILL at any moment."""
    async with _struck(dice, world.kill):
        yield
    await world.start()


@asynccontextmanager
async def terminated(world: World, dice: random.Random) -> AsyncIterator[None]:
    """SIGTERM at any moment: what was begun is finished, and the service ends well."""

    async def terminate() -> None:
        status = await world.terminate()
        assert status == 0, f"it ended with {status} when told to stop"

    async with _struck(dice, terminate):
        yield
    await world.start()


@asynccontextmanager
async def paused(world: World, dice: random.Random) -> AsyncIterator[None]:
    """The service stands still for a while, as on a machine that swaps."""

    async def pause() -> None:
        world.service.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(0.1, 0.5))
        world.service.process.send_signal(signal.SIGCONT)

    async with _struck(dice, pause):
        yield


def _killed_at_commit(trap: Trap) -> Context:
    @asynccontextmanager
    async def killed_at_commit(world: World, dice: random.Random) -> AsyncIterator[None]:
        sprung = len(world.proxy.sprung)
        world.proxy.arm(COMMIT, trap)

        async def kill() -> None:
            # An operation that commits nothing springs no trap: it is struck all the same.
            if await reached(lambda: len(world.proxy.sprung) > sprung, TRAP_SECONDS):
                world.seen["kills at a commit"] += 1
            await world.kill()

        async with _struck(dice, kill):
            yield
        world.proxy.heal()
        await world.start()

    return killed_at_commit


# --- the way to the database ----------------------------------------------------------------------------------------


@asynccontextmanager
async def cut(world: World, dice: random.Random) -> AsyncIterator[None]:
    """Every connection is reset at any moment; new ones are served."""

    async def strike() -> None:
        world.proxy.cut()

    async with _struck(dice, strike):
        yield


@asynccontextmanager
async def delayed(world: World, dice: random.Random) -> AsyncIterator[None]:
    """Everything takes long."""
    world.proxy.delay(dice.uniform(0.01, 0.06))
    try:
        yield
    finally:
        world.proxy.heal()


def _in_mode(mode: Mode) -> Context:
    @asynccontextmanager
    async def in_mode(world: World, dice: random.Random) -> AsyncIterator[None]:
        async def strike() -> None:
            world.proxy.set_mode(mode)

        try:
            async with _struck(dice, strike):
                yield
        finally:
            world.proxy.heal()
        await world.recover()

    return in_mode


def _trapped(trap: Trap) -> Context:
    @asynccontextmanager
    async def trapped(world: World, dice: random.Random) -> AsyncIterator[None]:
        sprung = len(world.proxy.sprung)
        world.proxy.arm(COMMIT, trap)
        try:
            yield
        finally:
            world.proxy.heal()
        world.seen["commits trapped"] += len(world.proxy.sprung) - sprung
        await world.recover()

    return trapped


# --- the database ---------------------------------------------------------------------------------------------------


def _database_ended(end: Callable[[World], Callable[[], None]]) -> Context:
    @asynccontextmanager
    async def ended(world: World, dice: random.Random) -> AsyncIterator[None]:
        async def strike() -> None:
            await asyncio.to_thread(end(world))

        try:
            async with _struck(dice, strike):
                yield
        finally:
            await asyncio.to_thread(world.server.start)
            world.seen["restarts of the database"] += 1
        await world.recover()

    return ended


@asynccontextmanager
async def frozen(world: World, dice: random.Random) -> AsyncIterator[None]:
    """The database accepts connections and answers nothing."""

    async def strike() -> None:
        world.server.pause()

    try:
        async with _struck(dice, strike):
            yield
    finally:
        world.server.resume()
    await world.recover()


@asynccontextmanager
async def read_only(world: World, dice: random.Random) -> AsyncIterator[None]:
    """The database turns read-only at any moment, as after a failover."""

    async def switch(value: int) -> None:
        await asyncio.to_thread(world.server.execute, f"SET GLOBAL read_only = {value}")

    try:
        async with _struck(dice, lambda: switch(1)):
            yield
    finally:
        await switch(0)
    await world.recover()


def _locked(shortest: float, longest: float) -> Context:
    @asynccontextmanager
    async def locked(world: World, dice: random.Random) -> AsyncIterator[None]:
        """Hold what a booking needs for a while, or until all is answered, as another process."""
        seconds = dice.uniform(shortest, longest)
        holder = await asyncio.to_thread(world.tables.connect)
        cursor = holder.cursor()
        if world.is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        else:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM mock_portfolio FOR UPDATE")

        async def let_go() -> None:
            await asyncio.sleep(seconds)
            cursor.execute("ROLLBACK")

        letting_go = asyncio.create_task(let_go())
        try:
            yield
        finally:
            await letting_go
            holder.close()
        await world.recover()

    return locked


@asynccontextmanager
async def deadlocked(world: World, dice: random.Random) -> AsyncIterator[None]:
    """Another client has the positions and then wants the portfolio: the service is the one rolled back."""
    before = _deadlocks(world)
    holder, has_locks = await asyncio.to_thread(world.tables.connect), threading.Event()
    meeting = asyncio.create_task(asyncio.to_thread(_meet, holder, world, has_locks))
    await asyncio.to_thread(has_locks.wait, TRAP_SECONDS)
    try:
        yield
    finally:
        await meeting
        holder.close()
    world.seen["deadlocks"] += _deadlocks(world) - before
    await world.recover()


def _deadlocks(world: World) -> int:
    # MariaDB alone has a status variable of it; this table is on both kinds of server.
    [(count,)] = world.server.execute(
        "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'"
    )
    return int(str(count))


def _meet(holder: Any, world: World, has_locks: threading.Event) -> None:
    cursor = holder.cursor()
    cursor.execute("CREATE TEMPORARY TABLE weight (id INT PRIMARY KEY) ENGINE=InnoDB")
    cursor.execute("BEGIN")
    # The server rolls back whoever has written less: the service, then.
    cursor.execute("INSERT INTO weight VALUES " + ",".join(f"({number})" for number in range(500)))
    cursor.execute("SELECT id FROM mock_holdings FOR UPDATE")
    has_locks.set()
    give_up_at = time.monotonic() + TRAP_SECONDS
    waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    while world.server.execute(waiting) == [(0,)] and time.monotonic() < give_up_at:
        time.sleep(UNASKED_SECONDS)
    # Should the server choose this client after all, the service has waited for a lock and got it.
    with suppress(pymysql.err.OperationalError):
        cursor.execute("SELECT id FROM mock_portfolio FOR UPDATE")
    cursor.execute("ROLLBACK")


@asynccontextmanager
async def pool_exhausted(world: World, dice: random.Random) -> AsyncIterator[None]:
    """More questions than connections, each of which takes long."""
    world.proxy.delay(0.15)
    reader, writer = [], []
    for _ in range(12):
        one, other = await asyncio.open_connection("127.0.0.1", world.service.port)
        other.write(b"GET /trades HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        reader.append(one)
        writer.append(other)
    try:
        yield
    finally:
        world.proxy.heal()
        answers = await asyncio.gather(*(one.read() for one in reader))
        for other in writer:
            other.close()
    for answer in answers:
        assert answer[9:12] in {b"200", b"503"}, answer[:200]
    await world.recover()


FAULTS = (
    Fault(name="service killed", enter=killed, sqlite=True),
    Fault(name="service killed before the commit", enter=_killed_at_commit(Trap.LOSE_REQUEST_SILENT)),
    Fault(name="service killed after the commit", enter=_killed_at_commit(Trap.LOSE_ANSWER_SILENT)),
    Fault(name="service told to stop", enter=terminated, sqlite=True),
    Fault(name="service paused", enter=paused, sqlite=True),
    Fault(name="connections cut", enter=cut),
    Fault(name="connections slow", enter=delayed),
    Fault(name="connections silent", enter=_in_mode(Mode.SILENT)),
    Fault(name="connections refused", enter=_in_mode(Mode.REFUSE)),
    *(Fault(name=f"commit: {trap.value}", enter=_trapped(trap)) for trap in Trap),
    Fault(name="database killed", enter=_database_ended(lambda world: world.server.kill)),
    Fault(name="database stopped", enter=_database_ended(lambda world: world.server.stop)),
    Fault(name="database frozen", enter=frozen),
    Fault(name="database read-only", enter=read_only),
    Fault(name="deadlock", enter=deadlocked),
    Fault(name="pool exhausted", enter=pool_exhausted),
    Fault(name="locked for a moment", enter=_locked(0.1, 0.5), sqlite=True),
    Fault(name="locked for long", enter=_locked(3.2, 4.0), sqlite=True),
)
