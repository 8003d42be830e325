"""A seeded run of random operations among random faults, with every invariant checked after each operation.

The seed decides which operations and which faults come, in which order, with which amounts: the same seed and the
same number of operations make the same run. What it cannot decide is how far the processes have come when a fault
strikes, and in which order bookings arrive that are sent at once; no check depends on either.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from tests.faults.deeds import DEEDS
from tests.faults.harness.books import units
from tests.faults.harness.clients import Client
from tests.faults.harness.faults import FAULTS, Fault
from tests.faults.harness.feeds import FEED_FAULTS
from tests.faults.harness.invariants import check
from tests.faults.harness.model import Model
from tests.faults.harness.operations import Refresh, compare_identity
from tests.faults.harness.plans import Planner
from tests.faults.harness.scene import Operation, Scene
from tests.faults.harness.world import CONNECTIONS, INITIAL_CASH, MARKET, World, until
from tests.unit.domain.ledger.ledger_model import ONE

ASK_EVERY = 5
"""The tables are compared after every operation, what ``/portfolio`` says after so many and after every fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How long a run is: a fault every so many operations, a verification every so many."""

    seed: int
    operations: int
    fault_every: int
    verify_every: int


@dataclass(slots=True)
class Figures:
    """What a run came to."""

    seed: int
    database: str
    operations: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By the name of a fault, how long the operations took that met it."""
    trade_counts: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        total, faults = sum(self.operations.values()), sum(self.faults.values())
        lines = [f"{self.database}, seed {self.seed}: {total} operations, {faults} faults"]
        for title, counts in (
            ("operations", self.operations),
            ("faults", self.faults),
            ("outcomes", self.trade_counts),
        ):
            lines.append(f"  {title}:")
            for name, count in sorted(counts.items()):
                took = f", {self.seconds[name] / count:.1f} s each" if name in self.seconds else ""
                lines.append(f"    {count:>7} {name}{took}")
        lines.append(f"    {time.monotonic() - self.started:>7.0f} seconds")
        return "\n".join(lines)


class RandomRun:
    """One run in one world."""

    def __init__(self, world: World, course: Course) -> None:
        self._world = world
        self._course = course
        model = Model(prices={symbol: units(price) for symbol, price in MARKET.items()})
        model.open(INITIAL_CASH * ONE)
        self._scene = Scene(world, Client(world.service.url), model)
        self._planner = Planner(model, "run")
        self._faults = _deck(random.Random(course.seed), kinds_of(world))
        self.figures = Figures(
            course.seed, "SQLite" if world.is_sqlite else "MariaDB", trade_counts=self._scene.trade_counts
        )

    async def __call__(self) -> Figures:
        """Return the figures of a run in which everything held.

        Raises:
            AssertionError: names the seed, the operation and the fault, and what did not hold.
        """
        try:
            for number in range(1, self._course.operations + 1):
                await self._step(number)
        finally:
            await self._scene.client.close()
        trade_counts = self.figures.trade_counts
        trade_counts.update(self._world.seen)
        trade_counts["milliseconds, slowest answer"] = round(self._scene.client.slowest_seconds * 1000)
        return self.figures

    async def _step(self, number: int) -> None:
        dice = random.Random(f"{self._course.seed}/{number}")
        fault = next(self._faults) if number % self._course.fault_every == 0 else None
        operation: Operation = (
            Refresh()
            if fault is not None and fault.refreshes
            else self._planner.plan(dice, number, faulty=fault is not None)
        )
        name, started = type(operation).__name__.lower(), time.monotonic()
        try:
            async with fault.enter(self._world, dice) if fault else nullcontext():
                await operation.ask(self._scene)
            await operation.settle(self._scene)
            await self._check()
            if fault is not None or number % ASK_EVERY == 0:
                await self._ask()
            if number % self._course.verify_every == 0 or number == self._course.operations:
                await self._verify(number)
        except Exception as error:
            said = self._world.service.output()[-2000:]
            raise AssertionError(
                f"seed {self._course.seed}, operation {number} of {self._course.operations}"
                f" ({name}, fault: {fault.name if fault else 'none'}): {error}\n{operation}\n{said}"
            ) from error
        self.figures.operations[name] += 1
        if fault is not None:
            self.figures.faults[fault.name] += 1
            self.figures.seconds[fault.name] += time.monotonic() - started

    async def _check(self) -> None:
        """Compare the tables with the model."""
        model = self._scene.model
        check(await asyncio.to_thread(self._world.tables.read, model.told), model)

    async def _ask(self) -> None:
        """Compare what the service says of itself with the model; what it calls stale is older, and asked for again."""
        told: dict[str, Any] = {}

        async def fresh() -> bool:
            answer = await self._scene.client.get("/portfolio")
            assert answer.status in {200, 503}, f"/portfolio: {answer}"
            told.update(answer.body.get("portfolio", {}))
            return answer.status == 200 and not told["stale"]

        await until(fresh, "/portfolio stays stale")
        compare_identity(told)
        rules = self._scene.model.rules
        found = {name: units(told[name]) for name in ("cash_balance", "net_deposits", "realized_pnl", "fees_paid")}
        wanted = [rules.cash, rules.deposits, rules.realized, rules.fees]
        assert [*found.values(), told["revision"]] == [*wanted, self._scene.model.revision], f"/portfolio says {found}"

    async def _verify(self, number: int) -> None:
        """Have the service prove its books, accept the unreconciled there is, and count its connections."""
        printed = await self._world.verify()
        assert printed.startswith(f"{len(self._scene.model.all_trade_ids)} trades"), printed
        check(await asyncio.to_thread(self._world.tables.read), self._scene.model)  # every row, listed
        if self._scene.model.has_unreconciled:
            await self._world.reconcile()
            self._scene.model.reconcile()
            await self._until_seen()
            await self._check()
            await self._ask()
        if not self._world.is_sqlite:
            await until(self._few_connections, f"more than {CONNECTIONS} connections are left open")
        self.figures.trade_counts["verifications"] += 1
        so_far = f"{number} operations, {sum(self.figures.faults.values())} faults"
        print(f"{self.figures.database}, seed {self._course.seed}: {so_far}", flush=True)

    async def _until_seen(self) -> None:
        """Wait until the service has read what another process wrote."""

        async def seen() -> bool:
            answer = await self._scene.client.get("/portfolio")
            return answer.status == 200 and answer.body["portfolio"]["revision"] == self._scene.model.revision

        await until(seen, "the reconciliation is not seen")

    async def _few_connections(self) -> bool:
        return self._world.proxy.open_connections <= CONNECTIONS


def kinds_of(world: World) -> list[Fault]:
    """Return the kinds of fault that this world can have; what others do to its tables only with FAULTS_DEEDS."""
    deeds = DEEDS if os.environ.get("FAULTS_DEEDS") else ()
    return [fault for fault in (*FAULTS, *FEED_FAULTS, *deeds) if (fault.sqlite if world.is_sqlite else fault.mysql)]


def _deck(dice: random.Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yield all faults in an order of the dice, and then again, in another: each kind comes as often as any other."""
    while True:
        yield from dice.sample(faults, len(faults))
