"""What the trades of each tag moved until the ends of a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial

import msgspec

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.lots.journal import MOVEMENTS
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.performance.tags.other_units import Held, OtherUnits
from portfolio.domain.days import DAY, day_of
from portfolio.domain.ledger.cash_transaction import SPLITS_AND_EXCHANGES, CashTransactionKind
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

Tagged = Movement | PositionAdjustment
TagOf = Callable[[Tagged], str | None]
Quantities = defaultdict[Symbol, Quantity]


def _none() -> Quantities:
    return defaultdict(Quantity.zero)


class TagSums(msgspec.Struct):
    """What the trades of one tag moved: within the period, and what they had made of each asset at both its ends."""

    cash: Money = Money.zero()
    trades: int = 0
    at_start: Quantities = msgspec.field(default_factory=_none)
    at_end: Quantities = msgspec.field(default_factory=_none)

    def add(self, moved: Tagged, *, is_before: bool) -> None:
        """Take in what was moved before the period, or within it."""
        symbol, quantity = moved.symbol, moved.quantity_delta
        self.at_end[symbol] = self.at_end[symbol] + quantity
        if is_before:
            self.at_start[symbol] = self.at_start[symbol] + quantity
        elif isinstance(moved, Movement):
            self.cash = self.cash + moved.cash_delta
            self.trades += 1 if moved.reverses is None else -1


class PeriodSums(msgspec.Struct):
    """The sums of each tag, None for trades without one, and the last execution of each asset at both ends."""

    by_tag: defaultdict[str | None, TagSums] = msgspec.field(default_factory=lambda: defaultdict(TagSums))
    executed_until_start: dict[Symbol, Movement] = msgspec.field(default_factory=dict)
    executed_until_end: dict[Symbol, Movement] = msgspec.field(default_factory=dict)

    @property
    def named(self) -> Mapping[str, TagSums]:
        """Return the sums of the trades that have a tag."""
        return {tag: sums for tag, sums in self.by_tag.items() if tag is not None}

    def ends(self, *, is_before: bool) -> Sequence[Held]:
        """Return what each tag has at the end, and at the start too of what ``is_before`` it."""
        _ = self.by_tag[None]  # there from now on: what tags are given is taken from what has none
        at_end = {tag: one.at_end for tag, one in self.by_tag.items()}
        return [at_end, {tag: one.at_start for tag, one in self.by_tag.items()}] if is_before else [at_end]


class TagPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A period after the end of ``start`` until the end of ``end``, and of which day its entries are.

    On recorded days an entry is of the day of its execution, at the latest of its booking, and before the books were
    opened of the day of the opening. ``by_effect``, on restated days, it is of the day on which it took effect, unless
    the books were opened on something. ``is_first`` says that the period begins as if what came in on its first day had
    been there before.
    """

    start: date
    end: date
    by_effect: bool = False
    is_first: bool = False

    def day_of_trade(self, trade: Movement, opened: date) -> date:
        """Return the day of a trade; ``opened`` is the earliest."""
        return max(day_of(trade.executed_at if self.by_effect else min(trade.executed_at, trade.booked_at)), opened)

    def day_of_other(self, entry: CashEntry, opened: date) -> date:
        """Return the day of an entry that is no trade."""
        transaction = entry.transaction
        return max(day_of(transaction.effective_at if self.by_effect else transaction.day_at), opened)

    def opened(self, baseline: CashEntry) -> date:
        """Return the earliest day that an entry after a baseline may be of."""
        is_new = not (baseline.transaction.cash_delta or baseline.positions)
        return date.min if self.by_effect and is_new else day_of(baseline.transaction.at)

    def paid(self, entry: CashEntry, moved: PositionAdjustment, day: date) -> Money:
        """Return what an asset cost that an entry of the period brought, beyond what it realized: no result of its own.

        An event brings it at its cost, and so does a baseline on restated days. What was there before the first return
        is worth what it was worth when it came.
        """
        transaction, first = entry.transaction, self.start + DAY
        if self.by_effect and transaction.kind is CashTransactionKind.BASELINE:
            return moved.leg.basis_delta
        if transaction.event is None:
            return Money.zero()
        paid = moved.leg.basis_delta - moved.leg.realized_delta
        if self.is_first and day <= first and transaction.comes_in:
            return paid + (transaction.flow - transaction.net_deposits_delta)
        return paid


