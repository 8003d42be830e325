"""SQLite's files are deleted, replaced or moved under the running service: nothing is acknowledged into the void."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database.databases import sqlite_database_in
from tests.support.services.proxied_service import SETTINGS, answers, ask, book, until
from tests.support.services.service import ServiceProcess


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    """A running service whose database has a folder of its own."""
    folder = tmp_path / "db"
    folder.mkdir()
    with ServiceProcess(sqlite_database_in(folder), tmp_path, settings=SETTINGS) as service:
        yield service
        assert service.process.poll() is None, "it ended"
        assert "Traceback" not in service.output()


def _deleted(file: Path) -> None:
    file.unlink()


def _moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))


def _replaced_by_a_copy(file: Path) -> None:
    shutil.copy(file, file.with_name("copy"))
    file.with_name("copy").replace(file)


def _replaced_by_nothing(file: Path) -> None:
    file.unlink()
    file.touch()


def _folder_renamed(file: Path) -> None:
    file.parent.rename(file.parent.with_name("db-old"))


@pytest.mark.parametrize("name", ["portfolio.db", "portfolio.db-wal", "portfolio.db-shm"])
@pytest.mark.parametrize("deed", [_deleted, _moved, _replaced_by_a_copy, _replaced_by_nothing])
async def test_a_file_that_is_not_the_opened_one_takes_no_booking(
    service: ServiceProcess, tmp_path: Path, deed: object, name: str
) -> None:
    await _refused_after(service, tmp_path / "db" / name, deed)


def _emptied(file: Path) -> None:
    os.truncate(file, 0)


def _without_its_end(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 4_120)


def _overwritten(file: Path) -> None:
    with file.open("r+b") as books:
        books.write(b"noise" * 20_000)


@pytest.mark.parametrize(
    ("name", "deed"),
    [
        ("portfolio.db", _emptied),
        ("portfolio.db-wal", _emptied),
        ("portfolio.db-wal", _without_its_end),
    ],
)
async def test_a_file_that_is_damaged_in_place_takes_no_booking_until_a_restart(
    service: ServiceProcess, tmp_path: Path, name: str, deed: object
) -> None:
    because = f"the database {tmp_path / 'db' / 'portfolio.db'} was changed or cut short"
    await _refused_after(service, tmp_path / "db" / name, deed, because)


async def test_once_a_damage_is_found_no_booking_is_taken_that_needs_nothing_of_what_is_damaged(
    service: ServiceProcess, tmp_path: Path
) -> None:
    async with service.client() as client:
        for number in range(3):  # what a booking needs is in memory now
            assert (await book(client, f"before-{number}")).status == 200
        _overwritten(tmp_path / "db" / "portfolio.db")
        await until(lambda: answers(service.url, "/health/ready", 503), "it is ready")
        for number in range(10):
            assert (await book(client, f"after-{number}")).is_unavailable("ledger-unavailable")
        assert (await ask(client, "GET", "/health/ready")).status == 503


async def test_a_database_that_another_program_tidies_takes_bookings_as_before(
    service: ServiceProcess, tmp_path: Path
) -> None:
    async with service.client() as client:
        assert (await book(client, "before")).status == 200
        with sqlite3.connect(tmp_path / "db" / "portfolio.db", isolation_level=None) as other:
            other.execute("VACUUM")
            other.execute("PRAGMA journal_size_limit = 0")
            for kind in ("RESTART", "TRUNCATE"):
                other.execute(f"PRAGMA wal_checkpoint({kind})")
                other.execute("UPDATE mock_portfolio SET id = id")
        other.close()
        assert (await book(client, "after")).status == 200
        assert (await ask(client, "GET", "/health/ready")).status == 200


async def test_a_folder_that_has_another_name_takes_no_booking_until_it_has_its_own_again(
    service: ServiceProcess, tmp_path: Path
) -> None:
    await _refused_after(service, tmp_path / "db" / "portfolio.db", _folder_renamed)
    (tmp_path / "db-old").rename(tmp_path / "db")
    async with service.client() as client:
        await until(lambda: answers(service.url, "/health/ready", 200), "it is not ready again")
        assert (await book(client, "after")).body["replayed"] is False
    assert service.command("verify").returncode == 0


async def test_what_was_acknowledged_is_in_the_file_that_was_moved_and_it_may_be_put_back(
    service: ServiceProcess, tmp_path: Path
) -> None:
    file = tmp_path / "db" / "portfolio.db"
    acknowledged = await _refused_after(service, file, _moved)
    file.with_name("elsewhere").rename(file)
    service.stop()
    with sqlite3.connect(file) as books:
        [[booked]] = books.execute("SELECT COUNT(*) FROM mock_trades")
    books.close()
    assert booked == acknowledged
    service.start()


async def test_a_log_file_that_is_replaced_is_no_obstacle(service: ServiceProcess) -> None:
    async def is_logged() -> bool:  # a thread of its own writes it
        return service.log_file.exists() and "request.served" in service.log()

    async with service.client() as client:
        assert (await ask(client, "GET", "/health/ready")).status == 200
        await until(is_logged, "nothing is logged")
        service.log_file.rename(service.log_file.with_name("service.log.1"))
        assert (await book(client, "logged")).status == 200
        assert (await ask(client, "GET", "/health/ready")).status == 200
        await until(is_logged, "nothing is logged into a new file")


async def _refused_after(service: ServiceProcess, file: Path, deed: object, because: str = "") -> int:
    """Do the deed among bookings; see that all say so, and return how many were acknowledged before."""
    assert callable(deed)
    because = because or f"the file {file} was deleted, moved or replaced"
    async with service.client() as client:
        for number in range(3):
            assert (await book(client, f"before-{number}")).status == 200
        deed(file)
        for key in ("first", "second", None):
            answer = await book(client, key)
            assert answer.is_unavailable("ledger-unavailable", "outcome-unknown")
            assert because in answer.body["detail"]
        assert (await ask(client, "GET", "/health/ready")).status == 503
        health = await ask(client, "GET", "/health")
        assert (health.status, health.body["status"], health.body["database"]["status"]) == (200, "degraded", "away")
        assert because in health.body["database"]["detail"]
        assert "\nportfolio_ready 0.0\n" in (await client.get("/metrics")).text
        whole = await ask(client, "GET", "/portfolio")
        assert (whole.status, whole.body["portfolio"]["stale"]) == (200, True)
    return 3
