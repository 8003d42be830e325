"""Connections to a database server are encrypted where the settings ask for it, and to no other server than theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from portfolio.adapters.database.connection.tls import tls_of
from portfolio.adapters.database.database import Database
from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.errors import LedgerUnavailable
from portfolio.settings import Settings, SettingsError
from tests.support.database.certificates import Authority, Certificate
from tests.support.database.database_run import own_server
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.ledger_examples import book_one, open_books


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A server that lets nobody in without TLS, whom it is to be believed by, and a client that it knows."""

    server: DatabaseServer
    place: DatabaseUnderTest
    ca: Path
    client: Certificate

    def settings(self, **changed: Any) -> Settings:
        """The settings of a service on it."""
        given = {"database_url": self.place.url, "prices_schema": self.place.prices_schema, **changed}
        return Settings(**{name: value for name, value in given.items() if value is not None})

    def migrate(self, **changed: Any) -> str:
        """Migrate as the settings say."""
        return migrate(self.place.migration_url, self.place.prices_schema, tls=tls_of(self.settings(**changed)))

    def require(self, what: str) -> None:
        """Have the server let its users in so only."""
        for url in (self.place.url, self.place.migration_url):
            self.server.execute(f"ALTER USER '{make_url(url).username}'@'%' REQUIRE {what}")


@pytest.fixture(scope="module")
def encrypted_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DatabaseServer, Authority]]:
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    own = authority.issue("server", address="127.0.0.1")
    options = (f"--ssl-ca={authority.cert}", f"--ssl-cert={own.cert}", f"--ssl-key={own.key}")
    with own_server(options) as server:
        yield server, authority


@pytest.fixture
def encrypted(encrypted_server: tuple[DatabaseServer, Authority]) -> Iterator[Encrypted]:
    server, authority = encrypted_server
    place = server.create_database_pair("tls")
    found = Encrypted(server, place, authority.cert, authority.issue("client"))
    found.require("SSL")
    try:
        yield found
    finally:
        server.drop("tls")


async def refused(settings: Settings, because: str) -> None:
    """See that no connection is made."""
    database = Database.of(settings)
    try:
        with pytest.raises(LedgerUnavailable, match=because):
            await database.probe.ping()
    finally:
        await database.close()


async def test_with_an_authority_everything_goes_encrypted(encrypted: Encrypted) -> None:
    trusted = {"database_tls_ca": str(encrypted.ca)}
    encrypted.migrate(**trusted)
    database = Database.of(encrypted.settings(**trusted))
    try:
        await open_books(database.ledger)
        await book_one(database.ledger)
        assert (await database.ledger.load(1)).revision == 3
        await database.ledger.revisions(1)  # by the connection that is kept for it
    finally:
        await database.close()


async def test_a_server_that_wants_tls_lets_nobody_in_without(encrypted: Encrypted) -> None:
    encrypted.migrate(database_tls_ca=str(encrypted.ca))
    await refused(encrypted.settings(), "denied.*may come with TLS alone")


def test_a_migration_that_is_not_let_in_says_what_that_may_mean(mysql_database: DatabaseUnderTest) -> None:
    wrong = make_url(mysql_database.migration_url).set(username="nobody")
    with pytest.raises(LedgerUnavailable, match=r"denied.*a wrong name or password.*may come with TLS alone"):
        migrate(wrong.render_as_string(hide_password=False), mysql_database.prices_schema)


async def test_a_server_of_another_authority_is_refused(encrypted: Encrypted, tmp_path: Path) -> None:
    other = {"database_tls_ca": str(Authority(tmp_path, "other").cert)}
    with pytest.raises(LedgerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        encrypted.migrate(**other)
    await refused(encrypted.settings(**other), "is away: .*CERTIFICATE_VERIFY_FAILED")


async def test_a_server_by_another_name_than_its_certificate_has_is_refused(encrypted: Encrypted) -> None:
    trusted = {"database_tls_ca": str(encrypted.ca)}
    encrypted.migrate(**trusted)
    by_name = encrypted.place.url.replace("@127.0.0.1:", "@localhost:")
    settings = encrypted.settings(**trusted, database_url=by_name)
    await refused(settings, "is away: .*certificate is not valid for 'localhost'")


async def test_who_says_so_believes_any_server(encrypted: Encrypted, tmp_path: Path) -> None:
    other = {"database_tls_ca": str(Authority(tmp_path, "other").cert), "database_tls_verify": False}
    encrypted.migrate(**other)
    database = Database.of(encrypted.settings(**other))
    try:
        await database.probe.ping()
    finally:
        await database.close()


async def test_a_client_shows_its_certificate(encrypted: Encrypted) -> None:
    trusted = {"database_tls_ca": str(encrypted.ca)}
    known = {
        **trusted,
        "database_tls_cert": str(encrypted.client.cert),
        "database_tls_key": str(encrypted.client.key),
    }
    encrypted.require("X509")
    encrypted.migrate(**known)
    database = Database.of(encrypted.settings(**known))
    try:
        await database.probe.ping()
    finally:
        await database.close()
    await refused(encrypted.settings(**trusted), "denied")


async def test_nobody_logs_in_to_a_server_without_tls(mysql_database: DatabaseUnderTest, tmp_path: Path) -> None:
    settings = Settings(database_url=mysql_database.url, database_tls_ca=str(Authority(tmp_path).cert))
    await refused(settings, "does not offer it")
    context = tls_of(settings)
    with pytest.raises(LedgerUnavailable, match="server doesn't support it"):
        migrate(mysql_database.migration_url, mysql_database.prices_schema, tls=context)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"database_tls_ca": "/nowhere.pem"}, "PORTFOLIO_DATABASE_TLS_CA: /nowhere.pem"),
        ({"database_tls_cert": "/nowhere.pem"}, "PORTFOLIO_DATABASE_TLS_CERT: /nowhere.pem"),
        ({"database_tls_key": "/nowhere.pem"}, "PORTFOLIO_DATABASE_TLS_KEY needs"),
        ({"database_tls_verify": False}, "PORTFOLIO_DATABASE_TLS_VERIFY needs PORTFOLIO_DATABASE_TLS_CA"),
        (
            {"database_url": "mysql+aiomysql://u:p@/x?unix_socket=/db.sock", "database_tls_ca": "system"},
            "a unix_socket stays on this machine",
        ),
        ({"database_url": "sqlite+aiosqlite:///x.db", "database_tls_ca": "system"}, "no connection to encrypt"),
    ],
)
def test_what_cannot_be_used_for_tls_is_named(given: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        tls_of(Settings(**{"database_url": "mysql+aiomysql://u:p@db/x", **given}))


def test_without_a_setting_nothing_is_encrypted_and_the_machines_authorities_may_be_named() -> None:
    assert tls_of(Settings()) is None
    assert tls_of(Settings(database_url="mysql+aiomysql://u:p@db/x", database_tls_ca="system")) is not None
