"""A client of the service: what it sends, and what it can tell from the answer."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from tests.unit.domain.ledger.ledger_model import Wish

JSON = {"Content-Type": "application/json"}
PATIENCE_SECONDS = 60.0
# Every request ends by the service's deadline, of three seconds here; the rest is for the machine, which may be busy.
LATEST_SECONDS = 20.0
# Problems by which the service says that nothing was applied.
NOTHING_APPLIED = frozenset(
    {
        "ledger-unavailable",
        "overloaded",
        "not-ready",
        "books-not-open",
        "books-contradicted",
        "schema-unknown",
        "request-timeout",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; without a status where none came."""

    status: int | None
    body: dict[str, Any] = field(default_factory=dict)
    retry_after: str | None = None
    seconds: float = 0.0

    @property
    def slug(self) -> str:
        """Return the kind of problem; empty where it is none."""
        return str(self.body.get("type", "")).rpartition("/")[2]

    @property
    def is_definite(self) -> bool:
        """Return whether it says for good what became of the request."""
        return self.status is not None and self.status < 500 and self.status not in {408, 429}

    @property
    def applied_nothing(self) -> bool:
        """Return whether it says that nothing was applied."""
        return self.slug in NOTHING_APPLIED

    @property
    def told(self) -> dict[str, Any]:
        """Return what every copy of a request is told alike."""
        return {name: value for name, value in self.body.items() if name != "replayed"}

    def __str__(self) -> str:
        return f"{self.status} {self.slug} {self.body.get('detail', '')}".strip()


class Client:
    """Sends requests and gathers how the answers were; a 5xx that is no 503 with Retry-After is refused."""

    def __init__(self, url: str) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=10)
        self._client = httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, limits=limits)
        self.slowest_seconds = 0.0

    async def post(self, path: str, body: bytes) -> Answer:
        """Return the answer to a body."""
        return await self._ask("POST", path, body)

    async def get(self, path: str) -> Answer:
        """Return the answer to a question."""
        return await self._ask("GET", path, None)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        started = time.monotonic()
        try:
            answer = await self._client.request(method, path, content=body, headers=JSON if body is not None else None)
        except httpx.TimeoutException as error:
            raise AssertionError(f"{method} {path} had no answer within {PATIENCE_SECONDS:g} s") from error
        except httpx.TransportError:
            return Answer(None)
        seconds = time.monotonic() - started
        self.slowest_seconds = max(self.slowest_seconds, seconds)
        read = json.loads(answer.content, parse_float=Decimal) if answer.content else {}
        found = Answer(answer.status_code, read, answer.headers.get("Retry-After"), seconds)
        assert seconds < LATEST_SECONDS, f"{method} {path} was answered after {seconds:.1f} s: {found}"
        assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path}: {found}"
        if answer.status_code == 503 and path != "/health":
            assert found.retry_after is not None, f"{method} {path} does not say when to come again: {found}"
        return found


async def send_and_vanish(port: int, body: bytes, *, whole: bool) -> None:
    """Send a booking, or the first half of one, and go away without waiting for the answer."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /holdings/update HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + (body if whole else body[: len(body) // 2]))
    await writer.drain()
    writer.transport.abort()


def text(units: int) -> str:
    """Return a count of 1e-18 as the shortest decimal."""
    sign, digits = "-" if units < 0 else "", f"{abs(units):019d}"
    return f"{sign}{digits[:-18]}.{digits[-18:]}".rstrip("0").rstrip(".")


def booking(wish: Wish, key: str | None, **more: object) -> bytes:
    """Return the body of a booking."""
    amounts = {"quantity": wish.quantity, "price": wish.price, "net_amount": wish.net, "fees": wish.fees}
    written = ",".join(f'"{name}":{text(value)}' for name, value in amounts.items())
    words = {"symbol": wish.symbol, "side": "BUY" if wish.buys else "SELL", "fees_included": wish.included, **more}
    if key is not None:
        words["client_trade_id"] = key
    return f"{json.dumps(words)[:-1]},{written}}}".encode()
