"""Zones as people write them."""

from __future__ import annotations

from datetime import tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from portfolio.domain.imports.moments import offset_in
from portfolio.domain.imports.records import RowRefused

# What a machine calls its own zone, and what says that there is none.
_NO_PLACES: Final = frozenset({"localtime", "posixrules", "Factory"})


def zone_named(text: str) -> tzinfo:
    """Return the zone of a name or an offset; raises ValueError where it is neither."""
    try:
        return offset_in(text)
    except RowRefused:
        pass
    if text in _names():
        return ZoneInfo(text)
    raise ValueError(f"{text[:40]!r} is neither an offset such as +02:00 nor a zone such as Europe/Vienna")


@cache
def _names() -> frozenset[str]:
    """Return the names of zones that IANA has; those with and without leap seconds are no names of their own."""
    return frozenset(available_timezones()) - _NO_PLACES
