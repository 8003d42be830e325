"""Days, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

ONE_DAY: Final = timedelta(days=1)


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from ``first`` to ``last``, both included."""
    for number in range((last - first).days + 1):
        yield first + number * ONE_DAY
