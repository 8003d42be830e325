"""What becomes of a unit whose commit was lost, when the attempt to make it anew is run more than once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from portfolio.application.errors import LedgerUnavailable, OutcomeUnknown
from portfolio.application.ledger.lost_commit import Made, commit_once
from portfolio.application.ledger.ports import Ledger, LedgerUnit

UNIT = cast("LedgerUnit", object())


class ClusterLedger:
    """Loses the first commit, which comes in after all: by the time that the attempt to make it anew has a conflict."""

    def __init__(self) -> None:
        self.has_come_in = False
        self._is_first = True

    async def transact(self, _portfolio_id: int, work: Callable[[LedgerUnit], Awaitable[Any]], **_hints: object) -> Any:
        result = await work(UNIT)
        if self._is_first:
            self._is_first = False
            raise OutcomeUnknown("lost")
        self.has_come_in = True
        return await work(UNIT) or result


async def test_a_lost_commit_that_comes_in_late_is_not_made_a_second_time() -> None:
    ledger = ClusterLedger()
    made: list[int] = []

    async def is_kept(_unit: LedgerUnit) -> bool:
        return ledger.has_come_in

    async def work(_unit: LedgerUnit) -> Made[int]:
        made.append(len(made) + 1)
        return Made(made[-1], is_kept)

    assert await commit_once(cast("Ledger", ledger), 1, work) == 1
    # Once before the commit was lost, once in the attempt that failed, and not when that was run again.
    assert made == [1, 2]


class GoneLedger:
    """Loses the first commit, and is away from then on."""

    def __init__(self) -> None:
        self._is_first = True

    async def transact(self, _portfolio_id: int, work: Callable[[LedgerUnit], Awaitable[Any]], **_hints: object) -> Any:
        if not self._is_first:
            raise LedgerUnavailable("away")
        self._is_first = False
        await work(UNIT)
        raise OutcomeUnknown("lost")


async def test_that_an_earlier_commit_is_not_there_says_nothing_of_the_one_that_was_lost_since() -> None:
    async def is_kept(_unit: LedgerUnit) -> bool:
        return False

    async def work(_unit: LedgerUnit) -> Made[int]:
        return Made(2, is_kept)

    lost = [Made(1, is_kept)]
    with pytest.raises(OutcomeUnknown):
        await commit_once(cast("Ledger", GoneLedger()), 1, work, lost=lost)
    assert [made.result for made in lost] == [1, 2]
