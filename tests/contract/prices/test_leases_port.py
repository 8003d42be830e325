"""What every implementation of the leases' port promises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from portfolio.application.errors import LeaseLost
from portfolio.application.prices.records import Fence, PriceUpdate
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.fake_stores import FakeLeases
from tests.support.ledger_examples import AT, open_books

__all__ = ["ports"]


async def pass_time(ports: Ports, seconds: float) -> None:
    """Let the clock of the leases go on: the fake's own, or the database's, which is the wall's."""
    if isinstance(ports.leases, FakeLeases):
        ports.leases.now += timedelta(seconds=seconds)
    else:
        await asyncio.sleep(seconds)


async def test_a_lease_has_one_holder(ports: Ports) -> None:
    assert await ports.leases.acquire("refresh", "a", 60) == Fence(name="refresh", holder="a", token=1)
    assert await ports.leases.acquire("refresh", "b", 60) is None
    assert await ports.leases.acquire("thinning", "b", 60) == Fence(name="thinning", holder="b", token=1)


async def test_of_many_who_come_at_once_one_holds_the_lease(ports: Ports) -> None:
    fences = await asyncio.gather(*(ports.leases.acquire("refresh", f"h{number}", 60) for number in range(8)))
    assert len([fence for fence in fences if fence is not None]) == 1


async def test_renewing_keeps_the_token_and_the_lease(ports: Ports) -> None:
    first = await ports.leases.acquire("refresh", "a", 0.3)
    assert await ports.leases.acquire("refresh", "a", 60) == first
    await pass_time(ports, 0.4)
    assert await ports.leases.acquire("refresh", "b", 60) is None


async def test_an_expired_lease_goes_to_another_with_a_greater_token(ports: Ports) -> None:
    await ports.leases.acquire("refresh", "a", 0.2)
    await pass_time(ports, 0.3)
    assert await ports.leases.acquire("refresh", "b", 60) == Fence(name="refresh", holder="b", token=2)
    assert await ports.leases.acquire("refresh", "a", 60) is None


async def test_a_released_lease_is_free_and_only_its_holder_releases_it(ports: Ports) -> None:
    await ports.leases.acquire("refresh", "a", 60)
    await ports.leases.release("refresh", "b")
    assert await ports.leases.acquire("refresh", "b", 60) is None
    await ports.leases.release("refresh", "a")
    assert await ports.leases.acquire("refresh", "b", 60) == Fence(name="refresh", holder="b", token=2)


async def test_what_a_holder_of_before_would_write_is_refused(ports: Ports) -> None:
    await open_books(ports.ledger)
    stale = await ports.leases.acquire("refresh", "a", 60)
    await ports.leases.release("refresh", "a")
    newest = await ports.leases.acquire("refresh", "b", 60)
    nothing = PriceUpdate(marks={}, at=AT)
    await ports.prices.record(1, nothing, newest)
    with pytest.raises(LeaseLost):
        await ports.prices.record(1, nothing, stale)
    assert (await ports.ledger.revisions(1)).prices == 1


async def test_what_a_holder_would_write_after_its_lease_ran_out_is_refused_though_nobody_took_it(ports: Ports) -> None:
    await open_books(ports.ledger)
    fence = await ports.leases.acquire("refresh", "a", 0.2)
    await pass_time(ports, 0.3)
    with pytest.raises(LeaseLost):
        await ports.prices.record(1, PriceUpdate(marks={}, at=AT), fence)
    assert await ports.leases.acquire("refresh", "a", 60) == fence
    await ports.prices.record(1, PriceUpdate(marks={}, at=AT), fence)
    assert (await ports.ledger.revisions(1)).prices == 1


async def test_a_lease_from_before_the_databases_clock_was_set_back_is_free(ports: Ports) -> None:
    await ports.leases.acquire("refresh", "a", 3600)
    assert await ports.leases.acquire("refresh", "b", 901) is None
    assert await ports.leases.acquire("refresh", "b", 15) == Fence(name="refresh", holder="b", token=2)
