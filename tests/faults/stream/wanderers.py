"""Clients of the stream that lose their connections all the time, and what they have heard when it is over."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import WebSocketException

from tests.support.services.listeners import Listener, Transport, listening
from tests.support.services.service import ServiceProcess

# Whoever hears nothing for so long looks for another instance; an instance may be frozen.
SILENCE_SECONDS = 3.0
BROKEN = (OSError, WebSocketException, httpx.HTTPError, TimeoutError, AssertionError)


@dataclass(slots=True)
class Wanderer:
    """One who listens to one instance after the other, each time after the last position that it was told."""

    transport: Transport
    instances: list[ServiceProcess]
    dice: random.Random
    position: str = "start"
    last: int = 0
    entries: list[tuple[str, str, str]] = field(default_factory=list)
    states: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self, ends: asyncio.Event) -> None:
        """Listen until there is nothing more to be told."""
        while not ends.is_set():
            url = urlsplit(self.dice.choice(self.instances).url)
            assert url.hostname is not None
            assert url.port is not None
            try:
                async with listening(self.transport, (url.hostname, url.port), after=self.position) as listener:
                    self.counts["connections"] += 1
                    await self._hear(listener, ends, self.dice.randrange(1, 40))
            except BROKEN:
                self.counts["broken"] += 1
                await asyncio.sleep(self.dice.uniform(0, 0.2))

    async def _hear(self, listener: Listener, ends: asyncio.Event, most: int) -> None:
        """Listen for so many messages, or until there is silence."""
        for _ in range(most):
            if ends.is_set():
                return
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await listener.source.next()
            if message is None:
                return
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        self.counts[kind] += 1
        if kind == "entries":
            assert int(message["first"]) == self.last + 1, f"{message['first']} after {self.last}"
            self.last = int(message["last"])
            assert message["position"].split(".")[0] == message["last"]
            self.entries += [(entry["ledger"], entry["kind"], entry["id"]) for entry in message["entries"]]
        elif kind == "state":
            revision, prices = (int(part) for part in message["position"].split(".")[:2])
            assert revision == self.last, f"a state of {revision} after entries up to {self.last}"
            self.states.append((revision, prices, message["totals"]))
            self.held |= {position["symbol"]: position for position in message["changed"]}
        elif kind == "reset":
            raise RuntimeError(f"a reset ({message['reason']}) after {self.position}")
        self.position = message.get("position", self.position)

    def check(self, booked: list[tuple[str, str, str]], sums: dict[int, Decimal], portfolio: dict[str, Any]) -> None:
        """Make sure that it was told what is in the books: once, in order, and to the last digit."""
        assert self.entries == booked, self.counts
        order = [(revision, prices) for revision, prices, _ in self.states]
        assert order == sorted(order), "a state went back"
        for revision, _, totals in self.states:
            assert Decimal(totals["cash_balance"]) == sums[revision], revision
        assert self.differences(portfolio) == {}
        held = [position for _, position in sorted(self.held.items()) if position["quantity"] != "0"]
        assert [{**one, "price_age_seconds": ""} for one in held] == [
            {**one, "price_age_seconds": ""} for one in portfolio["positions"]
        ]

    def differences(self, portfolio: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return which of the sums that it was told last are others than those of the portfolio."""
        if not self.states:
            return {"states": (0, portfolio["revision"])}
        return {
            name: (value, portfolio[name])
            for name, value in self.states[-1][2].items()
            if name != "as_of" and value != portfolio[name]
        }
