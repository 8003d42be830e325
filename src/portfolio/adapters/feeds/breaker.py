"""A circuit breaker: stops calls to a price source that keeps failing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from enum import StrEnum

import structlog

from portfolio.adapters.feeds.errors import Blocked, NotAsked, Refused, SourceFailed, Throttled, Unavailable
from portfolio.application.clock import Clock
from portfolio.application.prices.sources import SourceCondition, SourceState

_log = structlog.get_logger(__name__)

_LONGEST_COOL_OFF_SECONDS = 300.0
_SHORTEST_PAUSE_SECONDS = 1.0


class Circuit(StrEnum):
    """Whether calls go through: closed, all; open, none; half open, one; off, none ever."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """How many failures open a breaker, how long it stays open at first, and how long after a ban."""

    threshold: int = 5
    cool_off_seconds: float = 15.0
    ban_seconds: float = 120.0


@dataclass(slots=True, eq=False)
class Breaker:
    """Opens after consecutive failures, and lets one call try when the cool-off is over.

    A failure counts only if no call has succeeded since it was begun: of a hundred calls at once, ten slow
    ones do not make a source that answers the other ninety look dead. What the source itself asks for
    (``Retry-After``) is kept to the second, one at least; the cool-off chosen here doubles at each failed try
    and gets jitter, so that instances do not try in step.
    """

    source: str
    clock: Clock
    rules: BreakerRules = BreakerRules()
    _: KW_ONLY
    jitter: Callable[[], float] = random.random
    _state: Circuit = field(default=Circuit.CLOSED, init=False)
    _failures: int = field(default=0, init=False)
    _successes: int = field(default=0, init=False)
    _openings: int = field(default=0, init=False)
    _opens_until: float = field(default=0.0, init=False)
    _probe: asyncio.Event | None = field(default=None, init=False)
    _is_failing: bool = field(default=False, init=False)
    _last_error: str | None = field(default=None, init=False)
    _last_success: datetime | None = field(default=None, init=False)

    @property
    def circuit(self) -> Circuit:
        """Return whether calls go through now."""
        if self._state is Circuit.OPEN and self.clock.monotonic() >= self._opens_until:
            return Circuit.HALF_OPEN
        return self._state

    @property
    def state(self) -> SourceState:
        """Return how the source is doing."""
        if self._state is Circuit.OFF:
            state = SourceCondition.OFF
        elif self.circuit is Circuit.OPEN:
            state = SourceCondition.RESTING
        elif self._is_failing:
            state = SourceCondition.FAILING
        else:
            state = SourceCondition.ANSWERING if self._last_success else SourceCondition.NEVER_ANSWERED
        return SourceState(state=state, last_error=self._last_error, last_success=self._last_success)

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Let one call through, and count how it ends.

        While one call tries whether an open circuit may close, the others wait for what it finds.

        Raises:
            NotAsked: the circuit is open or off.
        """
        probe = await self._admit()
        successes = self._successes
        try:
            yield
        except Refused:
            self._succeeded(probe)
            raise
        except SourceFailed as error:
            self._failed(error, probe, is_news=self._successes == successes)
            raise
        else:
            self._succeeded(probe)
        finally:
            if probe is not None:
                probe.set()
                self._probe = None

    async def _admit(self) -> asyncio.Event | None:
        """Return None where the circuit is closed, or the event to set when this call, a probe, has ended."""
        while self._state is not Circuit.CLOSED:
            if self._state is Circuit.OFF:
                raise NotAsked(f"switched off: {self._last_error}")
            wait = self._opens_until - self.clock.monotonic()
            if wait > 0:
                raise NotAsked(f"not asked for another {wait:.0f} s: {self._last_error}", wait)
            if self._probe is None:
                self._probe = asyncio.Event()
                return self._probe
            await self._probe.wait()
        return None

    def _succeeded(self, probe: asyncio.Event | None) -> None:
        self._successes += 1
        self._last_success = self.clock.now()
        # An answer to a call from before the circuit opened says nothing about now.
        if self._state is Circuit.CLOSED or (probe is not None and self._state is Circuit.OPEN):
            if self._is_failing:
                _log.info("prices.source_recovered", source=self.source)
            self._is_failing = False
            self._state = Circuit.CLOSED
            self._failures = 0
            self._openings = 0

    def _failed(self, error: SourceFailed, probe: asyncio.Event | None, *, is_news: bool) -> None:
        if self._state is Circuit.OFF:
            return
        self._last_error = error.reason
        if isinstance(error, Unavailable):
            self._state = Circuit.OFF
            _log.error("prices.source_off", source=self.source, reason=error.reason)
            return
        if is_news:
            self._note_loss()
        match error:
            case Throttled(retry_after_seconds=float(seconds)):
                # "Come back at once" would have each of the calls that wait try in turn.
                self._open(max(seconds, _SHORTEST_PAUSE_SECONDS))
            case Throttled() | Blocked():
                self._open(self.rules.ban_seconds)
            case _ if probe is not None:
                self._open(self._cool_off())
            case _ if self._state is Circuit.CLOSED and is_news:
                self._failures += 1
                if self._failures >= self.rules.threshold:
                    self._open(self._cool_off())

    def _cool_off(self) -> float:
        base = min(self.rules.cool_off_seconds * 2.0**self._openings, _LONGEST_COOL_OFF_SECONDS)
        return base * (1 + self.jitter() / 4)

    def _note_loss(self) -> None:
        if not self._is_failing:
            self._is_failing = True
            _log.warning("prices.source_failed", source=self.source, reason=self._last_error)

    def _open(self, seconds: float) -> None:
        self._note_loss()
        until = self.clock.monotonic() + seconds
        self._opens_until = max(self._opens_until, until)
        self._state = Circuit.OPEN
        self._failures = 0
        self._openings = min(self._openings + 1, 10)
