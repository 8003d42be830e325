"""What is wrong with the address of a database is said by name, and the password never."""

from __future__ import annotations

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
        (f"{SERVER}?chartset=utf8mb4", "no option chartset; it knows .*charset"),
        (f"{SERVER}?pool_size=3&sslmode=require", "DATABASE_TLS_CA"),
        (f"{SERVER}?ssl_ca=/ca.pem", "DATABASE_TLS_CA"),
        (f"{SERVER}?charset=utf8mb4&charset=latin1", "charset is there more than once"),
        (f"{SERVER}?connect_timeout=soon", "an option has a value that the driver does not take"),
        ("sqlite+aiosqlite:///x.db?journal_mode=off", "no option journal_mode; it knows timeout, uri"),
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
        f"{SERVER}?charset=utf8mb4&connect_timeout=3",
        "sqlite+aiosqlite:///x.db",
        "sqlite+aiosqlite:////x.db?timeout=3",
    ],
)
def test_what_the_drivers_know_is_taken(url: str) -> None:
    assert service_url(url).database in {"books", "x.db", "/x.db"}


def test_a_mistake_is_said_before_anything_is_touched(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="journal_mode"):
        migrate(f"sqlite+aiosqlite:///{tmp_path}/new.db?journal_mode=off", None)
    assert list(tmp_path.iterdir()) == []


def test_where_a_database_is_tells_neither_who_asks_it_nor_how(tmp_path: Path) -> None:
    assert place_of(f"{SERVER}?charset=utf8mb4", ["db2", "db3:3307"]) == "db:3306,db2,db3:3307/books"
    assert place_of("mysql+aiomysql://u:secret@db/books") == "db:3306/books"
    assert place_of(f"sqlite+aiosqlite:///{tmp_path}/p.db") == f"{tmp_path}/p.db"
    assert place_of("sqlite+aiosqlite:///p.db") == str(Path("p.db").absolute())
