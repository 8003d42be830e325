"""Restated days: what each day was worth by all that is known now, with its unit value."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal

import msgspec

from portfolio.application.history.effective import EffectiveDays, Flows
from portfolio.application.performance.days.splits import Splits
from portfolio.application.performance.final_days import MOST_DAYS_CARRIED
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.arithmetic import ONE, exact
from portfolio.domain.days import DAY
from portfolio.domain.errors import OutOfRange
from portfolio.domain.money import Money, Price, Quantity, added, round_to_step, sum_of
from portfolio.domain.prices.freshness import is_small_rest
from portfolio.domain.symbol import Symbol

_NOTHING = Money.zero()
_NEVER = Quantity.zero(), _NOTHING

ClosesByDay = Mapping[Symbol, Mapping[date, Decimal]]
"""Closes in dollars by asset and day; as plain decimals, of which there may be a hundred thousand."""


class RestatedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day at its end.

    ``carried`` are the assets that are valued at a close of up to seven days before. Of those ``missing`` none is
    known: up to 5 % of the day's value they stand at their last close of before, or at what they came for; beyond that
    the day is a gap, and has neither value nor unit value. There is no unit value either before anything of value
    was there. ``base`` is what a return of the day begins from, what was there before and what came in, with
    the net deposits that belong to it.
    """

    day: date
    value: Money | None
    cash: Money
    net_deposits: Money
    base: Money
    base_deposits: Money
    unit_value: Decimal | None
    carried: tuple[Symbol, ...] = ()
    missing: tuple[Symbol, ...] = ()

    @property
    def measured(self) -> MeasuredDay | None:
        """Return what returns are made of."""
        if self.value is None or self.unit_value is None:
            return None
        return MeasuredDay(self.day, self.value, self.net_deposits, self.unit_value)


class _Units(msgspec.Struct):
    """The unit value so far: ``value`` is what was there on the last day that has one, the flows are those since.

    ``deposits`` are the net deposits of that day, ``paid_in`` what was added to them since.
    """

    unit: Decimal = ONE
    value: Money = _NOTHING
    deposits: Money = _NOTHING
    inflow: Money = _NOTHING
    paid_in: Money = _NOTHING
    outflow: Money = _NOTHING
    has_begun: bool = False

    @property
    def base(self) -> Money:
        """Return what the next return begins from."""
        return added(self.value, self.inflow)

    def flow(self, flows: Flows) -> None:
        """Take in what came at the start of a day, and goes at its end."""
        self.inflow = added(self.inflow, flows.inflow)
        self.paid_in = added(self.paid_in, flows.paid_in)
        self.outflow = added(self.outflow, flows.outflow)

    def close(self, value: Money, deposits: Money) -> Decimal | None:
        """Return the unit value at the end of a day; None before anything of value was there.

        u(D) = u(D-1) x (V(D) + outflows) / (V(D-1) + inflows). It stays where one of the two is not above zero.
        """
        base, left = self.base, added(value, self.outflow)
        self.has_begun |= base.value > 0
        if base.value > 0 and left.value > 0:
            self.unit = _grown(self.unit, left, base)
        self.value, self.deposits = value, deposits
        self.inflow = self.paid_in = self.outflow = _NOTHING
        return self.unit if self.has_begun else None


@exact
def _grown(unit: Decimal, left: Money, base: Money) -> Decimal:
    """Return the unit value after a day; where 20 digits do not hold it, or nothing is left of it, it stays."""
    try:
        grown = round_to_step(unit * left.value / base.value)
    except OutOfRange:
        return unit
    return grown if grown > 0 else unit


class _Books(msgspec.Struct):
    """The sums until the end of a day."""

    cash: Money = _NOTHING
    net_deposits: Money = _NOTHING
    quantities: defaultdict[Symbol, Quantity] = msgspec.field(default_factory=lambda: defaultdict(Quantity.zero))
    came: defaultdict[Symbol, tuple[Quantity, Money]] = msgspec.field(
        default_factory=lambda: defaultdict(lambda: _NEVER)
    )

    def add(self, entries: EffectiveDays, day: date) -> None:
        """Add what took effect on a day."""
        moved = entries.days.get(day)
        if moved is None:
            return
        self.cash = added(self.cash, moved.cash)
        self.net_deposits = added(self.net_deposits, moved.net_deposits)
        for symbol, change in moved.changes.items():
            self.quantities[symbol] = quantity = added(self.quantities[symbol], change.quantity)
            came, came_for = self.came[symbol]
            self.came[symbol] = added(came, change.came), added(came_for, change.came_for)
            if not quantity:  # what is bought from then on came for a price of its own
                del self.quantities[symbol], self.came[symbol]

    @exact
    def stand_in(self, symbol: Symbol, last_close: Price | None) -> Money | None:
        """Return what a quantity without a close stands at: its last close of before, else what all of it came for,
        on the average; None where nobody knows that either.
        """
        quantity = self.quantities[symbol]
        if last_close is not None:
            return quantity.worth(last_close)
        came, came_for = self.came[symbol]
        if came.value <= 0 or quantity.value < 0:
            return None
        with suppress(OutOfRange):
            return Money.rounded(came_for.value * quantity.value / came.value)
        return None


