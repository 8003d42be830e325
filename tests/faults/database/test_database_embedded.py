"""The embedded database on a full disk, and locked by another process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.support.database.databases import DatabaseUnderTest, sqlite_database_in
from tests.support.database.old_database import execute
from tests.support.database.small_disk import SmallDisk, small_disk
from tests.support.services.proxied_service import DEADLINE_SECONDS, SETTINGS, Answer, answers, ask, book, until
from tests.support.services.service import ServiceProcess

BUSY_SECONDS = 0.2 * DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running service on an embedded database, which lies on a small disk with its log."""

    service: ServiceProcess
    place: DatabaseUnderTest
    disk: SmallDisk

    @property
    def books(self) -> tuple[int, Decimal]:
        """How many trades there are, and how much cash."""
        [[trades]] = execute(self.place, "SELECT COUNT(*) FROM mock_trades")
        [[cash]] = execute(self.place, "SELECT cash_balance FROM mock_portfolio")
        return int(str(trades)), Decimal(str(cash))

    async def ready(self, status: int = 200) -> None:
        """Return once it says that a booking could be committed; that none could, with 503."""
        path = "/health/ready"
        await until(lambda: answers(self.service.url, path, status), f"it never answers {status}")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("embedded")
    with small_disk(folder / "disk") as disk:
        place = sqlite_database_in(disk.folder)
        settings = {**SETTINGS, "PORTFOLIO_LOG_FILE": str(disk.folder / "service.log")}
        with ServiceProcess(place, folder, settings=settings) as service:
            process = service.process.pid
            yield Embedded(service, place, disk)
            assert service.process.pid == process, "it was restarted"
            assert service.command("verify").returncode == 0
            assert "Traceback" not in service.output()


async def test_on_a_full_disk_writes_are_refused_and_rolled_back_and_the_service_lives(embedded: Embedded) -> None:
    async with embedded.service.client() as client:
        await embedded.ready()
        assert (await book(client, "before")).status == 200
        before = embedded.books
        pid = embedded.service.process.pid
        embedded.disk.fill(pid)
        try:
            number = 0
            while (answer := await book(client, f"full-{number}", notes="x" * 1000)).status == 200:
                before, number = embedded.books, number + 1  # there was room for this one in what the files had already
            assert answer.is_unavailable("ledger-unavailable")
            assert (await book(client)).is_unavailable("ledger-unavailable")
            assert (await ask(client, "GET", "/portfolio")).status == 200
            assert (await ask(client, "GET", "/health")).status == 200
            assert (await ask(client, "GET", "/bookings/before")).status == 200
            await embedded.ready(503)
            told = (await ask(client, "GET", "/health")).body
            assert (told["status"], told["database"]["status"]) == ("degraded", "refusing")
        finally:
            embedded.disk.free(pid)
        assert embedded.books == before
        await embedded.ready()
        again = await book(client, f"full-{number}", notes="x" * 1000)
        assert (again.status, again.body["replayed"]) == (200, False)
        assert embedded.books == (before[0] + 1, before[1] - 10)


async def test_locked_by_another_process_a_booking_waits_for_the_busy_timeout_and_is_then_503(
    embedded: Embedded,
) -> None:
    async with embedded.service.client() as client:
        await embedded.ready()
        before = embedded.books
        theirs = _lock(embedded)
        try:
            answer = await book(client, "locked")
            assert answer.is_unavailable("ledger-unavailable")
            assert answer.seconds >= BUSY_SECONDS
            whole = await ask(client, "GET", "/portfolio")
            assert (whole.status, whole.body["portfolio"]["stale"]) == (200, False)
            await embedded.ready(503)
        finally:
            theirs.close()
        assert embedded.books == before
        await embedded.ready()
        assert (await book(client, "locked")).body["replayed"] is False


async def test_a_lock_that_is_given_back_in_time_is_waited_for(embedded: Embedded) -> None:
    async with embedded.service.client() as client:
        await embedded.ready()
        theirs = _lock(embedded)
        booking = asyncio.create_task(book(client))
        await until(lambda: _waits(embedded), "the booking does not wait")
        theirs.close()
        answer: Answer = await booking
        assert (answer.status, answer.is_in_time()) == (200, True)


def _lock(embedded: Embedded) -> sqlite3.Connection:
    """Hold the database's one write lock, as another process does."""
    theirs = sqlite3.connect(embedded.disk.folder / "portfolio.db", isolation_level=None, timeout=30)
    theirs.execute("BEGIN IMMEDIATE")
    return theirs


async def _waits(embedded: Embedded) -> bool:
    async with embedded.service.client() as client:
        return "\nportfolio_bookings_waiting 1.0\n" in (await client.get("/metrics")).text
