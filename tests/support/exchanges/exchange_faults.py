"""What can go wrong at an exchange, as answers of the stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An answer other than the true one; where ``body`` is None the true answer is sent, late or slowly."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    delay_seconds: float = 0.0
    byte_gap_seconds: float = 0.0  # time between two bytes of the body
    truncate_to: int | None = None  # bytes of the true answer that are sent
    repeat: int = 1  # the body this many times: a large answer that is never in memory
    hangs_up: bool = False  # the connection is closed in the middle of the answer


def status(code: int, body: str = "", **headers: str) -> Fault:
    """An answer with this status; a header ``Retry_After="7"`` is sent as ``Retry-After: 7``."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(status=code, body=body.encode(), headers=sent)


def coinbase_limit(retry_after: str | None = None) -> Fault:
    """Coinbase has had enough."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    body = b'{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}'
    return Fault(status=429, body=body, headers=headers)


def binance_limit(code: int = 429, retry_after: str | None = "120") -> Fault:
    """Binance has had enough (429), or has banned the caller (418)."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    body = b'{"code":-1003,"msg":"Too much request weight used; current limit is 6000 a minute."}'
    return Fault(status=code, body=body, headers=headers)


RESTRICTED = Fault(
    status=451,
    body=b'{"code":0,"msg":"Service unavailable from a restricted location according to \'b. Eligibility\'"}',
)
FIREWALL = Fault(status=403, body=b"<html><body>403 Forbidden</body></html>", content_type="text/html")
SERVER_ERROR = Fault(status=500, body=b'{"errors":[{"id":"internal_server_error","message":"Oops"}]}')
HTML = Fault(body=b"<!doctype html><title>Just a moment...</title>", content_type="text/html")
TRUNCATED = Fault(truncate_to=20)
HUGE = Fault(body=b'"' + b"x" * 65_535, repeat=1600)  # 100 MB
TRICKLE = Fault(byte_gap_seconds=1.0)
SILENCE = Fault(delay_seconds=60.0)
HANG_UP = Fault(hangs_up=True)
NESTED = Fault(body=b"[" * 100_000)
UTF16 = Fault(body='{"data":{}}'.encode("utf-16"))