class _Closes:
    """The closes of each asset in the units of any day."""

    def __init__(self, closes: ClosesByDay, splits: Splits) -> None:
        self._closes = closes
        self._splits = splits
        self._days: dict[Symbol, list[date]] = {}

    def on(self, symbol: Symbol, day: date) -> tuple[Price | None, bool]:
        """Return the price of a day, and whether it is the day's own close."""
        return price_on(day, symbol, self._closes.get(symbol, {}), self._splits)

    def before(self, symbol: Symbol, day: date) -> Price | None:
        """Return the last close before a day, however long before."""
        closes = self._closes.get(symbol, {})
        if symbol not in self._days:
            self._days[symbol] = sorted(closes)
        days = self._days[symbol]
        place = bisect(days, day)
        if not place:
            return None
        found = days[place - 1]
        return self._splits.carried(symbol, closes[found], found, day)


def restate(
    entries: EffectiveDays, closes: ClosesByDay, until: date, kept: Sequence[RestatedDay] = ()
) -> list[RestatedDay]:
    """Return every day from the first one on which anything took effect until the end of ``until``.

    ``kept`` are the days from the first one on of which nothing changed; those after them are made anew.
    """
    first = entries.opened
    if first is None:
        return []
    made, books = list(kept), _Books()
    start = made[-1].day + DAY if made else first
    for day in sorted(day for day in entries.days if day < start):
        books.add(entries, day)
    units, priced = _units_after(made, entries.flows), _Closes(closes, entries.splits)
    for n in range((until - start).days + 1):
        day = start + n * DAY
        books.add(entries, day)
        units.flow(entries.flows.get(day) or Flows())
        made.append(_restated(day, books, units, priced))
    return made


def _restated(day: date, books: _Books, units: _Units, closes: _Closes) -> RestatedDay:
    value, carried, missing = books.cash, [], []
    for symbol in sorted(books.quantities):
        price, is_own = closes.on(symbol, day)
        worth = None if price is None else books.quantities[symbol].worth(price)
        if worth is None:
            missing.append(symbol)
            continue
        value = added(value, worth)
        if not is_own:
            carried.append(symbol)
    stand_ins = [books.stand_in(symbol, closes.before(symbol, day)) for symbol in missing]
    known = [one for one in stand_ins if one is not None]
    value = added(value, sum_of(known))
    is_small = len(known) == len(missing) and is_small_rest(sum_of(map(abs, known)), value)
    is_gap = bool(missing) and not is_small
    base, base_deposits = units.base, added(units.deposits, units.paid_in)
    return RestatedDay(
        day=day,
        value=None if is_gap else value,
        cash=books.cash,
        net_deposits=books.net_deposits,
        base=base,
        base_deposits=base_deposits,
        unit_value=None if is_gap else units.close(value, books.net_deposits),
        carried=tuple(carried),
        missing=tuple(missing),
    )


def price_on(day: date, symbol: Symbol, closes: Mapping[date, Decimal], splits: Splits) -> tuple[Price | None, bool]:
    """Return the close of a day, else the newest one of the seven days before, in the units of the day, and whether it
    is the day's own.
    """
    own = closes.get(day)
    if own is not None:
        return Price(own), True
    before = (day - n * DAY for n in range(1, MOST_DAYS_CARRIED + 1))
    found = next((one for one in before if one in closes), None)
    return None if found is None else splits.carried(symbol, closes[found], found, day), False


def _units_after(made: Sequence[RestatedDay], flows: Mapping[date, Flows]) -> _Units:
    """Return the unit value at the end of days that were made before."""
    units = _Units()
    for place in range(len(made) - 1, -1, -1):
        day = made[place]
        if day.value is not None:
            known = next((one.unit_value for one in reversed(made[: place + 1]) if one.unit_value is not None), None)
            units = _Units(unit=known or ONE, value=day.value, deposits=day.net_deposits, has_begun=known is not None)
            break
    else:
        place = -1
    for gap in made[place + 1 :]:
        units.flow(flows.get(gap.day) or Flows())
    return units


def measured_days(days: Sequence[RestatedDay], since: date = date.min) -> tuple[MeasuredDay | None, list[MeasuredDay]]:
    """Return the end of the day before the first return, as if what came in had been there, and the days with a value.

    So the whole result is that of the first day too. Of the days no more than those from ``since`` on are returned.
    """
    first = next((day for day in days if day.measured is not None), None)
    if first is None:
        return None, []
    opening = MeasuredDay(first.day - DAY, first.base, first.base_deposits, ONE)
    wanted = days[max((since - days[0].day).days, 0) :]
    return opening, [one for day in wanted if (one := day.measured) is not None]


def today_so_far(
    days: Sequence[RestatedDay], entries: EffectiveDays, today: date, value: Money, net_deposits: Money
) -> MeasuredDay:
    """Return a day that is not over, at what the portfolio is worth now."""
    units = _units_after(days, entries.flows)
    units.flow(entries.flows.get(today) or Flows())
    return MeasuredDay(today, value, net_deposits, units.close(value, net_deposits) or ONE)
