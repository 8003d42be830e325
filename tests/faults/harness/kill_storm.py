"""A service killed again and again under load: whatever its clients were told is in the books, and nothing else."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.harness.books import Books, units
from tests.faults.harness.clients import Answer, Client, booking
from tests.faults.harness.world import INITIAL_CASH, MARKET, World
from tests.unit.domain.ledger.ledger_model import ONE, Wish

KILL_WITHIN_ANSWERS = 60
"""A kill comes after so many answers at most: sometimes before the first, mostly amid the load."""


@dataclass(slots=True)
class Storm:
    """``clients`` that each book one keyed execution after another, and ``kills`` meanwhile."""

    world: World
    seed: int
    clients: int
    kills: int
    acknowledged: dict[str, tuple[int, Wish]] = field(default_factory=dict)
    trade_counts: Counter[str] = field(default_factory=Counter)
    _answers: int = 0
    _over: bool = False
    _answered: asyncio.Event = field(default_factory=asyncio.Event)
    _up: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> str:
        """Return the figures, once every client knows what became of its last booking."""
        started = time.monotonic()
        self._up.set()
        working = [asyncio.create_task(self._work(number)) for number in range(self.clients)]
        dice = random.Random(self.seed)
        for _ in range(self.kills):
            await self._until_answers(self._answers + dice.randrange(KILL_WITHIN_ANSWERS))
            await asyncio.sleep(dice.uniform(0, 0.01))
            self._up.clear()
            await self.world.kill()
            self.trade_counts["kills"] += 1
            await self.world.start()
            self._up.set()
        await self._until_answers(self._answers + self.clients)
        self._over = True
        await asyncio.gather(*working)
        self.trade_counts["acknowledged"] = len(self.acknowledged)
        self.trade_counts["seconds"] = round(time.monotonic() - started)
        database = "SQLite" if self.world.is_sqlite else "MariaDB"
        figures = ", ".join(f"{count} {name}" for name, count in sorted(self.trade_counts.items()))
        return f"{database}, seed {self.seed}, {self.clients} clients: {figures}"

    async def _work(self, number: int) -> None:
        client, dice = Client(self.world.service.url), random.Random(f"{self.seed}/{number}")
        try:
            bought, turn = 0, 0
            while not self._over:
                key = f"storm-{number}-{turn}"
                # Every client buys three and sells one, of what it bought: there is always enough.
                wish = _wish(dice, buys=turn % 4 != 3 or not bought)
                answer = await self._until_told(client, booking(wish, key))
                assert answer.status == 200, f"seed {self.seed}, {key}: {answer}"
                self.acknowledged[key] = (answer.body["trade_id"], wish)
                bought, turn = bought + wish.buys, turn + 1
        finally:
            await client.close()

    async def _until_told(self, client: Client, body: bytes) -> Answer:
        """Return the definite answer to a body; it is sent again, with its key, until there is one."""
        asked = 0
        while True:
            await self._up.wait()
            answer = await client.post("/holdings/update", body)
            asked += 1
            if answer.is_definite:
                break
            if answer.status is not None:
                await asyncio.sleep(0.05)
        if asked > 1:
            self.trade_counts["unknown, then resolved"] += 1
        if answer.body.get("replayed"):
            self.trade_counts["replayed"] += 1
        self._answers += 1
        self._answered.set()
        return answer

    async def _until_answers(self, number: int) -> None:
        while self._answers < number:
            self._answered.clear()
            await self._answered.wait()

    def compare(self, books: Books) -> None:
        """Compare what was acknowledged with what is booked, exactly."""
        told = sorted((trade_id, key) for key, (trade_id, _) in self.acknowledged.items())
        assert sorted(books.trades) == told, f"seed {self.seed}: {set(books.trades) ^ set(told)}"
        wishes = [wish for _, wish in self.acknowledged.values()]
        assert books.cash == INITIAL_CASH * ONE + sum(wish.cash for wish in wishes)
        assert books.cash == books.ledger_cash == books.replayed.cash
        for symbol in MARKET:
            held = sum(wish.quantity if wish.buys else -wish.quantity for wish in wishes if wish.symbol == symbol)
            row, replayed = books.holdings.get(symbol), books.by_symbol.get(symbol)
            assert (row.quantity if row else 0) == (replayed.quantity if replayed else 0) == held, symbol
        assert len(books.outcomes) == len(told)
        assert books.revision == books.entries == books.revisions == len(told) + 2


def _wish(dice: random.Random, *, buys: bool) -> Wish:
    symbol = dice.choice(["ETH", "SOL"])
    price = units(MARKET[symbol])
    quantity = ONE // 1000 if buys else ONE // 10_000
    notional = quantity * price // ONE
    return Wish(symbol, buys, quantity, price, notional, notional // 1000, False)
