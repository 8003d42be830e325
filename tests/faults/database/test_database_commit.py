"""The connection is cut or falls silent during COMMIT, or COMMIT is refused: booked once, or known not to be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.support.database.database_server import DatabaseServer
from tests.support.services.proxied_service import Answer, ProxiedService, ask, book, proxied_service
from tests.support.services.tcp_proxy import BOOKED, COMMIT, KEPT_OUTCOME, MOVED_CASH, Mode, Trap

TRAPS = pytest.mark.parametrize("trap", list(Trap))
DEADLOCK, LOCK_WAIT, SNAPSHOT_CONFLICT = 1213, 1205, 1020
# What MySQL 9.7 said on a group replication of several primaries that all were written to.
OTHER_CAME_FIRST = 3101, b"Plugin instructed the server to rollback the current transaction."
LOCK_TAKEN = 1180, b"Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT"


@pytest.fixture(scope="module")
def shared(mariadb: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedService]:
    with proxied_service(mariadb, tmp_path_factory.mktemp("commit")) as running:
        yield running
        asyncio.run(running.verify())


@pytest.fixture
def running(shared: ProxiedService) -> Iterator[ProxiedService]:
    """The service of this file, with every connection it had thrown away and the way to the database mended."""
    yield shared
    shared.proxy.heal()


@TRAPS
@pytest.mark.parametrize("keyed", [True, False], ids=["key", "no key"])
async def test_a_booking_whose_commit_is_lost_is_looked_up_and_booked_once(
    running: ProxiedService, trap: Trap, keyed: bool
) -> None:
    trades, cash = running.trades, running.cash
    key = f"lost-{trap.name}" if keyed else None
    async with running.service.client() as client:
        await running.ready()
        running.proxy.arm(COMMIT, trap, after=BOOKED)
        answer = await book(client, key, notes=f"{trap} {keyed}")
        assert (answer.status, answer.is_in_time()) == (200, True), answer.body
        assert not answer.body["replayed"]
        assert running.proxy.sprung[-1] is trap
        assert (running.trades, running.cash) == (trades + 1, cash - 10)
        if keyed:
            again = await book(client, key, notes=f"{trap} {keyed}")
            assert again.body["replayed"]
            assert again.body["trade_id"] == answer.body["trade_id"]
    assert (running.trades, running.cash) == (trades + 1, cash - 10)


@TRAPS
async def test_where_the_lookup_fails_too_it_is_unknown_and_the_same_key_tells_later(
    running: ProxiedService, trap: Trap
) -> None:
    trades, cash, key = running.trades, running.cash, f"unknown-{trap.name}"
    async with running.service.client() as client:
        await running.ready()
        running.proxy.arm(COMMIT, trap, after=BOOKED, then=Mode.SILENT)
        answer = await book(client, key)
        assert answer.is_unavailable("outcome-unknown")
        # Nobody can know; the books say whether it was.
        committed = running.trades - trades
        assert committed == (1 if trap.passes_request else 0)
        running.proxy.heal()
        await running.ready()
        later = await book(client, key)
        assert (later.status, later.body["replayed"]) == (200, bool(committed))
    assert (running.trades, running.cash) == (trades + 1, cash - 10)


@pytest.mark.parametrize("trap", [Trap.LOSE_REQUEST_CUT, Trap.LOSE_ANSWER_CUT])
@pytest.mark.parametrize("keyed", [True, False], ids=["key", "no key"])
async def test_a_refusal_whose_commit_is_lost_is_kept_once(running: ProxiedService, trap: Trap, keyed: bool) -> None:
    refusals = running.refusals
    key = f"refused-{trap.name}" if keyed else None
    async with running.service.client() as client:
        await running.ready()
        running.proxy.arm(COMMIT, trap, after=KEPT_OUTCOME)
        answer = await book(client, key, side="SELL", symbol="NONE")
        assert (answer.status, answer.slug) == (409, "insufficient-quantity")
        assert running.refusals == refusals + 1
        if keyed:
            again = await book(client, key, side="SELL", symbol="NONE")
            assert (again.status, again.headers["Idempotency-Replayed"]) == (409, "true")
    assert running.refusals == refusals + 1


@pytest.mark.parametrize("trap", [Trap.LOSE_REQUEST_CUT, Trap.LOSE_ANSWER_SILENT])
async def test_a_batch_whose_commit_is_lost_is_booked_whole_and_once(running: ProxiedService, trap: Trap) -> None:
    trades, cash, refusals = running.trades, running.cash, running.refusals
    batch: list[dict[str, Any]] = [
        {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10, "client_trade_id": f"{trap}-{n}"}
        for n in range(5)
    ]
    batch.insert(2, {"symbol": "NONE", "side": "SELL", "quantity": 1, "price": 10, "net_amount": 10})
    async with running.service.client() as client:
        await running.ready()
        running.proxy.arm(COMMIT, trap, after=BOOKED)
        answer = await ask(client, "POST", "/holdings/update/batch", {"bookings": batch})
        assert (answer.status, answer.is_in_time()) == (200, True), answer.body
    assert [item["status"] for item in answer.body["results"]] == ["booked"] * 2 + ["refused"] + ["booked"] * 3
    assert (running.trades, running.cash, running.refusals) == (trades + 5, cash - 50, refusals + 1)


@pytest.mark.parametrize("trap", [Trap.LOSE_REQUEST_SILENT, Trap.LOSE_ANSWER_CUT])
async def test_deposits_and_reversals_whose_commit_is_lost_happen_once(running: ProxiedService, trap: Trap) -> None:
    cash = running.cash
    async with running.service.client() as client:
        booked = await book(client)
        for path, body, asked in (
            ("/cash/transactions", {"kind": "deposit", "amount": 7}, MOVED_CASH),
            (f"/trades/{booked.body['trade_id']}/reverse", {}, BOOKED),
        ):
            await running.ready()
            running.proxy.arm(COMMIT, trap, after=asked)
            answer = await ask(client, "POST", path, body)
            assert (answer.status, answer.is_in_time()) == (200, True), answer.body
            assert not answer.body["replayed"]
    assert running.cash == cash + 7


@pytest.mark.parametrize("delay_seconds", [0.0, 0.05])
async def test_many_bookings_that_share_a_lost_commit_are_all_booked_once(
    running: ProxiedService, delay_seconds: float
) -> None:
    """Who waits behind them is told that it was not begun where the lookup takes long: that may be asked for again."""
    trades = running.trades

    async def booked(client: httpx.AsyncClient, key: str) -> Answer:
        while (answer := await book(client, key)).status != 200:
            assert answer.is_unavailable("overloaded")
        return answer

    async with running.service.client() as client:
        await running.ready()
        running.proxy.delay(delay_seconds)
        running.proxy.arm(COMMIT, Trap.LOSE_ANSWER_SILENT, after=BOOKED)
        answers = await asyncio.gather(*(booked(client, f"shared-{delay_seconds}-{n}") for n in range(40)))
        assert all(answer.is_in_time() and not answer.body["replayed"] for answer in answers)
    assert running.trades == trades + 40


@pytest.mark.parametrize(
    ("code", "text"),
    [*((code, b"") for code in (DEADLOCK, LOCK_WAIT, SNAPSHOT_CONFLICT)), OTHER_CAME_FIRST, LOCK_TAKEN],
)
async def test_a_conflict_at_commit_runs_the_whole_unit_again(running: ProxiedService, code: int, text: bytes) -> None:
    """As a cluster reports conflicts: the transaction is rolled back, and COMMIT is what hears it."""
    trades, refused = running.trades, running.proxy.refused
    async with running.service.client() as client:
        await running.ready()
        running.proxy.refuse(COMMIT, code, after=BOOKED, times=4, text=text)
        answer = await book(client, f"conflict-{code}")
        assert (answer.status, answer.body["replayed"]) == (200, False), answer.body
    assert running.proxy.refused == refused + 4
    assert running.trades == trades + 1


async def test_after_five_conflicts_it_is_unavailable_and_nothing_is_applied(running: ProxiedService) -> None:
    trades, cash, refused = running.trades, running.cash, running.proxy.refused
    async with running.service.client() as client:
        await running.ready()
        running.proxy.refuse(COMMIT, DEADLOCK, after=BOOKED, times=100)
        answer = await book(client, "conflicts")
        assert answer.is_unavailable("ledger-unavailable")
        assert running.proxy.refused == refused + 5
        running.proxy.heal()
        assert (running.trades, running.cash) == (trades, cash)
        assert (await book(client, "conflicts")).body["replayed"] is False
    assert (running.trades, running.cash) == (trades + 1, cash - Decimal(10))
