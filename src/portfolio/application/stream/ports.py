"""What the stream needs from outside: somebody who writes its messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from portfolio.application.ledger.cash_records import LoggedEntry
from portfolio.application.operations.health import Health
from portfolio.application.prices.valuation import PositionValue
from portfolio.application.rebalancing.records import Signal
from portfolio.application.stream.records import ByeReason, Frame, Place, ResetReason, State


class Writer(Protocol):
    """Writes messages as subscribers get them."""

    def hello(self, place: Place, *, resumed: bool, now: datetime) -> Frame:
        """Return the first message of a stream, which goes on after ``place``."""

    def snapshot(self, state: State) -> Sequence[Frame]:
        """Return the whole portfolio, in parts."""

    def entry(self, logged: LoggedEntry) -> bytes:
        """Return an entry as it stands in a message; nothing where nothing can be made of its row."""

    def entries(self, first: int, end: Place, entries: Sequence[bytes]) -> Frame:
        """Return entries that follow one another, from ledger revision ``first`` on."""

    def state(self, state: State, changed: Sequence[PositionValue]) -> Sequence[Frame]:
        """Return the sums of the portfolio, and the positions that changed, in as many messages as that takes."""

    def prices(self, state: State, changed: Sequence[PositionValue]) -> Frame:
        """Return the prices that changed."""

    def signals(self, place: Place, signals: Sequence[Signal], now: datetime) -> Frame:
        """Return the signals that are new, or are something else now."""

    def health(self, place: Place, health: Health, now: datetime) -> Frame:
        """Return how the service is doing."""

    def heartbeat(self, place: Place, now: datetime) -> Frame:
        """Return that there is nothing to tell."""

    def reset(self, reason: ResetReason) -> Frame:
        """Return that what the subscriber knows is of other books."""

    def bye(self, reason: ByeReason) -> Frame:
        """Return the last message."""
