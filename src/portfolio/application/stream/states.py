"""The states that are told: the portfolio at its prices, each time that it is another one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from portfolio.application.clock import Clock
from portfolio.application.history.recent import RecentPerformance
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.risk.state import ReadMarket
from portfolio.application.stream.changes import Changes
from portfolio.application.stream.records import Pace, Place, State


@dataclass(slots=True)
class States:
    """The newest state, and what changed with it."""

    market: ReadMarket
    performance: RecentPerformance
    clock: Clock
    pace: Pace
    changes: Changes
    newest: State | None = field(default=None, init=False)
    _due_at: float = field(default=0.0, init=False)
    _aged_at: float = field(default=0.0, init=False)

    async def look(self, snapshot: Snapshot, place: Place, *, at_once: bool) -> State | None:
        """Return the newest state of a snapshot, whose ledger is at ``place``: the last one where nothing is new.

        ``at_once``: however short a time ago the last one was made, and with the ages of this moment.
        """
        last, now, moment = self.newest, asyncio.get_running_loop().time(), self.clock.now()
        place = replace(place, prices=snapshot.revisions.prices)
        is_same = last is not None and _is_same(last, snapshot, place)
        if not at_once and now < (self._aged_at if is_same else self._due_at):
            return last
        self._aged_at = now + self.pace.ages
        valuation = self.market.valued(snapshot, moment)
        if last is not None and is_same and valuation.statuses == last.valuation.statuses:
            if at_once:
                self.newest = replace(last, snapshot=snapshot, valuation=valuation)
            return self.newest
        performance = await self.performance(snapshot, moment)
        number = 1 if last is None else last.number + 1
        self.changes.take(number, valuation)
        self._due_at = now + self.pace.state
        self.newest = State(number=number, place=place, snapshot=snapshot, valuation=valuation, performance=performance)
        return self.newest


def _is_same(last: State, snapshot: Snapshot, place: Place) -> bool:
    before = last.snapshot
    is_away = before.database_away is snapshot.database_away
    return before.portfolio is snapshot.portfolio and is_away and last.place == place
