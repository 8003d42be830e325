"""What happens beside bookings: reversals, cash, reads, refreshes, and another engine that writes the shared rows."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.faults.harness.books import units
from tests.faults.harness.clients import Answer, text
from tests.faults.harness.model import KEPT
from tests.faults.harness.scene import Scene, compare_position
from tests.faults.harness.world import until

# Five by the contract; the rest is for the machine, which may be busy.
SEEN_SECONDS = 20.0


@dataclass(slots=True)
class Reverse:
    """A trade taken back; asked again it is a replay."""

    index: int
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, scene: Scene) -> None:
        """Ask for it."""
        self.answers = [await self._post(scene)]

    async def settle(self, scene: Scene) -> None:
        """Compare with what the model does."""
        answer = await scene.until_definite(lambda: self._post(scene), self.answers)
        model, trade_id = scene.model, scene.model.trade_ids[self.index]
        if trade_id in model.reversals:
            assert (answer.status, answer.body.get("trade_id")) == (200, model.reversals[trade_id]), str(answer)
            assert answer.body["replayed"] is True
            scene.trade_counts["replayed"] += 1
            return
        expected = model.expect_reversal(self.index)
        if expected is not None:
            assert (answer.status, answer.slug) == KEPT[expected], f"reversal: {answer} instead of {expected}"
            scene.trade_counts["refused"] += 1
            return
        assert answer.status == 200, f"reversal: {answer}"
        before = model.rules.realized
        model.reverse(self.index, answer.body["trade_id"])
        scene.trade_counts["acknowledged"] += 1
        compare_position(scene, model.rules.trades[self.index].symbol, answer.body, model.rules.realized - before)

    async def _post(self, scene: Scene) -> Answer:
        return await scene.client.post(f"/trades/{scene.model.trade_ids[self.index]}/reverse", b"{}")


@dataclass(slots=True)
class Move:
    """A deposit, or a withdrawal below zero, with a key."""

    key: str
    amount: int
    answers: list[Answer] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """Return what is sent."""
        kind = "deposit" if self.amount > 0 else "withdrawal"
        named = json.dumps({"kind": kind, "client_transaction_id": self.key})
        return f'{named[:-1]},"amount":{text(abs(self.amount))}}}'.encode()

    async def ask(self, scene: Scene) -> None:
        """Send it."""
        self.answers = [await scene.client.post("/cash/transactions", self.body)]

    async def settle(self, scene: Scene) -> None:
        """Compare with what the model does; a refusal is kept, and answered again from then on."""
        answer = await scene.until_definite(lambda: scene.client.post("/cash/transactions", self.body), self.answers)
        if scene.model.rules.cash + self.amount < 0:
            assert (answer.status, answer.slug) == (409, "insufficient-cash"), str(answer)
            scene.model.refuse_transaction(self.key)
            scene.trade_counts["refused"] += 1
            return
        assert answer.status == 200, str(answer)
        scene.model.move(self.amount, self.key, answer.body["transaction"]["id"])
        assert units(answer.body["cash_balance"]) == scene.model.rules.cash
        assert units(answer.body["net_deposits"]) == scene.model.rules.deposits
        scene.trade_counts["acknowledged"] += 1


READS = ("/portfolio", "/positions", "/health", "/bookings?status=refused&limit=20", "/trades?limit=20", "/performance")


@dataclass(slots=True)
class Read:
    """A question, or several at once: an answer there is, however the database is."""

    path: str
    times: int = 1

    async def ask(self, scene: Scene) -> None:
        """Ask; a portfolio read is exact, however old."""
        answers = await asyncio.gather(*(scene.client.get(self.path) for _ in range(self.times)))
        for answer in answers:
            assert answer.status in {None, 200, 503}, f"{self.path}: {answer}"
            if self.path == "/portfolio" and answer.status == 200:
                compare_identity(answer.body["portfolio"])

    async def settle(self, scene: Scene) -> None:
        """Once the fault has passed there is an answer, and it is of now."""
        await scene.until_definite(lambda: scene.client.get(self.path), [])


def compare_identity(told: dict[str, Any]) -> None:
    """Compare the sums of an answer with each other, to the last digit."""
    parts = ("net_deposits", "realized_pnl", "unrealized_pnl", "unreconciled")
    assert units(told["total_value"]) == sum(units(told[name]) for name in parts), f"the identity is broken: {told}"
    assert units(told["total_value"]) == units(told["cash_balance"]) + units(told["invested_amount"])
    worth = sum((Decimal(position["market_value"]) for position in told["positions"]), Decimal(0))
    assert units(told["invested_amount"]) == units(worth), f"the positions are not the invested amount: {told}"


@dataclass(slots=True)
class Refresh:
    """New prices, wherever they can be had."""

    async def ask(self, scene: Scene) -> None:
        """Ask for them: there are some, or there are none; no other answer."""
        answer = await scene.client.post("/portfolio/refresh", b"{}")
        assert answer.status in {None, 200, 503}, f"refresh: {answer}"
        scene.trade_counts["prices refreshed" if answer.status == 200 else "prices not refreshed"] += 1

    async def settle(self, scene: Scene) -> None:
        """Ask again for true prices, so that what was wild is forgotten."""
        await scene.client.post("/portfolio/refresh", b"{}")


@dataclass(slots=True)
class ForeignWrite:
    """Another engine trades on its own and writes the shared rows, as it does when the service is away."""

    symbol: str | None
    cash: int
    factor: Decimal = Decimal(1)

    async def ask(self, scene: Scene) -> None:
        """Write at once: engines do not ask."""
        model, quantity, basis = scene.model, 0, 0
        with scene.world.tables.transaction("BEGIN IMMEDIATE" if scene.world.is_sqlite else "BEGIN") as cursor:
            if self.symbol is not None:
                holding = model.holding(self.symbol)
                quantity = int(holding.quantity * self.factor) - holding.quantity
                basis = int(holding.basis * self.factor) - holding.basis
                cursor.execute(
                    f"UPDATE mock_holdings SET quantity = '{text(holding.quantity + quantity)}',"
                    f" total_invested = '{text(holding.basis + basis)}', updated_at = CURRENT_TIMESTAMP"
                    f" WHERE symbol = '{self.symbol}'"
                )
            cursor.execute(
                f"UPDATE mock_portfolio SET cash_balance = '{text(model.rules.cash + self.cash)}',"
                " updated_at = CURRENT_TIMESTAMP"
            )
        model.move_foreign(self.symbol, cash=self.cash, quantity=quantity, basis=basis)

    async def settle(self, scene: Scene) -> None:
        """Wait until the service has seen it, and calls it unreconciled."""
        scene.trade_counts["foreign writes"] += 1
        wanted = (scene.model.rules.cash, scene.model.rules.unreconciled)

        async def seen() -> bool:
            answer = await scene.client.get("/portfolio")
            told = answer.body.get("portfolio", {})
            return answer.status == 200 and (units(told["cash_balance"]), units(told["unreconciled"])) == wanted

        await until(seen, "another engine's write is not seen as unreconciled", SEEN_SECONDS)


@dataclass(slots=True)
class ForeignTrade:
    """Another engine inserts its own row for a trade: it counts for nothing here."""

    symbol: str

    async def ask(self, scene: Scene) -> None:
        """Insert it."""
        with scene.world.tables.transaction("BEGIN IMMEDIATE" if scene.world.is_sqlite else "BEGIN") as cursor:
            cursor.execute(
                "INSERT INTO mock_trades (symbol, side, quantity, price, amount, fee, net_amount, status,"
                f" execution_time, confidence) VALUES ('{self.symbol}', 'BUY', '1', '2', '2', '0', '2', 'FILLED',"
                " CURRENT_TIMESTAMP, '0.5')"
            )

    async def settle(self, scene: Scene) -> None:
        """It is not the service's to settle."""
        scene.trade_counts["foreign writes"] += 1
