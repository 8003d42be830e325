"""Writes the messages of the stream."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import UNSET, Raw, Struct, UnsetType

from portfolio.application.ledger.cash_records import LoggedEntry, RecordedCashEntry
from portfolio.application.operations.health import Health
from portfolio.application.prices.valuation import PositionValue
from portfolio.application.rebalancing.records import Signal
from portfolio.application.stream.records import (
    ByeReason,
    Frame,
    Pace,
    Place,
    ResetReason,
    State,
)
from portfolio.entrypoints.http.ledger.answers import PositionView
from portfolio.entrypoints.http.ledger.cash import cash_view
from portfolio.entrypoints.http.ledger.position_views import PositionViews, position_view
from portfolio.entrypoints.http.ledger.trades import trade_view
from portfolio.entrypoints.http.operations.controller import health_view
from portfolio.entrypoints.http.portfolio.views import totals_view
from portfolio.entrypoints.http.rebalancing.signals import signal_view
from portfolio.entrypoints.http.shell.numbers import number_or_null
from portfolio.entrypoints.http.shell.responses import encode
from portfolio.entrypoints.http.stream import answers
from portfolio.entrypoints.http.views import view

# Clients take messages of a megabyte, and a position has about 600 bytes.
SNAPSHOT_POSITIONS: Final = 200
CHANGED_POSITIONS: Final = 1_000


class MessageWriter:
    """The port ``Writer``: messages as JSON. Where prices are made up, each says so."""

    def __init__(self, pace: Pace, *, is_simulated: bool) -> None:
        self._pace = pace
        self._label: str | UnsetType = "simulated" if is_simulated else UNSET
        self._positions = PositionViews()

    def hello(self, place: Place, *, resumed: bool, now: datetime) -> Frame:
        message = answers.Hello(
            position=str(place), resumed=resumed, heartbeat_seconds=math.ceil(self._pace.heartbeat), server_time=now
        )
        return self._frame("hello", message, place)

    def snapshot(self, state: State) -> Sequence[Frame]:
        """Return the whole portfolio, in parts; a stream that breaks off between two of them is not resumed there."""
        totals, positions = _totals(state), self._positions(state.valuation)
        parts = _parts(positions, SNAPSHOT_POSITIONS)
        frames = []
        for part, some in enumerate(parts, start=1):
            message = answers.Snapshot(
                position=str(state.place), portfolio=totals, positions=some, part=part, parts=len(parts)
            )
            frames.append(self._frame("snapshot", message, state.place if part == len(parts) else None))
        return frames

    def entry(self, logged: LoggedEntry) -> bytes:
        found = entry_view(logged)
        return b"" if found is None else encode(found)

    def entries(self, first: int, end: Place, entries: Sequence[bytes]) -> Frame:
        raw = [Raw(entry) for entry in entries]
        message = answers.Entries(position=str(end), first=first, last=end.ledger, entries=raw)
        return self._frame("entries", message, end)

    def state(self, state: State, changed: Sequence[PositionValue]) -> Sequence[Frame]:
        """Return the sums of the portfolio and the positions that changed: in several messages where they are many."""
        totals = _totals(state)
        return [
            self._frame("state", answers.State(position=str(state.place), totals=totals, changed=some), state.place)
            for some in _parts([position_view(value) for value in changed], CHANGED_POSITIONS)
        ]

    def prices(self, state: State, changed: Sequence[PositionValue]) -> Frame:
        message = answers.Prices(position=str(state.place), prices=[_price_view(value) for value in changed])
        return self._frame("prices", message, state.place)

    def signals(self, place: Place, signals: Sequence[Signal], now: datetime) -> Frame:
        message = answers.Signals(position=str(place), signals=[signal_view(signal, now) for signal in signals])
        return self._frame("signals", message, place)

    def health(self, place: Place, health: Health, now: datetime) -> Frame:
        return self._frame("health", answers.Health(position=str(place), health=health_view(health, now)), place)

    def heartbeat(self, place: Place, now: datetime) -> Frame:
        return self._frame("heartbeat", answers.Heartbeat(position=str(place), server_time=now), place)

    def reset(self, reason: ResetReason) -> Frame:
        return self._frame("reset", answers.Reset(reason=reason.value), None)

    def bye(self, reason: ByeReason) -> Frame:
        return self._frame("bye", answers.Bye(reason=reason.value, retry_ms=int(self._pace.retry * 1000)), None)

    def _frame(self, kind: str, message: answers.Message, place: Place | None) -> Frame:
        message.price_feed = self._label
        return Frame(kind, encode(message), place)


def entry_view(logged: LoggedEntry) -> Struct | None:
    """Return an entry of the ledger as the lists show it; None where nothing can be made of its row."""
    entry = logged.entry
    if isinstance(entry, RecordedCashEntry):
        return view(answers.EntryView, cash_view(entry), ledger=logged.revision)
    shown = None if entry is None else trade_view(entry)
    return None if shown is None else view(answers.EntryView, shown, ledger=logged.revision, kind="trade")


def _totals(state: State) -> Struct:
    return totals_view(state.valuation, state.snapshot, state.performance)


def _price_view(value: PositionValue) -> answers.PriceView:
    mark = value.position.mark
    return answers.PriceView(
        symbol=value.position.symbol.code,
        current_price=number_or_null(mark.price if mark else None),
        price_source=mark.source if mark else None,
        price_status=value.price_status.value,
        priced_at=mark.at if mark else None,
    )


def _parts(items: list[PositionView], size: int) -> list[list[PositionView]]:
    """Return the items in parts, at least one."""
    return [items[start : start + size] for start in range(0, len(items), size)] or [[]]
