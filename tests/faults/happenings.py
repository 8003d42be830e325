"""Events of every kind, alone and many at once, and taking them out: asked in a fault, settled when it has passed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.faults.harness.books import units
from tests.faults.harness.clients import Answer, text
from tests.faults.harness.model import KEPT
from tests.faults.harness.scene import Scene
from tests.unit.domain.ledger.event_model import Done, Event

_AMOUNTS = ("quantity", "amount", "value", "basis", "to_quantity", "ratio")
_DELTAS = ("cash_delta", "net_deposits_delta", "realized_delta")


def body_of(event: Event, key: str) -> dict[str, str]:
    """Return what is sent of an event."""
    stated = {"kind": event.kind, "client_event_id": key}
    stated |= {"label": "staking"} if event.kind == "income" else {}
    stated |= {name: symbol for name in ("symbol", "to_symbol") if (symbol := getattr(event, name))}
    return stated | {name: text(amount) for name in _AMOUNTS if (amount := getattr(event, name))}


def compare(told: dict[str, Any], done: Done) -> None:
    """Compare what an answer says that an event moved with what the model moved, to the last digit."""
    assert [units(told[name]) for name in _DELTAS] == [done.cash, done.deposits, done.realized]
    assert [(leg["symbol"], units(leg["quantity_delta"]), units(leg["basis_delta"])) for leg in told["legs"]] == [
        (part.symbol, part.quantity, part.basis) for part in done.parts
    ]


def take(scene: Scene, event: Event, key: str, answer: Answer) -> None:
    """Compare a definite answer with what the model expects, and book it there."""
    expected = scene.model.expect_event(event)
    if expected is not None:
        assert (answer.status, answer.slug) == KEPT[expected], f"event: {answer} instead of {expected}"
        scene.model.refuse_transaction(key)
        scene.trade_counts["refused"] += 1
        return
    assert answer.status == 200, f"event: {answer}"
    trade_ids = answer.body["event"]["trade_ids"]
    compare(answer.body, scene.model.happen(event, key, answer.body["event_id"], trade_ids))
    scene.trade_counts["acknowledged"] += 1


@dataclass(slots=True)
class Happen:
    """An event with a key."""

    key: str
    event: Event
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, scene: Scene) -> None:
        """Send it."""
        self.answers = [await self._post(scene)]

    async def settle(self, scene: Scene) -> None:
        """Compare with what the model does; the key tells the same afterwards."""
        answer = await scene.until_definite(lambda: self._post(scene), self.answers)
        take(scene, self.event, self.key, answer)
        found = await scene.until_definite(lambda: scene.client.get(f"/events?client_event_id={self.key}"), [])
        assert found.status == 200, str(found)
        events, refused = found.body["events"], found.body["refused"]
        if answer.status == 200:
            assert ([one["id"] for one in events], refused) == ([answer.body["event_id"]], [])
        else:
            assert (events, [one["http_status"] for one in refused]) == ([], [answer.status])

    async def _post(self, scene: Scene) -> Answer:
        return await scene.client.post("/events", json.dumps(body_of(self.event, self.key)).encode())


@dataclass(slots=True)
class HappenAtOnce:
    """Many events in one transaction: all of it is in the books, or nothing."""

    items: list[tuple[str, Event]]
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, scene: Scene) -> None:
        """Send them."""
        self.answers = [await self._post(scene)]

    async def settle(self, scene: Scene) -> None:
        """Ask again until it is known; a replay is one of the whole."""
        answer = await scene.until_definite(lambda: self._post(scene), self.answers)
        assert answer.status == 200, f"a batch of events: {answer}"
        told: dict[str, Answer] = {}
        for result, (key, event) in zip(answer.body["results"], self.items, strict=True):
            one = Answer(result["http_status"], result["event"] or result["problem"])
            if key in told:  # twice in one batch: the second is a replay
                assert (one.told, result["replayed"]) == (told[key].told, True)
                continue
            told[key] = one
            take(scene, event, key, one)
        firsts = {one.body["replayed"] for one in told.values()}
        assert len(firsts) == 1, "a part of a batch was booked before the rest"
        scene.trade_counts["replayed"] += len(told) if firsts == {True} else 0

    async def _post(self, scene: Scene) -> Answer:
        body = {"events": [body_of(event, key) for key, event in self.items]}
        return await scene.client.post("/events/batch", json.dumps(body).encode())


@dataclass(slots=True)
class TakeOut:
    """An event taken out, a swap with its trades; asked again it is a replay."""

    index: int
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, scene: Scene) -> None:
        """Ask for it."""
        self.answers = [await self._post(scene)]

    async def settle(self, scene: Scene) -> None:
        """Compare with what the model does."""
        answer = await scene.until_definite(lambda: self._post(scene), self.answers)
        event = scene.model.events[self.index]
        if event.reversed_by:
            assert (answer.status, answer.body.get("event_id")) == (200, event.reversed_by), str(answer)
            assert answer.body["replayed"] is True
            scene.trade_counts["replayed"] += 1
            return
        expected = scene.model.expect_taking_out(self.index)
        if expected is not None:
            assert (answer.status, answer.slug) == KEPT[expected], f"taking out: {answer} instead of {expected}"
            scene.trade_counts["refused"] += 1
            return
        assert answer.status == 200, f"taking out: {answer}"
        rules = scene.model.rules
        before = (rules.cash, rules.deposits, rules.realized)
        scene.model.take_out(self.index, answer.body["event_id"], answer.body["event"]["trade_ids"])
        moved = [now - then for now, then in zip((rules.cash, rules.deposits, rules.realized), before, strict=True)]
        assert [units(answer.body[name]) for name in _DELTAS] == moved, f"taking out: {answer.body}"
        scene.trade_counts["acknowledged"] += 1

    async def _post(self, scene: Scene) -> Answer:
        return await scene.client.post(f"/events/{scene.model.events[self.index].id}/reverse", b"{}")
