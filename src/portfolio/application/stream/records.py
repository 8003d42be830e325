"""Records of the stream: requests, places in the ledger, and messages as they are sent."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

import msgspec

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.period import Performance
from portfolio.application.prices.valuation import Valuation

_PLACE = re.compile(r"(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})\.([0-9a-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things happen, in seconds.

    At most 10 messages of entries and 4 states a second: a little more than that lies between two, as none comes to
    the moment.
    """

    look: float = 0.25
    """Between two looks at what other instances booked, while somebody listens."""
    entries: float = 0.105
    state: float = 0.26
    ages: float = 1.0
    """Between two looks at whether prices became stale."""
    check: float = 5.0
    """Between two looks at whether the newest entry is still the same, while no revision moves."""
    signals: float = 1.0
    health: float = 5.0
    heartbeat: float = 15.0
    sweep: float = 1.0
    """Between two looks at who is to have a heartbeat, or has listened long enough."""
    again: float = 0.25
    """After the database was away."""
    drain: float = 10.0
    """How long a subscriber may leave unread what is sent to it."""
    end: float = 0.7
    """How long those who listen are waited for when the service stops."""
    longest: float = 24 * 3600.0
    retry: float = 1.0
    """After how long a client that was sent away comes again."""


DEFAULT_PACE: Final = Pace()


class Topic(StrEnum):
    """What may be listened to."""

    ENTRIES = "entries"
    STATE = "state"
    PRICES = "prices"
    SIGNALS = "signals"
    HEALTH = "health"


class ResetReason(StrEnum):
    """Why a place is none of these books."""

    AHEAD = "ahead"
    OTHER_HISTORY = "other_history"


class ByeReason(StrEnum):
    """Why a stream is ended from this side."""

    RESTART = "restart"
    SLOW = "slow"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the books: after which entry, which prices are known, and a digest of that entry.

    >>> str(Place.parse("118.4021.9f3c2ab1"))
    '118.4021.9f3c2ab1'
    """

    ledger: int
    prices: int
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that a text names; raises ValueError where it names none."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ValueError("has to be the position of a message, such as 118.4021.9f3c2ab1")
        return cls(int(found[1]), int(found[2]), found[3])

    def __str__(self) -> str:
        return f"{self.ledger}.{self.prices}.{self.digest}"


BEFORE_ALL: Final = Place(0, 0, "00000000")
"""The place before the first entry."""


class StreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber wants: the topics, and after which place; None is after what there is now."""

    topics: frozenset[Topic] = frozenset(Topic)
    after: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The portfolio at a place in the books. ``number`` grows with each that is told."""

    number: int
    place: Place
    snapshot: Snapshot
    valuation: Valuation
    performance: Performance | None


@dataclass(slots=True)
class Frame:
    """A message, encoded once for all who get it; ``place`` is where a stream may be resumed after it."""

    kind: str
    content: bytes
    place: Place | None = None
    text: str = field(init=False, repr=False)
    _event: bytes | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.text = self.content.decode()

    @property
    def event(self) -> bytes:
        """Return it as a server-sent event."""
        if self._event is None:
            place = b"" if self.place is None else f"id: {self.place}\n".encode()
            self._event = b"event: %b\n%bdata: %b\n\n" % (self.kind.encode(), place, self.content)
        return self._event


class Block(msgspec.Struct, frozen=True):
    """Entries that follow one another, as a message: the place after the last, and when the first was booked."""

    end: Place
    frame: Frame
    booked_at: datetime | None


class Counts(msgspec.Struct):
    """What happened, for the figures: streams opened, messages by kind, goodbyes by reason."""

    opened: int = 0
    messages: Counter[str] = msgspec.field(default_factory=Counter)
    goodbyes: Counter[str] = msgspec.field(default_factory=Counter)
    resets: Counter[str] = msgspec.field(default_factory=Counter)
