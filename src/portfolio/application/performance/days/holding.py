"""For how long what is sold was held, at average cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from portfolio.application.ledger.lots.movement import Movement
from portfolio.domain.symbol import Symbol

_SECONDS_PER_DAY = 86_400.0


@dataclass(slots=True)
class _Held:
    """A position's quantity, and the mean time at which it was acquired."""

    quantity: float = 0.0
    mean_time: float = 0.0


class HoldingTimes:
    """Keeps for each position the mean time of its purchases, weighted by quantity as average cost weighs prices.

    A purchase moves the mean, a sale leaves it. What was there before the books were opened has no time of purchase:
    it is not in the mean.
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
