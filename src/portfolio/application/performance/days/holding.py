"""For how long what is sold was held, at average cost."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.domain.ledger.cash_transaction import CashTransactionKind, EventTerms
from portfolio.domain.symbol import Symbol

_SECONDS_PER_DAY = 86_400.0
_GOES = {CashTransactionKind.TRANSFER_OUT, CashTransactionKind.LOSS}


class _Held(msgspec.Struct):
    """A position's quantity, and the mean time at which it was acquired."""

    quantity: float = 0.0
    mean_time: float = 0.0

    def join(self, quantity: float, mean_time: float) -> None:
        """Have more, of a mean time of its own."""
        self.quantity += quantity
        self.mean_time += (mean_time - self.mean_time) * (quantity / self.quantity)


class HoldingTimes:
    """Keeps for each position the mean time of its purchases, weighted by quantity as average cost weighs prices.

    A purchase moves the mean, a sale leaves it, and so do a split, a transfer out and a loss; an exchange takes it
    along. What was there before the books were opened has no time of purchase: it is not in the mean.
    """

    def __init__(self) -> None:
        self._held: defaultdict[Symbol, _Held] = defaultdict(_Held)
        self._gone: dict[int, _Held] = {}  # by the ledger revision of what took it away

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
        """Take in an event, or what takes one out: what was bought goes away, or goes on in the other units."""
        legs, terms = entry.positions, entry.transaction.event
        if terms is not None and entry.transaction.kind in _GOES:
            for leg in legs:
                self._go(self._held[leg.symbol], -float(leg.quantity_delta.value), entry.revision, terms)
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

    def _go(self, held: _Held, quantity: float, revision: int, terms: EventTerms) -> None:
        """Have less, or again what was there before."""
        if terms.reverses_revision is None:
            gone = min(max(held.quantity, 0.0), quantity)
            held.quantity -= gone
            if gone:
                self._gone[revision] = _Held(gone, held.mean_time)
        elif (back := self._gone.pop(terms.reverses_revision, None)) and held.quantity >= 0:
            held.join(back.quantity, back.mean_time)

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
        new.join(moved * ratio, old.mean_time)

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
