"""While imports are at work nobody looks for garbage; afterwards as before."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from portfolio.entrypoints.http.errors import RequestError
from portfolio.entrypoints.http.imports.slots import LONGEST_PAUSE, ImportSlots


@pytest.fixture(autouse=True)
def looked_before() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_garbage_is_looked_for_again_once_the_last_is_done() -> None:
    slots = ImportSlots(2)
    with slots.taken():
        assert not gc.isenabled()
        with slots.taken():
            assert not gc.isenabled()
            with pytest.raises(RequestError, match="as many imports"), slots.taken():
                pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_where_it_was_not_looked_for_before_it_is_not_afterwards() -> None:
    gc.disable()
    with ImportSlots().taken():
        pass
    assert not gc.isenabled()


def test_after_a_failure_it_is_looked_for_too() -> None:
    with pytest.raises(ValueError, match="broken"), ImportSlots().taken():
        raise ValueError("broken")
    assert gc.isenabled()


def test_where_one_follows_the_other_without_end_it_is_looked_for_between_two() -> None:
    now = 0.0
    slots, passes = ImportSlots(3, lambda: now), gc.get_stats()[2]["collections"]
    with slots.taken():
        for seconds, expected in ((LONGEST_PAUSE, 0), (1.0, 1), (LONGEST_PAUSE, 1), (1.0, 2)):
            with slots.taken():
                now += seconds
            assert gc.get_stats()[2]["collections"] == passes + expected
            assert not gc.isenabled()


class Held:
    """Something that is large."""


async def test_what_the_work_made_is_let_go_before() -> None:
    async def work() -> int:
        held = [Held() for _ in range(10)]
        return len(held)

    assert await ImportSlots().within(work()) == 10
    assert not [one for one in gc.get_objects() if isinstance(one, Held)]
