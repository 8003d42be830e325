"""The address of a database, with a password in it: what is wrong with one is said without quoting it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from portfolio.settings import SettingsError

SQLITE, MYSQL = "sqlite+aiosqlite", "mysql+aiomysql"
_FORM = f"{SQLITE}:///... or {MYSQL}://user:password@host:port/database"
DEFAULT_PORT = 3306
_CHARSET = "utf8mb4"
# The drivers know more: those would be overruled by what each session is set up with, or undo it.
_OPTIONS = {SQLITE: (), MYSQL: ("charset", "unix_socket")}


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


def service_url(text: str, further_hosts: Sequence[str] = ()) -> URL:
    """Return the address that ``text`` is, all of which the service means.

    Raises:
        SettingsError: it is none, or it names another kind of database, no database, a host that cannot be, or an
            option that the service does not take; or ``further_hosts`` do not go with it.
    """
    url = parse_url(text)
    if url.drivername not in _OPTIONS:
        raise _wrong(f"it is {_FORM}, and {url.drivername} is neither")
    if not url.database or ":memory:" in url.database:
        raise _wrong("it names no database; the last part of it is a file, or the name of a database on the server")
    if not url.database.isprintable():
        raise _wrong("its database has characters that cannot be printed")
    if "#" in url.database:
        raise _wrong("'#' begins a fragment, which means nothing here")
    _check_options(url, text)
    if url.drivername == SQLITE:
        if url.host or url.username or url.database.startswith("file:"):
            raise _wrong("a file is named by its path alone, after three slashes")
        if further_hosts:
            raise SettingsError("PORTFOLIO_DATABASE_HOSTS: an SQLite database is on no host")
    else:
        _check_hosts(url, further_hosts)
    return url


def place_of(text: str, further_hosts: Sequence[str] = ()) -> str:
    """Return where the database is; not who asks it, nor how."""
    url = service_url(text, further_hosts)
    if url.drivername == SQLITE:
        return str(Path(str(url.database)).absolute())
    own = url.query.get("unix_socket") or f"{url.host or 'localhost'}:{url.port or DEFAULT_PORT}"
    return f"{','.join([str(own), *further_hosts])}/{url.database}"


def split_host(text: str) -> tuple[str, int]:
    """Return host and port of ``host``, ``host:port`` or ``[v6]:port``.

    >>> split_host("db2"), split_host("db2:3307"), split_host("[::1]:3307")
    (('db2', 3306), ('db2', 3307), ('::1', 3307))
    """
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (host.endswith("]") or ":" not in host):
        return host.strip("[]"), int(port)
    return text.strip("[]"), DEFAULT_PORT


def _check_options(url: URL, text: str) -> None:
    known = _OPTIONS[url.drivername]
    # With those that have no value, which are not in the parsed address.
    given = parse_qsl(text.rpartition("@")[2].partition("?")[2], keep_blank_values=True)
    names = sorted({name for name, _ in given} | set(url.query))
    if any(name.lower().startswith(("ssl", "tls")) for name in names):
        raise _wrong("TLS is asked for by PORTFOLIO_DATABASE_TLS_CA, _CERT and _KEY, not in the URL")
    if unknown := [name for name in names if name not in known]:
        takes = f"the options {', '.join(known)} alone" if known else "no option"
        raise _wrong(f"{', '.join(unknown)} is no option here: it takes {takes} (docs/database.md)")
    if wrong := [name for name in names if not isinstance(url.query.get(name), str)]:
        raise _wrong(f"{', '.join(wrong)} has no value, or is there more than once")
    if url.query.get("charset", _CHARSET) != _CHARSET:
        raise _wrong(f"charset is {_CHARSET}: nothing else holds every text")


def _check_hosts(url: URL, further_hosts: Sequence[str]) -> None:
    if "unix_socket" in url.query and further_hosts:
        raise _wrong("a unix_socket and PORTFOLIO_DATABASE_HOSTS do not go together")
    if not _can_be(url.host or "localhost", DEFAULT_PORT if url.port is None else url.port):
        raise _wrong("no such host or port can be")
    for host in further_hosts:
        if not _can_be(*split_host(host)):
            raise SettingsError(f"PORTFOLIO_DATABASE_HOSTS: no host is called {host!r}; it is host or host:port")


def _can_be(host: str, port: int) -> bool:
    try:
        if ":" in host:
            ip_address(host.partition("%")[0])
        return bool(host.encode("idna")) and 0 < port < 65_536
    except ValueError:
        return False


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"PORTFOLIO_DATABASE_URL: {what}")
