"""Who is let in: what every route asks before anything of the request is read.

The framework's hook before a request, and neither a guard nor a middleware: a guard is given a copy of the handler with
each request, which takes a fifth of the time of a read; a middleware is three more calls around each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope

from portfolio.application.clock import Clock
from portfolio.entrypoints.http.errors import (
    CROSS_ORIGIN,
    FORBIDDEN,
    FOREIGN_ORIGIN,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    RATE_LIMITED,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA_TYPE,
    RequestError,
    retry_after,
)
from portfolio.entrypoints.http.shell.access import Access, access_of
from portfolio.entrypoints.http.shell.auth import (
    COOKIES,
    OPEN_CALLER,
    Caller,
    Keyring,
    Scope,
    presented_cookie,
    presented_key,
)
from portfolio.entrypoints.http.shell.client_address import AnyScope, ClientAddresses
from portfolio.entrypoints.http.shell.queries import read_query
from portfolio.entrypoints.http.shell.rate_limits import RateLimit
from portfolio.settings import LOOPBACK, Settings, SettingsError

SameSite: TypeAlias = Literal["lax", "strict", "none"]

_SAFE = frozenset({"GET", "HEAD"})
# What proxies add to a request, beside the names that begin with x-forwarded-.
_FORWARDING = frozenset(
    {b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip", b"x-original-host"}
)
_ONCE = (b"host", b"origin", b"sec-fetch-site", b"content-type", b"content-encoding", b"last-event-id")
_UTF8 = frozenset({"utf-8", "utf8"})
_FORM: Final = "application/x-www-form-urlencoded"
_FILES: Final = "multipart/form-data"


class Admission:
    """Checks origin, key, rate, scope and content type, in this order, by what the route declares."""

    def __init__(self, settings: Settings, clock: Clock, addresses: ClientAddresses) -> None:
        self._clock = clock
        self._addresses = addresses
        self._keyring = Keyring.of(settings)
        # On loopback alone there is no TLS: a proxy brings it.
        self._is_secure = bool(settings.proxies) or not settings.is_loopback
        self._cookie = COOKIES[self._is_secure]
        self._sign_in_lifetime = timedelta(seconds=settings.sign_in_seconds)
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

    def admit(self, scope: AnyScope, handler: BaseRouteHandler) -> None:
        """Let a request, or a socket before it is accepted, through to its handler, or refuse it.

        Raises:
            RequestError: it is not admitted.
        """
        access = access_of(handler)
        method = str(scope.get("method", "GET"))  # a socket has none, and only reads
        if access is None or method == "OPTIONS":
            # What the framework adds by itself (OPTIONS) is no part of the contract.
            raise RequestError(METHOD_NOT_ALLOWED, f"{method} is not known here")
        headers = _headers(scope)
        if not self._keyring:
            self._check_origin(headers, method)
        caller = self._caller(scope, access, headers)
        scope["user"] = caller
        # The probes are never too many: whoever floods them must not have the service taken for dead.
        if access.scope is not None:
            limit = self._bookings if access.books else self._requests
            _check_rate(limit, self.counted_as(scope))
            if caller.scopes.isdisjoint(access.scopes):
                raise RequestError(FORBIDDEN, f"this needs a key with the scope {' or '.join(access.scopes)}")
        if method not in _SAFE:
            if access.is_form:
                is_due = caller.signed_in or b"sec-fetch-site" in headers or access.scope is not None
                _check_same_origin(headers, is_due=is_due)
            _check_content(headers, _FILES if access.form else _FORM if access.is_form else "application/json")
        read_query(scope, handler)

    def holder(self, scope: HTTPScope, secret: str, needed: Scope) -> Caller:
        """Return whose key a form brought; where callers need none, who sent the form.

        Raises:
            RequestError: there is no such key, it has not the scope, or there were too many wrong ones.
        """
        caller = self._keyring.caller(secret) if self._keyring else scope["user"]
        if caller is None:
            _check_rate(self._guesses, self._addresses.network_of_request(scope))
            raise RequestError(UNAUTHORIZED, "that is none of the keys")
        if needed not in caller.scopes:
            raise RequestError(FORBIDDEN, f"this needs a key with the scope {needed}")
        found: Caller = caller
        return found

    def sign_in(self, scope: HTTPScope, secret: str) -> Cookie:
        """Return the cookie that lets a browser read with a key that it has shown.

        Raises:
            RequestError: there is no such key, it may not read, or there were too many wrong ones.
        """
        self.holder(scope, secret, Scope.READ)
        value = self._keyring.cookie(secret, self._clock.now() + self._sign_in_lifetime)
        return self.cookie(self._cookie, value, int(self._sign_in_lifetime.total_seconds()))

    def sign_out(self) -> Cookie:
        """Return what makes a browser forget its cookie."""
        return self.cookie(self._cookie, "", 0)

    def cookie(self, name: str, value: str, max_age_seconds: int, *, samesite: SameSite = "strict") -> Cookie:
        """Return a cookie that no script reads, and that is sent under TLS alone unless only this machine is served."""
        return Cookie(
            key=name,
            value=value,
            path="/",
            max_age=max_age_seconds,
            secure=self._is_secure,
            httponly=True,
            samesite=samesite,
        )

    def counted_as(self, scope: AnyScope) -> str:
        """Return whom a request that was admitted is counted for: the caller's key, or the address without keys."""
        caller = scope["user"]
        return caller.name or self._addresses.network_of_request(scope)

    def still_admits(self, scope: AnyScope) -> bool:
        """Return whether who was let in to read would be today: a key may be withdrawn, and a sign-in ends."""
        caller, _ = self._known(scope)
        return caller is not None and Scope.READ in caller.scopes

    def _known(self, scope: AnyScope) -> tuple[Caller | None, str]:
        """Return whose key or cookie was sent, None for nobody's; and what a stranger is told."""
        if not self._keyring:
            return OPEN_CALLER, ""
        secret = presented_key(scope["headers"])
        cookie = presented_cookie(scope["headers"], self._cookie) if secret is None else None
        if secret is not None:
            return self._keyring.caller(secret), "that is none of the keys"
        if cookie is not None:
            return self._keyring.signed_in(cookie, self._clock.now()), "the sign-in is over: sign in again"
        return None, "send a key in the header X-TRADING-API-KEY, or as a bearer token"

    def _caller(self, scope: AnyScope, access: Access, headers: Mapping[bytes, bytes]) -> Caller:
        caller, wrong = self._known(scope)
        if caller is not None:
            if caller.signed_in and access.scope is not None and not access.is_form:
                _check_reads_only(scope, headers)
            return caller
        if access.scope is None:
            return Caller("nobody", frozenset())
        _check_rate(self._guesses, self._addresses.network_of_request(scope))
        raise RequestError(UNAUTHORIZED, wrong)

    def _check_origin(self, headers: dict[bytes, bytes], method: str) -> None:
        """Refuse what a web page in this machine's browser could send: another site's, or one that plays this host."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._local_only and _hostname(f"//{host}") not in LOOPBACK:
            raise RequestError(FOREIGN_ORIGIN, "without API keys the Host has to be localhost, 127.0.0.1 or [::1]")
        if self._local_only and any(name in _FORWARDING or name.startswith(b"x-forwarded-") for name in headers):
            raise RequestError(FOREIGN_ORIGIN, "without API keys nothing is answered that a proxy has forwarded")
        origin = headers.get(b"origin")
        if origin is not None and not _is_host(origin, headers):
            raise RequestError(FOREIGN_ORIGIN, "without API keys no other web page is answered")
        if method not in _SAFE and headers.get(b"sec-fetch-site") in {b"cross-site", b"same-site"}:
            raise RequestError(FOREIGN_ORIGIN, "without API keys no other web page is answered")


def caller_label(scope: AnyScope) -> str | None:
    """Return the name under which the request was admitted; None where it was not."""
    caller = scope.get("user")
    return caller.label if isinstance(caller, Caller) else None


def _check_rate(limit: RateLimit, caller: str) -> None:
    wait = limit.wait_seconds(caller)
    if wait:
        raise RequestError(RATE_LIMITED, "too many requests: wait as Retry-After says", headers=retry_after(wait))


def _headers(scope: AnyScope) -> dict[bytes, bytes]:
    """Return the headers, of which none that decides anything here may be there twice with two values.

    Of two, whatever stands in between may have judged by the other one.
    """
    given = list(scope["headers"])
    headers = dict(given)
    if len(headers) < len(given):
        for name in _ONCE:
            if len({value for one, value in given if one == name}) > 1:
                raise RequestError(MALFORMED, f"the header {name.decode()} is given twice, with two values")
    return headers


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _check_reads_only(scope: AnyScope, headers: Mapping[bytes, bytes]) -> None:
    """Refuse what a browser does with its cookie alone but read, and what another page makes it do."""
    is_socket = scope["type"] != ScopeType.HTTP
    if scope.get("method", "GET") not in _SAFE:
        raise RequestError(FORBIDDEN, "a signed-in browser only reads: send a key with what changes something")
    _check_same_origin(headers, is_due=is_socket)


def _check_same_origin(headers: Mapping[bytes, bytes], *, is_due: bool) -> None:
    """Refuse what a page of another origin makes a browser send; ``is_due``: a browser says whose page it is."""
    origin = headers.get(b"origin")
    is_own = not is_due if origin is None else _is_host(origin, headers)
    if not is_own:
        raise RequestError(CROSS_ORIGIN, "the Origin has to be this host: a proxy in between has to pass Host on")


def _is_host(origin: bytes, headers: Mapping[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").lower()
    return origin.lower() in {b"http://" + host, b"https://" + host}


def _check_content(headers: Mapping[bytes, bytes], wanted: str) -> None:
    """Refuse any body but UTF-8 JSON, or a form's; a request without one may leave the type out, but not state another.

    A page cannot send JSON across origins without asking first, and nobody here answers that question.
    """
    content_type = headers.get(b"content-type")
    has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
    if content_type is None and not has_body:
        return
    media_type, *parameters = (content_type or b"").decode("latin-1").lower().split(";")
    charsets = {
        value.strip('" ')
        for name, _, value in (part.partition("=") for part in parameters)
        if name.strip() == "charset"
    }
    if media_type.strip() != wanted or not charsets <= _UTF8:
        raise RequestError(UNSUPPORTED_MEDIA_TYPE, f"the body has to be {wanted}, in UTF-8")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RequestError(UNSUPPORTED_MEDIA_TYPE, "the body has to come without a content encoding")
