"""Answers that are encoded once for a state of the books and a second, and given to all who ask meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import HTTPScope

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.entrypoints.http.shell.decimal_strings import wants_strings
from portfolio.entrypoints.http.shell.responses import JSON, JsonResponse, encoded
from portfolio.entrypoints.http.shell.use_cases import UseCases


@dataclass(frozen=True, slots=True)
class Encoded:
    """A body, and its validator where the route has one."""

    body: bytes
    etag: str = ""
    answer: Response[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer", _Ready(self.body, self.etag))


class _Ready(JsonResponse):
    """An answer that is put together once, for all who get it, in each of its two forms.

    It is asked here whether the client has this version already, and not by a parameter of the handler: for that the
    framework makes a mapping of all headers, a tenth of what a read takes.
    """

    def __init__(self, body: bytes, etag: str) -> None:
        self._etags = {False: etag, True: f'{etag[:-1]}-strings"'} if etag else {}
        self._forms: dict[bool, ASGIResponse] = {}
        super().__init__(body, headers=self._version(strings=False), media_type=JSON)

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:
        """Return the answer as it is sent."""
        strings = wants_strings(request.scope)
        if self._etags and is_not_modified(request.scope, self._etags[strings]):
            unchanged = encoded(b"", status=304, headers=self._version(strings=strings))
            return unchanged.to_asgi_response(app, request, **options)
        found = self._forms.get(strings)
        if found is None:
            found = self._forms[strings] = super().to_asgi_response(app, request, **options)
            for name, value in self._version(strings=strings).items():
                found.headers[name] = value
        return found

    def _version(self, *, strings: bool) -> dict[str, str]:
        """Return the headers of a form; each has a validator of its own, as a cache may have kept both."""
        if not self._etags:
            return {}
        return {"ETag": self._etags[strings], "Cache-Control": "no-cache", "Vary": "Accept"}


def is_not_modified(scope: HTTPScope, etag: str) -> bool:
    """Return whether the client has this version already, by its ``If-None-Match``.

    Whether a validator is weak makes no difference here (RFC 9110), and a proxy that compresses makes it so.
    """
    given = b",".join([value for name, value in scope["headers"] if name == b"if-none-match"])
    if not given:
        return False
    parts = (part.strip().removeprefix("W/") for part in given.decode("latin-1").split(","))
    return not {"*", etag.removeprefix("W/")}.isdisjoint(parts)


Make = Callable[[Snapshot, datetime], Coroutine[Any, Any, Encoded]]


class _Cached(msgspec.Struct, frozen=True):
    """An answer, made or in the making, and what it is of."""

    of: tuple[datetime, bool]
    second: datetime
    task: asyncio.Task[Encoded]

    def is_for(self, of: tuple[datetime, bool], second: datetime) -> bool:
        """Return whether it is of this state and second; one still in the making is for the next seconds too."""
        if self.of != of or not self.task.done():
            return self.of == of
        return self.second == second and not self.task.cancelled() and self.task.exception() is None


class CachedAnswer:
    """Answers what is true of the newest state: the books are looked at for every request, the bytes are not made anew.

    Whoever asks gets an answer of a state at least as new as every write acknowledged before, as it was valued at the
    ``timestamp`` in it, within the same second of the clock: ages are in whole seconds. One that takes longer
    is for all who ask meanwhile: no two are in the making of the same state.
    """

    def __init__(self, cases: UseCases, make: Make) -> None:
        self._cases = cases
        self._make = make

    async def __call__(self) -> Encoded:
        """Return the answer."""
        snapshot = await self._cases.ledger.snapshots.newest()
        now = self._cases.clock.now()
        second = now.replace(microsecond=0)
        of = (snapshot.as_of, snapshot.database_away)

        def begin() -> _Cached:
            # In a task of its own: whoever came first may go away before the others have their answer.
            return _Cached(of, second, asyncio.create_task(self._make(snapshot, now), name="cached-answer"))

        cached = snapshot.derived.once(self, begin)
        if not cached.is_for(of, second):
            snapshot.derived.forget(self)
            cached = snapshot.derived.once(self, begin)
        if cached.task.done():
            return cached.task.result()
        return await asyncio.shield(cached.task)
