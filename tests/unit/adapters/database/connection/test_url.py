"""What is wrong with the address of a database is said by name, and the password never."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from portfolio.adapters.database.connection.url import place_of, service_url
from portfolio.adapters.database.schema.migration import migrate
from portfolio.settings import SettingsError

SERVER = "mysql+aiomysql://u:secret@db:3306/books"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("nonsense", "PORTFOLIO_DATABASE_URL: it is sqlite"),
        ("mysql+aiomysql://u:se@cret@db/books@", "it is sqlite|knows no"),
        ("mysql+aiomysql://u:secret@db:port/books", "it is sqlite"),
        ("mysql://u:secret@db/books", "mysql is neither"),
        ("postgresql+asyncpg://u:secret@db/books", "postgresql.asyncpg is neither"),
        ("mysql+aiomysql://u:secret@db", "names no database"),
        ("mysql+aiomysql://u:secret@db/", "names no database"),
        ("sqlite+aiosqlite://", "names no database"),
        ("sqlite+aiosqlite:///:memory:", "names no database"),
        ("mysql+aiomysql://u:secret@db:99999/books", "no such host or port"),
        ("mysql+aiomysql://u:secret@db:0/books", "no such host or port"),
        (f"mysql+aiomysql://u:secret@{'x' * 64}/books", "no such host or port"),
        ("mysql+aiomysql://u:secret@db..example/books", "no such host or port"),
        (f"{SERVER}?chartset=utf8mb4", "chartset is no option here: it takes the options charset, unix_socket alone"),
        (f"{SERVER}?pool_size=3&sslmode=require", "DATABASE_TLS_CA"),
        (f"{SERVER}?ssl_ca=/ca.pem", "DATABASE_TLS_CA"),
        (f"{SERVER}?ssl_ca=", "DATABASE_TLS_CA"),
        (f"{SERVER}?charset=utf8mb4&ssl", "DATABASE_TLS_CA"),
        (f"{SERVER}?SSL_MODE=REQUIRED", "DATABASE_TLS_CA"),
        (f"{SERVER}?tls=true", "DATABASE_TLS_CA"),
        (f"{SERVER}?charset=utf8mb4&charset=latin1", "charset has no value, or is there more than once"),
        (f"{SERVER}?unix_socket=", "unix_socket has no value"),
        (f"{SERVER}?charset=latin1", "charset is utf8mb4"),
        (f"{SERVER}#ssl", "fragment"),
        (f"{SERVER}?charset=utf8mb4#ssl", "charset is utf8mb4"),
        (f"{SERVER}?init_command=SET+autocommit=0", "init_command is no option here"),
        (f"{SERVER}?connect_timeout=30", "connect_timeout is no option here"),
        (f"{SERVER}?local_infile=1", "local_infile is no option here"),
        (f"{SERVER}?read_default_file=/etc/my.cnf", "read_default_file is no option here"),
        (f"{SERVER}?sql_mode=ANSI", "sql_mode is no option here"),
        ("sqlite+aiosqlite:///x.db?journal_mode=off", "journal_mode is no option here: it takes no option"),
        ("sqlite+aiosqlite:///x.db?timeout=3", "timeout is no option here"),
        ("sqlite+aiosqlite:///file:x.db?mode=ro&uri=true", "mode, uri is no option here"),
        ("sqlite+aiosqlite:///file:x.db", "a file is named by its path alone"),
        ("sqlite+aiosqlite://host/x.db", "a file is named by its path alone"),
        ("sqlite+aiosqlite:///x.db#y", "fragment"),
        ("sqlite+aiosqlite:///file::memory:", "names no database"),
    ],
)
def test_a_mistake_is_named_and_the_password_is_not(url: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as said:
        service_url(url)
    assert "secret" not in str(said.value)


@pytest.mark.parametrize(
    "url",
    [
        SERVER,
        f"{SERVER}?charset=utf8mb4",
        "mysql+aiomysql://u:se%40cret@/books?unix_socket=/run/db.sock",
        "mysql+aiomysql://u:secret@[::1]:3307/books",
        "sqlite+aiosqlite:///x.db",
        "sqlite+aiosqlite:////x.db",
    ],
)
def test_what_is_meant_is_taken(url: str) -> None:
    assert service_url(url).database in {"books", "x.db", "/x.db"}


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        (SERVER, ["db2:99999"]),
        (SERVER, ["db2:port"]),
        (SERVER, ["db2..example"]),
        (f"{SERVER}?unix_socket=/run/db.sock", ["db2"]),
        ("sqlite+aiosqlite:///x.db", ["db2"]),
    ],
)
def test_further_hosts_that_cannot_be_are_named(url: str, hosts: Sequence[str]) -> None:
    with pytest.raises(SettingsError, match="PORTFOLIO_DATABASE_HOSTS"):
        service_url(url, hosts)


def test_a_mistake_is_said_before_anything_is_touched(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="journal_mode"):
        migrate(f"sqlite+aiosqlite:///{tmp_path}/new.db?journal_mode=off", None)
    assert list(tmp_path.iterdir()) == []


def test_where_a_database_is_tells_neither_who_asks_it_nor_how(tmp_path: Path) -> None:
    assert place_of(f"{SERVER}?charset=utf8mb4", ["db2", "db3:3307"]) == "db:3306,db2,db3:3307/books"
    assert place_of("mysql+aiomysql://u:secret@db/books") == "db:3306/books"
    assert place_of("mysql+aiomysql://u:secret@/books") == "localhost:3306/books"
    assert place_of("mysql+aiomysql://u:secret@/books?unix_socket=/run/db.sock") == "/run/db.sock/books"
    assert place_of(f"sqlite+aiosqlite:///{tmp_path}/p.db") == f"{tmp_path}/p.db"
    assert place_of("sqlite+aiosqlite:///p.db") == str(Path("p.db").absolute())
