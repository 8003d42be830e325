"""Bookings of every kind, each in two parts: asked in the midst of a fault, and settled when that has passed.

Settling asks again, with the same key, until the answer is definite; then the model is told what became of it, and
what clients were told is compared with what the model expects.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.faults.harness.clients import Answer, booking, send_and_vanish
from tests.faults.harness.model import Promise
from tests.faults.harness.scene import Scene, take
from tests.unit.domain.ledger.ledger_model import Wish

BOOK = "/holdings/update"


@dataclass(slots=True)
class Book:
    """One keyed booking, or several copies of it at once; ``vanish`` says how much a client sends who goes away."""

    key: str
    wish: Wish
    copies: int = 1
    vanish: str = ""
    answers: list[Answer] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """Return what is sent."""
        return booking(self.wish, self.key)

    async def ask(self, scene: Scene) -> None:
        """Send the copies at once."""
        if self.vanish:
            try:
                await send_and_vanish(scene.world.service.port, self.body, whole=self.vanish == "whole")
            except OSError:
                return
            return
        posts = (scene.client.post(BOOK, self.body) for _ in range(self.copies))
        self.answers = list(await asyncio.gather(*posts))

    async def settle(self, scene: Scene) -> None:
        """Ask again until it is known; every copy has to be told the same."""
        if self.answers and all(answer.applied_nothing for answer in self.answers):
            assert not scene.world.tables.has_key(self.key), f"{self.key}: {self.answers[0]}, and it was applied"
        lost = [answer for answer in self.answers if not answer.is_definite and not answer.applied_nothing]
        await scene.until_definite(lambda: scene.client.post(BOOK, self.body), self.answers)
        told = [answer for answer in self.answers if answer.is_definite]
        first = [answer for answer in told if not answer.body.get("replayed")]
        scene.trade_counts["replayed"] += len(told) - len(first)
        assert len(first) <= 1, f"{self.key} was booked by {len(first)} copies"
        assert first or lost or self.vanish == "whole", f"{self.key} is a replay of nothing"
        assert all(answer.told == told[0].told for answer in told), f"{self.key}: copies were told differently"
        promise = take(scene, self.wish, self.key, self.body, told[0])
        scene.model.keep(self.key, promise)


@dataclass(slots=True)
class Crowd:
    """Several clients at once, each with a purchase of its own: in whatever order, all are booked."""

    bookings: list[Book]

    async def ask(self, scene: Scene) -> None:
        """Send them all at once."""
        await asyncio.gather(*(one.ask(scene) for one in self.bookings))

    async def settle(self, scene: Scene) -> None:
        """Find out about each; the model books them in the order of the ledger."""
        answers: dict[str, Answer] = {}
        for one in self.bookings:
            ask = lambda one=one: scene.client.post(BOOK, one.body)  # noqa: E731  # bound now, used at once
            await scene.until_definite(ask, one.answers)
            [answers[one.key]] = {str(a.told): a for a in one.answers if a.is_definite}.values()
            assert answers[one.key].status == 200, f"{one.key}: {answers[one.key]}"
        for one in sorted(self.bookings, key=lambda one: int(answers[one.key].body["trade_id"])):
            told = answers[one.key]
            scene.model.book(one.wish, told.body["trade_id"], one.key)
            scene.model.keep(one.key, Promise(one.wish, one.body, told.body["trade_id"], None, told.told))
            scene.trade_counts["acknowledged"] += 1


@dataclass(slots=True)
class Batch:
    """Many bookings in one transaction: all of it is in the books, or nothing."""

    items: list[tuple[str, Wish]]
    answers: list[Answer] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """Return what is sent."""
        return b'{"bookings":[' + b",".join(booking(wish, key) for key, wish in self.items) + b"]}"

    async def ask(self, scene: Scene) -> None:
        """Send it."""
        self.answers = [await scene.client.post(f"{BOOK}/batch", self.body)]

    async def settle(self, scene: Scene) -> None:
        """Ask again until it is known; a replay is one of the whole."""
        keys = {key for key, _ in self.items}
        if self.answers[0].applied_nothing:
            assert not any(map(scene.world.tables.has_key, keys)), f"{self.answers[0]}, and it was applied"
        answer = await scene.until_definite(lambda: scene.client.post(f"{BOOK}/batch", self.body), self.answers)
        assert answer.status == 200, f"a batch: {answer}"
        results, seen = answer.body["results"], set[str]()
        firsts = {
            bool(result["replayed"])
            for result, (key, _) in zip(results, self.items, strict=True)
            if key not in seen and not seen.add(key)  # type: ignore[func-returns-value]  # adds, and is falsy
        }
        assert len(firsts) == 1, "a part of a batch was booked before the rest"
        for result, (key, wish) in zip(results, self.items, strict=True):
            scene.trade_counts["replayed"] += bool(result["replayed"])
            one = Answer(result["http_status"], result["booking"] or result["problem"])
            known = scene.model.promises.get(key)
            if known is not None:
                assert one.told == known.answer, f"{key}: told differently in one batch"
                continue
            scene.model.keep(key, take(scene, wish, key, booking(wish, key), one))


@dataclass(slots=True)
class Unkeyed:
    """A booking without a key: never sent twice. Where no answer comes, the tables say what became of it."""

    wish: Wish
    answer: Answer | None = None

    async def ask(self, scene: Scene) -> None:
        """Send it once."""
        self.answer = await scene.client.post(BOOK, booking(self.wish, None))

    async def settle(self, scene: Scene) -> None:
        """Take the answer; without one look into the tables when the service has finished all it had begun."""
        assert self.answer is not None
        if self.answer.is_definite:
            if take(scene, self.wish, "", b"", self.answer).refused:
                scene.model.refuse_unkeyed()
            return
        scene.trade_counts["unknown, then resolved"] += 1
        await scene.world.terminate()
        await scene.world.start()
        books = scene.world.tables.read()
        known = set(scene.model.all_trade_ids)
        for trade_id, _ in books.trades:
            if trade_id not in known:
                scene.model.book(self.wish, trade_id)
                scene.trade_counts["acknowledged"] += 1
        if sum(not key for key, *_ in books.outcomes) > scene.model.unkeyed_refusals:
            scene.model.refuse_unkeyed()


@dataclass(slots=True)
class Again:
    """A key that was decided before: with the same body a replay to the letter, with another one 422."""

    key: str
    changed: bool
    answers: list[Answer] = field(default_factory=list)

    def _body(self, scene: Scene) -> bytes:
        promise = scene.model.promises[self.key]
        return booking(promise.wish, self.key, notes="another") if self.changed else promise.body

    async def ask(self, scene: Scene) -> None:
        """Send it."""
        self.answers = [await scene.client.post(BOOK, self._body(scene))]

    async def settle(self, scene: Scene) -> None:
        """Compare with what the key was told before."""
        answer = await scene.until_definite(lambda: scene.client.post(BOOK, self._body(scene)), self.answers)
        if self.changed:
            assert (answer.status, answer.slug) == (422, "key-reused"), f"{self.key}: {answer}"
            scene.trade_counts["refused, key of another"] += 1
            return
        promise = scene.model.promises[self.key]
        assert answer.body.get("replayed") is True, f"{self.key}: {answer} is no replay"
        assert answer.told == promise.answer, f"{self.key}: {answer.told} instead of {promise.answer}"
        scene.trade_counts["replayed"] += 1


@dataclass(slots=True)
class Lookup:
    """What became of a key, which may not exist."""

    key: str
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, scene: Scene) -> None:
        """Ask."""
        self.answers = [await scene.client.get(f"/bookings/{self.key}")]

    async def settle(self, scene: Scene) -> None:
        """Compare with what was promised."""
        answer = await scene.until_definite(lambda: scene.client.get(f"/bookings/{self.key}"), self.answers)
        promise = scene.model.promises.get(self.key)
        if promise is None:
            assert answer.status == 404, f"{self.key}: {answer}"
            return
        assert answer.status == 200, f"{self.key}: {answer}"
        assert answer.body["booking"]["status"] == ("booked" if promise.trade_id else "refused")
        assert answer.body["booking"]["trade_id"] == promise.trade_id


@dataclass(slots=True)
class Malformed:
    """What is no booking at all: refused, and nothing kept."""

    body: bytes
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, scene: Scene) -> None:
        """Send it."""
        self.answers = [await scene.client.post(BOOK, self.body)]

    async def settle(self, scene: Scene) -> None:
        """It has to be refused as malformed."""
        answer = await scene.until_definite(lambda: scene.client.post(BOOK, self.body), self.answers)
        assert answer.status in {400, 413}, f"{self.body[:100]!r}: {answer}"
        scene.trade_counts["refused, malformed"] += 1
