"""Days of the calendar, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

DAY: Final = timedelta(days=1)


def day_of(at: datetime) -> date:
    """Return the UTC day of a moment."""
    return at.astimezone(UTC).date()


def each_day(first: date, last: date) -> list[date]:
    """Return the days from one to another, both among them; none where the last is before the first."""
    return [first + n * DAY for n in range((last - first).days + 1)]
