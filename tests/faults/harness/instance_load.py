"""Many clients of several instances: every booking has a key, is asked for until it is decided, and is then looked for
on another instance.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import httpx

from tests.faults.harness.books import units
from tests.faults.harness.clients import Answer, Client, booking
from tests.faults.harness.fleet import Fleet
from tests.faults.harness.invariants import ONE
from tests.faults.harness.model import Model, Promise
from tests.unit.domain.ledger.ledger_model import Wish

BOOK = "/holdings/update"
PRICE = 10
PATIENCE_SECONDS = 90.0
SAMPLE_SECONDS = 0.2


@dataclass(slots=True)
class Load:
    """What the clients do, and what they were told.

    Each of the first clients has a symbol of its own, and so knows to the last digit what every instance has to show
    of it; all others trade the one common symbol.
    """

    fleet: Fleet
    seed: int
    own_symbols: list[str]
    common_symbol: str
    clients: int
    promises: dict[str, Promise] = field(default_factory=dict)
    trade_counts: Counter[str] = field(default_factory=Counter)
    leaders_seen: list[str] = field(default_factory=list)
    ends: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Let all clients go on until ``ends`` is set."""
        doors = {name: Client(instance.url) for name, instance in self.fleet.instances.items()}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_leaders())
                for number in range(self.clients):
                    tasks.create_task(self._client(number, doors))
        finally:
            for door in doors.values():
                await door.close()

    def model(self, cash: int, prices: dict[str, int]) -> Model:
        """Return the books as they have to be: what was acknowledged, in the order of the ledger."""
        model = Model()
        model.open(cash * ONE)
        model.prices = prices
        for key, promise in sorted(self.promises.items(), key=lambda item: item[1].trade_id or 0):
            if promise.trade_id is not None:
                model.book(promise.wish, promise.trade_id)
            model.keep(key, promise)
        return model

    async def _client(self, number: int, doors: dict[str, Client]) -> None:
        dice = random.Random(f"{self.seed}-{number}")
        has_own = number < len(self.own_symbols)
        symbol = self.own_symbols[number] if has_own else self.common_symbol
        held = turn = 0
        while not self.ends.is_set():
            turn += 1
            wish = _wish(symbol, held, dice)
            promise = await self._book(f"c{number}-{turn}", wish, dice, doors)
            if promise.trade_id is not None:
                # Of the common symbol others may have sold what this client had bought.
                held = max(0, held + (wish.quantity if wish.buys else -wish.quantity))
            if has_own:
                await self._look_for(symbol, held, dice, doors)
            else:
                await self._look_twice(dice, doors)

    async def _book(self, key: str, wish: Wish, dice: random.Random, doors: dict[str, Client]) -> Promise:
        """Ask, at one instance or at two at once, until it is decided; whoever answers has to say the same."""
        body = booking(wish, key)
        answers: list[Answer] = []
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        copies = 2 if dice.random() < 0.2 else 1
        while not (told := [answer for answer in answers if answer.is_definite]):
            assert time.monotonic() < give_up_at, f"{key} is not decided: {[str(answer) for answer in answers[-5:]]}"
            if answers:
                self.trade_counts["asked again"] += 1
                await asyncio.sleep(0.05)
            chosen = dice.sample(sorted(doors), copies)
            answers += await asyncio.gather(*(doors[name].post(BOOK, body) for name in chosen))
        unknown = any(not answer.is_definite and not answer.applied_nothing for answer in answers)
        first = [answer for answer in told if not answer.body.get("replayed")]
        refused = told[0].status == 409
        assert all(answer.told == told[0].told for answer in told), f"{key}: told differently"
        assert refused or len(first) == 1 or (unknown and not first), f"{key} was booked {len(first)} times"
        self.trade_counts["refused" if refused else "acknowledged"] += 1
        self.trade_counts["replayed"] += len(told) - len(first)
        self.trade_counts["unknown, then resolved"] += unknown
        assert told[0].status in {200, 409}, f"{key}: {told[0]}"
        trade_id = None if refused else told[0].body["trade_id"]
        self.promises[key] = Promise(wish, body, trade_id, told[0].slug or None, told[0].told)
        return self.promises[key]

    async def _look_for(self, symbol: str, held: int, dice: random.Random, doors: dict[str, Client]) -> None:
        """Every instance shows at once what was acknowledged by any."""
        name = dice.choice(sorted(doors))
        answer = await doors[name].get("/positions")
        if answer.status != 200 or answer.body["stale"]:
            self.trade_counts["reads without an answer"] += 1
            return
        shown = sum(units(p["quantity"]) for p in answer.body["positions"] if p["symbol"] == symbol)
        assert shown == held, f"{name} shows {shown} of {symbol}, and {held} were acknowledged before it was asked"
        self.trade_counts["own writes seen on any instance"] += 1

    async def _look_twice(self, dice: random.Random, doors: dict[str, Client]) -> None:
        """What one instance has shown, every other shows too."""
        first, second = dice.sample(sorted(doors), 2)
        before = await doors[first].get("/portfolio")
        after = await doors[second].get("/portfolio")
        if before.status != 200 or after.status != 200 or after.body["portfolio"]["stale"]:
            self.trade_counts["reads without an answer"] += 1
            return
        revisions = before.body["portfolio"]["revision"], after.body["portfolio"]["revision"]
        assert revisions[0] <= revisions[1], f"{second} is behind what {first} had shown: {revisions}"
        self.trade_counts["others' writes seen in order"] += 1

    async def _watch_leaders(self) -> None:
        """Ask all instances, again and again, which of them refreshes."""
        async with httpx.AsyncClient(timeout=10) as client:
            while not self.ends.is_set():
                for name, instance in self.fleet.instances.items():
                    with suppress(httpx.TransportError):
                        answer = await client.get(f"{instance.url}/health")
                        assert answer.status_code in {200, 503}, f"{answer.text}\n{instance.output()[-5000:]}"
                        if answer.json()["refresher"]["leader"]:
                            self.leaders_seen.append(name)
                await asyncio.sleep(SAMPLE_SECONDS)


def _wish(symbol: str, held: int, dice: random.Random) -> Wish:
    """Return a purchase, a sale of what is held, or now and then of more than that."""
    quantity = dice.randrange(1, 4 * ONE)
    buys = held == 0 or dice.random() < 0.55
    if not buys and dice.random() < 0.8:
        quantity = dice.randrange(1, held + 1)
    net = max(quantity * PRICE, 1)
    return Wish(
        symbol=symbol, buys=buys, quantity=quantity, price=PRICE * ONE, net=net, fees=net // 1000, included=False
    )


def flips(leaders_seen: list[str]) -> int:
    """Return how often another instance was seen as the leader than the time before."""
    return sum(one != other for one, other in pairwise(leaders_seen))
