"""The loop compares until it could, says what it found once, and goes on."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.operations.comparison import Agreement, Comparison
from portfolio.entrypoints.comparison_loop import ComparisonLoop
from tests.support.services.waiting import until

AGREE = Comparison(status=Agreement.AGREE, revision=7)
DIFFER = Comparison(status=Agreement.DIFFER, revision=7, detail="cash")


class Script:
    """Finds what it was told, one after the other, and then waits."""

    def __init__(self, *found: Comparison | Exception) -> None:
        self._found = list(found)
        self.is_over = asyncio.Event()

    async def __call__(self) -> Comparison:
        if not self._found:
            self.is_over.set()
            await asyncio.Event().wait()
        found = self._found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


async def nothing() -> None:
    """There is nothing to prepare."""


async def test_after_each_comparison_days_are_prepared_and_what_cannot_be_is_said() -> None:
    compare, prepare = Script(AGREE, AGREE), Script(ValueError("a bug"), AGREE)
    loop = ComparisonLoop(compare, prepare, again_seconds=0, retry_seconds=0)
    with capture_logs() as logs:
        loop.start()
        await compare.is_over.wait()
        await loop.stop()
    assert [(line["event"], line.get("reason")) for line in logs] == [
        ("books.compared", None),
        ("days.not_prepared", "ValueError: a bug"),
    ]


async def test_what_was_found_is_said_once_and_whatever_stands_in_the_way_is_tried_again() -> None:
    script = Script(*[LedgerUnavailable("away")] * 2, ValueError("a bug"), DIFFER, DIFFER, AGREE, AGREE)
    loop = ComparisonLoop(script, nothing, again_seconds=0, retry_seconds=0)
    with capture_logs() as logs:
        loop.start()
        await script.is_over.wait()
        await loop.stop()
    assert [(line["log_level"], line.get("status", line.get("reason"))) for line in logs] == [
        ("warning", "LedgerUnavailable: away"),
        ("warning", "ValueError: a bug"),
        ("error", "differ"),
        ("info", "agree"),
    ]


@pytest.mark.parametrize("found", [AGREE, Comparison(status=Agreement.NOT_COMPARABLE)])
async def test_what_could_be_told_is_not_asked_for_again_at_once(found: Comparison) -> None:
    script = Script(found, DIFFER)
    loop = ComparisonLoop(script, nothing, again_seconds=3600, retry_seconds=0)
    with capture_logs() as logs:
        loop.start()
        await until(lambda: logs, pause_seconds=0)
        await loop.stop()
    assert not script.is_over.is_set()
    assert [line["status"] for line in logs] == [found.status.value]


async def test_it_stops_though_it_never_started() -> None:
    await ComparisonLoop(Script(), nothing).stop()
