"""What makes an event the same when it comes again."""

from __future__ import annotations

from hashlib import sha256

from portfolio.domain.decimal_text import plain
from portfolio.domain.imports.records import Event


def content_of(event: Event) -> str:
    """Return what an event says, as 32 hexadecimal digits: when, what, and how much of what changed.

    It is the same however a file writes it: ``+02:00`` or ``Z``, ``1e-8`` or ``0.00000001``, newest or oldest first.
    """
    legs = ",".join([f"{symbol}={plain(change)}" for symbol, change in sorted(event.legs.items())])
    return sha256(f"{event.at.isoformat()}|{event.kind}|{legs}".encode()).hexdigest()[:32]
