"""Who calls, and what their API key may do: keys and scopes."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from portfolio.entrypoints.secret_files import read_secret_file
from portfolio.settings import Settings, SettingsError

HEADER = "x-trading-api-key"
SHORTEST_SECRET = 16
ADOPT_OPEN = "adopt-open"
"""Stands with the scopes of a key that answers for what was booked before there were keys."""

# The second is for services that others than this machine reach: a browser then sends it under TLS alone, and takes it
# of this host alone.
COOKIES: Final = ("portfolio", "__Host-portfolio")
_COOKIE = re.compile(r"([0-9]{10})\.([0-9a-f]{64})")

KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SECRET = re.compile(r"[!-~]+")


class Scope(StrEnum):
    """What a key may do. No scope includes another: a key lists all it has."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the name of their key, or None where the service is open.

    ``adopts_open``: what was booked while the service was open is answered as if it had been booked with this key.
    ``signed_in``: a browser that showed the key once, and has a cookie since; it reads, whatever the key may do.
    """

    name: str | None
    scopes: frozenset[Scope]
    adopts_open: bool = False
    signed_in: bool = False

    @property
    def label(self) -> str:
        """Return the name for logs and for what is kept."""
        return self.name or "open"

    def owner(self, engine: str | None) -> str:
        """Return whose keys these are: the API key's name, or the engine where the service is open."""
        return self.name if self.name is not None else engine or ""


_SETTING: Final = "PORTFOLIO_API_KEYS"
_OF_FILE: Final = f"{_SETTING}_FILE"
OPEN_CALLER = Caller(None, frozenset(Scope))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller and the digest of the secret that proves it.

    A plain SHA-256: keys are long and random, and one is checked with every request. Digests are all of one length, so
    that comparing them does not tell the length of a key either.
    """

    caller: Caller
    digest: bytes = field(repr=False)


class Keyring:
    """All API keys of the service."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._keys = tuple(keys)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the keys of the settings and of the file they name.

        Raises:
            SettingsError: an entry is no ``name:scope+scope:key``, a name comes twice, or the file cannot be read or is
                open to writers. The text never quotes an entry.
        """
        told = [(f"{_SETTING}, entry {n}", entry) for n, entry in enumerate(_entries(settings.api_keys), start=1)]
        if settings.api_keys_file:
            for n, line in enumerate(read_secret_file(_OF_FILE, settings.api_keys_file).splitlines(), start=1):
                entries = [] if line.strip().startswith("#") else _entries(line)
                told += [(f"{_OF_FILE}, line {n}", entry) for entry in entries]
        keys = [_parse(entry, where) for where, entry in told]
        for what in ([key.caller.name for key in keys], [key.digest for key in keys]):
            if len(set(what)) != len(what):
                raise SettingsError(f"{_SETTING}, with {_OF_FILE}: a name or a key comes twice")
        return cls(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def caller(self, secret: str) -> Caller | None:
        """Return whose key that is, in the same time whichever it is; None for nobody's."""
        given, found = _digest(secret), None
        for key in self._keys:
            if hmac.compare_digest(key.digest, given):
                found = key.caller
        return found

    def cookie(self, secret: str, until: datetime) -> str:
        """Return what a browser shows instead of a key: until when it is good, and a code that only the key makes.

        Nothing is kept of it: whoever has the same key can check it, and with the key it is gone.
        """
        expiry = str(int(until.timestamp()))
        return f"{expiry}.{_code(_digest(secret), expiry)}"

    def signed_in(self, cookie: str, now: datetime) -> Caller | None:
        """Return whose key a cookie was made with, in the same time whichever it is, with the right to read alone.

        None where it is nobody's, or its time is over.
        """
        parts = _COOKIE.fullmatch(cookie)
        if parts is None:
            return None
        expiry, code = parts.groups()
        found = None
        for key in self._keys:
            if hmac.compare_digest(_code(key.digest, expiry), code):
                found = key.caller
        if found is None or int(expiry) <= now.timestamp():
            return None
        return replace(found, scopes=found.scopes & {Scope.READ}, signed_in=True)


def presented_cookie(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """Return the value of a cookie; None for none. Two different ones are like a wrong one."""
    found: set[str] = set()
    for header, value in headers:
        if header == b"cookie":
            pairs = (part.strip().partition("=") for part in value.decode("latin-1").split(";"))
            found.update(value for named, _, value in pairs if named == name)
    return None if not found else found.pop() if len(found) == 1 else ""


def presented_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the key that a request carries, in its own header or as a bearer token; None for none.

    Credentials of another scheme are somebody else's, such as a proxy's: beside a key they mean nothing. Two different
    keys are like a wrong one.
    """
    found: set[str] = set()
    is_any = False
    for name, value in headers:
        if name == b"x-trading-api-key":
            found.add(value.decode("latin-1").strip())
            is_any = True
        elif name == b"authorization":
            scheme, _, token = value.decode("latin-1").strip().partition(" ")
            found.add(token.strip() if scheme.lower() == "bearer" else "")
            is_any = True
    found.discard("")
    if len(found) == 1:
        return found.pop()
    return "" if is_any else None


def check_exposure(settings: Settings) -> None:
    """Refuse to start where others than this machine would be served without a key.

    Raises:
        SettingsError: bound elsewhere, or behind a proxy, without keys; the text says how to make one.
    """
    if Keyring.of(settings) or settings.allow_open:
        return
    if settings.proxies:
        raise SettingsError(
            "PORTFOLIO_TRUSTED_PROXIES without an API key: whoever reaches the proxy could trade. Make a key with "
            "`portfolio key NAME` and set PORTFOLIO_API_KEYS to what it prints, or accept it with "
            "PORTFOLIO_ALLOW_OPEN=true"
        )
    if settings.is_loopback:
        return
    raise SettingsError(
        f"bound to {settings.host} without an API key: anybody who reaches this port could trade. Make a key with "
        "`portfolio key NAME` and set PORTFOLIO_API_KEYS to what it prints (or PORTFOLIO_API_KEYS_FILE), or bind "
        "PORTFOLIO_HOST=127.0.0.1, or accept it with PORTFOLIO_ALLOW_OPEN=true"
    )


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _parse(entry: str, where: str) -> ApiKey:
    name, _, rest = entry.partition(":")
    scopes, _, secret = rest.partition(":")
    if not KEY_NAME.fullmatch(name):
        raise SettingsError(f"{where}: has to be name:scope+scope:key, the name of letters, digits, '.', '_', '-'")
    wanted = set(scopes.split("+"))
    adopts_open = ADOPT_OPEN in wanted
    wanted.discard(ADOPT_OPEN)
    if not wanted or not wanted <= set(Scope):
        raise SettingsError(f"{where}: scopes are read, trade and admin, joined by '+' ({ADOPT_OPEN} may follow them)")
    if len(secret) < SHORTEST_SECRET or not _SECRET.fullmatch(secret):
        raise SettingsError(f"{where}: the key has to be {SHORTEST_SECRET} or more printable characters")
    return ApiKey(Caller(name, frozenset(map(Scope, wanted)), adopts_open), _digest(secret))


def _code(digest: bytes, expiry: str) -> str:
    return hmac.digest(digest, f"portfolio sign-in until {expiry}".encode(), "sha256").hex()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
