"""What every implementation of the backtests' port promises."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portfolio.adapters.database.database import open_database
from portfolio.application.backtest.jobs.ports import Backtests
from portfolio.application.backtest.jobs.records import Job, JobState, Outcome, Part, Taken
from portfolio.application.errors import LeaseLost, TooManyBacktests
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.support.services.http_service import create_database

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
OUTCOME = Outcome(result=b'{"a":"1"}', equity=b"[1]", trades=b"[]", sweep=b"[]")
# Bytes that no text has, among them those that SQL escapes.
BYTES = bytes(range(256)) * 3


def job(number: int = 1, **changed: Any) -> Job:
    """A job that was just asked for."""
    made = Job(
        id=f"bt-{number}",
        portfolio_id=1,
        fingerprint=f"{number:064x}",
        closes="c" * 64,
        request='{"kind":"policy"}',
        created_at=AT,
    )
    return replace(made, **changed)


@pytest.fixture(scope="module")
def server(mariadb: DatabaseServer) -> Iterator[DatabaseUnderTest]:
    """A migrated database on the server, which these tests empty after each of them."""
    name = f"t_backtests_{secrets.token_hex(4)}"
    try:
        made = mariadb.create_database_pair(name)
        bring_up_to_date(made)
        yield made
    finally:
        mariadb.drop(name)


@pytest.fixture(params=["fake", "sqlite", "mysql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backtests]:
    if request.param == "fake":
        yield FakeBacktests()
        return
    is_sqlite = request.param == "sqlite"
    url = f"sqlite+aiosqlite:///{create_database(tmp_path)}" if is_sqlite else request.getfixturevalue("server").url
    database = open_database(url)
    try:
        yield database.backtests
        for found in (await database.backtests.page(1, before=None, limit=100)).items:
            await database.backtests.cancel(found.id, AT)
        while await database.backtests.forget(before=AT, most=0):
            pass
    finally:
        await database.close()


async def pass_time(store: Backtests, seconds: float) -> None:
    """Let the store's clock go on: the fake's own, or the database's, which is the wall's."""
    if isinstance(store, FakeBacktests):
        store.now += timedelta(seconds=seconds)
    else:
        await asyncio.sleep(seconds)


async def add(store: Backtests, *jobs: Job, given: bytes = b"given") -> None:
    """Keep jobs."""
    for each in jobs:
        await store.add(each, given, most_waiting=100)


async def take(store: Backtests, holder: str = "a", seconds: float = 60) -> Taken:
    """Take a job that is there."""
    taken = await store.take(holder, seconds)
    assert taken is not None
    return taken


async def state_of(store: Backtests, job_id: str) -> JobState:
    """What has become of a job."""
    found = await store.named(job_id)
    assert found is not None
    return found.state


async def test_what_is_kept_is_what_is_read(store: Backtests) -> None:
    kept, is_new = await store.add(job(), BYTES, most_waiting=1)
    assert is_new
    assert kept.number is not None
    assert replace(kept, number=None) == job()
    assert await store.named("bt-1") == kept
    assert await store.named("bt-2") is None
    assert (await store.page(1, before=None, limit=10)).items == [kept]
    assert (await store.page(2, before=None, limit=10)).items == []
    taken = await take(store)
    assert (taken.input, taken.checkpoint, taken.attempts) == (BYTES, None, 1)
    assert (taken.lease.job_id, taken.lease.holder) == ("bt-1", "a")


async def test_the_same_question_is_answered_by_the_job_that_is_there(store: Backtests) -> None:
    await add(store, job(1))
    again = replace(job(2), fingerprint=job(1).fingerprint)
    assert ((await store.add(again, b"", most_waiting=1))[0].id, await store.named("bt-2")) == ("bt-1", None)
    await store.finish((await take(store)).lease, OUTCOME, AT)
    assert (await store.add(again, b"", most_waiting=0))[0].state is JobState.DONE


@pytest.mark.parametrize("how", ["fail", "cancel"])
async def test_what_failed_or_was_cancelled_is_asked_anew(store: Backtests, how: str) -> None:
    await add(store, job(1))
    if how == "fail":
        await store.fail((await take(store)).lease, "no", AT)
    else:
        await store.cancel("bt-1", AT)
    kept, is_new = await store.add(replace(job(2), fingerprint=job(1).fingerprint), b"", most_waiting=1)
    assert (kept.id, is_new) == ("bt-2", True)


async def test_of_many_who_ask_the_same_at_once_one_makes_the_job(store: Backtests) -> None:
    asked = [replace(job(number), fingerprint=job(1).fingerprint) for number in range(1, 6)]
    answers = await asyncio.gather(*(store.add(each, b"", most_waiting=100) for each in asked))
    assert len({kept.id for kept, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


async def test_no_more_wait_than_may(store: Backtests) -> None:
    await add(store, job(1), job(2))
    with pytest.raises(TooManyBacktests):
        await store.add(job(3), b"", most_waiting=2)
    await store.cancel("bt-1", AT)
    assert (await store.add(job(3), b"", most_waiting=2))[1]


async def test_pages_go_on_where_the_last_one_ended(store: Backtests) -> None:
    await add(store, *(job(number) for number in range(1, 6)))
    seen: list[str] = []
    before = None
    while True:
        page = await store.page(1, before=before, limit=2)
        seen += [found.id for found in page.items]
        if (before := page.next_before) is None:
            break
    assert seen == [f"bt-{number}" for number in (5, 4, 3, 2, 1)]


async def test_jobs_are_taken_in_their_order_and_each_once(store: Backtests) -> None:
    await add(store, job(1), job(2))
    assert [(await take(store, holder)).lease.job_id for holder in "ab"] == ["bt-1", "bt-2"]
    assert await store.take("c", 60) is None
    assert await state_of(store, "bt-2") is JobState.RUNNING


async def test_of_many_who_take_at_once_one_has_the_job(store: Backtests) -> None:
    await add(store, job())
    taken = await asyncio.gather(*(store.take(f"h{number}", 60) for number in range(6)))
    assert len([each for each in taken if each is not None]) == 1


async def test_an_abandoned_job_goes_on_with_another_from_its_checkpoint(store: Backtests) -> None:
    await add(store, job())
    first = await take(store, "a", 60)
    await store.keep(first.lease, Decimal("0.25"), BYTES, 0.2)
    found = await store.named("bt-1")
    assert found is not None
    assert found.progress == Decimal("0.25")
    assert await store.take("b", 60) is None
    await pass_time(store, 0.3)
    second = await take(store, "b")
    assert (second.checkpoint, second.attempts) == (BYTES, 1)
    assert second.lease.token > first.lease.token


async def test_what_a_holder_of_before_would_write_is_refused(store: Backtests) -> None:
    await add(store, job())
    first = (await take(store, "a", 0.1)).lease
    await pass_time(store, 0.2)
    second = (await take(store, "b")).lease
    for write in (
        store.keep(first, Decimal("0.5"), b"stale", 60),
        store.renew(first, 60),
        store.release(first, Decimal("0.5"), b"stale"),
        store.finish(first, OUTCOME, AT),
        store.fail(first, "stale", AT),
    ):
        with pytest.raises(LeaseLost):
            await write
    await store.finish(second, OUTCOME, AT)
    with pytest.raises(LeaseLost):
        await store.fail(second, "twice", AT)


async def test_a_holder_whose_time_ran_out_may_still_write_where_nobody_took_the_job(store: Backtests) -> None:
    await add(store, job())
    lease = (await take(store, "a", 0.1)).lease
    await pass_time(store, 0.2)
    await store.keep(lease, Decimal("0.5"), b"late", 60)
    assert await store.take("b", 60) is None


async def test_a_lease_that_is_renewed_stays(store: Backtests) -> None:
    await add(store, job())
    lease = (await take(store, "a", 0.1)).lease
    await store.renew(lease, 60)
    await pass_time(store, 0.2)
    assert await store.take("b", 60) is None
    await store.fail(lease, "no", AT)
    with pytest.raises(LeaseLost):
        await store.renew(lease, 60)


async def test_a_lease_from_before_the_databases_clock_was_set_back_is_free(store: Backtests) -> None:
    await add(store, job())
    await take(store, "a", 3600)
    assert await store.take("b", 901) is None
    assert await store.take("b", 15) is not None


async def test_a_released_job_is_gone_on_with_at_once(store: Backtests) -> None:
    await add(store, job())
    await store.release((await take(store, "a")).lease, Decimal("0.5"), b"half")
    assert await state_of(store, "bt-1") is JobState.QUEUED
    second = await take(store, "b")
    assert (second.checkpoint, second.attempts) == (b"half", 1)
    await store.release(second.lease, None, None)
    found = await store.named("bt-1")
    assert found is not None
    assert found.progress == Decimal("0.5")
    assert (await take(store, "a")).checkpoint == b"half"


async def test_attempts_are_counted_since_the_last_checkpoint(store: Backtests) -> None:
    await add(store, job())
    for attempt in (1, 2):
        assert (await take(store, seconds=0.05)).attempts == attempt
        await pass_time(store, 0.1)
    taken = await take(store)
    assert taken.attempts == 3
    await store.keep(taken.lease, Decimal("0.1"), b"on", 0.05)
    await pass_time(store, 0.1)
    assert (await take(store)).attempts == 1


async def test_what_came_of_a_job_is_kept_and_nothing_else_of_it(store: Backtests) -> None:
    await add(store, job())
    assert await store.part("bt-1", Part.RESULT) is None
    lease = (await take(store)).lease
    await store.keep(lease, Decimal("0.9"), b"nearly", 60)
    await store.finish(lease, OUTCOME, AT)
    found = await store.named("bt-1")
    assert found is not None
    assert (found.state, found.progress, found.finished_at) == (JobState.DONE, Decimal(1), AT)
    assert [await store.part("bt-1", part) for part in Part] == [
        OUTCOME.result,
        OUTCOME.equity,
        OUTCOME.trades,
        OUTCOME.sweep,
    ]
    assert await store.part("bt-2", Part.RESULT) is None
    assert await store.take("a", 60) is None


async def test_trials_are_there_once_a_job_is_done(store: Backtests) -> None:
    await add(store, job())
    lease = (await take(store)).lease
    await store.keep(lease, Decimal("0.9"), b"a checkpoint is no trial", 60)
    assert await store.part("bt-1", Part.SWEEP) is None
    await store.cancel("bt-1", AT)
    assert await store.part("bt-1", Part.SWEEP) is None


async def test_results_on_the_same_closes_are_those_that_are_done(store: Backtests) -> None:
    for number, closes in enumerate(("c", "c", "d", "c", "c"), start=1):
        await add(store, job(number, closes=closes * 64))
    for number in range(1, 5):
        lease = (await take(store)).lease
        if number == 4:
            await store.fail(lease, "no", AT)
        else:
            await store.finish(lease, replace(OUTCOME, result=b"%d" % number), AT)
    assert await store.results_on("c" * 64, but="bt-1") == [b"2"]
    assert await store.results_on("c" * 64, but="bt-5") == [b"1", b"2"]
    assert await store.results_on("e" * 64, but="bt-1") == []


async def test_a_failure_is_kept_with_its_reason(store: Backtests) -> None:
    await add(store, job())
    await store.fail((await take(store)).lease, "the closes end \N{EM DASH} too early", AT)
    found = await store.named("bt-1")
    assert found is not None
    assert (found.state, found.error, found.finished_at) == (
        JobState.FAILED,
        "the closes end \N{EM DASH} too early",
        AT,
    )


async def test_a_cancelled_job_ends_for_whoever_computes_it(store: Backtests) -> None:
    await add(store, job(1), job(2))
    lease = (await take(store)).lease
    cancelled = await store.cancel("bt-1", AT)
    assert cancelled is not None
    assert (cancelled.state, cancelled.finished_at) == (JobState.CANCELLED, AT)
    with pytest.raises(LeaseLost):
        await store.keep(lease, Decimal("0.5"), b"", 60)
    assert await store.cancel("bt-2", AT) is not None
    assert await store.take("a", 60) is None


async def test_what_has_ended_is_not_cancelled(store: Backtests) -> None:
    await add(store, job())
    await store.finish((await take(store)).lease, OUTCOME, AT)
    found = await store.cancel("bt-1", AT + timedelta(hours=1))
    assert found is not None
    assert (found.state, found.finished_at) == (JobState.DONE, AT)
    assert await store.cancel("bt-2", AT) is None


async def test_old_jobs_that_ended_are_forgotten(store: Backtests) -> None:
    days = [AT + timedelta(days=day) for day in range(4)]
    for number, day in enumerate(days, start=1):
        await add(store, job(number))
        await store.finish((await take(store)).lease, OUTCOME, day)
    await add(store, job(5))
    assert await store.forget(before=days[1], most=100) == 1
    assert await store.forget(before=days[1], most=100) == 0
    # Of the newest two, one waits; what waits is never forgotten.
    assert await store.forget(before=AT, most=2) == 2
    assert await store.forget(before=AT, most=0) == 1
    assert [found.id for found in (await store.page(1, before=None, limit=10)).items] == ["bt-5"]
