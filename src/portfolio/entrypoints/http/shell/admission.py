"""Who is let in: what every route asks before anything of the request is read.

The framework's hook before a request, and neither a guard nor a middleware: a guard is given a copy of the handler with
each request, which takes a fifth of the time of a read; a middleware is three more calls around each message.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from litestar.types import HTTPScope

from portfolio.application.clock import Clock
from portfolio.entrypoints.http.errors import (
    FORBIDDEN,
    FOREIGN_ORIGIN,
    METHOD_NOT_ALLOWED,
    RATE_LIMITED,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA_TYPE,
    RequestError,
    retry_after,
)
from portfolio.entrypoints.http.shell.access import Access, access_of
from portfolio.entrypoints.http.shell.auth import OPEN_CALLER, Caller, Keyring, presented_key
from portfolio.entrypoints.http.shell.client_address import ClientAddresses
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.queries import read_query
from portfolio.entrypoints.http.shell.rate_limits import RateLimit
from portfolio.settings import LOOPBACK, Settings, SettingsError

_SAFE = frozenset({"GET", "HEAD"})
# What proxies add to a request, beside the names that begin with x-forwarded-.
_FORWARDING = frozenset(
    {b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip", b"x-original-host"}
)
_UTF8 = frozenset({"utf-8", "utf8"})


class Admission:
    """Checks origin, key, rate, scope and content type, in this order, by what the route declares."""

    def __init__(self, settings: Settings, clock: Clock, addresses: ClientAddresses) -> None:
        self._addresses = addresses
        self._keyring = Keyring.of(settings)
        self._local_only = settings.is_loopback and not settings.allow_open
        self._requests = RateLimit(clock, settings.rate_limit_per_minute)
        self._bookings = RateLimit(clock, settings.rate_limit_bookings_per_minute)
        # Guesses are counted apart: neither use they up what a caller may ask, nor can they crowd a caller out.
        self._guesses = RateLimit(clock, settings.rate_limit_per_minute)

    @property
    def is_keyed(self) -> bool:
        """Return whether callers need a key."""
        return bool(self._keyring)

    def take_keys(self, settings: Settings) -> int:
        """Put the keys of the settings in the place of those there were, and return how many there are.

        Raises:
            SettingsError: they cannot be read, or whether callers need a key would change.
        """
        keyring = Keyring.of(settings)
        if bool(keyring) is not self.is_keyed:
            raise SettingsError("whether callers need a key at all changes with a restart only")
        self._keyring = keyring
        return len(keyring)

    async def __call__(self, request: HttpRequest) -> None:
        """Let the request through, or refuse it.

        Raises:
            RequestError: the request is not admitted.
        """
        scope = request.scope
        handler = scope["route_handler"]
        access = access_of(handler)
        method = scope["method"]
        if access is None or method == "OPTIONS":
            # What the framework adds by itself (OPTIONS) is no part of the contract.
            raise RequestError(METHOD_NOT_ALLOWED, f"{method} is not known here")
        if not self._keyring:
            self._check_origin(dict(scope["headers"]), method)
        caller = self._caller(scope, access)
        scope["user"] = caller
        # The probes are never too many: whoever floods them must not have the service taken for dead.
        if access.scope is not None:
            limit = self._bookings if access.books else self._requests
            _check_rate(limit, caller.name or self._addresses.network_of_request(scope))
            if caller.scopes.isdisjoint(access.scopes):
                raise RequestError(FORBIDDEN, f"this needs a key with the scope {' or '.join(access.scopes)}")
        if method not in _SAFE:
            _check_content(dict(scope["headers"]))
        read_query(scope, handler)

    def _caller(self, scope: HTTPScope, access: Access) -> Caller:
        if not self._keyring:
            return OPEN_CALLER
        secret = presented_key(scope["headers"])
        caller = self._keyring.caller(secret) if secret is not None else None
        if caller is not None:
            return caller
        if access.scope is None:
            return Caller("nobody", frozenset())
        _check_rate(self._guesses, self._addresses.network_of_request(scope))
        raise RequestError(
            UNAUTHORIZED,
            "send a key in the header X-TRADING-API-KEY, or as a bearer token"
            if secret is None
            else "that is none of the keys",
        )

    def _check_origin(self, headers: dict[bytes, bytes], method: str) -> None:
        """Refuse what a web page in this machine's browser could send: another site's, or one that plays this host."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._local_only and _hostname(f"//{host}") not in LOOPBACK:
            raise RequestError(FOREIGN_ORIGIN, "without API keys the Host has to be localhost, 127.0.0.1 or [::1]")
        if self._local_only and any(name in _FORWARDING or name.startswith(b"x-forwarded-") for name in headers):
            raise RequestError(FOREIGN_ORIGIN, "without API keys nothing is answered that a proxy has forwarded")
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() not in {f"http://{host}", f"https://{host}"}:
            raise RequestError(FOREIGN_ORIGIN, "without API keys no other web page is answered")
        if method not in _SAFE and headers.get(b"sec-fetch-site") in {b"cross-site", b"same-site"}:
            raise RequestError(FOREIGN_ORIGIN, "without API keys no other web page is answered")


def caller_label(scope: HTTPScope) -> str | None:
    """Return the name under which the request was admitted; None where it was not."""
    caller = scope.get("user")
    return caller.label if isinstance(caller, Caller) else None


def _check_rate(limit: RateLimit, caller: str) -> None:
    wait = limit.wait_seconds(caller)
    if wait:
        raise RequestError(RATE_LIMITED, "too many requests: wait as Retry-After says", headers=retry_after(wait))


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _check_content(headers: dict[bytes, bytes]) -> None:
    """Refuse any body but UTF-8 JSON; a request without a body may leave the type out, but not state another.

    A page cannot send JSON across origins without asking first, and nobody here answers that question.
    """
    content_type = headers.get(b"content-type")
    has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
    if content_type is None and not has_body:
        return
    media_type, _, parameters = (content_type or b"").decode("latin-1").lower().partition(";")
    name, _, charset = parameters.strip().partition("=")
    if media_type.strip() != "application/json" or (name == "charset" and charset.strip('" ') not in _UTF8):
        raise RequestError(UNSUPPORTED_MEDIA_TYPE, "the body has to be application/json, in UTF-8")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RequestError(UNSUPPORTED_MEDIA_TYPE, "the body has to come without a content encoding")