def sums_of(entries: Iterable[Movement | CashEntry], tag_of: TagOf, period: TagPeriod) -> PeriodSums:
    """Return what trades moved in a period, and what they made until its ends.

    A reversal is of the day of the trade that it takes out, and has its tag. Nothing from before the newest baseline
    counts.
    """
    sums, opened, units = PeriodSums(), date.min, OtherUnits()
    trades = _Trades(tag_of, period)
    for entry in entries:
        if not isinstance(entry, Movement):
            if entry.transaction.kind is CashTransactionKind.BASELINE:
                sums, opened, units, trades = PeriodSums(), period.opened(entry), OtherUnits(), _Trades(tag_of, period)
            day = period.day_of_other(entry, opened)
            if day > period.end:
                continue
            if entry.transaction.kind in SPLITS_AND_EXCHANGES and all(
                tag_of(moved) is None for moved in entry.positions
            ):
                units.take(entry, sums.ends(is_before=day <= period.start), partial(trades.later, entry))
            for moved in entry.positions:
                of_tag = sums.by_tag[tag_of(moved)]
                of_tag.add(moved, is_before=day <= period.start)
                if day > period.start:
                    of_tag.cash = of_tag.cash - period.paid(entry, moved, day)
            continue
        own = trades.add(entry)
        day = period.day_of_trade(own, opened)
        if day > period.end:
            continue
        sums.by_tag[tag_of(own)].add(entry, is_before=day <= period.start)
        sums.executed_until_end[entry.symbol] = own
        if day <= period.start:
            sums.executed_until_start[entry.symbol] = own
    return sums


class _Trades:
    """The trades since the newest baseline, of which a split asks what was executed after it."""

    def __init__(self, tag_of: TagOf, period: TagPeriod) -> None:
        self._tag_of, self._period = tag_of, period
        self._packed: dict[int, object] = {}
        self._newest: dict[Symbol, datetime] = {}

    def add(self, trade: Movement) -> Movement:
        """Take in a trade; return the one that it takes out, itself where it takes none out."""
        self._packed[trade.id] = MOVEMENTS.pack(trade)
        self._newest[trade.symbol] = max(trade.executed_at, self._newest.get(trade.symbol, trade.executed_at))
        return self._own(trade)

    def later(self, split: CashEntry, number: int) -> Mapping[str | None, Quantity]:
        """Return what the trades of each tag executed after a split made of its asset, until an end of the period."""
        found: defaultdict[str | None, Quantity] = defaultdict(Quantity.zero)
        at, until = split.transaction.effective_at, (self._period.end, self._period.start)[number]
        symbols = {moved.symbol for moved in split.positions if self._newest.get(moved.symbol, at) > at}
        for packed in self._packed.values() if symbols else ():  # mostly there is none: splits are booked first
            trade = MOVEMENTS.unpack(packed)
            own = self._own(trade)
            is_later = own.symbol in symbols and own.executed_at > at
            if is_later and self._period.day_of_trade(own, date.min) <= until:
                found[self._tag_of(own)] = found[self._tag_of(own)] + trade.quantity_delta
        return found

    def _own(self, trade: Movement) -> Movement:
        kept = self._packed.get(trade.reverses or 0)
        return trade if kept is None else MOVEMENTS.unpack(kept)


def signals_of(entries: Iterable[Movement | CashEntry]) -> Collection[str]:
    """Return the signals that trades name."""
    return {e.signal_id for e in entries if isinstance(e, Movement) and e.signal_id is not None}
