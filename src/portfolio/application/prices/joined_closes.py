"""The closes of statistics: joined across splits and renames, as if the units of today had always been traded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice
from operator import attrgetter

from portfolio.analytics.closes import Join, history_of, joined, table_of
from portfolio.application.derived import Derived
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.records import Revisions
from portfolio.application.prices.closes import Closes, ReadCloses
from portfolio.application.prices.joins import Joins, ReadJoins
from portfolio.domain.arithmetic import ONE, ZERO, exact
from portfolio.domain.money import EXACT, round_to_step


@dataclass(slots=True)
class JoinedCloses:
    """Reads closes, and joins those of assets that were split or renamed.

    What is kept are the closes as they are, which no booking has read anew. Those that are joined hang on them and on
    the version of the splits and renames. The value of a past day is no matter of these: it is the quantity of then
    times the close of then, which is what ``ReadCloses`` has. One that ``follows`` has the closes of what the assets
    became too, all in the order of symbols: for quantities of a past day, see ``carried``.
    """

    closes: ReadCloses
    joins: ReadJoins
    _: KW_ONLY
    deadline_seconds: float = 5.0
    follows: bool = False

    async def __call__(
        self, symbols: Sequence[str], days: int, *, today: date, revisions: Revisions, asks: bool = True
    ) -> Closes:
        """Return the closes of the last ``days`` completed days before ``today``, as ``ReadCloses`` does.

        Where the splits and renames could not be read in time these are the last ones seen, and so are the closes said
        to be.
        """
        is_current = True
        if asks:
            try:
                async with asyncio.timeout(self.deadline_seconds):
                    await self.joins(revisions.ledger)
            except (LedgerUnavailable, TimeoutError):
                is_current = False
        if self.follows:
            symbols = sorted({*symbols, *self.joins.newest.became(symbols)})
        joins = self.joins.newest.of(symbols)
        others = sorted({join.from_symbol for join in joins.found if join.reason is None}.difference(symbols))
        read = await self.closes(
            [*symbols, *others], days, today=today, price_revision=revisions.prices, asks=asks and is_current
        )
        if not joins.found:
            return read
        return read.derived.once(("joined", len(symbols), joins), lambda: _joined(read, symbols, joins))


@exact
def carried(quantities: Mapping[str, Decimal], since: date, joins: Iterable[Join]) -> dict[str, Decimal]:
    """Return what quantities of the end of a day are in the units of today, across the joins that are borne out.

    They have the ledger's 18 decimals, half even. Raises OutOfRange for 1e20 and more.
    """
    held = dict(quantities)
    for join in joins:
        if join.on > since and join.from_symbol in held:
            became = round_to_step(held.pop(join.from_symbol) * join.ratio)
            held[join.symbol] = held.get(join.symbol, ZERO) + became
    return held


def became(symbol: str, since: date, until: date, joins: Sequence[Join]) -> list[tuple[str, Decimal]]:
    """Return what one unit of an asset at the end of a day was by the end of a later one: an asset and how many units
    of it, the newest first. What it was renamed from comes after that, as it may be traded on beside, and last what it
    had been renamed to before: whoever still called it by its old name may not have known.
    """
    found = _later(symbol, since, until, joins)
    earlier = (join for join in reversed(joins) if join.on <= since and join.from_symbol == symbol != join.symbol)
    for join in islice(earlier, 1):
        known = {code for code, _ in found}
        others = _later(join.symbol, join.on, until, joins)
        found += [(code, EXACT.multiply(join.ratio, units)) for code, units in others if code not in known]
    return found


def _later(symbol: str, since: date, until: date, joins: Iterable[Join]) -> list[tuple[str, Decimal]]:
    found = [(symbol, ONE)]
    for join in joins:
        if since < join.on <= until and join.from_symbol == found[0][0]:
            now = (join.symbol, EXACT.multiply(found[0][1], join.ratio))
            found = [now, *(found[1:] if join.symbol == join.from_symbol else found)]
    return found


def _joined(read: Closes, symbols: Sequence[str], joins: Joins) -> Closes:
    history = read.history
    columns = {symbol: history.closes[:, place] for place, symbol in enumerate(history.symbols)}
    found = joined(columns, joins.found, history.last_day)
    told = {join for symbol in symbols for join in found.behind.get(symbol, ())}
    table = table_of([found.columns[symbol] for symbol in symbols], history.n_days)
    return replace(
        read,
        history=history_of(table, symbols, history.last_day),
        mixed_history=[symbol for symbol in read.mixed_history if symbol in symbols],
        assumed_rate_history=_assumed(read, symbols, found.behind),
        joined_history=tuple(join for join in found.borne_out if join in told),
        unjoined_history=tuple(sorted((join for join in told if join.reason), key=attrgetter("on", "symbol"))),
        borne_out=found.borne_out,
        derived=Derived(),
    )


def _assumed(read: Closes, symbols: Sequence[str], behind: Mapping[str, tuple[Join, ...]]) -> Sequence[str]:
    """Return the assets with closes at an assumed rate, also of what they were before."""
    return [
        symbol
        for symbol in symbols
        if {symbol, *(join.from_symbol for join in behind.get(symbol, ()) if join.reason is None)}
        & set(read.assumed_rate_history)
    ]
