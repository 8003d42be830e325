"""What is answered to a socket that is not accepted: a problem, as any other request gets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import structlog
from litestar.types import Message, Send

from portfolio.entrypoints.http.errors import NOT_FOUND, ProblemKind, RequestError, field_errors, headers_of, kind_of
from portfolio.entrypoints.http.shell.responses import PROBLEM_JSON, encode, problem
from portfolio.entrypoints.logs import REQUEST_ID_HEADER

_log = structlog.get_logger(__name__)

_UNKNOWN: Final = RequestError(NOT_FOUND, "there is no socket here; the stream is at /stream")


async def deny(send: Send, error: Exception, path: str) -> None:
    """Refuse a socket with the problem that ``error`` is."""
    kind = kind_of(error)
    body = encode(problem(kind, str(error), path=path, errors=field_errors(error)))
    headers = {
        "content-type": PROBLEM_JSON,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **headers_of(error, kind),
    }
    start: Any = {
        "type": "websocket.http.response.start",
        "status": kind.status,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await send(start)
    end: Any = {"type": "websocket.http.response.body", "body": body, "more_body": False}
    await send(end)


def new_request_id() -> bytes:
    """Return the id of a request whose client gave none."""
    return os.urandom(16).hex().encode()


def unreadable(kind: ProblemKind, said: str, request_id: bytes) -> tuple[Mapping[str, str], bytes]:
    """Return the headers and the body of the answer to what is no request: the connection ends with it."""
    body = encode(problem(kind, said, path="/"))
    headers = {
        "content-type": PROBLEM_JSON,
        "content-length": str(len(body)),
        REQUEST_ID_HEADER.decode(): request_id.decode(),
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "connection": "close",
    }
    return headers, body


def denying(send: Send, path: str, request_id: bytes) -> Send:
    """Return where the messages to a socket go: one that the framework knows nothing of gets a problem too."""
    is_begun = False

    async def send_on(message: Message) -> None:
        nonlocal is_begun
        if message["type"] == "websocket.close" and not is_begun:
            _log.info("stream.refused", caller=None, problem=_UNKNOWN.kind.slug)
            await deny(send_on, _UNKNOWN, path)
            return
        if not is_begun:
            begins: Any = message  # accepts, or refuses
            begins["headers"] = [*begins.get("headers", ()), (REQUEST_ID_HEADER, request_id)]
        is_begun = True
        await send(message)

    return send_on
