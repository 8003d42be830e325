"""Finds what the events of files were worth, where they do not say it: stored closes, and those that exchanges have."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, TypeAlias

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import FeedFailed
from portfolio.application.imports.progress import Tell, tell_nobody
from portfolio.application.imports.steps import NoEntry, steps_of
from portfolio.application.imports.worth import CASH, Rates, Worth, WorthUnknown
from portfolio.application.in_thread import in_long_thread
from portfolio.application.prices.backfill import AT_ONCE, all_or_first_error
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.days import DAY, day_of
from portfolio.domain.errors import DomainError, InvalidSymbol
from portfolio.domain.imports.records import FileEvent, Kind
from portfolio.domain.money import EXACT, Money
from portfolio.domain.symbol import Symbol

Key: TypeAlias = tuple[date, str]
"""An asset on a UTC day."""

FETCH_SECONDS: Final = 60.0
# As many days as an exchange answers at once.
_LONGEST_SPAN: Final = timedelta(days=299)
_SOME: Final = Money(Decimal(1))


class FindWorths(msgspec.Struct):
    """Reads the closes that events need, and has those that are not stored fetched and kept, all within ``seconds``.

    Without a ``feed`` none are fetched. What is stored already is never replaced.
    """

    prices: PriceStore
    clock: Clock
    feed: CloseFeed | None = None
    seconds: float = FETCH_SECONDS

    async def __call__(
        self, events: Sequence[FileEvent], rates: Rates, *, opening: bool = False, tell: Tell = tell_nobody
    ) -> Worth:
        """Return what is known of the days of these events; with ``opening`` also of what may have been held before.

        Raises:
            LedgerUnavailable: the database is away; closes that were fetched before are kept.
        """
        needy = await in_long_thread(partial(_needy, events, opening=opening))
        search = _Search(rates)
        deadline = self.clock.monotonic() + self.seconds
        while wanted := await in_long_thread(partial(search.missing, needy, opening=opening)):
            closes = await self._stored(wanted)
            search.closes |= closes
            left = wanted - closes.keys()
            if left and self.feed is not None:
                seconds = deadline - self.clock.monotonic()
                search.failed |= await self._fetch(left, self.feed, seconds, tell)
                search.closes |= await self._stored(left)
            search.sought |= wanted
            needy = await in_long_thread(search.unanswered)
        return Worth(rates, search.closes, search.failed)

    async def _stored(self, wanted: set[Key]) -> dict[Key, Decimal]:
        found: dict[Key, Decimal] = {}
        for symbol, days in _by_symbol(wanted).items():
            for close in await self.prices.closes([symbol], since=days[0], until=days[-1]):
                key = close.day, symbol.code
                if key in wanted:
                    found[key] = close.price.value
        return found

    async def _fetch(self, wanted: Iterable[Key], feed: CloseFeed, seconds: float, tell: Tell) -> dict[str, str]:
        """Have closes fetched and kept; return why there are none, by asset."""
        yesterday = day_of(self.clock.now()) - DAY
        spans = [
            (symbol, first, last)
            for symbol, days in _by_symbol(key for key in wanted if key[0] <= yesterday).items()
            for first, last in _spans(days)
        ]
        failed = {symbol.code: f"no exchange answered within {self.seconds:g} s" for symbol, *_ in spans}
        slots, done = asyncio.Semaphore(AT_ONCE), 0

        async def fetch(symbol: Symbol, first: date, last: date) -> None:
            nonlocal done
            async with slots:
                try:
                    found = await feed.daily_closes(symbol, first, last)
                except FeedFailed as error:
                    failed[symbol.code] = str(error)
                else:
                    failed[symbol.code] = "no exchange has its close of that day"
                    stored = {close.day for close in await self.prices.closes([symbol], since=first, until=last)}
                    await self.prices.add_closes([close for close in found if close.day not in stored])
            done += 1
            tell("fetching closes", done, len(spans))

        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await all_or_first_error([asyncio.create_task(fetch(*span)) for span in spans])
        return failed


@dataclass(slots=True)
class _Search:
    """What is known so far; ``sought`` is what was looked for, whether there was anything or not."""

    rates: Rates
    closes: dict[Key, Decimal] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    sought: set[Key] = field(default_factory=set)
    _asked: defaultdict[Key, list[FileEvent]] = field(default_factory=lambda: defaultdict(list))

    def missing(self, events: Iterable[FileEvent], *, opening: bool) -> set[Key]:
        """Return what has to be known to enter these events, and was not looked for yet.

        What is a substitute for another value is asked for only once that one is known to be missing.
        """
        self._asked.clear()
        wanted: set[Key] = set()
        for event in events:
            fee = _fee_alone(event)
            if fee is not None:
                self._ask(_key(event.at, fee), event)
            else:
                with suppress(NoEntry, WorthUnknown, DomainError):
                    steps_of(event, partial(self._worth, event))
            if opening and event.kind is not Kind.TRADE:
                wanted |= {_key(event.at, symbol) for symbol, change in event.legs.items() if change < 0}
        wanted |= self._asked.keys()
        return {key for key in wanted if key not in self.sought and key[1] not in CASH}

    def unanswered(self) -> list[FileEvent]:
        """Return the events that asked for what nobody knows: they may ask for something else instead."""
        known = self.closes.keys() | self.rates.keys()
        return [event for key, events in self._asked.items() if key not in known for event in events]

    def _worth(self, event: FileEvent, symbol: str, quantity: Decimal, at: datetime) -> Money:
        key = _key(at, symbol)
        if key in self.sought:
            return Worth(self.rates, self.closes)(symbol, quantity, at)
        self._ask(key, event)
        return _SOME

    def _ask(self, key: Key, event: FileEvent) -> None:
        if key not in self.sought:
            self._asked[key].append(event)


def _needy(events: Iterable[FileEvent], *, opening: bool) -> list[FileEvent]:
    """Return the events that may need a value which their files do not say."""
    return [event for event in events if not (_is_plain(event) or (not opening and _is_valued(event)))]


def _is_plain(event: FileEvent) -> bool:
    """Return whether an event needs no value: dollars alone, or an asset for dollars without a fee in another one."""
    if event.kind is Kind.TRADE:
        return len(event.legs) <= 2 and not event.legs.keys().isdisjoint(CASH)
    return event.legs.keys() <= CASH


def _is_valued(event: FileEvent) -> bool:
    """Return whether an event moves one asset, and its file says what that was worth in dollars."""
    worths = event.worths
    return (
        len(event.legs) == 1
        and any(one.symbol in event.legs for one in worths)
        and all(one.currency in CASH for one in worths)
    )


def _fee_alone(event: FileEvent) -> str | None:
    """Return the third asset in which a trade for dollars was charged, whose value is all that it needs; else None."""
    legs, fee, charged, symbol, quote = event.legs, event.fee, event.fee_symbol, event.symbol, event.quote
    if event.kind is not Kind.TRADE or len(legs) != 3 or fee is None or charged is None or event.worths:
        return None
    if symbol in CASH or quote not in CASH or charged in CASH or legs.keys() != {symbol, quote, charged}:
        return None
    is_usual = fee > 0 and EXACT.add(legs[charged], fee) == 0 and (legs[symbol] > 0) is (legs[quote] < 0)
    return charged if is_usual else None


def _key(at: datetime, symbol: str) -> Key:
    return day_of(at), symbol


def _by_symbol(keys: Iterable[Key]) -> Mapping[Symbol, list[date]]:
    """Return the days of each asset, sorted; codes that no asset of the ledger has are left out."""
    found: defaultdict[Symbol, list[date]] = defaultdict(list)
    for day, code in sorted(keys):
        with suppress(InvalidSymbol):
            found[Symbol(code)].append(day)
    return found


def _spans(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Yield spans that begin and end with one of the sorted days, and have all of them."""
    first = last = days[0]
    for day in days[1:]:
        if day - first > _LONGEST_SPAN:
            yield first, last
            first = day
        last = day
    yield first, last
