"""Lots once more, on plain integers: what the fold is checked against.

Written from the rules, not from the code. Amounts are counts of 1e-18, lots are looked for one by one, and a unit cost
is a fraction. The only division is ``round(Fraction)``, which is half even by the definition of Python's ``round``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType

from tests.unit.domain.ledger.ledger_model import share


@dataclass
class Event:
    """What stands of a trade: a quantity, and the cash that it cost (below zero) or brought."""

    at: datetime
    booked: int
    quantity: int
    cash: int


@dataclass
class OpenLot:
    """A lot of the model, bought or, below zero, sold before it was bought."""

    at: datetime
    booked: int
    quantity: int
    basis: int
    unit: Fraction = field(init=False)
    """What it cost a unit when it was acquired: parts that are rounded change nothing of that."""

    def __post_init__(self) -> None:
        self.unit = Fraction(self.basis, self.quantity)


@dataclass
class Sold:
    """A row of the gains; ``picked`` where somebody picked the lot."""

    acquired: datetime
    disposed: datetime
    quantity: int
    proceeds: int
    basis: int
    picked: bool = False


Picked = Mapping[int, Sequence[tuple[int, int]]]
"""By what a sale was booked as, the lots that it takes by what they were booked as, and how much of each."""


@dataclass
class LotModel:
    """The lots and the gains of one asset."""

    lots: list[OpenLot] = field(default_factory=list)
    sold: list[Sold] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[Event], method: str, picked: Picked = MappingProxyType({})) -> LotModel:
        """Return the model after all events, in the order of their own times."""
        model = cls()
        for event in sorted(events, key=lambda one: (one.at, one.booked)):
            model._enter(event, method, picked.get(event.booked, ()))
        return model

    def _enter(self, event: Event, method: str, picked: Sequence[tuple[int, int]]) -> None:
        left, cash = event.quantity, event.cash
        for booked, wanted in picked if method == "picked" and left < 0 else ():
            for lot in [one for one in self.lots if one.booked == booked and one.quantity > 0]:
                left, cash = self._close(event, lot, left, cash, min(wanted, lot.quantity, -left), picked=True)
        while left and self.lots and self.lots[0].quantity * left < 0:
            lot = self.lots[_next(self.lots, method)]
            left, cash = self._close(event, lot, left, cash, min(abs(lot.quantity), abs(left)), picked=False)
        if left:
            self.lots.append(OpenLot(event.at, event.booked, left, -cash))

    def _close(  # shape: what is closed, and of what
        self, event: Event, lot: OpenLot, left: int, cash: int, size: int, *, picked: bool
    ) -> tuple[int, int]:
        if not size:
            return left, cash
        got, cost = share(cash, size, abs(left)), share(lot.basis, size, abs(lot.quantity))
        if left < 0:
            self.sold.append(Sold(lot.at, event.at, size, got, cost, picked))
        else:
            self.sold.append(Sold(event.at, lot.at, size, -cost, -got))
        step = 1 if left > 0 else -1
        lot.quantity, lot.basis = lot.quantity + step * size, lot.basis - cost
        self.lots = [one for one in self.lots if one.quantity]
        return left - step * size, cash - got


def _next(lots: Sequence[OpenLot], method: str) -> int:
    """Return which lot is taken: of equal ones by cost the older, as they stand in the order of acquisition."""
    if method in {"fifo", "picked"}:
        return 0
    if method == "lifo":
        return len(lots) - 1
    costs = [lot.unit for lot in lots]
    return costs.index(max(costs))
