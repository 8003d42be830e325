"""What every MySQL-family server of the tests can do, however it was brought up."""

import re
import secrets
import socket
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

import pymysql
from pymysql.constants import ER

from tests.support.database.databases import DatabaseUnderTest

START_TIMEOUT_SECONDS = 120.0
ADMIN_USER = "portfolio_test_admin"


class DatabaseServerError(Exception):
    """The server of the tests cannot be brought up, or does not obey; says what to do about it."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(kw_only=True)
class DatabaseServer(ABC):
    """A server of the tests alone: databases come and go, and it may be stopped, killed and paused."""

    host: str
    port: int
    admin_user: str
    admin_password: str

    @abstractmethod
    def start(self) -> None:
        """Run, on the same port and data as before, and answer."""

    @abstractmethod
    def stop(self) -> None:
        """End in good order, as a DBA would."""

    @abstractmethod
    def kill(self) -> None:
        """End at once, as a power cut would."""

    @abstractmethod
    def pause(self) -> None:
        """Keep every connection and accept new ones, and answer nothing."""

    @abstractmethod
    def resume(self) -> None:
        """Go on after a pause."""

    @abstractmethod
    def destroy(self) -> None:
        """End, in whatever state, and leave nothing behind."""

    @abstractmethod
    def diagnosis(self) -> str:
        """Why it does not answer, in the server's own words; empty if it should be all right."""

    def connect(self, *, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection as the administrator; of the plain, blocking kind."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.admin_user,
            password=self.admin_password,
            database=database,
            connect_timeout=5,
            read_timeout=60,
            autocommit=True,
            ssl_disabled=True,  # on loopback; reading all of the machine's certificates takes longer than to connect
        )

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        """The rows of the last of the statements, each run as the administrator."""
        connection = self.connect()
        rows: list[tuple[object, ...]] = []
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                    rows = list(cursor.fetchall())
        finally:
            connection.close()
        return rows

    def is_mariadb(self) -> bool:
        """Whether this is MariaDB, which knows statements and engines that MySQL does not."""
        [[version]] = self.execute("SELECT VERSION()")
        return "MariaDB" in str(version)

    def wait_until_ready(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Return once the administrator can log in and ask.

        Raises:
            DatabaseServerError: the server has ended, or is not there in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                self.execute("SELECT 1")
            except (pymysql.Error, OSError) as error:
                ended = self.diagnosis()
                if ended or time.monotonic() > deadline:
                    message = f"the database server of the tests does not answer: {error}\n{ended}"
                    raise DatabaseServerError(message) from error
                time.sleep(0.05)
            else:
                return

    def create_database_pair(self, name: str) -> DatabaseUnderTest:
        """Two empty databases, ledger and prices, with a user for rows and another for migrations.

        The name, of at most 20 characters, is the beginning of all of theirs.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,19}", name):
            message = f"{name!r} cannot begin the name of a database"
            raise ValueError(message)
        ledger, prices = f"{name}_ledger", f"{name}_prices"
        users = {f"{name}_service": "SELECT, INSERT, UPDATE, DELETE", f"{name}_migrate": "ALL PRIVILEGES"}
        password = secrets.token_hex(12)
        statements = [f"CREATE DATABASE `{database}`" for database in (ledger, prices)]
        for user, privileges in users.items():
            statements.append(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'")
            for database in (ledger, prices):
                pattern = database.replace("_", r"\_")  # a bare underscore would stand for any character
                statements.append(f"GRANT {privileges} ON `{pattern}`.* TO '{user}'@'%'")
        self.execute(*statements)
        place = f"{self.host}:{self.port}/{ledger}?charset=utf8mb4"
        url, migration_url = (f"mysql+aiomysql://{user}:{password}@{place}" for user in users)
        return DatabaseUnderTest(kind="mysql", url=url, migration_url=migration_url, prices_schema=prices)

    def drop(self, name: str) -> None:
        """Remove what `create_database_pair` made, and cut off whoever is still connected to it."""
        users = (f"{name}_service", f"{name}_migrate")
        quoted = ", ".join(f"'{user}'" for user in users)
        threads = self.execute(f"SELECT id FROM information_schema.processlist WHERE user IN ({quoted})")
        for (thread,) in threads:
            try:
                self.execute(f"KILL {thread}")
            except pymysql.err.MySQLError as error:
                if error.args[0] != ER.NO_SUCH_THREAD:
                    raise
        self.execute(
            "SET SESSION lock_wait_timeout = 10",
            *(f"DROP DATABASE IF EXISTS `{name}_{purpose}`" for purpose in ("ledger", "prices")),
            *(f"DROP USER IF EXISTS '{user}'@'%'" for user in users),
        )
