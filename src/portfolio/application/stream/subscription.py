"""One subscriber: it is told what comes next, as soon as there is something."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.stream.cursor import Cursor
from portfolio.application.stream.records import ByeReason, Frame, StreamRequest, Topic

if TYPE_CHECKING:
    from portfolio.application.stream.broadcast import Broadcast


class Subscription:
    """What is told to one subscriber, message by message.

    ``told_at`` is when the last one was given out, ``until`` when it has listened long enough, ``ended`` why it was
    ended from here. Nothing waits for it but messages that belong together, which others get too.
    """

    def __init__(self, stream: Broadcast, wanted: StreamRequest, caller: str, may_listen: Callable[[], bool]) -> None:
        self._stream = stream
        self._cursor = Cursor(stream, wanted)
        self._next: deque[Frame] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_over = False
        self.caller = caller
        self.may_listen = may_listen
        self.told_at = asyncio.get_running_loop().time()
        self.until = self.told_at + stream.pace.longest
        self.ended: ByeReason | None = None

    @property
    def topics(self) -> frozenset[Topic]:
        """Return what it wants to hear of."""
        return self._cursor.topics

    async def begin(self, wanted: StreamRequest) -> None:
        """Begin where it is wanted."""
        self._next += await self._cursor.begin(wanted.after)

    async def next(self) -> Frame | None:
        """Return the next message, as soon as there is one; None after the last one."""
        while not self._is_over:
            frame = await self._choose()
            if frame is not None:
                self.told_at = asyncio.get_running_loop().time()
                self._stream.counts.messages[frame.kind] += 1
                return frame
            await self._wait()
        return None

    def wake(self) -> None:
        """Have it look at what there is."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def leave(self) -> None:
        """End it without a word: nobody is there any more."""
        self._is_over = True
        self.wake()

    def give_up(self) -> Frame:
        """End it as its messages are not read, and return the last one."""
        return self._bye(ByeReason.RESTART if self._stream.is_ending else ByeReason.SLOW)

    def _bye(self, reason: ByeReason) -> Frame:
        self._is_over = True
        self.ended = reason
        self._stream.counts.goodbyes[reason] += 1
        return self._stream.writer.bye(reason)

    async def _choose(self) -> Frame | None:
        now = asyncio.get_running_loop().time()
        if self._stream.is_ending:
            return self._bye(ByeReason.RESTART)
        if now >= self.until:
            return self._bye(ByeReason.LIMIT)
        try:
            if not self._next:
                self._next += await self._cursor.look_back()
            if not self._next:
                self._next += self._cursor.new_state(now)
            frame = self._next.popleft() if self._next else await self._cursor.new_entries(now)
        except LedgerUnavailable:
            self._cursor.try_again(now)
            frame = None
        return frame or self._cursor.news(self._stream.clock.now()) or self._heartbeat(now)

    def _heartbeat(self, now: float) -> Frame | None:
        if now < self.told_at + self._stream.pace.heartbeat:
            return None
        place, moment = self._cursor.place, self._stream.clock.now()
        key = ("heartbeat", place, moment.replace(microsecond=0))
        return self._stream.frames.once(key, lambda: self._stream.writer.heartbeat(place, moment))

    async def _wait(self) -> None:
        """Return when it was woken, or when what there is may be told."""
        loop, due = asyncio.get_running_loop(), self._cursor.due()
        self._waiter = loop.create_future()
        timer = None if due is None else loop.call_at(due, self.wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
