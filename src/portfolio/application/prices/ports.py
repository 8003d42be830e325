"""The ports of prices: sources, storage, and the lease of the instance that refreshes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from portfolio.application.prices.records import Close, Fence, KeptRules, PriceUpdate
from portfolio.application.prices.sources import FeedReport, SourceState
from portfolio.domain.mark import Mark
from portfolio.domain.prices.exchange_rules import Rules
from portfolio.domain.symbol import Symbol


class PriceStore(Protocol):
    """The store of prices: the marks of the positions, observed prices, and daily closes."""

    async def record(self, portfolio_id: int, update: PriceUpdate, fence: Fence | None) -> int:
        """Write marks, valuations, one tick a symbol and today's value in one transaction; return the price revision.

        What is written is what ``update.marks_for`` the portfolio of that moment says.

        Raises:
            LeaseLost: ``fence`` is no longer the newest, or its lease has run out; nothing was written.
            LedgerUnavailable: the database did not take it; nothing was written.
        """

    async def executed(self, portfolio_id: int, since: Mapping[Symbol, datetime]) -> Mapping[Symbol, Mark]:
        """Return of each symbol the price of the newest execution at that moment or later, by its own time.

        Those that were reversed do not count.
        """

    async def add_closes(self, closes: Sequence[Close]) -> int:
        """Keep daily closes, replacing what was known of the same day; return how many were written.

        The price revision is bumped with them: figures made of the closes before are out of date.
        """

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        """Return the daily closes from ``since`` to ``until``, both included, by symbol and day.

        A day without a candle's close has the last price observed within its last 60 minutes, if there is one.
        """

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        """Return the symbols of which a close of a day gone by was written later than the price revision ``after``."""

    async def thin_ticks(self, older_than: datetime) -> int:
        """Replace the observed prices of the oldest day before by one close a symbol, unless there is one.

        Returns how many went; none when there is no such day any more.
        """


class Leases(Protocol):
    """Leases: each lets one instance do what only one may do."""

    async def acquire(self, name: str, holder: str, seconds: float) -> Fence | None:
        """Take or renew the lease and return its fence; None while another holds it. Time is the database's."""

    async def release(self, name: str, holder: str) -> None:
        """Give the lease up, if it is held."""


class PriceFeed(Protocol):
    """Current prices from one source, or from several in order."""

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        """Ask for all symbols at once and return what was learnt; what failed is in the report, never raised."""

    def states(self) -> Mapping[str, SourceState]:
        """Return how each source is doing."""


class CrossCheck(Protocol):
    """A second opinion on prices."""

    async def quotes_elsewhere(self, asked: Mapping[Symbol, str]) -> FeedReport:
        """Ask for these symbols at other sources than the one named beside each; failures are in the report."""


class CloseFeed(Protocol):
    """Daily closes from an exchange."""

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        """Return the closes of the completed days from ``start`` to ``end``, oldest first; absent days are absent.

        Raises:
            FeedFailed: no source answered for this symbol.
        """


class ExchangeRulesFeed(Protocol):
    """The rules of the pairs of one exchange."""

    async def rules(self) -> Mapping[Symbol, Rules]:
        """Return the rules of each asset that the exchange lists against dollars, or why they are unknown.

        Raises:
            FeedFailed: the exchange did not answer usefully.
        """


class ExchangeRulesStore(Protocol):
    """The store of the rules of exchanges."""

    async def keep(self, kept: KeptRules, fence: Fence | None) -> None:
        """Keep the rules of one exchange; of assets that it had before and has no more they are unknown.

        Raises:
            LeaseLost: ``fence`` is no longer the newest, or its lease has run out; nothing was written.
            LedgerUnavailable: the database did not take it; nothing was written.
        """

    async def read(self) -> Sequence[KeptRules]:
        """Return what is kept of each exchange, in the order of their names."""
