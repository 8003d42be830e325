"""A backtest, or a sweep of many, whose instances are killed comes to the same bytes as one that nobody disturbed."""

from __future__ import annotations

import random
import signal
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from portfolio.adapters.compute.worker import choose
from portfolio.adapters.database.schema.tables import backtests
from portfolio.application.backtest.jobs.records import Outcome
from portfolio.application.backtest.jobs.slices import advanced
from tests.faults.feeds.priced_service import until
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceProcess

SYMBOLS = ("ADA", "BTC", "DOT", "ETH", "LINK", "SOL")
DAYS = 180


@pytest.fixture
def instances(database: DatabaseUnderTest, tmp_path: Path) -> Iterator[list[ServiceProcess]]:
    """Two instances on one database, of which the second has two processes for one sweep; prices are made up."""
    with ExitStack() as stack:
        made = []
        for name, workers in (("one", "1"), ("two", "2")):
            (tmp_path / name).mkdir()
            settings = {"PORTFOLIO_COMPUTE_WORKERS": workers}
            made.append(ServiceProcess(database, tmp_path / name, settings=settings))
            stack.enter_context(made[-1])
        yield made


TARGETS: Mapping[str, Any] = {
    "kind": "targets",
    "start": "cash",
    "every_days": 1,
    "optimise": {"objective": "min_cvar", "days": 90, "symbols": SYMBOLS},
}
"""Each day an optimiser is asked."""

SWEEP: Mapping[str, Any] = {
    "start": "weights",
    "weights": dict.fromkeys(SYMBOLS, 0.15),
    "policy": {"cash_trigger": 0.1, "cash_target": 0.05},
    "sweep": {"grid": {"position_limit": [0.1, 0.15, 0.2, 0.3], "category_limit": [0.3, 0.5]}},
    "walk_forward": {"train_days": 90, "test_days": 50},
}
"""Its own policy, eight others, and as many in each of two windows."""


def ask(service: ServiceProcess, seed: int, asked: Mapping[str, Any] = TARGETS) -> str:
    """The id of a backtest that takes some seconds. The closes are fetched for it."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    body = {**asked, "from": str(last - timedelta(days=DAYS)), "to": str(last), "seed": seed}
    answer = httpx.post(f"{service.url}/backtests", json=body, timeout=60)
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["backtest"]["id"]
    return found


def row_of(database: DatabaseUnderTest, job_id: str) -> Mapping[str, Any]:
    """The row of a job, as it is now."""
    engine = database.engine()
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(backtests).where(backtests.c.backtest_id == job_id))
            return dict(rows.mappings().one())
    finally:
        engine.dispose()


def undisturbed(given: bytes) -> Outcome:
    """What comes of it in one piece, in this process."""
    whole = advanced(given, None, is_over=lambda: False, solve=choose)
    assert whole.outcome is not None
    return whole.outcome


def kept(row: Mapping[str, Any]) -> Outcome:
    """What came of it there."""
    columns = {"result": "result", "equity": "equity", "trades": "trades", "sweep": "checkpoint"}
    return Outcome(**{name: zlib.decompress(row[column]) for name, column in columns.items()})


def computing(instances: list[ServiceProcess], database: DatabaseUnderTest, job_id: str) -> ServiceProcess:
    """The instance that computes the job, once one of these does."""
    found: list[ServiceProcess] = []

    def is_taken() -> bool:
        row = row_of(database, job_id)
        assert row["state"] in {"queued", "running"}, "it takes too little time to be disturbed"
        found.extend(one for one in instances if f":{one.process.pid}:" in (row["holder"] or ""))
        return bool(found)

    until(is_taken, what="somebody computes it")
    return found[0]


def is_done(database: DatabaseUnderTest, job_id: str) -> Callable[[], bool]:
    """Whether the job is done."""
    return lambda: row_of(database, job_id)["state"] == "done"


def end(victim: ServiceProcess, how: signal.Signals) -> None:
    """End an instance, and its worker with it."""
    victim.process.send_signal(how)
    victim.process.wait()


def test_a_backtest_whose_instances_are_stopped_and_killed_comes_to_the_same_bytes(
    instances: list[ServiceProcess], database: DatabaseUnderTest
) -> None:
    stop_and_kill(instances, database, TARGETS)


def test_a_sweep_whose_instances_are_stopped_and_killed_comes_to_the_same_bytes(
    instances: list[ServiceProcess], database: DatabaseUnderTest
) -> None:
    stop_and_kill(instances, database, SWEEP)


def stop_and_kill(instances: list[ServiceProcess], database: DatabaseUnderTest, asked: Mapping[str, Any]) -> None:
    """Stop who computes it, kill who goes on, and compare what came of it in the end with what nobody disturbed."""
    job_id = ask(instances[0], 1, asked)
    given = zlib.decompress(row_of(database, job_id)["input"])
    first = computing(instances, database, job_id)
    end(first, signal.SIGTERM)
    second = computing([one for one in instances if one is not first], database, job_id)
    # What the first one had computed when it was stopped is where the second one goes on, and the first one again.
    assert row_of(database, job_id)["token"] == 2
    end(second, signal.SIGKILL)
    first.start()
    expected = undisturbed(given)
    until(is_done(database, job_id), what="the first one ends it")
    row = row_of(database, job_id)
    assert kept(row) == expected
    assert (row["token"], row["progress"], row["input"]) == (3, 1, None)


@pytest.mark.faults_long
def test_a_backtest_whose_instances_are_killed_at_random_comes_to_the_same_bytes(
    instances: list[ServiceProcess], database: DatabaseUnderTest, seed: int
) -> None:
    dice = random.Random(seed)
    for number in range(5):
        job_id = ask(dice.choice(instances), number, dice.choice([TARGETS, SWEEP]))
        given, kills = zlib.decompress(row_of(database, job_id)["input"]), 0
        while kills < 4 and not is_done(database, job_id)():
            time.sleep(dice.uniform(0.0, 6.0))
            victim = dice.choice(instances)
            end(victim, dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
            kills += 1
            time.sleep(dice.uniform(0.0, 1.0))
            victim.start()
        until(is_done(database, job_id), what="it is done")
        assert kept(row_of(database, job_id)) == undisturbed(given)
        print(f"\nseed {seed}: backtest {number} after {kills} ends of instances")
