"""A backup that is made while bookings go on is one moment of the books; what came after it is sent again."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
from sqlalchemy import URL, make_url

from tests.support.database.databases import DatabaseUnderTest
from tests.support.packages import PackageMissing, install_packages
from tests.support.services.service import ServiceProcess

BEFORE, AMID, AFTER = range(30), range(30, 80), range(80, 90)
ALL = range(90)
DUMPERS, READERS = ("mariadb-dump", "mysqldump"), ("mariadb", "mysql")
ADVICE = (
    "A backup is made by mariadb-dump or mysqldump and read back by mariadb or mysql, which are missing. Debian and"
    " Ubuntu: apt-get install --no-install-recommends mariadb-client; Fedora: dnf install mariadb; macOS:"
    " brew install mariadb."
)
# A ledger with trades refuses made-up prices when it is served again; nobody answers for real ones here.
NO_PRICES = {
    "PORTFOLIO_PRICE_FEED": "exchanges",
    "PORTFOLIO_COINBASE_URL": "http://127.0.0.1:9",
    "PORTFOLIO_BINANCE_URL": "http://127.0.0.1:9",
    "PORTFOLIO_CANDLES_URL": "http://127.0.0.1:9",
}


def test_a_backup_among_bookings_restores_to_books_that_hold_and_no_key_is_booked_twice(
    database: DatabaseUnderTest, tmp_path: Path
) -> None:
    back_up, restore = _means(database, tmp_path)
    with ServiceProcess(database, tmp_path, settings=NO_PRICES) as service:
        assert not any(_replayed(service, BEFORE))
        with ThreadPoolExecutor(1) as engine:
            booked = engine.submit(_replayed, service, AMID)
            back_up()
            assert not any(booked.result())
        assert not any(_replayed(service, AFTER))
        service.stop()
        restore()
        kept = _verified_trades(service)
        assert len(BEFORE) <= kept <= len(BEFORE) + len(AMID)
        service.start()
        replayed = _replayed(service, ALL)
        assert replayed == [number < kept for number in ALL]
    assert _verified_trades(service) == len(ALL)


def _replayed(service: ServiceProcess, numbers: Iterable[int]) -> list[bool]:
    """Book under the key of each number, and return which had been booked before."""
    replayed = []
    with httpx.Client(base_url=service.url, timeout=60) as client:
        for number in numbers:
            body = {"symbol": "BTC", "side": "BUY", "quantity": 0.001, "price": 50_000, "net_amount": 50}
            answer = client.post("/holdings/update", json={**body, "client_trade_id": f"key-{number}"})
            assert answer.status_code == 200, answer.text
            replayed.append(answer.json()["replayed"])
    return replayed


def _verified_trades(service: ServiceProcess) -> int:
    """Return how many trades the books have, which have to hold."""
    verified = service.command("verify")
    assert verified.returncode == 0, verified.stdout
    return int(verified.stdout.split()[0])


def _means(database: DatabaseUnderTest, folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return how to back up and how to restore, as docs/upgrade.md has it."""
    url = make_url(database.migration_url)
    if database.kind == "sqlite":
        return _sqlite_means(Path(str(url.database)))
    return _mysql_means(url, str(database.prices_schema), folder)


def _sqlite_means(file: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    backup = file.with_name("backup.db")

    def back_up() -> None:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as target:
            source.backup(target)  # what `.backup` of the command sqlite3 does

    def restore() -> None:
        for ending in ("", "-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
        shutil.copy(backup, file)

    return back_up, restore


def _mysql_means(url: URL, prices_schema: str, folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    dump, client = _client_programs()
    backup, schemas = folder / "backup.sql", (str(url.database), prices_schema)
    access = ["--no-defaults", f"--host={url.host}", f"--port={url.port}", f"--user={url.username}"]
    access.append(f"--password={url.password}")

    def back_up() -> None:
        command = [dump, *access, "--single-transaction", "--no-tablespaces", "--databases", *schemas]
        backup.write_bytes(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)

    def restore() -> None:
        emptied = "".join(f"DROP DATABASE `{schema}`;\n" for schema in schemas).encode()
        subprocess.run([client, *access], input=emptied + backup.read_bytes(), check=True, timeout=60)

    return back_up, restore


def _client_programs() -> tuple[str, str]:
    """Return the program that dumps and the one that reads a dump, installed if they were missing and we may.

    Raises:
        PackageMissing: they cannot be had; says what to install.
    """
    failure = ""
    if not (_found(*DUMPERS) and _found(*READERS)):
        failure = install_packages(("mariadb-client",))
    dump, client = _found(*DUMPERS), _found(*READERS)
    if dump is None or client is None:
        message = f"{ADVICE}\n{failure}"
        raise PackageMissing(message)
    return dump, client


def _found(*names: str) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)
