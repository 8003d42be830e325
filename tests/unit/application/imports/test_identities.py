"""What came before is told by ids and contents, in whatever order files with ids and without come."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations

import pytest

from portfolio.application.imports.identities import Identities
from portfolio.domain.imports.records import Event, Kind

AT = datetime(2022, 3, 1, tzinfo=UTC)


def event(own_id: str | None) -> Event:
    """One of many that say the same."""
    legs = {"BTC": Decimal(1)}
    return Event(rows=(1,), at=AT, kind=Kind.REWARD, symbol="BTC", quantity=Decimal(1), legs=legs, own_id=own_id)


def new_in(files: tuple[tuple[str | None, ...], ...]) -> int:
    """How many of the events of files are new, one file after the other."""
    known, new = Identities(), 0
    for file in files:
        identities = known.of_file("coinbase")
        new += sum(not identities.add(event(own_id)).is_known for own_id in file)
        identities.close()
    return new


@pytest.mark.parametrize(
    ("files", "count"),
    [
        (((None,), ("x",), ("y",)), 2),
        (((None,), ("x", None)), 2),  # one with an id stands for the one of before, the other is new
        (((None, None), ("x",), ("x", "y")), 2),
        (((None,), (None, None), ("x",)), 2),
        (((None, None, None), ("x", "y"), ("z",)), 3),
        ((("x", "y"), ("y", "z"), (None,)), 3),
    ],
)
def test_equal_events_are_counted_once_in_any_order_of_files(
    files: tuple[tuple[str | None, ...], ...], count: int
) -> None:
    assert {new_in(order) for order in permutations(files)} == {count}
