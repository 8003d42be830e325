"""Calls to one exchange over HTTP: bounded in time, size and number; each failure becomes an error of ``errors.py``."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
import msgspec

from portfolio.adapters.feeds.breaker import Breaker, Circuit
from portfolio.adapters.feeds.connection_per_call import ConnectionPerCall
from portfolio.adapters.feeds.errors import Blocked, Refused, SourceFailed, Throttled, Unavailable
from portfolio.application.clock import Clock
from portfolio.application.prices.sources import SourceState

T = TypeVar("T")

_LONGEST_PAUSE_SECONDS = 3 * 86_400.0
_LARGE_BYTES = 256 * 1024  # an answer that takes long to read: the event loop does not wait for it


class _Problem(msgspec.Struct):
    id: str = ""
    message: str = ""


class _Complaint(msgspec.Struct):
    """Any of the three forms of an exchange's error: Coinbase, Binance, Coinbase Exchange."""

    errors: list[_Problem] = []
    code: int | None = None
    msg: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of calls: seconds from the first byte to the last of the answer, its bytes, and calls at once."""

    deadline_seconds: float = 3.0
    bytes: int = 512 * 1024
    in_flight: int = 100


class ExchangeClient:
    """Makes calls to one exchange.

    Each call has an overall deadline (httpx's own is per chunk) and a cap on the bytes of its answer; at most
    ``in_flight`` run at once. Answers are taken uncompressed, so that the cap is one on memory, too. An answer
    with an error status counts by that status, however large or compressed its body is.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        clock: Clock,
        *,
        bounds: Bounds | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.source = source
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._breaker = breaker or Breaker(source, clock)
        self._slots = asyncio.Semaphore(self._bounds.in_flight)
        self._connections = ConnectionPerCall(base_url, self._bounds.deadline_seconds)

    @property
    def state(self) -> SourceState:
        """Return how the exchange is doing."""
        return self._breaker.state

    @property
    def circuit(self) -> Circuit:
        """Return whether calls go through now."""
        return self._breaker.circuit

    async def get(
        self,
        path: str,
        query: Mapping[str, str],
        answer: type[T],
        *,
        most_bytes: int | None = None,
        until: float = math.inf,
    ) -> T:
        """Return the answer to one GET, decoded; ``most_bytes`` is a cap of its own, below that of all calls.

        A call that has not ended ``until`` then, by the event loop's clock, has failed: whoever is cut off from outside
        has learnt nothing of the source.

        Raises:
            Refused: the exchange has nothing for what was asked.
            NotAsked: its circuit is open.
            SourceFailed: no answer in time, none within the cap, or none that can be read.
        """
        cap = self._bounds.bytes if most_bytes is None else min(most_bytes, self._bounds.bytes)
        async with self._slots, self._breaker.guard():
            now = asyncio.get_running_loop().time()
            seconds = min(self._bounds.deadline_seconds, until - now)
            try:
                async with asyncio.timeout(seconds):
                    body = await self._fetch(path, query, cap)
            except TimeoutError:
                raise SourceFailed(f"no answer within {seconds:.3g} s") from None
            if len(body) > _LARGE_BYTES:
                return await asyncio.to_thread(_decoded, body, answer)
            return _decoded(body, answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def _fetch(self, path: str, query: Mapping[str, str], cap: int, *, is_again: bool = False) -> bytes:
        try:
            return await self._fetch_once(path, query, cap)
        except httpx.HTTPError as error:
            # Mostly a kept connection that the server closed just as it was taken up again: once more, on a
            # fresh one.
            if is_again or not isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
                raise SourceFailed(f"{type(error).__name__}: {_said_by(error)}".rstrip(": ")[:200]) from error
        return await self._fetch(path, query, cap, is_again=True)

    async def _fetch_once(self, path: str, query: Mapping[str, str], cap: int) -> bytes:
        async with self._connections.lend() as client, client.stream("GET", path, params=dict(query)) as response:
            is_ok = response.status_code == httpx.codes.OK
            encoding = response.headers.get("Content-Encoding", "identity")
            if is_ok and encoding != "identity":
                raise SourceFailed(f"answered in {encoding[:20]}, which was not asked for")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > cap:
                    if is_ok:
                        raise SourceFailed(f"answered more than {cap} bytes")
                    break
        if not is_ok:
            raise _failure(response, bytes(body[:cap]) if encoding == "identity" else b"", self._clock.now())
        return bytes(body)


def readable(items: Sequence[object], kind: type[T]) -> Iterator[T]:
    """Yield those of the items of an answer that are what they should be; the others spoil nothing but themselves."""
    for item in items:
        with suppress(msgspec.ValidationError):
            yield msgspec.convert(item, kind)


def _decoded(body: bytes, answer: type[T]) -> T:
    """Return the answer; a field that is given twice counts as not given: which of the two is meant nobody can tell."""
    try:
        msgspec.json.decode(body)  # stricter than the other, which takes NaN and halves of characters
        plain = json.loads(body, object_pairs_hook=_given_once, parse_float=Decimal)
        return msgspec.convert(plain, answer)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise SourceFailed(f"answered what is no answer: {_excerpt(body)}") from error


def _given_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        found = {name: value for name, value in pairs if times[name] == 1}
    return found


def _said_by(error: BaseException) -> str:
    """Return the error's text, or else that of what caused it: a handshake that is cut off has none of its own."""
    cause = error.__cause__ or error.__context__
    return str(error) or (_said_by(cause) if cause else "")


def _failure(response: httpx.Response, body: bytes, now: datetime) -> Refused | SourceFailed:
    """Return the error that an answer other than 200 stands for."""
    status = response.status_code
    code, said = _complaint(body)
    reason = f"{status} {said or _excerpt(body)}".strip()
    match status:
        case 418 | 429:
            return Throttled(reason, _retry_after_seconds(response.headers, now))
        case 403:
            return Blocked(reason)
        case 451:
            return Unavailable(reason)
        case 400 | 404 if said:
            return Refused(reason, code=code)
        case _:
            retry_after = _retry_after_seconds(response.headers, now)
            return SourceFailed(reason) if retry_after is None else Throttled(reason, retry_after)


def _complaint(body: bytes) -> tuple[str | None, str]:
    """Return the code and the text of the exchange's error; no text where the body is not the exchange's."""
    try:
        complaint = msgspec.json.decode(body, type=_Complaint)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, ""
    for problem in complaint.errors:
        return problem.id, f"{problem.id}: {problem.message}"[:120]
    return None if complaint.code is None else str(complaint.code), (complaint.msg or complaint.message)[:120]


def _retry_after_seconds(headers: httpx.Headers, now: datetime) -> float | None:
    """Return the pause asked for, in seconds or as a date; None where nothing is said that can be read.

    A date counts from the exchange's own clock, where its answer has a ``Date``: ours may be wrong.
    """
    asked = headers.get("Retry-After", "")
    if asked.isascii() and asked.isdecimal():
        return min(float(asked), _LONGEST_PAUSE_SECONDS)
    moment = _moment(asked)
    if moment is None:
        return None
    pause = (moment - (_moment(headers.get("Date", "")) or now)).total_seconds()
    return min(max(pause, 0.0), _LONGEST_PAUSE_SECONDS)


def _moment(text: str) -> datetime | None:
    """Return the moment that an HTTP date names; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _excerpt(body: bytes) -> str:
    return " ".join(body[:80].decode(errors="replace").split())
