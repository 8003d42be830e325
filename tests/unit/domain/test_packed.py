"""Packed records are what was packed, take no part in searches for garbage, and are sorted as by ``sorted``."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain import packed
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.packed import Packed, Packing, in_order
from portfolio.domain.symbol import Symbol

pytestmark = pytest.mark.unmeasured


class Kind(StrEnum):
    """What a record is."""

    ONE = "one"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record with a field of each sort."""

    symbol: Symbol
    quantity: Quantity
    price: Price
    cash: Money
    at: datetime | None
    kind: Kind
    number: int
    text: str | None = None


@dataclass(frozen=True)
class Other:
    """What is no record."""

    number: int


AMOUNTS = st.decimals(-(10**9), 10**9, places=18)
RECORDS = st.builds(
    Record,
    symbol=st.sampled_from([Symbol("BTC"), Symbol("ETH")]),
    quantity=AMOUNTS.map(Quantity),
    price=AMOUNTS.map(abs).map(Price),
    cash=AMOUNTS.map(Money),
    at=st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # the strategy adds it
    kind=st.sampled_from(Kind),
    number=st.integers(0, 5),
    text=st.none() | st.text(max_size=3),
)
SOME = st.lists(RECORDS | st.builds(Other, number=st.integers(0, 5)))


def kept(records: list[Any]) -> Packed[Any]:
    return Packed(Packing(Record), records)


@given(SOME)
def test_what_is_packed_is_equal_to_what_it_was(records: list[Any]) -> None:
    found = kept(records)
    assert found == records
    assert [*found] == records
    assert len(found) == len(records)
    assert [found[place] for place in range(len(records))] == records
    assert all(type(one.symbol) is Symbol and type(one.kind) is Kind for one in found if isinstance(one, Record))
    assert found.others == [place for place, one in enumerate(records) if isinstance(one, Other)]
    assert found.where(lambda one: one.number > 2) == [one for one in records if one.number > 2]
    assert found[1:3] == records[1:3]
    assert found != [*records, 1]
    assert found != 1


@given(st.lists(RECORDS), st.integers(1, 4))
def test_records_are_sorted_as_by_sorted_however_many_at_once(records: list[Record], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "SORTED_AT_ONCE", at_once)
        assert kept(records).by("number") == sorted(records, key=lambda one: one.number)
        assert in_order(records, lambda one: one.kind) == sorted(records, key=lambda one: one.kind)


def test_records_are_added_and_replaced() -> None:
    [first, second] = [_record(number) for number in (1, 2)]
    found = kept([])
    found.append(first)
    found += [second, Other(3)]
    found[0] = replace(first, number=9)
    assert found == [replace(first, number=9), second, Other(3)]


def test_a_sequence_begins_with_what_it_was_a_part_of() -> None:
    grown = kept([_record(1), Other(2)])
    before = grown[:]
    grown += [_record(3)]
    assert grown.begins_with(before)
    assert grown.begins_with(kept([]))
    assert not before.begins_with(grown)
    assert not grown.begins_with(kept([_record(1), Other(2)]))  # equal, and others


def test_no_search_for_garbage_looks_into_what_is_packed() -> None:
    found = kept([_record(number) for number in range(100)])
    gc.collect()
    before = len(gc.get_objects())
    more = kept([_record(number) for number in range(10_000)])
    gc.collect()
    assert len(gc.get_objects()) - before < 100
    assert len(found) + len(more) == 10_100


def _record(number: int) -> Record:
    return Record(
        symbol=Symbol("BTC"),
        quantity=Quantity(Decimal(number)),
        price=Price(Decimal(1)),
        cash=Money(Decimal("-1.5")),
        at=datetime(2025, 1, 1, tzinfo=UTC),
        kind=Kind.OTHER,
        number=number,
    )


def test_what_somebody_goes_through_stays_until_the_end() -> None:
    packed = kept([_record(number) for number in range(2_500)])
    going = iter(packed)
    del packed
    assert [one.number for one in going] == [*range(2_500)]
