"""What the trades of each tag moved until the ends of a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.lots.journal import MOVEMENTS
from portfolio.application.ledger.records import Movement
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol

Tagged = Movement | PositionAdjustment
TagOf = Callable[[Tagged], str | None]
Quantities = defaultdict[Symbol, Quantity]


def _none() -> Quantities:
    return defaultdict(Quantity.zero)


@dataclass(slots=True)
class TagSums:
    """What the trades of one tag moved: within the period, and what they had made of each asset at both its ends."""

    cash: Money = Money.zero()
    trades: int = 0
    at_start: Quantities = field(default_factory=_none)
    at_end: Quantities = field(default_factory=_none)

    def add(self, moved: Tagged, *, is_before: bool) -> None:
        """Take in what was moved before the period, or within it."""
        symbol, quantity = moved.symbol, moved.quantity_delta
        self.at_end[symbol] = self.at_end[symbol] + quantity
        if is_before:
            self.at_start[symbol] = self.at_start[symbol] + quantity
        elif isinstance(moved, Movement):
            self.cash = self.cash + moved.cash_delta
            self.trades += 1 if moved.reverses is None else -1


@dataclass(slots=True)
class PeriodSums:
    """The sums of each tag, None for trades without one, and the last execution of each asset at both ends."""

    by_tag: defaultdict[str | None, TagSums] = field(default_factory=lambda: defaultdict(TagSums))
    executed_until_start: dict[Symbol, Movement] = field(default_factory=dict)
    executed_until_end: dict[Symbol, Movement] = field(default_factory=dict)

    @property
    def named(self) -> Mapping[str, TagSums]:
        """Return the sums of the trades that have a tag."""
        return {tag: sums for tag, sums in self.by_tag.items() if tag is not None}


def sums_of(entries: Iterable[Movement | CashEntry], tag_of: TagOf, start: date, end: date) -> PeriodSums:
    """Return what trades moved after the end of ``start`` until the end of ``end``, and what they made until then.

    A trade is of the day on which it was executed, its reversal too, which has its tag as well; before the books were
    opened, of the day of the opening. Nothing from before the newest baseline counts.
    """
    sums, opened = PeriodSums(), date.min
    trades: dict[int, object] = {}
    for entry in entries:
        if not isinstance(entry, Movement):
            day = entry.transaction.day_at.astimezone(UTC).date()
            if entry.transaction.kind is CashTransactionKind.BASELINE:
                sums, opened, trades = PeriodSums(), day, {}
            day = max(day, opened)
            for moved in entry.positions if day <= end else ():
                of_tag = sums.by_tag[tag_of(moved)]
                of_tag.add(moved, is_before=day <= start)
                if entry.transaction.event is not None and day > start:
                    of_tag.cash = of_tag.cash + moved.leg.realized_delta - moved.leg.basis_delta
            continue
        trades[entry.id] = MOVEMENTS.pack(entry)
        own: Movement = MOVEMENTS.unpack(trades.get(entry.reverses or 0, entry))
        day = max(min(own.executed_at, own.booked_at).astimezone(UTC).date(), opened)
        if day > end:
            continue
        sums.by_tag[tag_of(own)].add(entry, is_before=day <= start)
        sums.executed_until_end[entry.symbol] = own
        if day <= start:
            sums.executed_until_start[entry.symbol] = own
    return sums


def signals_of(entries: Iterable[Movement | CashEntry]) -> Collection[str]:
    """Return the signals that trades name."""
    return {e.signal_id for e in entries if isinstance(e, Movement) and e.signal_id is not None}
