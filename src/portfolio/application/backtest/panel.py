"""The closes of a backtest, and which of them a decision may use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import compress

from portfolio.analytics.backtest.known import DAYS_UNTIL_WRITTEN_DOWN, days_since_close, entered, in_units, newest
from portfolio.analytics.closes import Join, history_of
from portfolio.analytics.estimate import Counts, Mask, Matrix, frozen
from portfolio.analytics.returns import PriceHistory
from portfolio.application.prices.closes import Closes
from portfolio.domain.categories import Categories
from portfolio.domain.lazy import lazy
from portfolio.domain.money import EXACT
from portfolio.domain.symbol import Symbol


class Marks(Mapping[str, Decimal]):
    """Prices by symbol, each an exact decimal: the newest close by the end of a day.

    ``units`` are integers, of ten to the power of minus the decimals of their column.
    """

    def __init__(self, units: Sequence[int], decimals: Sequence[int], columns: Mapping[str, int]) -> None:
        self.units = units
        self.decimals = decimals
        self._columns = columns

    def __getitem__(self, symbol: str) -> Decimal:
        column = self._columns[symbol]
        if not self.units[column]:
            raise KeyError(symbol)
        return EXACT.scaleb(Decimal(self.units[column]), -self.decimals[column])

    def __iter__(self) -> Iterator[str]:
        return (symbol for symbol, column in self._columns.items() if self.units[column])

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Daily closes ``(n_days, n_assets)`` in US dollars, read-only, NaN where there is none; one row a day from
    ``first`` on.

    ``symbols`` are ascending, ``categories`` theirs. Give at least 31 days before the first decision, and for targets
    as many as the optimiser looks back. BTC, the benchmark, is compared with where it is one of the symbols. ``joins``
    are the splits and renames across which the closes are joined, and with a reason those across which they are not.
    """

    symbols: tuple[str, ...]
    first: date
    closes: Matrix
    categories: tuple[str, ...]
    simulated: bool = False
    joins: tuple[Join, ...] = ()

    def __post_init__(self) -> None:
        assert self.closes.shape[1] == len(self.symbols) == len(self.categories)
        assert list(self.symbols) == sorted(set(self.symbols))
        assert not self.closes.flags.writeable

    @classmethod
    def of_closes(cls, closes: Closes, categories: Categories) -> Panel:
        """Return the panel of closes as the service reads them."""
        joins = (*closes.joined_history, *closes.unjoined_history)
        return replace(cls.of(closes.history, categories, simulated=closes.simulated_history), joins=joins)

    @classmethod
    def of(cls, history: PriceHistory, categories: Categories, *, simulated: bool = False) -> Panel:
        """Return the panel of a history."""
        return cls(
            symbols=history.symbols,
            first=history.last_day - timedelta(days=len(history.closes) - 1),
            closes=history.closes,
            categories=tuple(categories.of(Symbol(symbol)) for symbol in history.symbols),
            simulated=simulated,
        )

    @property
    def last(self) -> date:
        """Return the day of the last row."""
        return self.first + timedelta(days=len(self.closes) - 1)

    def place(self, day: date) -> int:
        """Return the row of a day of the panel."""
        place = (day - self.first).days
        assert 0 <= place < len(self.closes), "a day of the panel"
        return place

    def day(self, place: int) -> date:
        """Return the day of a row."""
        return self.first + timedelta(days=place)

    def with_closes(self, closes: Matrix) -> Panel:
        """Return the panel with other closes of the same days and assets."""
        return replace(self, closes=frozen(closes))

    @lazy
    def fingerprint(self) -> str:
        """Return a digest: equal for equal closes of the same assets and days."""
        digest = hashlib.sha256(f"{self.first} {self.symbols} {self.categories} {self.simulated}".encode())
        digest.update(self.closes.tobytes())
        return digest.hexdigest()

    @lazy
    def columns(self) -> Mapping[str, int]:
        """Return the column of each symbol."""
        return {symbol: column for column, symbol in enumerate(self.symbols)}

    @lazy
    def age(self) -> Counts:
        """Return how many days ago the last close was, see ``days_since_close``."""
        return days_since_close(self.closes)

    @lazy
    def entered(self) -> Mask:
        """Return on which days each asset may be traded."""
        return entered(self.closes)

    @lazy
    def newest(self) -> Matrix:
        """Return the newest close by the end of each day, 0 before the first one."""
        return newest(self.closes)

    @lazy
    def _units(self) -> tuple[list[list[int]], tuple[int, ...]]:
        return in_units(self.newest)

    def marks_on(self, place: int) -> Marks:
        """Return the newest closes by the end of a day, by symbol; absent where there was none yet."""
        rows, decimals = self._units
        return Marks(rows[place], decimals, self.columns)

    def closes_on(self, place: int, symbols: Iterable[str]) -> dict[str, Decimal]:
        """Return the closes of a day by symbol; absent where there is none."""
        marks, ages, columns = self.marks_on(place), self.age[place], self.columns
        return {symbol: marks[symbol] for symbol in symbols if symbol in columns and not ages[columns[symbol]]}

    def until(self, place: int, n_days: int, symbols: Sequence[str]) -> PriceHistory:
        """Return the last ``n_days + 1`` closes of some assets up to a row, as a read-only copy.

        This is all of the closes that a decision gets: there is no later row in it, nor behind it.
        """
        rows = self.closes[max(place - n_days, 0) : place + 1]
        if len(symbols) < len(self.symbols):
            rows = rows[:, [self.columns[symbol] for symbol in symbols]]
        return history_of(rows.copy(), symbols, self.day(place))

    def gone_on(self, place: int) -> list[str]:
        """Return the assets that have had no close for seven days, by the end of this one."""
        return list(compress(self.symbols, (self.age[place] == DAYS_UNTIL_WRITTEN_DOWN).tolist()))

    def tradable_on(self, place: int) -> frozenset[str]:
        """Return the assets that have a close of this day, and closes enough."""
        there = self.entered[place] & (self.age[place] == 0)
        return self._everything if there.all() else frozenset(compress(self.symbols, there.tolist()))

    @lazy
    def _everything(self) -> frozenset[str]:
        return frozenset(self.symbols)
