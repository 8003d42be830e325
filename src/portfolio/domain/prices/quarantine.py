"""Decides which quotes are believed: old ones are refused, wild ones wait for confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from portfolio.domain.arithmetic import exact
from portfolio.domain.decimal_text import plain
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.prices.quote import Quote
from portfolio.domain.symbol import Symbol

Quotes = Mapping[Symbol, Quote]
Marks = Mapping[Symbol, Mark | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRules:
    """The limits for a believable quote.

    ``jump_factor``: a price more than this many times the last one, or less than its inverse, is wild. Five
    lets every ordinary crash and rally pass, even those of a whole day between two refreshes (a fall of 60 % is a
    factor of 2.5), while a slipped decimal point, a changed unit or a namesake asset is mostly ten times off
    or more. After a long absence a true price may be wild too: confirmation, not the limit, is what lets it
    in.

    ``agreement``: two prices confirm each other when they lie within this share of the larger one.
    """

    max_age: timedelta = timedelta(minutes=5)
    jump_factor: Decimal = Decimal(5)
    agreement: Decimal = Decimal("0.1")
    confirming_refreshes: int = 3
    confirming_time: timedelta = timedelta(minutes=2)

    @exact
    def is_wild(self, price: Price, reference: Price) -> bool:
        """Return whether ``price`` is further from ``reference`` than a market moves; never from zero."""
        if not reference:
            return False
        larger, smaller = max(price, reference), min(price, reference)
        return larger.value > smaller.value * self.jump_factor

    @exact
    def agree(self, one: Price, other: Price) -> bool:
        """Return whether two prices confirm each other."""
        larger, smaller = max(one, other).value, min(one, other).value
        return larger - smaller <= larger * self.agreement

    def is_old(self, quote: Quote, now: datetime) -> bool:
        """Return whether the quote is too far from ``now``, in the past or the future, to be the price."""
        return abs(now - quote.observed_at) > self.max_age


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A wild price that waits for confirmation, as it was last seen.

    ``since`` is the uptime at its first sighting, ``sightings`` the number of sightings that agree with each
    other. ``known_at`` is the time of the price that was kept: while that is the known one, nobody has
    believed another meanwhile.
    """

    quote: Quote
    reference: Price
    known_at: datetime
    since: timedelta
    sightings: int = 1

    def __str__(self) -> str:
        was, now = plain(self.reference.value), plain(self.quote.price.value)
        return f"quarantined: {self.quote.source} says {now} after {was}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuotes:
    """What became of a refresh cycle's quotes: those believed, why the others were not, and the quarantine after it."""

    believed: Mapping[Symbol, Quote]
    refused: Mapping[Symbol, str]
    quarantine: Quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """What quotes are held to, and the wild ones that wait for confirmation; ``caught`` counts all ever held back."""

    rules: QuoteRules = QuoteRules()
    suspects: Mapping[Symbol, Suspect] = field(default_factory=dict)
    caught: int = 0

    def waiting(self, marks: Marks) -> dict[Symbol, Suspect]:
        """Return the suspects that still wait, given the prices known by now.

        A plausible price ends the suspicion, whichever instance has believed it.
        """
        known_at = {symbol: mark.at for symbol, mark in marks.items() if mark is not None}
        return {
            symbol: suspect for symbol, suspect in self.suspects.items() if known_at.get(symbol) == suspect.known_at
        }

    def judge(self, quotes: Quotes, marks: Marks, *, others: Quotes, now: datetime, uptime: timedelta) -> JudgedQuotes:
        """Return which of ``quotes`` are believed for the symbols of ``marks``, the prices known before.

        ``others`` are second opinions on wild quotes. A wild quote is believed once a different source
        agrees, now or at an earlier refresh, or when it has been seen at ``confirming_refreshes`` over
        ``confirming_time`` of ``uptime`` (which only grows, whatever the wall clock does). If at that time a
        second opinion contradicts it and is itself no jump, that one is believed and the wild one stays a
        suspect.
        """
        believed: dict[Symbol, Quote] = {}
        refused: dict[Symbol, str] = {}
        suspects, caught = self.waiting(marks), self.caught
        for symbol, mark in marks.items():
            quote = quotes.get(symbol)
            if quote is None:
                continue
            if self.rules.is_old(quote, now):
                refused[symbol] = f"{quote.source}'s price is from {quote.observed_at:%Y-%m-%dT%H:%M:%SZ}"
                continue
            if mark is None or not self.rules.is_wild(quote.price, mark.price):
                believed[symbol] = quote
                suspects.pop(symbol, None)
                continue
            other, earlier = others.get(symbol), suspects.pop(symbol, None)
            fresh = other if other is not None and not self.rules.is_old(other, now) else None
            suspect = _suspect(quote, mark, earlier, uptime, self.rules)
            chosen = _choose(suspect, earlier, fresh, uptime, self.rules)
            if chosen is None:
                refused[symbol] = str(suspect)
            else:
                believed[symbol] = chosen
            if chosen is not quote:
                suspects[symbol] = suspect if chosen is None else replace(suspect, known_at=chosen.observed_at)
                caught += 1
        quarantine = replace(self, suspects=suspects, caught=caught)
        return JudgedQuotes(believed=believed, refused=refused, quarantine=quarantine)


def _suspect(quote: Quote, mark: Mark, earlier: Suspect | None, uptime: timedelta, rules: QuoteRules) -> Suspect:
    """Return the suspect for ``quote``: the earlier one, seen once more, where that was of the same price."""
    if earlier is None or not rules.agree(earlier.quote.price, quote.price):
        return Suspect(quote=quote, reference=mark.price, known_at=mark.at, since=uptime)
    return replace(earlier, quote=quote, reference=mark.price, known_at=mark.at, sightings=earlier.sightings + 1)


def _choose(
    suspect: Suspect, earlier: Suspect | None, other: Quote | None, uptime: timedelta, rules: QuoteRules
) -> Quote | None:
    """Return the quote to believe: the suspect's if it is confirmed, a second opinion, or None for neither."""
    quote = suspect.quote
    if other is not None and other.source != quote.source and rules.agree(other.price, quote.price):
        return quote
    if suspect.sightings > 1 and earlier is not None and earlier.quote.source != quote.source:
        return quote
    if suspect.sightings < rules.confirming_refreshes or uptime - suspect.since < rules.confirming_time:
        return None
    if other is not None and not rules.is_wild(other.price, suspect.reference):
        return other
    return quote
