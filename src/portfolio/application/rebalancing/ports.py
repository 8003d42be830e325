"""The stored signals, as a port."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.ledger.records import Page
from portfolio.application.rebalancing.records import Advice, Signal, SignalFilter


class SignalBook(Protocol):
    """The signals of one portfolio, within an open transaction that holds the portfolio's row lock."""

    async def live(self) -> Sequence[Signal]:
        """Return the signals kept as open or acknowledged, whether or not they have run out, oldest first."""

    async def named(self, ids: Collection[str]) -> Mapping[str, Signal]:
        """Return the signals with these ids; absent where there is none."""

    async def taken_back(self, ids: Collection[str]) -> Collection[str]:
        """Return of these ids those of signals whose executing trade was reversed."""

    async def add(self, signals: Sequence[Signal]) -> None:
        """Keep new signals, numbered in their order."""

    async def change(self, signals: Sequence[Signal]) -> None:
        """Store the changed fields of signals: status, expiry, claimant, executing trade, successor."""


class Signals(Protocol):
    """The signals as they are read, and as they are changed together with the books."""

    def within(self, unit: LedgerUnit) -> SignalBook:
        """Return the signals of the unit's portfolio; what is done to them is committed with the unit."""

    async def reasons(self, portfolio_id: int, signal_ids: Collection[str]) -> Mapping[str, str]:
        """Return by id the reason of each signal, whatever became of it; absent where there is no such signal."""

    async def page(self, portfolio_id: int, wanted: SignalFilter) -> Page[Signal]:
        """Return signals, newest first."""

    async def advices(self, portfolio_id: int, *, since: datetime) -> Sequence[Advice]:
        """Return the signals made at ``since`` or later that begin an episode or were executed, oldest first.

        A signal that took the place of one of the same symbol and reason, made then or later too, goes on with its
        episode.
        """
