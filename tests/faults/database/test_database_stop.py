"""SIGTERM with a booking in flight: it is finished and answered, and the process ends in time, whatever happens."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.support.database.database_server import DatabaseServer
from tests.support.services.proxied_service import DEADLINE_SECONDS, ProxiedService, book, proxied_service, until
from tests.support.services.tcp_proxy import BOOKED, COMMIT, Mode, Trap

SOURCES = ("PORTFOLIO_COINBASE_URL", "PORTFOLIO_BINANCE_URL", "PORTFOLIO_CANDLES_URL")
NOBODY = "http://127.0.0.1:1"
# Twice that of other tests: what is answered before it is definite only where no stall of a busy machine takes what the
# database's limits leave of it (a fifth, with a silent database).
REQUEST_SECONDS = 2 * DEADLINE_SECONDS
# Every request has ended by its deadline; what is left then has half of one for each step.
GRACE_SECONDS = 3 * REQUEST_SECONDS


@pytest.mark.faults_long  # forty seconds; tests/e2e/test_service.py has the plain case
async def test_a_booking_in_flight_at_sigterm_is_finished_and_answered_though_the_database_is_slow_or_silent(
    mariadb: DatabaseServer, tmp_path: Path
) -> None:
    # Made-up prices are not for a ledger that holds trades, and it is started again on one.
    settings = {
        "PORTFOLIO_PRICE_FEED": "exchanges",
        **dict.fromkeys(SOURCES, NOBODY),
        "PORTFOLIO_REQUEST_DEADLINE_SECONDS": f"{REQUEST_SECONDS:g}",
    }
    with proxied_service(mariadb, tmp_path, settings=settings) as running:
        await _stop_during_a_slow_commit(running)
        await asyncio.to_thread(running.service.start)
        await _stop_during_a_lost_commit(running)
        await asyncio.to_thread(running.service.start)
        await _stop_with_a_silent_database(running)
        output = running.service.output()
        assert "Event loop is closed" not in output
        assert "Traceback" not in output
        await running.verify()


async def _stop_during_a_slow_commit(running: ProxiedService) -> None:
    trades = running.trades
    async with running.service.client() as client:
        # Three round trips of a second each: the metrics, which tell of it, may take one themselves.
        running.proxy.delay(REQUEST_SECONDS / 16)
        booking = asyncio.create_task(book(client, "slow"))
        await until(lambda: _at_work(running), "the booking does not begin")
        # Far from what one statement may take, or a busy machine would make a slow database a silent one.
        running.proxy.delay(REQUEST_SECONDS / 100)
        status = await _stop(running)
        answer = await booking
    assert (answer.status, status) == (200, 0), answer.body
    running.proxy.heal()
    assert running.trades == trades + 1


async def _stop_during_a_lost_commit(running: ProxiedService) -> None:
    trades = running.trades
    async with running.service.client() as client:
        running.proxy.arm(COMMIT, Trap.LOSE_ANSWER_SILENT, after=BOOKED)
        sprung = len(running.proxy.sprung)
        booking = asyncio.create_task(book(client, "lost"))
        await until(lambda: _sprung(running, sprung), "nothing is committed")
        status = await _stop(running)
        answer = await booking
    assert (answer.status, status) == (200, 0), answer.body
    running.proxy.heal()
    assert running.trades == trades + 1


async def _stop_with_a_silent_database(running: ProxiedService) -> None:
    trades = running.trades
    async with running.service.client() as client:
        running.proxy.set_mode(Mode.SILENT)
        booking = asyncio.create_task(book(client, "silent"))
        await until(lambda: _at_work(running), "the booking does not begin")
        status = await _stop(running)
        answer = await booking
    assert (answer.status, answer.slug, status) == (503, "ledger-unavailable", 0), answer.body
    running.proxy.heal()
    assert running.trades == trades


async def _stop(running: ProxiedService) -> int:
    """Tell the service to stop, and return its exit status, which comes within the grace period."""
    started = time.monotonic()
    status = await asyncio.to_thread(running.service.stop, signal.SIGTERM)
    assert time.monotonic() - started < GRACE_SECONDS
    return status


async def _at_work(running: ProxiedService) -> bool:
    async with running.service.client() as client:
        return "\nportfolio_bookings_waiting 1.0\n" in (await client.get("/metrics")).text


async def _sprung(running: ProxiedService, before: int) -> bool:
    return len(running.proxy.sprung) > before
