"""What takes longer than its request goes on without it, and the next one who asks has it."""

from __future__ import annotations

import asyncio

import pytest

from portfolio.application.shared_computations import SharedComputations


class Work:
    """A computation that a test lets end, and how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return number


async def given_up(computations: SharedComputations[int], key: str, work: Work) -> None:
    """Ask, and go away before there is an answer."""
    asking = asyncio.create_task(computations(key, work))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the work has begun
    asking.cancel()
    await asyncio.wait([asking])


async def settled() -> None:
    """Let what can end now end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_is_made_anew_for_each_who_asks_after_the_other() -> None:
    computations, work = SharedComputations[int](), Work()
    work.may_end.set()
    assert [await computations("a", work), await computations("a", work)] == [1, 2]


async def test_those_who_ask_at_once_share_it() -> None:
    computations, work = SharedComputations[int](), Work()
    asking = [asyncio.create_task(computations("a", work)) for _ in range(3)]
    await settled()
    work.may_end.set()
    assert await asyncio.gather(*asking) == [1, 1, 1]


async def test_what_was_given_up_goes_on_and_is_for_the_next_one() -> None:
    computations, work = SharedComputations[int](), Work()
    await given_up(computations, "a", work)
    work.may_end.set()
    await settled()
    assert [await computations("a", work), await computations("a", work)] == [1, 2]


async def test_what_is_too_old_is_made_anew() -> None:
    computations, work = SharedComputations[int](kept_seconds=-1), Work()
    await given_up(computations, "a", work)
    work.may_end.set()
    await settled()
    assert await computations("a", work) == 2


async def test_an_error_is_for_those_who_wait_and_the_next_one_tries_again() -> None:
    computations, work = SharedComputations[int](), Work()
    work.error = ValueError("broken")
    await given_up(computations, "a", work)
    asking = asyncio.create_task(computations("a", work))
    await settled()
    work.may_end.set()
    with pytest.raises(ValueError, match="broken"):
        await asking
    work.error = None
    assert await computations("a", work) == 2


async def test_no_more_than_some_go_on_without_anybody() -> None:
    computations, work, more = SharedComputations[int](most=1), Work(), Work()
    await given_up(computations, "a", work)
    await given_up(computations, "b", more)  # ended with its request
    work.may_end.set()
    more.may_end.set()
    await settled()
    assert (await computations("a", work), await computations("b", more)) == (1, 2)


async def test_what_nobody_came_for_makes_room_for_what_is_asked_now() -> None:
    computations, work, more = SharedComputations[int](most=2), Work(), Work()
    work.may_end.set()
    for key in "ab":
        await given_up(computations, key, work)
        await settled()
    await given_up(computations, "c", more)  # goes on, and a, which ended first, is forgotten
    more.may_end.set()
    await settled()
    assert [await computations(key, more) for key in "cb"] == [1, 2]
    assert (more.begun, work.begun) == (1, 2)
    assert await computations("a", work) == 3


async def test_it_ends_with_the_service() -> None:
    computations, work = SharedComputations[int](), Work()
    await computations.stop()
    await given_up(computations, "a", work)
    await computations.stop()
    work.may_end.set()
    assert await computations("a", work) == 2
