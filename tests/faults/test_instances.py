"""Several instances on one database: nothing lost, nothing doubled, one refresher, and every write seen everywhere."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.faults.feeds.priced_service import PATIENCE_SECONDS, until
from tests.faults.harness.fleet import TRY_SECONDS, Fleet, fleet
from tests.faults.harness.instance_load import PRICE, Load, flips
from tests.faults.harness.invariants import ONE, check
from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges import exchange_faults as faults
from tests.support.services.service import ServiceProcess

CASH = 1_000_000_000
OWN, COMMON = ["S1", "S2", "S3", "S4"], "POOL"
PRICES = {symbol: str(PRICE) for symbol in [*OWN, COMMON]}
SETTINGS = {
    "PORTFOLIO_INITIAL_CASH": str(CASH),
    "PORTFOLIO_REFRESH_SECONDS": "1",
    "PORTFOLIO_LOG_LEVEL": "WARNING",
}
# What a machine that does much else may add to the time that somebody waits for.
SLACK_SECONDS = 30.0


async def the_only_leader(of: Fleet, *, other_than: str = "") -> str:
    """The instance that refreshes, once one other than this does."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = await asyncio.to_thread(of.leaders)
        if len(found) == 1 and found[0] != other_than:
            return found[0]
        assert time.monotonic() < give_up_at, f"no leader: {found}"


async def kill_and_restart(of: Fleet, load: Load, kills: int) -> None:
    """Kill the leader, then whichever the dice say, each restarted a moment later."""
    dice = random.Random(load.seed)
    victim = await the_only_leader(of)
    for number in range(kills):
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        await of.kill(victim)
        load.trade_counts["killed"] += 1
        if number == 0:
            await the_only_leader(of, other_than=victim)
        await asyncio.sleep(dice.uniform(0.0, 0.5))
        await of.restart(victim)
        victim = dice.choice(sorted(of.instances))
    load.ends.set()


async def run(of: Fleet, load: Load, kills: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        tasks.create_task(kill_and_restart(of, load, kills))


def check_all(of: Fleet, load: Load) -> None:
    """Everything that has to hold when the load has ended."""
    print(f"\nseed {load.seed}: {dict(load.trade_counts)}")
    check(of.tables.read(), load.model(CASH, dict.fromkeys(PRICES, PRICE * ONE)))
    verified = next(iter(of.instances.values())).command("verify")
    assert verified.returncode == 0, verified.stdout
    of.check_refreshers()
    taken = of.leases_taken()
    assert len(taken) >= 2
    # What was killed gave nothing up: the lease ran out, and whoever tries next has it.
    late = [
        one for one in taken[1:] if one.overdue_seconds is None or one.overdue_seconds > TRY_SECONDS + SLACK_SECONDS
    ]
    assert not late, f"the lease did not pass on in time: {late}"
    assert flips(load.leaders_seen) <= len(taken) - 1, "two instances took themselves for the leader"
    assert load.trade_counts["own writes seen on any instance"] > 0
    assert load.trade_counts["others' writes seen in order"] > 0


def test_with_instances_killed_and_restarted_under_load_all_promises_hold(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path, seed: int
) -> None:
    with fleet(mariadb, mysql_database, tmp_path, 3, PRICES, SETTINGS) as of:
        load = Load(of, seed, OWN, COMMON, clients=12)
        asyncio.run(run(of, load, kills=2))
        check_all(of, load)


@pytest.mark.faults_long
@pytest.mark.parametrize("count", [2, 3])
def test_with_instances_killed_and_restarted_all_the_time_all_promises_hold(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path, seed: int, count: int
) -> None:
    with fleet(mariadb, mysql_database, tmp_path, count, PRICES, SETTINGS) as of:
        load = Load(of, seed, OWN, COMMON, clients=32)
        asyncio.run(run(of, load, kills=40))
        check_all(of, load)


def test_a_leader_that_was_paused_writes_nothing_when_it_goes_on(
    mariadb: DatabaseServer, mysql_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    # Deadlines that outlast the pause: what the paused instance has asked for is still good when it goes on.
    settings = {**SETTINGS, "PORTFOLIO_REQUEST_DEADLINE_SECONDS": "300", "PORTFOLIO_PRICE_MAX_AGE_SECONDS": "3600"}
    with fleet(mariadb, mysql_database, tmp_path, 2, {"BTC": "100", "USDT": "1"}, settings) as of:
        one, *_ = of.instances.values()
        buy(one)
        until(lambda: price(one) == 100, what="a first refresh")
        paused = asyncio.run(the_only_leader(of))
        stopped = of.instances[paused]
        of.exchange.fail("spot", faults.Fault(delay_seconds=1.0), symbols={"BTC"})
        of.exchange.forget()
        until(lambda: of.exchange.count("spot"), what="the leader asks")
        stopped.process.send_signal(signal.SIGSTOP)
        # Its answer is under way, and says 100 still.
        of.exchange.heal()
        of.exchange.market.set("BTC", "200")
        leader = next(name for name in of.instances if name != paused)
        until(lambda: price(of.instances[leader]) == 200, what="the other instance refreshes")
        stopped.process.send_signal(signal.SIGCONT)
        until(lambda: "prices.lease_lost" in log_of(stopped), what="the paused one finds its lease lost")
        assert price(stopped) == 200
        assert asyncio.run(the_only_leader(of)) == leader
        of.check_refreshers()
        assert [one.writer for one in of.leases_taken()] == [paused, leader]

        # Told to stop, the leader gives the lease up: the other has it at its next try, long before it would run out.
        of.instances[leader].stop()
        assert asyncio.run(the_only_leader(of)) == paused
        of.check_refreshers()
        assert of.prices_written()[-1].writer == paused or until(
            lambda: of.prices_written()[-1].writer == paused, what="it refreshes again"
        )


def buy(instance: ServiceProcess) -> None:
    """Book one BTC at 90."""
    body = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 90, "net_amount": 90}
    assert httpx.post(f"{instance.url}/holdings/update", json=body).status_code == 200


def price(instance: ServiceProcess) -> float:
    """What an instance says that BTC costs."""
    return float(instance.get("/positions")["positions"][0]["current_price"])


def log_of(instance: ServiceProcess) -> str:
    """What an instance has logged by now."""
    return instance.log_file.read_text() if instance.log_file.exists() else ""
