"""The open lots of one asset, and how a sale, a purchase, a split or another posting changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Any

from portfolio.domain.ledger.lots.records import Disposal, Lot, LotMethod, Posting
from portfolio.domain.ledger.picks import Pick
from portfolio.domain.money import EXACT, Money, Quantity, added, of_any_size, subtracted, sum_of

_First = Callable[[Lot, int], Any]
Placed = tuple[Any, int, Lot]
"""What decides when a lot is taken, its place among all acquisitions, and the lot."""

# What decides which one is taken, the place, the number, and the lot.
_Found = tuple[Any, int, int, Lot]

# What is smallest is taken first. Unit costs are compared exactly, and what is left of a lot keeps that of the whole.
# Two of amounts of 38 digits that differ do so within their first 77 digits, and ``EXACT`` has 80: fractions say the
# same, and take many times as long.
_FIRST: Mapping[LotMethod, _First] = {
    LotMethod.FIFO: lambda _, place: place,
    LotMethod.LIFO: lambda _, place: -place,
    LotMethod.PICKED: lambda _, place: place,
    LotMethod.HIFO: lambda lot, place: (EXACT.divide(EXACT.minus(lot.basis.value), lot.quantity.value), place),
}


@dataclass(slots=True)
class _Rest:
    """What is not yet closed of a posting, and the cash of that."""

    quantity: Quantity
    cash: Money


class OpenLots:
    """The lots of one asset: all long, or all short. The one to be taken next is the first of the heap."""

    def __init__(self, method: LotMethod) -> None:
        self._first = _FIRST[method]
        self._heap: list[_Found] = []
        self._added = 0

    def __iter__(self) -> Iterator[Lot]:
        return (lot for *_, lot in self._in_order())

    @property
    def _quantity(self) -> Quantity:
        return _held(lot for *_, lot in self._heap)

    def after(self, posting: Posting, place: int, picks: Sequence[Pick] = ()) -> Iterator[Disposal]:
        """Take in a posting, and yield what it realizes; what it does not close is a lot, as of the ``place``."""
        rest = _Rest(posting.quantity, posting.cash)
        if posting.result or not (rest.quantity or self._heap):
            moved = posting.result if rest.quantity or self._heap else added(posting.result, rest.cash)
            yield from _without_quantity(posting, moved)
        if not rest.quantity:
            self._spread(rest.cash)
            return
        if picks and rest.quantity.value < 0:
            yield from self._picked(posting, rest, picks)
        while rest.quantity and self._heap and self._closes(rest.quantity):
            found = heappop(self._heap)
            lot = found[-1]
            part = lot.quantity if abs(lot.quantity) <= abs(rest.quantity) else -rest.quantity
            yield self._taken(posting, rest, found, part)
        if rest.quantity:
            self._add(
                Lot(
                    symbol=posting.symbol,
                    entry=posting.revision,
                    acquired_at=posting.executed_at,
                    trade_id=posting.trade_id,
                    quantity=rest.quantity,
                    basis=-rest.cash,
                    is_assumed=posting.is_assumed,
                ),
                place,
            )

    def _closes(self, quantity: Quantity) -> bool:
        return (self._heap[0][-1].quantity.value > 0) != (quantity.value > 0)

    def _picked(self, posting: Posting, rest: _Rest, picks: Sequence[Pick]) -> Iterator[Disposal]:
        """Take what was picked of the lots that are there, and of each no more than it has."""
        for pick in picks:
            wanted = pick.quantity
            for found in [item for item in self._in_order() if item[-1].entry == pick.entry]:
                part = min(wanted, found[-1].quantity, -rest.quantity)
                if part.value > 0:
                    self._in_order().remove(found)  # what is in order stays a heap when something is taken out
                    wanted = wanted - part
                    yield self._taken(posting, rest, found, part, is_picked=True)

    def _taken(
        self, posting: Posting, rest: _Rest, found: _Found, part: Quantity, *, is_picked: bool = False
    ) -> Disposal:
        """Take a part of a lot that is out of the heap.

        What is left of it comes back to where it was: it cost a unit what it did, but for the rounding of the part.
        """
        first, at, number, lot = found
        share, basis = rest.cash.portion(-part, rest.quantity), lot.basis.portion(part, lot.quantity)
        rest.quantity, rest.cash = rest.quantity + part, rest.cash - share
        if part != lot.quantity:
            left = replace(lot, quantity=lot.quantity - part, basis=lot.basis - basis)
            heappush(self._heap, (first, at, number, left))
        taken = replace(lot, quantity=part, basis=basis)
        return Disposal.of(posting, taken, abs(part), share, is_picked=is_picked)

    def _add(self, lot: Lot, place: int) -> None:
        self._push(self._first(lot, place), place, lot)

    def _push(self, first: Any, place: int, lot: Lot) -> None:
        # Shares of one lot that came one after the other have one place: the number tells them apart.
        self._added += 1
        heappush(self._heap, (first, place, self._added, lot))

    def share(self, posting: Posting, place: int) -> list[Placed]:
        """Take out a share of each lot, and return what left, with the places of then.

        What is not there, as it comes later, leaves as the ledger has it: a short lot stands for it.
        """
        wanted, held, left = -posting.quantity, self._quantity, []
        rest = wanted if held.value <= 0 else max(subtracted(wanted, held), Quantity.zero())
        if rest != wanted:
            lots, self._heap, part_wanted = self._in_order(), [], wanted - rest
            for first, at, number, lot in lots:
                part = part_wanted.portion(lot.quantity, held)
                part_wanted, held = part_wanted - part, subtracted(held, lot.quantity)
                basis = lot.basis.portion(part, lot.quantity)
                left.append((first, at, replace(lot, quantity=part, basis=basis)))
                if part != lot.quantity:
                    rest_of_it = replace(lot, quantity=lot.quantity - part, basis=lot.basis - basis)
                    heappush(self._heap, (first, at, number, rest_of_it))
        if rest:
            cost = posting.cash.portion(rest, wanted)
            lot = Lot(
                symbol=posting.symbol,
                entry=posting.revision,
                acquired_at=posting.executed_at,
                quantity=rest,
                basis=cost,
            )
            left.append((self._first(lot, place), place, lot))
            self._add(replace(lot, quantity=-rest, basis=-cost), place)
        return left

    def received(self, posting: Posting, lots: Sequence[Placed], place: int) -> Iterator[Disposal]:
        """Take in what left other lots, as the quantity that it became.

        It is a purchase at their cost where short lots are to be closed, and at the ledger's where none has left.
        """
        if not lots or self._quantity.value < 0:
            basis = sum_of(lot.basis for *_, lot in lots)
            yield from self.after(replace(posting, cash=-basis) if lots else posting, place)
            return
        for first, at, lot in _resized(lots, posting.quantity, self._first):
            self._push(first, at, replace(lot, symbol=posting.symbol))

    def scaled(self, posting: Posting, place: int) -> Iterator[Disposal]:
        """Give each lot its part of another quantity for the same money; what fits no lot is a purchase or a sale."""
        after = added(self._quantity, posting.quantity)
        if not after or (after.value > 0) != (self._quantity.value > 0) or not self._heap:
            yield from self.after(posting, place)
            return
        lots, self._heap = [(first, at, lot) for first, at, _, lot in self._in_order()], []
        for resized in _resized(lots, after, self._first):
            self._push(*resized)

    def _spread(self, cash: Money) -> None:
        """Have the lots cost ``cash`` less, each its part by quantity: a cost was corrected, and nothing moved."""
        lots = self._in_order() if cash else ()
        left = _held(lot for *_, lot in lots)
        less = EXACT.divide(cash.value, left.value) if lots else Decimal(0)
        for at, (first, place, number, lot) in enumerate(lots):
            part = cash.portion(lot.quantity, left)
            left, cash = subtracted(left, lot.quantity), subtracted(cash, part)
            self._heap[at] = _cheaper(first, less), place, number, replace(lot, basis=subtracted(lot.basis, part))
        heapify(self._heap)

    def _in_order(self) -> list[_Found]:
        """Return the lots in the order they were acquired; the heap has them in the same places from then on."""
        self._heap.sort(key=itemgetter(1, 2))
        return self._heap


def _without_quantity(posting: Posting, gain: Money) -> Iterator[Disposal]:
    if gain:
        nothing = Lot(symbol=posting.symbol, quantity=Quantity.zero(), basis=Money.zero())
        yield Disposal.of(posting, nothing, Quantity.zero(), gain)


def _held(lots: Iterable[Lot]) -> Quantity:
    """Return the quantity of lots: of any size, as in their order there may be more than was ever booked at once."""
    whole = Decimal(0)
    for lot in lots:
        whole = EXACT.add(whole, lot.quantity.value)
    return of_any_size(Quantity, whole)


def _resized(lots: Sequence[Placed], quantity: Quantity, decides: _First) -> list[Placed]:
    """Return lots with another quantity in all, each with its part; the next has the cost of what is nothing."""
    total, cost = _held(lot for *_, lot in lots), Money.zero()
    before, after, made = total.value, quantity.value, list[Placed]()
    for first, at, lot in lots:
        part = quantity.portion(lot.quantity, total)
        quantity, total = subtracted(quantity, part), subtracted(total, lot.quantity)
        cost = added(cost, lot.basis)
        if part:
            resized = replace(lot, quantity=part, basis=cost)
            is_itself = cost == lot.basis
            made.append((_rescaled(first, before, after) if is_itself else decides(resized, at), at, resized))
            cost = Money.zero()
    if cost:
        _, at, last = made.pop()
        last = replace(last, basis=added(last.basis, cost))
        made.append((decides(last, at), at, last))
    return made


def _cheaper(first: Any, less: Decimal) -> Any:
    """Return what decides when a lot is taken once a unit of each costs so much less: equal costs stay equal."""
    return first if isinstance(first, int) else (EXACT.add(first[0], less), first[1])


def _rescaled(first: Any, before: Decimal, after: Decimal) -> Any:
    """Return what decides when a lot is taken once all of them were resized: lots of one cost a unit stay such."""
    if isinstance(first, int):
        return first
    unit, place = first
    return EXACT.divide(EXACT.multiply(unit, before), after), place
