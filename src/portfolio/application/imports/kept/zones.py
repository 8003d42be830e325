"""Zones as people write them."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

from portfolio.domain.imports.moments import offset_in
from portfolio.domain.imports.records import RowRefused


def zone_named(text: str) -> tzinfo:
    """Return the zone of a name or an offset.

    Raises:
        ValueError: it is neither.
    """
    try:
        return offset_in(text)
    except RowRefused:
        pass
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{text[:40]!r} is neither an offset such as +02:00 nor a zone such as Europe/Vienna"
        ) from None
