"""The service opens its books when it can, and stops in order."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from portfolio.application.errors import LedgerUnavailable, SchemaUnknown
from portfolio.application.ledger.opening import Opening
from portfolio.entrypoints import lifecycle as module
from portfolio.entrypoints.lifecycle import Lifecycle
from portfolio.entrypoints.price_loop import PriceLoop


class Parts:
    """What a lifecycle drives, with a diary of what happened."""

    def __init__(self, *failures: Exception, watch_seconds: float = 3600) -> None:
        self.diary: list[str] = []
        self.started, self.failed, self.opened_again = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._failures = list(failures)
        self.lifecycle = Lifecycle(
            check=self._check,
            open_books=self._open,
            price_loop=cast("PriceLoop", self),
            finish=(lambda: self._note("finished"),),
            close=(lambda: self._note("closed"),),
            retry_seconds=0,
            watch_seconds=watch_seconds,
        )

    def fail_next(self, *failures: Exception) -> None:
        self._failures += failures

    async def _check(self) -> None:
        if self._failures:
            self.diary.append("failed")
            self.failed.set()
            raise self._failures.pop(0)

    async def _open(self) -> Opening:
        self.diary.append("opened")
        if "failed" in self.diary and "refreshing" in self.diary:
            self.opened_again.set()
        return Opening.CREATED

    def start(self) -> None:
        self.diary.append("refreshing")
        self.started.set()

    async def stop(self) -> None:
        self.diary.append("not refreshing")

    async def _note(self, what: str) -> None:
        self.diary.append(what)


async def test_books_are_opened_before_prices_are_refreshed_and_all_ends_in_order() -> None:
    parts = Parts()
    await parts.lifecycle.start()
    await parts.started.wait()
    await parts.lifecycle.stop()
    assert parts.diary == ["opened", "refreshing", "finished", "not refreshing", "closed"]


@pytest.mark.parametrize(
    "failure", [LedgerUnavailable("away"), SchemaUnknown("0001", "0002"), RuntimeError("nobody thought of it")]
)
async def test_whatever_stands_in_the_way_is_tried_again(failure: Exception) -> None:
    parts = Parts(failure, failure)
    await parts.lifecycle.start()
    await parts.started.wait()
    await parts.lifecycle.stop()
    assert parts.diary[:4] == ["failed", "failed", "opened", "refreshing"]


@pytest.mark.parametrize("failure", [LedgerUnavailable("away"), SchemaUnknown("0001", "0002")])
async def test_books_that_were_opened_are_looked_after(failure: Exception) -> None:
    parts = Parts(watch_seconds=0)
    await parts.lifecycle.start()
    await parts.started.wait()
    parts.fail_next(failure)
    await parts.failed.wait()
    await parts.opened_again.wait()
    await parts.lifecycle.stop()
    assert parts.diary.count("refreshing") == 1


async def test_losing_and_regaining_the_database_is_one_line_each_however_often_it_is_tried() -> None:
    parts = Parts(*[LedgerUnavailable("away")] * 3, watch_seconds=0)
    with capture_logs() as logs:
        await parts.lifecycle.start()
        await parts.started.wait()
        parts.fail_next(*[LedgerUnavailable("away again")] * 3, SchemaUnknown("0001", "0002"))
        await parts.opened_again.wait()
        await parts.lifecycle.stop()
    assert [(line["log_level"], line["event"]) for line in logs][:5] == [
        ("warning", "books.database_away"),
        ("info", "books.open"),
        ("warning", "books.database_away"),
        ("error", "books.not_opened"),
        ("info", "books.open"),
    ]


async def test_it_stops_cleanly_while_the_database_is_still_away() -> None:
    parts = Parts(*[LedgerUnavailable("away")] * 10_000)
    await parts.lifecycle.start()
    await parts.failed.wait()
    await parts.lifecycle.stop()
    assert parts.diary[-3:] == ["finished", "not refreshing", "closed"]


async def test_it_stops_though_it_never_started() -> None:
    parts = Parts()
    await parts.lifecycle.stop()
    assert parts.diary == ["finished", "not refreshing", "closed"]
    assert module.RETRY_SECONDS > 0


async def test_a_step_that_does_not_end_does_not_keep_the_others_from_theirs() -> None:
    parts = Parts()

    async def endless() -> None:
        await asyncio.Event().wait()

    lifecycle = Lifecycle(
        check=endless,
        open_books=cast("Any", endless),
        price_loop=cast("PriceLoop", parts),
        finish=(endless,),
        close=(endless, lambda: parts._note("closed")),
        grace_seconds=0.01,
    )
    await lifecycle.start()
    await asyncio.wait_for(lifecycle.stop(), 5)
    assert parts.diary == ["not refreshing", "closed"]
