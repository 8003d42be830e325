"""What trades made goes on in other units after a split or an exchange: each tag has its part of what was held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.domain.arithmetic import ONE
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.money import EXACT, Quantity
from portfolio.domain.symbol import Symbol

Quantities: TypeAlias = dict[Symbol, Quantity]
Held: TypeAlias = Mapping[str | None, Quantities]
"""What the trades of each tag have made of each asset; None are all that have none."""
Later: TypeAlias = Mapping[str | None, Quantity]
"""What the trades of each tag made of one asset after a moment."""
AskLater: TypeAlias = Callable[[int], Later]

_Part: TypeAlias = tuple[str, Symbol, Quantity]


class OtherUnits:
    """Gives each tag its part of what a split or an exchange made, and takes it back with the event.

    The entry itself has no tag, and all of it counts for what has none: what the tags are given is taken from there.
    """

    def __init__(self) -> None:
        self._given: dict[int, list[list[_Part]]] = {}

    def take(self, entry: CashEntry, ends: Sequence[Held], later: AskLater) -> None:
        """Take in such an entry before what it moved is added to the ``ends`` of a period.

        ``later`` tells of an end what trades that took effect after a split made of its asset, of its units already.
        """
        terms = entry.transaction.event
        if terms is not None and terms.reverses_revision is not None:
            given = self._given.pop(terms.reverses_revision, [])
            parts = [[(tag, symbol, -moved) for tag, symbol, moved in of_end] for of_end in given]
        else:
            parts = self._given[entry.revision] = [
                list(_parts(entry, held, partial(later, number))) for number, held in enumerate(ends)
            ]
        for held, of_end in zip(ends, parts, strict=False):
            for tag, symbol, moved in of_end:
                _add(held[tag], symbol, moved)
                _add(held[None], symbol, -moved)


def _add(quantities: Quantities, symbol: Symbol, moved: Quantity) -> None:
    quantities[symbol] = quantities.get(symbol, Quantity.zero()) + moved


def _of_new_units(leg: PositionAdjustment, held: Held, later: Later, growth: Decimal) -> Later:
    """Return what a split left as it was: what was made ``later``, unless the split was of all that was held.

    Earlier programs booked late splits so. Where what was later adds up to nothing both come to the same.
    """
    whole = sum((of.get(leg.symbol, Quantity.zero()) for of in held.values()), Quantity.zero())
    is_of_all = whole.times(growth) == leg.quantity_delta
    return {} if is_of_all and sum(later.values(), Quantity.zero()) else later


def _parts(entry: CashEntry, held: Held, later: Callable[[], Later]) -> Iterator[_Part]:
    """Yield by how much the quantities of tags change; of an exchange in part each has its share of what left."""
    kind, terms, legs = entry.transaction.kind, entry.transaction.event, entry.positions
    tags = [tag for tag in held if tag is not None]
    if kind is CashTransactionKind.SPLIT and terms is not None and terms.ratio is not None:
        growth = EXACT.subtract(terms.ratio, ONE)
        for leg in legs:
            after = _of_new_units(leg, held, later(), growth)
            for tag in tags:
                quantity = held[tag].get(leg.symbol, Quantity.zero())
                yield tag, leg.symbol, (quantity - after.get(tag, Quantity.zero())).times(growth)
    elif kind is CashTransactionKind.EXCHANGE and len(legs) == 2:
        left, came = legs[0].symbol, legs[1]
        whole = sum((of.get(left, Quantity.zero()) for of in held.values()), Quantity.zero())
        gone = min(-legs[0].quantity_delta, whole)
        for tag in tags if gone.value > 0 else ():
            part = gone.portion(held[tag].get(left, Quantity.zero()), whole)
            yield tag, left, -part
            yield tag, came.symbol, came.quantity_delta.portion(part, gone)
