"""The address of a database, with a password in it: what is wrong with one is said without quoting it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from inspect import signature
from pathlib import Path

import aiomysql
import pymysql
from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from portfolio.settings import SettingsError

SQLITE, MYSQL = "sqlite+aiosqlite", "mysql+aiomysql"
_FORM = f"{SQLITE}:///... or {MYSQL}://user:password@host:port/database"
# Of the drivers' parameters, those that are no option: the URL has a place for them, or the service sets them.
_PLACES = {"host", "port", "user", "password", "db", "conv", "cursorclass", "autocommit", "ssl", "client_flag"}
# Both drivers have to know an option: the service takes one, migrations take the other.
_MYSQL_OPTIONS = (
    signature(aiomysql.connect).parameters.keys() & signature(pymysql.Connection).parameters.keys() - _PLACES
)
_SQLITE_OPTIONS = {"timeout", "uri"}


def parse_url(text: str) -> URL:
    """Return the address that ``text`` is.

    Raises:
        SettingsError: it is none, or its password is cut short by a character that had to be encoded: the rest of it
            would be taken for the host, and named in every log of a failed connection.
    """
    try:
        url = make_url(text)
    except (ValueError, ArgumentError):
        # Without the cause: it quotes what it could not read.
        url = None
    if url is None or "@" in (url.host or ""):
        raise _wrong(f"it is {_FORM}, with '@', ':', '/' and '%' in the password written as %40, %3A, %2F and %25")
    return url


def service_url(text: str) -> URL:
    """Return the address that ``text`` is, all of which the service can use.

    Raises:
        SettingsError: it is none, or it names another kind of database, no database, or an option that the driver does
            not know.
    """
    url = parse_url(text)
    if url.drivername not in {SQLITE, MYSQL}:
        raise _wrong(f"it is {_FORM}, and {url.drivername} is neither")
    if not url.database or url.database == ":memory:":
        raise _wrong("it names no database; the last part of it is a file, or the name of a database on the server")
    if not url.database.isprintable():
        raise _wrong("its database has characters that cannot be printed")
    check_host("PORTFOLIO_DATABASE_URL", url.host or "localhost")
    if url.drivername == MYSQL:
        _check_options(url, _MYSQL_OPTIONS)
    elif "uri" not in url.query:  # else the options are SQLite's own
        _check_options(url, _SQLITE_OPTIONS)
    try:
        url.get_dialect()().create_connect_args(url)
    except (ValueError, TypeError) as error:
        raise _wrong(f"an option has a value that the driver does not take ({error})") from error
    return url


def check_host(setting: str, host: str) -> None:
    """Make sure that a name server can be asked for a host.

    Raises:
        SettingsError: it has a part that is empty or too long.
    """
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise SettingsError(f"{setting}: the parts of a host's name have 1 to 63 characters") from error


def place_of(text: str, further_hosts: Sequence[str] = ()) -> str:
    """Return where the database is; not who asks it, nor how.

    Raises:
        SettingsError: as ``service_url``.
    """
    url = service_url(text)
    if url.drivername == SQLITE:
        return str(Path(str(url.database)).absolute())
    return f"{','.join([f'{url.host}:{url.port or 3306}', *further_hosts])}/{url.database}"


def _check_options(url: URL, known: Collection[str]) -> None:
    if any(name.startswith("ssl") for name in url.query):
        raise _wrong("TLS is asked for by PORTFOLIO_DATABASE_TLS_CA, _CERT and _KEY, not in the URL")
    if unknown := sorted(url.query.keys() - set(known)):
        raise _wrong(f"the driver knows no option {', '.join(unknown)}; it knows {', '.join(sorted(known))}")
    if twice := sorted(name for name, value in url.query.items() if not isinstance(value, str)):
        raise _wrong(f"{', '.join(twice)} is there more than once")


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"PORTFOLIO_DATABASE_URL: {what}")
