"""The daily closes behind every statistic, kept in memory until they change."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from portfolio.analytics.closes import Join, assets_in, columns_of, history_of, table_of
from portfolio.analytics.conventions import DAYS_PER_YEAR, MAX_DAYS
from portfolio.analytics.estimate import Vector
from portfolio.analytics.returns import PriceHistory
from portfolio.application.clock import Clock
from portfolio.application.derived import Derived
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.prices.ports import PriceStore
from portfolio.application.prices.records import Close
from portfolio.domain.days import DAY
from portfolio.domain.mark import ASSUMED_RATE
from portfolio.domain.prices.quote import SIMULATED_SOURCE
from portfolio.domain.symbol import Symbol

# In the first minutes of a day, prices observed yesterday may still come in.
SETTLING_MINUTES: Final = 15
_SETTLING_SECONDS = 60.0
_SETTLED_SECONDS = 6 * 3600.0
_SILENT_SECONDS = 3.0  # before a database is asked again that did not answer in time
_SLOW_SECONDS = 1.0  # ... and one that answered too slowly
# So many rows at once: a booking that comes meanwhile waits for no more than these.
_ROWS_A_READ = 1_200
_MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Closes:
    """The closes of some symbols, all real or all simulated, with their version.

    ``version`` is another one whenever any close may have changed. ``is_current`` is False where the database could not
    be asked: these are the last ones seen; ``is_known`` is False where some were never seen. ``simulated_history`` says
    that they are made up; ``mixed_history`` are the symbols that have closes of the other kind, which are not mixed in;
    ``assumed_rate_history`` those with closes that were converted at an assumed rate. ``joined_history`` are the splits
    and renames across which closes are joined, see ``JoinedCloses``, ``unjoined_history`` those across which they are
    not, with the reason; ``borne_out`` are all that the closes do not speak against, also where none had to be changed.
    Everything derived from them alone hangs on ``derived``.
    """

    history: PriceHistory
    version: int
    is_current: bool
    is_known: bool
    simulated_history: bool
    mixed_history: Sequence[str]
    assumed_rate_history: Sequence[str] = ()
    joined_history: Sequence[Join] = ()
    unjoined_history: Sequence[Join] = ()
    borne_out: Sequence[Join] = ()
    derived: Derived = field(default_factory=Derived, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Column:
    """The closes of one symbol over the last ``span`` days, ``(span + 1,)``, NaN where there is none; or None."""

    real: Vector | None
    simulated: Vector | None
    span: int
    last_day: date
    price_revision: int
    expires: float
    assumed_until: date | None
    """The last day whose close was converted at an assumed rate."""


@dataclass(slots=True)
class ReadCloses:
    """Reads the closes of symbols, and keeps them in memory.

    A column of closes is kept while its UTC day lasts, the store has written none since, and six hours have not passed
    (a minute just after midnight). Writing closes bumps the price revision, and so does every refresh: what changed
    since the last one is asked for, in one small query. So what was written before a request is in its answer.
    """

    prices: PriceStore
    clock: Clock
    _: KW_ONLY
    prefers_simulated: bool = False
    deadline_seconds: float = 5.0
    _columns: dict[str, _Column] = field(default_factory=dict, init=False)
    _most_at_once: int = field(default=0, init=False)
    _version: int = field(default=0, init=False)
    _asks_again_at: float = field(default=-math.inf, init=False)
    _made: Derived = field(default_factory=lambda: Derived(most=4), init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def __call__(
        self, symbols: Sequence[str], days: int, *, today: date, price_revision: int, asks: bool = True
    ) -> Closes:
        """Return the closes of the last ``days`` completed days before ``today``; those kept where ``asks`` is False,
        or the database does not answer, or did not a moment ago.
        """
        assert 1 <= days <= MAX_DAYS
        is_current, version = False, self._version
        if asks and self.clock.monotonic() >= self._asks_again_at:
            try:
                async with asyncio.timeout(self.deadline_seconds), self._turn:
                    await self._bring_up_to_date(symbols, days, today, price_revision)
                is_current = True
            except LedgerUnavailable:
                pass
            except TimeoutError:
                # Not one reader after the other is to wait as long for the same silence, nor one request several times.
                pause = _SILENT_SECONDS if self._version == version else _SLOW_SECONDS
                self._asks_again_at = self.clock.monotonic() + pause
        return self._closes(symbols, days, today, is_current=is_current)

    async def _bring_up_to_date(self, symbols: Sequence[str], days: int, today: date, price_revision: int) -> None:
        now, last_day = self.clock.monotonic(), today - DAY
        kept = {
            symbol: column
            for symbol, column in self._columns.items()
            if column.last_day == last_day and column.expires > now
        }
        ready = [s for s in symbols if s in kept and kept[s].span >= days]
        unsure = [s for s in ready if kept[s].price_revision != price_revision]
        missing = [s for s in symbols if s not in kept or kept[s].span < days]
        span = max([DAYS_PER_YEAR if days <= DAYS_PER_YEAR else MAX_DAYS, *(kept[s].span for s in unsure)])
        if not unsure and not missing:
            return
        since = last_day - timedelta(days=span)
        if unsure:
            changed = await self.prices.changed_closes(after=min(kept[s].price_revision for s in unsure))
            for symbol in unsure:
                if Symbol(symbol) in changed:
                    missing.append(symbol)
                else:
                    self._columns[symbol] = replace(kept[symbol], price_revision=price_revision)
        at_once = max(1, _ROWS_A_READ // (span + 1))
        for first in range(0, len(missing), at_once):
            part = missing[first : first + at_once]
            found = await self.prices.closes([Symbol(s) for s in part], since=since, until=last_day)
            self._keep(part, found, today=today, span=span, price_revision=price_revision)
        # All that is held is asked for at once, and a benchmark alone in between: beside the one the other is kept.
        self._most_at_once = max(self._most_at_once, len(symbols))
        if len(self._columns) > _MOST_KEPT + self._most_at_once:
            self._columns = {symbol: self._columns[symbol] for symbol in symbols}

    def _keep(
        self, symbols: Sequence[str], found: Iterable[Close], *, today: date, span: int, price_revision: int
    ) -> None:
        last_day = today - DAY
        kinds: dict[bool, list[tuple[str, date, float]]] = {False: [], True: []}
        assumed: dict[str, date] = {}
        for close in found:
            if close.source.endswith(ASSUMED_RATE):
                assumed[close.symbol.code] = max(close.day, assumed.get(close.symbol.code, close.day))
            row = (close.symbol.code, close.day, float(close.price.value))
            kinds[close.source == SIMULATED_SOURCE].append(row)
        real, simulated = (columns_of(kinds[is_simulated], last_day, span) for is_simulated in (False, True))
        now = self.clock.now()
        is_settling = (now.hour, now.minute) < (0, SETTLING_MINUTES)
        expires = self.clock.monotonic() + (_SETTLING_SECONDS if is_settling else _SETTLED_SECONDS)
        for symbol in symbols:
            self._columns[symbol] = _Column(
                real=real.get(symbol),
                simulated=simulated.get(symbol),
                span=span,
                last_day=last_day,
                price_revision=price_revision,
                expires=expires,
                assumed_until=assumed.get(symbol),
            )
        self._version += 1

    def _closes(self, symbols: Sequence[str], days: int, today: date, *, is_current: bool) -> Closes:
        # The same closes are asked for again and again, and their tables are large.
        of = (tuple(symbols), days, today, is_current, self._version)
        return self._made.once(of, lambda: self._made_of_columns(symbols, days, today, is_current=is_current))

    def _made_of_columns(self, symbols: Sequence[str], days: int, today: date, *, is_current: bool) -> Closes:
        last_day = today - DAY
        columns = [self._columns.get(symbol) for symbol in symbols]
        usable = [c if c is not None and c.last_day == last_day and c.span >= days else None for c in columns]
        real = table_of([column.real if column else None for column in usable], days)
        simulated = table_of([column.simulated if column else None for column in usable], days)
        is_simulated = any(assets_in(simulated)) and (self.prefers_simulated or not any(assets_in(real)))
        chosen, other = (simulated, real) if is_simulated else (real, simulated)
        left_out = [symbol for symbol, has_any in zip(symbols, assets_in(other), strict=True) if has_any]
        return Closes(
            history=history_of(chosen, symbols, last_day),
            version=self._version,
            is_current=is_current,
            is_known=all(usable),
            simulated_history=is_simulated,
            mixed_history=left_out,
            assumed_rate_history=[
                symbol
                for symbol, column in zip(symbols, usable, strict=True)
                if column and column.assumed_until and (last_day - column.assumed_until).days <= days
            ],
        )
