"""The transactions that the service really sends, and their replay on a bare driver connection.

While the service books, the server's own log of statements is kept; the same statements, to the letter, then run on a
copy of the database as it was before. So the floor does what the service does today, whatever that is.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiomysql
import uvloop
from sqlalchemy import make_url

from tests.support.database.database_run import AnyServer
from tests.support.database.databases import DatabaseUnderTest

T = TypeVar("T")
Transaction = Sequence[str]

BEGIN, COMMIT = "BEGIN", "COMMIT"
BOOKS = "INTO mock_trades"
_BETWEEN = re.compile(r"; (?=(?:BEGIN|SELECT|INSERT|UPDATE|DELETE|COMMIT)\b)")
LOCKS = "FOR UPDATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Transactions of the service, in order, and the database that they can be repeated on."""

    server: AnyServer
    origin: str
    copy: str
    tables: Sequence[str]
    transactions: Sequence[Transaction]

    @classmethod
    def record(cls, server: AnyServer, database: DatabaseUnderTest, act: Callable[[], None]) -> Replay:
        """Return the replay of what the service sends to ``database`` while ``act`` has it book."""
        ledger, user = make_url(database.url).database, make_url(database.url).username
        origin, copy = f"{ledger}_origin", f"{ledger}_copy"
        tables = [str(table) for (table,) in server.execute(f"SHOW TABLES FROM `{ledger}`")]
        server.execute(f"CREATE DATABASE `{origin}`", f"CREATE DATABASE `{copy}`")
        for table in tables:
            server.execute(
                f"CREATE TABLE `{origin}`.`{table}` LIKE `{ledger}`.`{table}`",
                f"CREATE TABLE `{copy}`.`{table}` LIKE `{ledger}`.`{table}`",
                f"INSERT INTO `{origin}`.`{table}` SELECT * FROM `{ledger}`.`{table}`",
            )
        server.execute(
            "SET GLOBAL log_output = 'TABLE'", "TRUNCATE TABLE mysql.general_log", "SET GLOBAL general_log = ON"
        )
        try:
            act()
        finally:
            server.execute("SET GLOBAL general_log = OFF")
        rows = server.execute(
            "SELECT thread_id, CONVERT(argument USING utf8mb4) FROM mysql.general_log"
            f" WHERE command_type IN ('Query', 'Execute') AND user_host LIKE '{user}[%'"
        )
        transactions = _transactions([(str(thread), str(message)) for thread, message in rows])
        return cls(server=server, origin=origin, copy=copy, tables=tables, transactions=transactions)

    def reset(self) -> None:
        """Bring the copy to where the first transaction began."""
        for table in self.tables:
            self.server.execute(
                f"TRUNCATE TABLE `{self.copy}`.`{table}`",
                f"INSERT INTO `{self.copy}`.`{table}` SELECT * FROM `{self.origin}`.`{table}`",
            )

    def check(self, count: int) -> None:
        """Make sure that the copy holds what the first ``count`` transactions write.

        Raises:
            RuntimeError: it does not: what was measured is not what the service does.
        """
        revisions = [
            self.server.execute(f"SELECT MAX(revision) FROM `{name}`.mock_portfolio")[0][0]
            for name in (self.origin, self.copy)
        ]
        before, after = (int(str(revision)) for revision in revisions)
        if after != before + count:
            raise RuntimeError(f"the replay of {count} bookings led from revision {before} to {after}")

    def one_by_one(self, count: int, *, split: bool = False) -> list[float]:
        """Return the seconds that each of the first ``count`` transactions takes on one connection.

        A message may hold several statements, as the service sends it; with ``split`` each goes by itself.
        """
        self.reset()
        transactions = self.transactions[:count]
        if split:
            transactions = [[text for message in messages for text in _split(message)] for messages in transactions]
        taken = run(self._one_by_one(transactions))
        self.check(count)
        return taken

    def at_once(self, count: int, tasks: int) -> float:
        """Return the seconds that the first ``count`` transactions take together, sent by so many tasks at once."""
        self.reset()
        seconds = run(self._at_once(self.transactions[:count], tasks))
        self.check(count)
        return seconds

    def inserts(self, which: int) -> float:
        """Return the seconds of the INSERT statements of one transaction alone, and the commit."""
        self.reset()
        [taken] = run(self._one_by_one([[*self.insert_statements(which), COMMIT]]))
        return taken

    def insert_statements(self, which: int) -> list[str]:
        """Return the INSERT statements of one transaction."""
        return [text for message in self.transactions[which] for text in _split(message) if text.startswith("INSERT")]

    async def _one_by_one(self, transactions: Sequence[Transaction]) -> list[float]:
        taken = []
        async with self._connection() as cursor:
            for statements in transactions:
                started = time.perf_counter()
                for statement in statements:
                    await _execute(cursor, statement)
                taken.append(time.perf_counter() - started)
        return taken

    async def _at_once(self, transactions: Sequence[Transaction], tasks: int) -> float:
        """The row lock decides whose turn it is; who has it carries out the next transaction."""
        if not all(LOCKS in messages[0] for messages in transactions):
            raise RuntimeError(f"a booking does not begin with its row lock: {transactions[0][0][:200]}")
        asked, locked = iter(transactions), iter(transactions)
        ready = asyncio.Barrier(tasks + 1)

        async def book() -> None:
            async with self._connection() as cursor:
                await ready.wait()
                for messages in asked:
                    await _execute(cursor, messages[0])
                    for message in next(locked)[1:]:
                        await _execute(cursor, message)

        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(book())
            await ready.wait()
            started = time.perf_counter()
        return time.perf_counter() - started

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        server = self.server
        connection = await aiomysql.connect(
            host=server.host,
            port=server.port,
            user=server.admin_user,
            password=server.admin_password,
            db=self.copy,
            autocommit=False,
            charset="utf8mb4",
        )
        try:
            async with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


async def _execute(cursor: Any, statement: str) -> None:
    await cursor.execute(statement)
    while True:
        if cursor.description is not None:
            await cursor.fetchall()
        if not await cursor.nextset():
            return


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of ``work``, on the event loop that the service uses too."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _transactions(log: Sequence[tuple[str, str]]) -> Sequence[Transaction]:
    """Return the messages from each BEGIN to its COMMIT, by thread, of what booked something, in the order of the
    commits.
    """
    found: list[Transaction] = []
    begun: dict[str, list[str]] = {}
    for thread, message in log:
        if message.startswith(BEGIN):
            begun[thread] = []
        if thread in begun:
            begun[thread].append(message)
            if message.endswith(COMMIT):
                messages = begun.pop(thread)
                # The price loop renews its lease meanwhile.
                if any(BOOKS in text for text in messages):
                    found.append(messages)
    return found


def _split(message: str) -> list[str]:
    return _BETWEEN.split(message)
