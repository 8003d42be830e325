"""The rules of exchanges: fetched once a day, kept, and known to plans."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import FeedFailed, LedgerUnavailable
from portfolio.application.prices.ports import ExchangeRulesFeed, ExchangeRulesStore
from portfolio.application.prices.records import Fence, KeptRules
from portfolio.domain.prices.exchange_rules import ExchangeRules, Rules, UnknownRules

FETCHED_EVERY: Final = timedelta(days=1)
MOST_AGE: Final = timedelta(days=7)
"""Exchanges announce changes days before; what is older than this may have changed unseen."""

NO_EXCHANGE: Final = "no exchange is asked for its rules: prices are made up"

_LOOKED_AT_EVERY_SECONDS = 60.0


class RuleBook(msgspec.Struct, frozen=True, eq=False):
    """The rules by which each asset is traded: those of the first exchange that has some."""

    rules: Mapping[str, Rules]
    otherwise: UnknownRules

    def of(self, symbol: str) -> Rules:
        """Return the rules of an asset, or why they are unknown."""
        return self.rules.get(symbol, self.otherwise)

    def says_the_same(self, other: RuleBook) -> bool:
        """Return whether no asset has other rules in ``other``."""
        return (self.rules, self.otherwise) == (other.rules, other.otherwise)


def rule_book(kept: Sequence[KeptRules], venues: Sequence[str], now: datetime) -> RuleBook:
    """Return what is known at ``now``, of the exchanges in their order; rules of a week ago are known no more."""
    known: dict[str, Rules] = {}
    reasons: dict[str, list[str]] = {symbol.code: [] for one in kept for symbol in one.rules}
    otherwise: list[str] = []
    for venue in venues:
        found = next((one for one in kept if one.venue == venue), None)
        listed, unlisted = _listed(found, venue, now)
        otherwise.append(unlisted.reason)
        for code, said in reasons.items():
            rules = listed.get(code, unlisted)
            if isinstance(rules, UnknownRules):
                said.append(rules.reason)
            else:
                known.setdefault(code, rules)
    unknown = {code: UnknownRules("; ".join(said)) for code, said in reasons.items() if said}
    return RuleBook({**unknown, **known}, UnknownRules("; ".join(otherwise) or NO_EXCHANGE))


def _listed(found: KeptRules | None, venue: str, now: datetime) -> tuple[Mapping[str, Rules], UnknownRules]:
    """Return the rules of one exchange by symbol, and why those of any other asset are unknown there."""
    if found is None:
        return {}, UnknownRules(f"{venue}: its rules were never fetched")
    if abs(now - found.fetched_at) > MOST_AGE:
        return {}, UnknownRules(f"{venue}: its rules were last fetched on {found.fetched_at.date()}")
    return {symbol.code: rules for symbol, rules in found.rules.items()}, UnknownRules(f"{venue} does not list it")


class ReadExchangeRules:
    """Reads the rules that are kept, and keeps them in memory for a minute: they change once a day."""

    def __init__(
        self, store: ExchangeRulesStore, clock: Clock, venues: Sequence[str], *, deadline_seconds: float = 2.0
    ) -> None:
        self._store = store
        self._clock = clock
        self._venues = tuple(venues)
        self._deadline_seconds = deadline_seconds
        self._book = rule_book((), self._venues, clock.now())
        self._asks_again_at = -math.inf
        self._turn = asyncio.Lock()

    async def __call__(self, *, asks: bool = True) -> RuleBook:
        """Return the rules; those known already where ``asks`` is False, or the database does not answer.

        As long as nothing changes it is the same object.
        """
        if asks and self._venues and self._is_due:
            async with self._turn:
                await self._read()
        return self._book

    def forget(self) -> None:
        """Read them anew the next time."""
        self._asks_again_at = -math.inf

    @property
    def _is_due(self) -> bool:
        return self._clock.monotonic() >= self._asks_again_at

    async def _read(self) -> None:
        if not self._is_due:
            return  # whoever had the turn before has read them
        try:
            async with asyncio.timeout(self._deadline_seconds):
                kept = await self._store.read()
        except (LedgerUnavailable, TimeoutError):
            return
        finally:
            self._asks_again_at = self._clock.monotonic() + _LOOKED_AT_EVERY_SECONDS
        book = rule_book(kept, self._venues, self._clock.now())
        if not book.says_the_same(self._book):
            self._book = book


class RulesReport(msgspec.Struct, frozen=True):
    """What was fetched: by exchange, of how many assets the rules are known and of how many not, or why none were."""

    fetched: Mapping[str, tuple[int, int]]
    failed: Mapping[str, str]


class FetchExchangeRules:
    """Fetches the rules of each exchange once a day, and keeps them."""

    def __init__(self, feeds: Mapping[str, ExchangeRulesFeed], store: ExchangeRulesStore, clock: Clock) -> None:
        self._feeds = dict(feeds)
        self._store = store
        self._clock = clock

    async def __call__(self, fence: Fence | None) -> RulesReport:
        """Return what was fetched; nothing of an exchange that was asked within the last day.

        What an exchange said before stays where it fails.

        Raises:
            LeaseLost: another instance holds the lease of ``fence`` now.
            LedgerUnavailable: the database is away; what was kept until then is kept.
        """
        before = {kept.venue: kept.fetched_at for kept in await self._store.read()}
        fetched: dict[str, tuple[int, int]] = {}
        failed: dict[str, str] = {}
        for venue, feed in self._feeds.items():
            now = self._clock.now()
            if venue in before and timedelta() <= now - before[venue] < FETCHED_EVERY:
                continue
            try:
                rules = await feed.rules()
            except FeedFailed as error:
                failed[venue] = error.reason
                continue
            await self._store.keep(KeptRules(venue=venue, fetched_at=now, rules=rules), fence)
            known = sum(isinstance(one, ExchangeRules) for one in rules.values())
            fetched[venue] = known, len(rules) - known
        return RulesReport(fetched, failed)
