"""Every option of the database's address is meant, or the commands refuse it by name: none is passed over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.database.certificates import Authority
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceProcess

COMMANDS = (("serve",), ("migrate",), ("verify",))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("ssl_ca=/etc/ca.pem", "PORTFOLIO_DATABASE_TLS_CA"),
        ("ssl_ca=", "PORTFOLIO_DATABASE_TLS_CA"),
        ("ssl_mode=REQUIRED", "PORTFOLIO_DATABASE_TLS_CA"),
        ("charset=latin1", "charset"),
        ("init_command=SET+autocommit=0", "init_command"),
        ("local_infile=1", "local_infile"),
        ("charset=utf8mb4&charset=utf8mb4", "charset"),
        ("charset=utf8mb4#x", "charset"),
        ("nonsense=1", "nonsense"),
    ],
)
def test_an_option_that_is_not_meant_stops_every_command_and_is_named(
    mysql_database: DatabaseUnderTest, tmp_path: Path, options: str, named: str
) -> None:
    url = mysql_database.migration_url.partition("?")[0]
    _refused(replace(mysql_database, url=f"{url}?{options}"), tmp_path, named)


@pytest.mark.parametrize("options", ["mode=ro&uri=true", "timeout=3", "nolock=1"])
def test_an_option_of_sqlites_stops_every_command_and_no_file_is_made(tmp_path: Path, options: str) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/p.db?{options}"
    place = DatabaseUnderTest(kind="sqlite", url=url, migration_url=url, prices_schema=None)
    _refused(place, tmp_path, options.partition("=")[0])
    assert not list(tmp_path.glob("p.db*"))


def test_where_tls_is_asked_for_a_server_without_it_is_told_nothing(
    mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    service = ServiceProcess(
        replace(mysql_database, url=mysql_database.migration_url),
        tmp_path,
        settings={"PORTFOLIO_DATABASE_TLS_CA": str(Authority(tmp_path).cert)},
    )
    for words in (("migrate",), ("verify",)):
        done = service.command(*words)
        assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
        assert "TLS" in done.stderr or "SSL" in done.stderr, done.stderr


def _refused(place: DatabaseUnderTest, folder: Path, named: str) -> None:
    service = ServiceProcess(place, folder)
    for words in COMMANDS:
        done = service.command(*words)
        assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
        assert "PORTFOLIO_DATABASE_URL: " in done.stderr
        assert named in done.stderr
