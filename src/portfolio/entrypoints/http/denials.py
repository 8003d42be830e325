"""What is answered to a socket that is not accepted: a problem, as any other request gets it."""

from __future__ import annotations

from typing import Any, Final

import structlog
from litestar.types import Message, Send

from portfolio.entrypoints.http.errors import NOT_FOUND, RequestError, field_errors, headers_of, kind_of
from portfolio.entrypoints.http.shell.responses import PROBLEM_JSON, encode, problem

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


def denying(send: Send, path: str) -> Send:
    """Return where the messages to a socket go: one that the framework knows nothing of gets a problem too."""
    is_begun = False

    async def send_on(message: Message) -> None:
        nonlocal is_begun
        if message["type"] == "websocket.close" and not is_begun:
            _log.info("stream.refused", caller=None, problem=_UNKNOWN.kind.slug)
            await deny(send, _UNKNOWN, path)
            return
        is_begun = True
        await send(message)

    return send_on
