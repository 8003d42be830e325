"""Clocks that are set forward and back, and midnight: one row a day, whatever any instance's clock says.

The clocks are the tests' own, one an instance; the database, its clock, the sources and their HTTP are real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from portfolio.adapters.database.database import Database
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.prices.records import Fence
from portfolio.application.prices.refresh import RefreshPrices, RefreshReport
from portfolio.domain.money import Money
from portfolio.entrypoints.kept_lease import LEASE, LEASE_SECONDS, KeptLease
from portfolio.entrypoints.price_loop import PriceLoop, Schedule
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.exchanges import exchange_faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import BTC, book_one

EVE = datetime(2026, 3, 4, 22, 55, tzinfo=UTC)
DAY = EVE.date()


@dataclass
class Instance:
    """As much of an instance as prices need, by a clock of its own."""

    name: str
    clock: FakeClock
    database: Database
    exchanges: Exchanges
    refresh: RefreshPrices

    @classmethod
    def of(cls, name: str, database: DatabaseUnderTest, exchange: StandInExchange) -> Instance:
        clock = FakeClock(EVE)
        opened = database.opened()
        exchanges = Exchanges(exchange.settings, clock)
        refresh = RefreshPrices(opened.ledger, opened.prices, exchanges.prices, clock, 1, cross_check=exchanges.prices)
        return cls(name, clock, opened, exchanges, refresh)

    async def refresh_at(self, moment: datetime) -> None:
        """Set the wall clock and refresh."""
        self.clock.set_wall_clock(moment)
        assert (await self.refresh()).refreshed

    async def close(self) -> None:
        await self.refresh.close()
        await self.exchanges.close()
        await self.database.close()

    async def days(self) -> list[tuple[date, Decimal]]:
        """The rows of the performance history, also of days that have not come by this clock."""
        rows = await self.database.days.values(1, since=DAY, today=DAY + timedelta(days=9))
        return [(v.day, v.total_value.value) for v in rows]


@pytest.fixture
async def instances(database: DatabaseUnderTest) -> AsyncIterator[tuple[StandInExchange, Instance, Instance]]:
    """Two instances on one database, where 0.1 BTC is held and 95,477.5 in cash."""
    bring_up_to_date(database)
    with StandInExchange({"BTC": "50000", "USDT": "1"}) as exchange:
        one, other = (Instance.of(name, database, exchange) for name in ("one", "other"))
        await OpenBooks(one.database.ledger, one.clock, Money(Decimal(100_000)))(1)
        await book_one(one.database.ledger)
        yield exchange, one, other
        await one.close()
        await other.close()


async def test_clocks_that_jump_and_midnight_leave_exactly_one_row_a_day(
    instances: tuple[StandInExchange, Instance, Instance],
) -> None:
    exchange, one, other = instances
    midnight = datetime(2026, 3, 5, tzinfo=UTC)

    await one.refresh_at(midnight - timedelta(seconds=65))
    await other.refresh_at(midnight - timedelta(seconds=5))
    assert await one.days() == [(DAY, Decimal("100477.5"))]  # 95477.5 + 0.1 x 50000

    # The clock of one goes an hour ahead: the next day begins early, and its rows are each one row all the same.
    exchange.market.set("BTC", "60000")
    await one.refresh_at(midnight + timedelta(minutes=55))
    await other.refresh_at(midnight - timedelta(seconds=4))
    assert await other.days() == [(DAY, Decimal("100477.5")), (DAY + timedelta(days=1), Decimal("101477.5"))]

    # Set right again, and over midnight: yesterday is final, today is kept current by both.
    exchange.market.set("BTC", "70000")
    await one.refresh_at(midnight - timedelta(seconds=1))
    await other.refresh_at(midnight)
    await one.refresh_at(midnight + timedelta(seconds=1))
    expected = [(DAY, Decimal("100477.5")), (DAY + timedelta(days=1), Decimal("102477.5"))]
    assert await one.days() == expected

    # And back an hour, into the day before: that stays as it is.
    exchange.market.set("BTC", "80000")
    await other.refresh_at(midnight - timedelta(minutes=58))
    assert await other.days() == expected


class Enough(Exception):
    """The loop has gone on for as long as was wanted."""


async def test_a_wall_clock_that_jumps_moves_no_tick_and_no_lease(
    instances: tuple[StandInExchange, Instance, Instance],
) -> None:
    _, one, other = instances
    ticks: list[float] = []
    hours = [0, 1, 0, -1, 0, 24, 0]

    async def refresh(fence: Fence | None) -> RefreshReport:
        ticks.append(one.clock.monotonic())
        return await one.refresh(fence)

    async def wait(seconds: float) -> None:
        """Let the time pass that the loop waits for; then the wall clock jumps, and jumps back."""
        if not hours:
            raise Enough
        await one.clock.sleep(seconds)
        one.clock.set_wall_clock(EVE + timedelta(hours=hours.pop(0)))

    lease = KeptLease(one.database.leases, one.clock, holder=one.name)
    loop = PriceLoop(refresh, lease, one.database.prices, one.clock, Schedule(interval_seconds=5), wait=wait)
    with pytest.raises(Enough):
        await loop.run()
    assert [later - sooner for sooner, later in pairwise(ticks)] == [5] * 7
    # It has given the lease up at its end, to the first who asks.
    taken = await other.database.leases.acquire(LEASE, other.name, LEASE_SECONDS)
    assert taken is not None
    assert taken.token == 2


async def test_a_jump_is_believed_after_three_ticks_over_two_minutes_and_a_restart_begins_again(
    instances: tuple[StandInExchange, Instance, Instance],
) -> None:
    exchange, one, restarted = instances
    assert (await one.refresh()).refreshed
    before = (await one.database.ledger.load(1)).position(BTC).mark
    exchange.market.spot["BTC"] = "50000000"
    exchange.market.tether.pop("BTC")
    for minute in (0, 1):
        assert not (await one.refresh()).refreshed, minute
        one.clock.advance(60)
    # Another instance, or this one after a restart, knows of no suspicion and begins it.
    restarted.clock.advance(120)
    assert not (await restarted.refresh()).refreshed
    assert (await one.database.ledger.load(1)).position(BTC).mark == before
    assert (await one.refresh()).refreshed
    assert await one.days() == [(DAY, Decimal("5095477.5"))]  # 95477.5 + 0.1 x 50000000


async def test_a_binance_that_asks_for_two_minutes_and_then_bans_for_two_more_gets_them(
    instances: tuple[StandInExchange, Instance, Instance],
) -> None:
    exchange, one, _ = instances
    exchange.market.spot.pop("BTC")
    for status in (429, 418):
        exchange.fail("binance", exchange_faults.binance_limit(status, "120"), times=1)
        exchange.forget()
        for _ in range(12):
            assert not (await one.refresh()).refreshed
            assert exchange.count("binance") == 1
            one.clock.advance(10)
    assert (await one.refresh()).refreshed
