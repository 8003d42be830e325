"""Where a subscriber is, and what comes next for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from portfolio.application.stream.blocks import OtherHistory
from portfolio.application.stream.records import BEFORE_ALL, Frame, Place, State, StreamRequest, Topic

if TYPE_CHECKING:
    from portfolio.application.stream.broadcast import Broadcast


class Cursor:
    """A place in the books, and the numbers of what was told last of all that has numbers."""

    def __init__(self, stream: Broadcast, wanted: StreamRequest) -> None:
        self._stream = stream
        self._follows = Topic.ENTRIES in wanted.topics
        self._epoch = stream.epoch
        self._seen = self._signals_seen = self._health_seen = 0
        self._entries_at = self._state_at = 0.0
        self._known = BEFORE_ALL
        self.topics = wanted.topics
        self.is_resumed = False

    @property
    def place(self) -> Place:
        """Return up to where the subscriber knows the books; who wants no entries misses none."""
        return self._known if self._follows else self._stream.place

    async def begin(self, after: Place | None) -> Sequence[Frame]:
        """Begin after a place, None is now, and return the first messages."""
        first = await self._begin(after)
        now, resumed = self._stream.clock.now(), self.is_resumed
        return [self._stream.writer.hello(self._known, resumed=resumed, now=now), *first]

    async def look_back(self) -> Sequence[Frame]:
        """Return the messages to begin anew with where the books have become others; none where they have not."""
        if self._epoch == self._stream.epoch:
            return ()
        epoch = self._stream.epoch
        first = await self._begin(self._known)
        self._epoch = epoch
        return first

    def new_state(self, now: float) -> Sequence[Frame]:
        """Return the newest state, and prices, once the entries before it were told."""
        stream, state = self._stream, self._stream.state
        if state is None or not self._is_due(state) or now < self._state_at:
            return ()
        seen, self._seen = self._seen, state.number
        self._known, self._state_at = state.place, now + stream.pace.state
        frames: list[Frame] = []
        if Topic.STATE in self.topics:
            key = ("state", state.number, seen)
            frames += stream.frames.once(key, lambda: stream.writer.state(state, stream.changes.since(seen)))
        if Topic.PRICES in self.topics and (priced := stream.changes.priced_since(seen)):
            frames.append(
                stream.frames.once(("prices", state.number, seen), lambda: stream.writer.prices(state, priced))
            )
        return frames

    async def new_entries(self, now: float) -> Frame | None:
        """Return the next entries: up to a state that waits for them, else as far as there are."""
        if not self._are_due() or now < self._entries_at:
            return None
        until, state = self._stream.place, self._stream.state
        if state is not None and self._known.ledger < state.place.ledger < until.ledger:
            until = state.place
        try:
            block = await self._stream.blocks.after(self._known, until)
        except OtherHistory:
            self._epoch = -1  # looked at before anything else is told
            self.try_again(now)
            return None
        self._known, self._entries_at = block.end, now + self._stream.pace.entries
        return block.frame

    def news(self, now: datetime) -> Frame | None:
        """Return what is new beside the books."""
        news, stream, place = self._stream.news, self._stream, self.place
        if Topic.SIGNALS in self.topics and news.signals_number > self._signals_seen:
            seen, self._signals_seen = self._signals_seen, news.signals_number
            signals = news.signals_since(seen, ended=self.is_resumed)
            if signals:
                who = ("signals", news.signals_number, seen, self.is_resumed, place)
                return stream.frames.once(who, lambda: stream.writer.signals(place, signals, now))
        if Topic.HEALTH in self.topics and news.health is not None and news.health_number > self._health_seen:
            health, self._health_seen = news.health, news.health_number
            key = ("health", news.health_number, place)
            return stream.frames.once(key, lambda: stream.writer.health(place, health, now))
        return None

    def try_again(self, now: float) -> None:
        """Have the entries asked for again in a while."""
        self._entries_at = now + self._stream.pace.again

    def due(self) -> float | None:
        """Return when what there is may be told; None where nothing waits for its time."""
        state = self._stream.state
        due = [self._entries_at] if self._are_due() or self._epoch != self._stream.epoch else []
        if state is not None and self._is_due(state):
            due.append(self._state_at)
        return min(due, default=None)

    async def _begin(self, after: Place | None) -> Sequence[Frame]:
        """Go on after a place; where it is none of these books, begin with the whole portfolio as it is."""
        stream, reason = self._stream, None
        if after is not None:
            reason = await stream.judge(after)
            if reason is None:
                self._known, self.is_resumed = after, after.ledger > 0
                return ()
        state = stream.state
        assert state is not None
        self._known, self._seen = state.place, state.number
        key = ("snapshot", state.number, state.valuation.at.replace(microsecond=0))
        frames = stream.frames.once(key, lambda: stream.writer.snapshot(state))
        if reason is None:
            return frames
        stream.counts.resets[reason] += 1
        return [stream.writer.reset(reason), *frames]

    def _is_due(self, state: State) -> bool:
        is_new = state.number > self._seen
        return is_new and (not self._follows or state.place.ledger == self._known.ledger)

    def _are_due(self) -> bool:
        return self._follows and self._stream.place.ledger > self._known.ledger
