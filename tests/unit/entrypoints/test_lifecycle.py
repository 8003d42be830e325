"""The service opens its books when it can, and stops in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from portfolio.application.errors import LedgerUnavailable, SchemaUnknown
from portfolio.application.ledger.opening import Opening
from portfolio.application.operations.health import Health
from portfolio.entrypoints import lifecycle as module
from portfolio.entrypoints.backtest_loop import BacktestLoop
from portfolio.entrypoints.comparison_loop import ComparisonLoop
from portfolio.entrypoints.lifecycle import Lifecycle
from portfolio.entrypoints.price_loop import PriceLoop
from portfolio.entrypoints.rules_loop import RulesLoop
from tests.support.services.waiting import until


class Task:
    """A task beside the books, which writes into the same diary."""

    def __init__(self, parts: Parts, name: str) -> None:
        self._diary, self._name = parts.diary, name

    def start(self) -> None:
        self._diary.append(self._name)

    async def stop(self) -> None:
        self._diary.append(f"not {self._name}")


class Parts:
    """What a lifecycle drives, with a diary of what happened."""

    def __init__(self, *failures: Exception, watch_seconds: float = 3600) -> None:
        self.diary: list[str] = []
        self.started, self.failed, self.opened_again = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._failures = list(failures)
        self.can_book = True
        self.lifecycle = Lifecycle(
            check=self._check,
            open_books=self._open,
            health=self._health,
            price_loop=cast("PriceLoop", self),
            comparing=cast("ComparisonLoop", Task(self, "comparing")),
            fetching_rules=cast("RulesLoop", Task(self, "fetching rules")),
            backtests=cast("BacktestLoop", Task(self, "computing")),
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

    async def _health(self) -> Health:
        return cast(
            "Health", SimpleNamespace(can_book=self.can_book, database=SimpleNamespace(condition="x", detail="y"))
        )

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
    assert parts.diary == [
        "opened", "comparing", "computing", "refreshing", "fetching rules",
        "not comparing", "not fetching rules", "not computing", "finished", "not refreshing", "closed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "failure", [LedgerUnavailable("away"), SchemaUnknown("0001", "0002"), RuntimeError("nobody thought of it")]
)
async def test_whatever_stands_in_the_way_is_tried_again(failure: Exception) -> None:
    parts = Parts(failure, failure)
    await parts.lifecycle.start()
    await parts.started.wait()
    await parts.lifecycle.stop()
    assert parts.diary[:4] == ["failed", "failed", "opened", "comparing"]


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
    assert parts.diary[-6:] == [
        "not comparing",
        "not fetching rules",
        "not computing",
        "finished",
        "not refreshing",
        "closed",
    ]


async def test_it_stops_though_it_never_started() -> None:
    parts = Parts()
    await parts.lifecycle.stop()
    assert parts.diary == [
        "not comparing",
        "not fetching rules",
        "not computing",
        "finished",
        "not refreshing",
        "closed",
    ]
    assert module.RETRY_SECONDS > 0


async def test_a_step_that_does_not_end_or_fails_does_not_keep_the_others_from_theirs() -> None:
    parts = Parts()

    async def endless() -> None:
        await asyncio.Event().wait()

    async def failing() -> None:
        raise OSError("nobody thought of it")

    lifecycle = Lifecycle(
        check=endless,
        open_books=cast("Any", endless),
        health=cast("Any", endless),
        price_loop=cast("PriceLoop", parts),
        comparing=cast("ComparisonLoop", Task(parts, "comparing")),
        fetching_rules=cast("RulesLoop", Task(parts, "fetching rules")),
        backtests=cast("BacktestLoop", Task(parts, "computing")),
        finish=(endless, failing),
        close=(endless, failing, lambda: parts._note("closed")),
        grace_seconds=0.01,
    )
    await lifecycle.start()
    with capture_logs() as lines:
        await asyncio.wait_for(lifecycle.stop(), 5)
    assert [line["event"] for line in lines] == ["service.stop_cut_short", "service.stop_failed"] * 2
    assert parts.diary == ["not comparing", "not fetching rules", "not computing", "not refreshing", "closed"]


async def test_it_logs_that_nothing_can_be_booked_and_that_it_can_again_whether_anybody_asks_or_not() -> None:
    parts = Parts(watch_seconds=0)
    parts.can_book = False
    with capture_logs() as lines:
        await parts.lifecycle.start()
        await _logged(lines, "service.not_ready")
        parts.can_book = True
        await _logged(lines, "service.ready")
        await parts.lifecycle.stop()
    told = [line["event"] for line in lines if line["event"].startswith("service.")]
    assert told == ["service.not_ready", "service.ready"]


async def _logged(lines: Sequence[Mapping[str, Any]], event: str) -> None:
    await until(lambda: event in [line["event"] for line in lines], pause_seconds=0)
