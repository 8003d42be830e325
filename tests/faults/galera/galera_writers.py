"""Clients that book on a cluster, and how their acknowledgements are compared with the books of every node."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import make_url

from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.galera_cluster import GaleraCluster, GaleraNode
from tests.support.services.service import ServiceProcess

PROGRESS_SECONDS = 90.0
TABLES = (
    ("mock_portfolio", "id"),
    ("mock_holdings", "id"),
    ("mock_trades", "id"),
    ("portfolio_booking_outcomes", "id"),
    ("portfolio_cash_transactions", "id"),
    ("portfolio_leases", "name"),
)


def booking(key: str | None, *, side: str = "BUY", symbol: str = "ETH", notes: str | None = None) -> dict[str, Any]:
    """A buy of two for 20.02, or a sale of one for 10.99."""
    buys = side == "BUY"
    body: dict[str, Any] = {"symbol": symbol, "side": side, "quantity": 2 if buys else 1, "price": 10 if buys else 11}
    body |= {"net_amount": 20 if buys else 11, "fees": 0.02 if buys else 0.01}
    return body | {name: value for name, value in (("client_trade_id", key), ("notes", notes)) if value is not None}


@dataclass
class Writers:
    """What clients were told. With a key they ask again until the answer is definite; without one they ask once."""

    urls: Sequence[str]
    run_name: str
    acknowledged: dict[str, int] = field(default_factory=dict)
    unkeyed: dict[str, int | None] = field(default_factory=dict)
    """By the notes of a booking without a key: its trade, or None where no definite answer came."""
    refused: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    longest_seconds: float = 0.0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def booking(self, *, clients: int = 32, without_key: int = 0) -> AsyncIterator[Writers]:
        """Book from so many clients while entered; on leaving each finishes what it has begun."""
        self._stop.clear()
        tasks = [asyncio.create_task(self._keyed(number)) for number in range(clients)]
        tasks += [asyncio.create_task(self._unkeyed(number)) for number in range(without_key)]
        try:
            yield self
        finally:
            self._stop.set()
            await asyncio.gather(*tasks)

    async def more(self, number: int) -> None:
        """Return once so many further bookings are acknowledged."""
        wanted, deadline = len(self.acknowledged) + number, time.monotonic() + PROGRESS_SECONDS
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, f"the bookings do not go on: {self.answers}"
            await asyncio.sleep(0.02)

    async def _keyed(self, number: int) -> None:
        dice, held = random.Random(number), 0
        async with httpx.AsyncClient(timeout=40.0) as client:
            for turn in range(1_000_000):
                if self._stop.is_set():
                    return
                sells = held > 0 and dice.random() < 0.4
                key = f"{self.run_name}-{number}-{turn}"
                # Of its own symbol, so that it knows what it holds: no sale may be refused.
                body = booking(key, side="SELL" if sells else "BUY", symbol=f"S{number}")
                held += -1 if sells else 2
                started = time.monotonic()
                await self._until_definite(client, number + turn, body)
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - started)

    async def _until_definite(self, client: httpx.AsyncClient, turn: int, body: dict[str, Any]) -> None:
        give_up_at = time.monotonic() + PROGRESS_SECONDS
        while time.monotonic() < give_up_at:
            answer = await self._post(client, self.urls[turn % len(self.urls)], body)
            if answer is not None and answer.status_code == 200:
                self.acknowledged[body["client_trade_id"]] = answer.json()["trade_id"]
                return
            if answer is not None and answer.status_code not in {503, 429}:
                self.refused.append(f"{body} {answer.status_code} {answer.text}")
                return
            await asyncio.sleep(0.2)
        self.refused.append(f"{body} had no definite answer in {PROGRESS_SECONDS:g} s")

    async def _unkeyed(self, number: int) -> None:
        async with httpx.AsyncClient(timeout=40.0) as client:
            for turn in range(1_000_000):
                if self._stop.is_set():
                    return
                notes = f"{self.run_name}-without-key-{number}-{turn}"
                self.unkeyed[notes] = None
                answer = await self._post(client, self.urls[number % len(self.urls)], booking(None, notes=notes))
                if answer is not None and answer.status_code == 200:
                    self.unkeyed[notes] = answer.json()["trade_id"]
                # Four that never pause win nearly all conflicts at COMMIT against those that wait after a 503.
                await asyncio.sleep(0.1)

    async def _post(self, client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> httpx.Response | None:
        try:
            answer = await client.post(f"{url}/holdings/update", json=body)
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
            return None
        said = "" if answer.status_code == 200 else f" {answer.json()['type'].rpartition('/')[2]}"
        replayed = " replayed" if answer.status_code == 200 and answer.json()["replayed"] else ""
        self.answers[f"{answer.status_code}{said}{replayed}"] += 1
        return answer


def ledger_rows(node: GaleraNode, place: DatabaseUnderTest, table: str, order: str) -> list[tuple[object, ...]]:
    """A table of the ledger as this node has it, once it has all that was acknowledged before."""
    ledger = make_url(place.url).database
    return node.execute("SET SESSION wsrep_sync_wait = 1", f"SELECT * FROM `{ledger}`.{table} ORDER BY {order}")


def expect_exact_books(writers: Writers, place: DatabaseUnderTest, nodes: Iterable[GaleraNode]) -> None:
    """Make sure that every node has every acknowledged booking exactly once, and none that nobody asked for."""
    ledger = make_url(place.url).database
    wanted = "SELECT client_trade_id, notes, id, ledger_revision FROM `{}`.mock_trades ORDER BY ledger_revision"
    for node in nodes:
        rows = node.execute("SET SESSION wsrep_sync_wait = 1", wanted.format(ledger))
        keyed = [(bytes(row[0]).decode(), row[2]) for row in rows if isinstance(row[0], bytes)]
        assert len(keyed) == len(dict(keyed)), f"{node.name}: a key is booked twice"
        assert dict(keyed) == writers.acknowledged, f"{node.name}: acknowledged and booked differ"
        once = [(row[1], row[2]) for row in rows if row[0] is None]
        assert len(once) == len(dict(once)), f"{node.name}: a booking without a key is booked twice"
        told = {notes: trade for notes, trade in writers.unkeyed.items() if trade is not None}
        assert told.items() <= dict(once).items(), f"{node.name}: an acknowledged booking without a key is lost"
        assert dict(once).keys() <= writers.unkeyed.keys()
    # Clients sell what they were told they have.
    assert not writers.refused, writers.refused[:3]


def expect_same_books(place: DatabaseUnderTest, nodes: Sequence[GaleraNode]) -> None:
    """Make sure that the nodes hold the same rows, to the last digit."""
    for table, order in TABLES:
        first = ledger_rows(nodes[0], place, table, order)
        for node in nodes[1:]:
            assert ledger_rows(node, place, table, order) == first, f"{table} differs on {node.name}"


def expect_verified(
    cluster: GaleraCluster, service: ServiceProcess, place: DatabaseUnderTest, nodes: Iterable[GaleraNode]
) -> None:
    """Make sure that ``portfolio verify`` finds the books of each node in order."""
    for node in nodes:
        done = verify_on(cluster, service, place, node)
        assert done[0] == 0, f"{node.name}: {done[1]}"


def verify_on(
    cluster: GaleraCluster, service: ServiceProcess, place: DatabaseUnderTest, node: GaleraNode
) -> tuple[int, str]:
    """The exit status and the words of ``portfolio verify`` on this node alone."""
    url = cluster.url_on(node, place.url)
    done = service.command("verify", PORTFOLIO_DATABASE_URL=url, PORTFOLIO_DATABASE_HOSTS="")
    return done.returncode, done.stdout + done.stderr
