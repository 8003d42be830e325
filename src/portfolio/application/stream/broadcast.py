"""Follows the books while somebody listens, and tells all who do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from portfolio.application.announcer import Announcement
from portfolio.application.clock import Clock
from portfolio.application.derived import Derived
from portfolio.application.errors import BooksContradicted, LedgerUnavailable
from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import Revisions
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.rebalancing.records import SignalChanged
from portfolio.application.shared_timeout import SharedTimeout
from portfolio.application.stream.blocks import Blocks, OtherHistory
from portfolio.application.stream.limits import StreamLimits
from portfolio.application.stream.newest_place import NewestPlace
from portfolio.application.stream.news import News
from portfolio.application.stream.ports import Writer
from portfolio.application.stream.records import (
    DEFAULT_PACE,
    Block,
    Counts,
    Pace,
    Place,
    ResetReason,
    State,
    StreamRequest,
    Topic,
)
from portfolio.application.stream.states import States
from portfolio.application.stream.subscription import Subscription


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of."""

    portfolio_id: int
    clock: Clock
    snapshots: Snapshots
    lookups: Lookups
    states: States
    news: News


OF_STATE: Final = frozenset({Topic.STATE, Topic.PRICES, Topic.HEALTH})
"""What a new state may be news for."""

OnError = Callable[[Exception], None]


