"""The units of the portfolio after each transaction: what its time-weighted return is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.days import DAY, day_of
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import EXACT, Money


def unit_history(transactions: Sequence[CashEntry], now: Units) -> Iterator[Units]:
    """Yield the units after each of the transactions from the baseline on; ``now`` are those that they led to.

    A baseline from before 0024 does not say what its positions were worth, which is how many units it made. Every later
    count is in proportion to that number, so it is found from the units of now.
    """
    baseline = transactions[0].transaction
    worth = baseline.value_before or baseline.net_deposits_delta + baseline.realized_delta
    if transactions[0].positions and worth.value > 0 and not baseline.value_before:
        *_, last = _after(worth, transactions)
        scale = (now.count, last.count) if last.count and now.count else (last.last_value, now.last_value)
        worth = worth.times(EXACT.divide(*scale))
    return _after(worth, transactions)


def opening_of(transactions: Sequence[CashEntry], now: Units) -> MeasuredDay | None:
    """Return the end of the day before the first one, as if the opening deposit had been there; None before it.

    Of books that were opened on what the rows held, that is the baseline. Where units began anew, the first day is that
    of the last deposit with which they did.
    """
    opening, before = None, Units()
    for entry, units in zip(transactions, unit_history(transactions, now) if transactions else (), strict=False):
        begins = units.begin_anew(before, entry.transaction.value_before) if opening else bool(units.count)
        if begins:
            day = day_of(entry.transaction.at) - DAY
            worth = Money.rounded(EXACT.multiply(units.count, units.last_value))
            opening = MeasuredDay(day, worth, entry.net_deposits_after, units.last_value)
        before = units
    return opening


def _after(worth: Money, transactions: Sequence[CashEntry]) -> Iterator[Units]:
    units = Units().after_flow(Money.zero(), worth)
    yield units
    for entry in transactions[1:]:
        units = units.after_flow(entry.transaction.value_before, entry.transaction.flow)
        yield units
