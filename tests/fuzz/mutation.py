"""Makes requests and bodies that are nearly right, from those that are: by what they say, or by their bytes."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

TESTS: Final = 4
NUMBERS: Final = (
    "0", "-0", "-1", "1e-19", "1e19", "99999999999999999999", "1e400", "-1e-400", "1E+999999", "NaN", "Infinity", "0.1",
    "123456789012345678901234567890", "1.0000000000000000001", "00", "1e", "0x10", "true",
)  # fmt: skip
TEXTS: Final = (
    "", " ", "BTC", "btc-usd", "BTCUSDT", "ETH/EUR", "BUY", "sell", "deposit", "a" * 129, "\x00", "\ud800", "\udcff",
    "\u00df", "\u0130", "\u202e", "null", "NaN", "1e999999999", "2026-11-00", "0000-00-00", "9999-12-31T23:59:59Z",
    "2026-11-28T12:00:00+23:59", "../../etc/passwd", "%", "%s%n", "'; DROP TABLE mock_trades; --", "🙂" * 30,
)  # fmt: skip
TOKENS: Final = (
    b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\t", b"\x00", b"\xff\xfe", b"%00", b"%zz", b"%ff", b"//", b"?", b"&", b"=",
    b";", b"#", b"{", b"}", b"[", b",", b":", b'"', b"\\u0000", b"1e999", b"Content-Length: 5\r\n", b"Host: evil\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"X-Forwarded-For: 10.0.0.1\r\n",
    b"Origin: http://evil.example\r\n", b"Content-Encoding: gzip\r\n", b"Idempotency-Key: k\r\n",
)  # fmt: skip
MOST_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its method, its target, the other lines of its head, and its body. ``raw`` is sent instead of all."""

    method: str
    target: bytes
    lines: tuple[bytes, ...] = ()
    body: bytes = b""
    raw: bytes = b""

    @property
    def sent(self) -> bytes:
        """The bytes that are sent."""
        if self.raw:
            return self.raw
        length = (b"Content-Length: %d" % len(self.body),) if self.method == "POST" else ()
        first = self.method.encode() + b" " + self.target + b" HTTP/1.1"
        return b"\r\n".join(
            (first, b"Host: localhost:8026", b"Connection: close", *self.lines, *length, b"", self.body)
        )


def post(target: str, body: Any) -> Request:
    """A request that posts JSON."""
    return Request("POST", target.encode(), (b"Content-Type: application/json",), json.dumps(body).encode())


def get(target: str) -> Request:
    """A request that reads."""
    return Request("GET", target.encode())


class Mutation:
    """Changes requests and texts at random; the same dice make the same changes."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def request(self, request: Request) -> Request:
        """A request that differs in its body, its address, or its head."""
        for _ in range(self._dice.choice((1, 1, 2, 4))):
            kind = self._dice.random()
            if request.raw or kind < 0.04:
                request = replace(request, raw=self.raw(request.sent))
            elif request.body and kind < 0.75:
                request = replace(request, body=self.body(request.body))
            elif kind < 0.95:
                request = replace(request, target=self._target(request.target))
            else:
                line = self._dice.choice(TOKENS).strip() or b"X: y"
                request = replace(request, lines=(*request.lines, line))
        return request

    def body(self, body: bytes) -> bytes:
        """A body that differs in one value, or in some bytes."""
        if self._dice.random() < 0.2:
            return self.raw(body)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return self.raw(body)
        self.literals: dict[str, str] = {}
        text = json.dumps(self._changed(document))
        for mark, literal in self.literals.items():
            text = text.replace(f'"{mark}"', literal)
        return text.encode(errors="replace")[:MOST_BYTES]

    def raw(self, raw: bytes) -> bytes:
        """Bytes of which some are others, more or fewer."""
        dice, at = self._dice, self._dice.randrange(len(raw) + 1)
        match dice.randrange(5):
            case 0:
                return raw[:at] + dice.choice(TOKENS) + raw[at:]
            case 1:
                return raw[:at] + raw[at + dice.randrange(1, 20) :]
            case 2:
                return raw[:at] + bytes([dice.randrange(256)]) + raw[at + 1 :]
            case 3:
                return (raw[:at] + raw[dice.randrange(len(raw) + 1) :])[:MOST_BYTES]
            case _:
                return raw[:at]

    def _changed(self, value: Any) -> Any:
        """The value with one change somewhere in it."""
        dice = self._dice
        if isinstance(value, dict) and value and dice.random() < 0.9:
            key = dice.choice([*value])
            if dice.random() < 0.1:
                return {other: v for other, v in value.items() if other != key}
            if dice.random() < 0.1:
                return {**value, dice.choice(TEXTS): self._any()}
            return {**value, key: self._changed(value[key])}
        if isinstance(value, list) and value and dice.random() < 0.9:
            at = dice.randrange(len(value))
            if dice.random() < 0.2:
                return (value * dice.choice((0, 2, 3)))[:200]
            return [*value[:at], self._changed(value[at]), *value[at + 1 :]]
        return self._any()

    def _any(self) -> Any:
        dice = self._dice
        match dice.randrange(6):
            case 0 | 1:
                mark = f"literal-{len(self.literals)}"
                self.literals[mark] = dice.choice((*NUMBERS, str(dice.uniform(-1e3, 1e6)), str(dice.randrange(10**6))))
                return mark
            case 2 | 3:
                return dice.choice(TEXTS)
            case 4:
                return dice.choice((None, True, False, [], {}, [[]], {"a": 1}))
            case _:
                mark = f"literal-{len(self.literals)}"
                depth = dice.choice((3, 50, 3_000))
                self.literals[mark] = "[" * depth + "]" * dice.choice((depth, depth - 1))
                return mark

    def _target(self, target: bytes) -> bytes:
        path, _, query = target.partition(b"?")
        dice = self._dice
        if dice.random() < 0.3:
            return self.raw(target).replace(b" ", b"%20").replace(b"\r", b"").replace(b"\n", b"")[:9_000] or b"/"
        name = dice.choice(
            (b"days", b"limit", b"cursor", b"from", b"to", b"symbol", b"side", b"status", b"since", b"owner")
        )
        text = dice.choice((*TEXTS, *NUMBERS)).encode(errors="surrogatepass")
        value = b"".join(b"%%%02x" % byte for byte in text)
        pairs = [part for part in query.split(b"&") if part and dice.random() < 0.7]
        return path + b"?" + b"&".join([*pairs, name + b"=" + value])


def until(steps: int) -> Callable[[int], bool]:
    """Say whether to go on: so many steps, or as long as FUZZ_SECONDS says, of which each test takes its share."""
    seconds = os.environ.get("FUZZ_SECONDS")
    if not seconds:
        return lambda step: step < steps
    end = time.monotonic() + float(seconds) / TESTS
    return lambda _: time.monotonic() < end