class Broadcast:  # shape: what is told, and to whom
    """Tells subscribers of every entry once it is committed, and of the newest state.

    Nothing is kept for a subscriber but its place: messages are made once for all who are at the same place. While
    nobody listens nothing is looked at.
    """

    def __init__(
        self, sources: Sources, writer: Writer, limits: StreamLimits, on_error: OnError, pace: Pace = DEFAULT_PACE
    ) -> None:
        self.pace = pace
        self._of = sources
        self._on_error = on_error
        self.writer = writer
        self.limits = limits
        self.clock = sources.clock
        self.blocks = Blocks(sources.lookups, writer, sources.portfolio_id)
        self.changes = sources.states.changes
        self.news = sources.news
        self.frames = Derived()
        self.counts = Counts()
        self.in_time = SharedTimeout(pace.drain)
        self.told: Callable[[float], None] = lambda _seconds: None
        self.epoch = 0
        self.is_ending = self._is_stopped = False
        self._subscriptions: set[Subscription] = set()
        self._wanted: frozenset[Topic] = frozenset()
        self._lock = asyncio.Lock()
        self._woken, self._news_woken = asyncio.Event(), asyncio.Event()
        self._sweeping, self._empty = asyncio.Event(), asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._newest = NewestPlace(self.blocks, pace.check)
        self._moved_at = 0.0

    @property
    def state(self) -> State | None:
        """Return the newest state; None before the first."""
        return self._of.states.newest

    @property
    def place(self) -> Place:
        """Return the newest place in the books."""
        return self._newest.place

    # --- subscribers ------------------------------------------------------------------------------------------------

    async def open(self, wanted: StreamRequest, caller: str, may_listen: Callable[[], bool]) -> Subscription:
        """Return a stream for ``caller``, to be given back to ``close``. It ends soon after ``may_listen`` is untrue.

        Raises:
            TooManyStreams: there are as many as there may be.
        """
        self.limits.admit(caller)
        try:
            await self._look(at_once=True)
            subscription = Subscription(self, wanted, caller, may_listen)
            await subscription.begin(wanted)
        except BaseException:
            self.limits.release(caller)
            raise
        self._subscriptions.add(subscription)
        self._wanted |= subscription.topics
        self.counts.opened += 1
        self._empty.clear()
        self._begin()
        return subscription

    def close(self, subscription: Subscription) -> None:
        """Forget a subscriber."""
        self._subscriptions.discard(subscription)
        self._wanted = frozenset(topic for each in self._subscriptions for topic in each.topics)
        self.limits.release(subscription.caller)
        if not self._subscriptions:
            self._empty.set()
            self._woken.set()
            self._news_woken.set()

    async def end(self) -> None:
        """Say goodbye to all, and return when they have gone, or soon: whoever does not read is not waited for."""
        self.is_ending = True
        self._wake()
        if self._subscriptions:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.pace.end):
                    await self._empty.wait()
        self.in_time.end()

    async def stop(self) -> None:
        """Stop following the books, once what is being looked at was seen."""
        self._is_stopped = True
        self._woken.set()
        self._news_woken.set()
        self._sweeping.set()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        await self.blocks.close()

    def take_notice(self, event: Announcement) -> None:
        """Take notice of what was committed here."""
        if self._subscriptions:
            self._woken.set()
            if isinstance(event, SignalChanged):
                self._news_woken.set()

    async def judge(self, place: Place) -> ResetReason | None:
        """Return why a place is none of these books; None where it is one."""
        async with self._lock:
            return await self._newest.judge(place)

    @property
    def _goes_on(self) -> bool:
        return bool(self._subscriptions) and not self._is_stopped

    # --- following the books ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin to follow the books, or go on with it."""
        for follow in (self._follow_books, self._follow_news, self._sweep):
            task = self._tasks.get(follow.__name__)
            if task is None or task.done():
                self._tasks[follow.__name__] = asyncio.create_task(follow(), name=f"stream{follow.__name__}")

    async def _follow_books(self) -> None:
        while self._goes_on:
            await _event_or(self._woken, self.pace.look)
            rest = self._moved_at + self.pace.entries - _now()
            if rest > 0:
                await asyncio.sleep(rest)
            await self._safely(self._look)

    async def _follow_news(self) -> None:
        while self._goes_on:
            await self._safely(self._look_at_news)
            await _event_or(self._news_woken, self.pace.signals)

    async def _look_at_news(self) -> None:
        signals, health = Topic.SIGNALS in self._wanted, Topic.HEALTH in self._wanted
        if await self.news.look(signals=signals, health=health):
            self._wake(Topic.SIGNALS, Topic.HEALTH)

    async def _sweep(self) -> None:
        """Wake those that are to have a heartbeat, have listened long enough, or may not listen any more."""
        while self._goes_on:
            await _event_or(self._sweeping, self.pace.sweep)
            now = _now()
            for subscription in self._subscriptions:
                if not subscription.may_listen():
                    subscription.until = now
                if now >= min(subscription.told_at + self.pace.heartbeat, subscription.until):
                    subscription.wake()

    async def _safely(self, look: Callable[[], Awaitable[None]]) -> None:
        """Look. While the database is away nothing is told; any other error is reported, and it is looked at again."""
        try:
            await look()
        except LedgerUnavailable:
            await asyncio.sleep(self.pace.again)
        except Exception as error:  # noqa: BLE001  whatever it is, those who listen are to hear of the next entry
            self._on_error(error)
            await asyncio.sleep(self.pace.signals)

    async def _look(self, *, at_once: bool = False) -> None:
        """Look at the books; ``at_once`` at those of this moment, however short a time ago the last ones were told."""
        async with self._lock:
            snapshot = await self._of.snapshots.newest()
            if snapshot.database_away and at_once:
                raise LedgerUnavailable("the database does not answer")
            is_other = not snapshot.database_away and await self._move(snapshot.revisions)
            await self._tell_state(snapshot, at_once=at_once or is_other)
            if is_other:
                self.epoch += 1
                self._wake()

    async def _move(self, revisions: Revisions) -> bool:
        """Move on to the newest entry, tell of those before it, and return whether these are other books than before.

        Raises:
            BooksContradicted: the newest entry is gone.
        """
        was_followed = bool(self._subscriptions)
        try:
            if was_followed:
                with suppress(OtherHistory):
                    known = self.place
                    # Where nobody wants entries: reading them took 4 % of the time of 64 clients' bookings.
                    block = await self._newest.advance(revisions, reads=Topic.ENTRIES in self._wanted)
                    if self.place.ledger != known.ledger:
                        self._tell_entries(block)
                    return False
            # These are other books; or nobody was listening, and what is kept is of a time that nobody looked at.
            await self._newest.jump(revisions)
        except OtherHistory as error:
            raise BooksContradicted(f"the entry of ledger revision {revisions.ledger} is gone") from error
        return was_followed

    def _tell_entries(self, block: Block | None) -> None:
        self._moved_at = _now()
        if block is not None and block.booked_at is not None:
            self.told((self.clock.now() - block.booked_at).total_seconds())
        self._wake(Topic.ENTRIES)

    async def _tell_state(self, snapshot: Snapshot, *, at_once: bool) -> None:
        if snapshot.revisions.ledger != self.place.ledger or (not at_once and self._wanted.isdisjoint(OF_STATE)):
            return
        last = self.state
        state = await self._of.states.look(snapshot, self.place, at_once=at_once)
        if state is None or (last is not None and state.number == last.number):
            return
        if last is None or last.place == state.place:
            # No revision moved: it is another program's write, or the database went or came.
            self.news.expect_health()
            self._news_woken.set()
        self._wake(Topic.STATE, Topic.PRICES)

    def _wake(self, *topics: Topic) -> None:
        """Wake those who want to hear of one of these; all of them where none is named."""
        for subscription in self._subscriptions:
            if not topics or not subscription.topics.isdisjoint(topics):
                subscription.wake()


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _event_or(event: asyncio.Event, seconds: float) -> None:
    """Return when the event has come, or after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
