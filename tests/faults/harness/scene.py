"""What operations have in common: whom they ask, what the model expects, and how an answer is compared with it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.faults.harness.books import units
from tests.faults.harness.clients import PATIENCE_SECONDS, Answer, Client, text
from tests.faults.harness.model import KEPT, Model, Promise
from tests.faults.harness.world import World
from tests.unit.domain.ledger.ledger_model import Wish


@dataclass(slots=True)
class Scene:
    """What an operation works with, and what it counts."""

    world: World
    client: Client
    model: Model
    trade_counts: Counter[str] = field(default_factory=Counter)

    async def until_definite(self, ask: Callable[[], Awaitable[Answer]], answers: list[Answer]) -> Answer:
        """Return the first definite answer; as long as there is none, ask again."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        if answers and not any(answer.is_definite for answer in answers):
            told = all(answer.applied_nothing for answer in answers)
            self.trade_counts["not applied, then asked again" if told else "unknown, then resolved"] += 1
        while not (definite := [answer for answer in answers if answer.is_definite]):
            assert time.monotonic() < give_up_at, f"no definite answer: {[str(answer) for answer in answers[-5:]]}"
            if len(answers) > 20:
                await asyncio.sleep(0.1)
            answers.append(await ask())
        return definite[0]


class Operation(Protocol):
    """One operation of a client, or of several at once."""

    async def ask(self, scene: Scene) -> None:
        """Send what there is to send, whatever comes back."""
        ...

    async def settle(self, scene: Scene) -> None:
        """Find out what became of it, compare, and tell the model."""
        ...


def take(scene: Scene, wish: Wish, key: str, body: bytes, answer: Answer) -> Promise:
    """Compare a definite answer with what the model expects, and book it there; return what was promised."""
    expected = scene.model.expect(wish)
    if expected is not None:
        assert (answer.status, answer.slug) == KEPT[expected], f"{key!r}: {answer} instead of {expected}"
        scene.trade_counts["refused"] += 1
        return Promise(wish, body, None, expected, answer.told)
    assert answer.status == 200, f"{key!r}: {answer}, and it can be booked"
    realized = scene.model.book(wish, answer.body["trade_id"], key)
    scene.trade_counts["acknowledged"] += 1
    compare_position(scene, wish.symbol, answer.body, realized)
    return Promise(wish, body, answer.body["trade_id"], None, answer.told)


def compare_position(scene: Scene, symbol: str, told: dict[str, Any], realized: int) -> None:
    """Compare the figures of an answer with the model's, to the last digit."""
    holding, position = scene.model.holding(symbol), told["position"]
    found = [told["cash_balance"], told["realized_pnl"], position["quantity"], position["cost_basis"]]
    wanted = [scene.model.rules.cash, realized, holding.quantity, holding.basis]
    assert [units(value) for value in found] == wanted, f"{symbol}: {found} instead of {[*map(text, wanted)]}"
