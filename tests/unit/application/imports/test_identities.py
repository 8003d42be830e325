"""What came before is told by ids and contents, in whatever order files with ids and without come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.application.imports.identities import Identities, IdTaken, written
from portfolio.domain.imports.records import FileEvent, Kind

AT = datetime(2022, 3, 1, tzinfo=UTC)


def event(own_id: str | None) -> FileEvent:
    """One of many that say the same."""
    legs = {"BTC": Decimal(1)}
    return FileEvent(rows=(1,), at=AT, kind=Kind.REWARD, symbol="BTC", quantity=Decimal(1), legs=legs, own_id=own_id)


def new_in(files: tuple[tuple[str | None, ...], ...]) -> int:
    """How many of the events of files are new, one file after the other."""
    known, new = Identities(), 0
    for file in files:
        identities = known.of_file("coinbase")
        in_turn = sorted(file, key=lambda own_id: own_id is None)  # as previews ask
        new += sum(not identities.add(event(own_id)).is_known for own_id in in_turn)
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


FILE = st.lists(st.sampled_from([None, "x", "y", "z"]), max_size=4).map(tuple)


@given(st.lists(FILE, max_size=4))
def test_of_files_that_have_ids_for_some_rows_and_none_for_others_any_order_makes_the_same_events(
    files: list[tuple[str | None, ...]],
) -> None:
    assert len({new_in(order) for order in permutations(files)}) == 1


@given(FILE, FILE)
def test_of_two_files_there_are_as_many_events_as_one_of_them_has_or_their_ids_name(
    one: tuple[str | None, ...], other: tuple[str | None, ...]
) -> None:
    ids = {own_id for own_id in one + other if own_id is not None}
    most = max(len({*file} - {None}) + file.count(None) for file in (one, other))
    assert new_in((one, other)) == max(most, len(ids))


@pytest.mark.parametrize(("seconds", "quantity"), [(61, 1), (1, 2)])
def test_what_an_id_stands_for_may_be_of_another_moment_of_its_rows_and_of_nothing_else(
    seconds: int, quantity: int
) -> None:
    known = Identities()
    known.of_file("kraken-ledgers").add(event("x"))
    file, later = known.of_file("kraken-ledgers"), AT + timedelta(seconds=1)
    assert file.add(event("x")._replace(at=later)).is_known
    assert not file.add(event(None)._replace(at=later)).is_known  # which is none of what the id stands for
    with pytest.raises(IdTaken):
        file.add(event("x")._replace(at=AT + timedelta(seconds=seconds), legs={"BTC": Decimal(quantity)}))


def test_rows_of_an_id_that_are_put_together_otherwise_are_known_or_refused() -> None:
    known = Identities()
    known.of_file("coinbase").add(event("a+c"))
    known.of_file("coinbase").add(event("b+d"))
    file = known.of_file("coinbase")
    for own_id in ("a+d", "b+c", "a"):
        assert file.add(event(own_id)).is_known
        with pytest.raises(IdTaken):
            file.add(event(own_id)._replace(legs={"BTC": Decimal(2)}))
    assert not file.add(event("e+f")).is_known


def test_kraken_s_unknown_is_the_id_of_many_but_where_it_was_that_of_all_of_a_file() -> None:
    known = Identities()
    file = known.of_file("kraken-ledgers")
    assert not any(file.add(event(f"Unknown+L{number}")).is_known for number in range(2))
    before = Identities()
    before.of_file("kraken-ledgers").add(event("Unknown"))
    with pytest.raises(IdTaken):
        before.of_file("kraken-ledgers").add(event("Unknown+L0")._replace(legs={"BTC": Decimal(2)}))


@given(st.datetimes(timezones=st.just(UTC)))
@example(AT)
@example(AT.replace(microsecond=500_000))
def test_a_moment_is_written_as_python_writes_it(at: datetime) -> None:
    """It is part of the digest by which a row is known again, which is kept with the books."""
    assert f"{written(at)}+00:00" == at.isoformat()
