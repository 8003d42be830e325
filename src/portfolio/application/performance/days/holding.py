"""For how long what is sold was held, at average cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.symbol import Symbol

_SECONDS_PER_DAY = 86_400.0


@dataclass(slots=True)
class _Held:
    """A position's quantity, and the mean time at which it was acquired."""

    quantity: float = 0.0
    mean_time: float = 0.0


class HoldingTimes:
    """Keeps for each position the mean time of its purchases, weighted by quantity as average cost weighs prices.

    A purchase moves the mean, a sale leaves it, and so does a split; an exchange takes it along. What was there before
    the books were opened has no time of purchase: it is not in the mean.
    """

    def __init__(self) -> None:
        self._held: defaultdict[Symbol, _Held] = defaultdict(_Held)

    def add(self, trade: Movement) -> float | None:
        """Take in a trade, and return for how many days what it closes was held; None where that is not known."""
        held = self._held[trade.symbol]
        at, moved = trade.executed_at.timestamp(), float(trade.quantity_delta.value)
        left = held.quantity + moved
        if not trade.closes:
            held.mean_time += (at - held.mean_time) * (moved / left) if left else 0.0
            held.quantity = left
            return None
        days = max(at - held.mean_time, 0.0) / _SECONDS_PER_DAY if held.quantity else None
        # More may be sold than was bought here, and an override may open the rest the other way round.
        held.quantity = left if held.quantity * left > 0 else 0.0
        return days

    def change(self, entry: CashEntry) -> None:
        """Take in a split or an exchange, or what takes one out: what was bought goes on in the other units."""
        legs, terms = entry.positions, entry.transaction.event
        # What others wrote into the rows may lack a leg, or have no ratio that can be.
        if terms is None or terms.ratio is None or terms.ratio <= 0:
            return
        is_taken_out = terms.reverses_revision is not None
        ratio = 1 / float(terms.ratio) if is_taken_out else float(terms.ratio)
        if entry.transaction.kind is CashTransactionKind.SPLIT:
            for leg in legs:
                self._split(self._held[leg.symbol], float(leg.quantity_delta.value), ratio)
        elif entry.transaction.kind is CashTransactionKind.EXCHANGE and len(legs) == 2:
            left, came = sorted(legs, key=lambda leg: leg.quantity_delta)
            self._exchange(self._held[left.symbol], self._held[came.symbol], -float(left.quantity_delta.value), ratio)

    @staticmethod
    def _split(held: _Held, delta: float, ratio: float) -> None:
        """Have what was held at a split be more or less; a late one is not of what was bought after it."""
        of_then = delta / (ratio - 1) if ratio != 1 else 0.0
        held.quantity += min(held.quantity, of_then) * (ratio - 1) if held.quantity > 0 else held.quantity * (ratio - 1)

    @staticmethod
    def _exchange(old: _Held, new: _Held, quantity: float, ratio: float) -> None:
        moved = min(old.quantity, quantity)
        if moved <= 0 or new.quantity < 0:
            return
        old.quantity -= moved
        new.quantity += moved * ratio
        new.mean_time += (old.mean_time - new.mean_time) * (moved * ratio / new.quantity)

    def take_out(self, trade: Movement) -> None:
        """Take out a trade that was reversed."""
        held = self._held[trade.symbol]
        at, moved = trade.executed_at.timestamp(), float(trade.quantity_delta.value)
        left = held.quantity - moved
        if trade.closes:
            held.quantity = left
        elif held.quantity * left > 0:
            held.mean_time -= (at - held.mean_time) * (moved / left)
            held.quantity = left
        else:
            held.quantity = 0.0
