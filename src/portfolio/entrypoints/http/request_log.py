"""The layer around the framework: every request gets an id, a deadline, one line in the log, and some answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import cast

import msgspec
import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send, WebSocketScope

from portfolio.application.shared_timeout import SharedTimeout
from portfolio.entrypoints.http.denials import denying, new_request_id
from portfolio.entrypoints.http.errors import (
    DEADLINE,
    INTERNAL,
    OUTCOME_UNKNOWN,
    REQUEST_TIMEOUT,
    ProblemKind,
    retry_after,
)
from portfolio.entrypoints.http.event_streams import IS_HEAD, NOT_BUFFERED
from portfolio.entrypoints.http.pages.frame.problem_pages import problem_page, wants_page
from portfolio.entrypoints.http.shell.admission import caller_label
from portfolio.entrypoints.http.shell.client_address import ClientAddresses
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.metrics import REFUSED, UNMATCHED, Metrics
from portfolio.entrypoints.http.shell.responses import PROBLEM_JSON, encode, problem
from portfolio.entrypoints.logs import REQUEST_ID, REQUEST_ID_HEADER

_CACHE_CONTROL = b"cache-control"
_NOT_STORED = (_CACHE_CONTROL, b"no-store")
_NOT_SNIFFED = (b"x-content-type-options", b"nosniff")
RETRY_SECONDS = 1.0
LONG_SECONDS = 120.0
"""What an upload of files and a booking of them may take."""

_log = structlog.get_logger(__name__)
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LONG = ("/imports", "/pages/import")
_DETAILS = {
    DEADLINE: "there was no answer within the deadline; nothing was changed by this request",
    OUTCOME_UNKNOWN: "there was no answer within the deadline; it may have been done or not: the same key again tells",
    REQUEST_TIMEOUT: "the body did not arrive within the deadline; nothing was changed",
    INTERNAL: "the service failed; its log has the details under this request's X-Request-ID",
}


class _Told(msgspec.Struct):
    """What a problem says of itself."""

    type: str
    detail: str


class _Exchange(msgspec.Struct):
    """What is known of a request while it is answered."""

    scope: HTTPScope
    request_id: bytes
    receive_next: Receive
    send_on: Send
    goes_on: Callable[[], None]
    status: int = 0
    started: float = msgspec.field(default_factory=time.perf_counter)
    begun_after: float | None = None  # seconds, of an answer that goes on and on
    body_read: bool = False
    unavailable: bytes = b""  # the body of an answer 503

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # Our handlers write names in lower case, and these are set here alone.
            headers = [*message["headers"], (REQUEST_ID_HEADER, self.request_id), _NOT_SNIFFED]
            given = dict(headers)
            if NOT_BUFFERED in given.items():
                self.begun_after = time.perf_counter() - self.started
                self.goes_on()
            if _CACHE_CONTROL not in given:
                headers.append(_NOT_STORED)
            message["headers"] = headers
        elif self.status == 503 and message["type"] == "http.response.body":
            self.unavailable += message["body"]
        await self.send_on(message)

    async def receive(self) -> Message:
        message = await self.receive_next()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.body_read = True
        return cast("Message", message)

    def late(self) -> ProblemKind:
        """Return what a missed deadline means for this request."""
        if self.scope["method"] in {"GET", "HEAD"}:
            return DEADLINE
        has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.scope["headers"]
        )
        return REQUEST_TIMEOUT if has_body and not self.body_read else OUTCOME_UNKNOWN

    async def fail(self, kind: ProblemKind) -> None:
        """Answer a problem where nothing was answered yet."""
        if self.status:
            return
        told = problem(kind, _DETAILS[kind], path=self.scope["path"])
        headers = retry_after(RETRY_SECONDS) if kind.status == 503 else {}
        if kind is DEADLINE and wants_page(self.scope):
            request: HttpRequest = Request(self.scope)
            page = problem_page(request, told, headers).to_asgi_response(None, request)
            await page(self.scope, self.receive_next, self.send)
            return
        body = encode(told)
        headers = {**headers, "content-type": PROBLEM_JSON, "content-length": str(len(body))}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": kind.status, "headers": raw})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


class RequestLog:
    """Wraps the application: nothing that happens inside leaves a request without an answer or a line."""

    def __init__(self, app: ASGIApp, metrics: Metrics, addresses: ClientAddresses, *, deadline_seconds: float) -> None:
        self._app = app
        self._metrics = metrics
        self._addresses = addresses
        self._in_time = SharedTimeout(deadline_seconds)
        self._in_long_time = SharedTimeout(max(deadline_seconds, LONG_SECONDS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connections are the application's alone."""
        if scope["type"] != ScopeType.HTTP:
            await self._connect(scope, receive, send)
            return
        is_long = scope["method"] == "POST" and scope["path"].startswith(_LONG)
        in_time = self._in_long_time if is_long else self._in_time
        exchange = _Exchange(scope, _request_id(scope), receive, send, in_time.lift)
        logged_id = REQUEST_ID.set(exchange.request_id.decode("ascii"))
        try:
            with in_time:
                await self._app(exchange.scope, exchange.receive, exchange.send)  # type: ignore[arg-type]  # as ASGI
        except TimeoutError:
            await exchange.fail(exchange.late())
        except Exception:  # noqa: BLE001  the last resort: a request is answered, whatever happened
            _log.exception("request.failed")
            await exchange.fail(INTERNAL)
        finally:
            self._note(exchange, time.perf_counter() - exchange.started)
            REQUEST_ID.reset(logged_id)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a socket: it has no deadline, and its lines have an id too."""
        logged_id = REQUEST_ID.set((request_id := _request_id(scope)).decode("ascii"))
        try:
            await self._app(scope, receive, denying(send, scope["path"], request_id))
        finally:
            REQUEST_ID.reset(logged_id)

    def _note(self, exchange: _Exchange, seconds: float) -> None:
        scope, status = exchange.scope, exchange.status or 499
        method = "HEAD" if IS_HEAD in scope else scope["method"]
        route, caller = str(scope.get("path_template") or UNMATCHED), caller_label(scope)
        counted = REFUSED if caller is None and route != UNMATCHED else route
        self._metrics.served(method, counted, status, seconds if exchange.begun_after is None else exchange.begun_after)
        log = _log.warning if status == 503 else _log.info
        log(
            "request.served",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            caller=caller,
            client=self._addresses.of_request(scope),
            **_reason(exchange.unavailable),
        )


def _reason(body: bytes) -> Mapping[str, str]:
    """Return why a request was answered 503, as it was told; nothing where no problem was."""
    try:
        told = msgspec.json.decode(body, type=_Told) if body else None
    except msgspec.MsgspecError:  # no problem document
        return {}
    return {"problem": told.type.rpartition("/")[2], "reason": told.detail} if told else {}


def _request_id(scope: HTTPScope | WebSocketScope) -> bytes:
    """Return the id that the client gave, if it is a decent one; else a new one."""
    given = next((value for name, value in scope["headers"] if name == REQUEST_ID_HEADER), b"")
    return given if _ID.fullmatch(given) else new_request_id()
