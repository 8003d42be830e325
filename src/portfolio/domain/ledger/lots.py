"""Lots: what was acquired when and for how much, and which of it a sale takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from heapq import heapify, heappop, heappush
from operator import attrgetter, itemgetter
from typing import Any

from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol


class LotMethod(StrEnum):
    """Which lot a sale takes first; ``average`` is the ledger's own cost, which knows no lots."""

    AVERAGE = "average"
    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What one entry of the ledger moved of one asset.

    ``at`` is when it took effect, which orders it, and ``executed_at`` the same for a trade: None for a baseline or an
    adjustment, of which nobody knows when the asset was acquired. ``cash`` is what the quantity brought,
    below zero what it cost, fees included; ``result`` is realized without any quantity. ``basis`` and ``realized`` are
    the ledger's, at average cost: ``realized - basis == cash + result``. Of ``closed``, what the ledger took out of
    what it held, the part of ``cash`` is ``proceeds``. ``is_assumed`` says that no entry states the cost.
    """

    symbol: Symbol
    at: datetime
    revision: int
    executed_at: datetime | None = None
    trade_id: int | None = None
    quantity: Quantity
    cash: Money
    basis: Money
    realized: Money
    result: Money = Money.zero()
    closed: Quantity = Quantity.zero()
    proceeds: Money = Money.zero()
    is_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What is left of one acquisition. A short lot, of a sale of what was not held, has both amounts below zero."""

    symbol: Symbol
    acquired_at: datetime | None = None
    trade_id: int | None = None
    quantity: Quantity
    basis: Money
    is_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposal:
    """What one sale took of one lot, and brought. It has no quantity where a result was realized without a sale.

    ``realized_at`` is the later of acquisition and sale: what closes a short lot was acquired after it was sold.
    """

    symbol: Symbol
    quantity: Quantity
    acquired_at: datetime | None
    disposed_at: datetime | None
    realized_at: datetime
    acquired_by: int | None
    disposed_by: int | None
    proceeds: Money
    basis: Money
    is_assumed: bool = False

    @property
    def gain(self) -> Money:
        """Return proceeds less basis, both with their fees."""
        return self.proceeds - self.basis

    @property
    def days_held(self) -> int | None:
        """Return the UTC days from acquisition to sale, 0 for a short sale; None where one of them is not known."""
        return days_between(self.acquired_at, self.disposed_at)


@dataclass(slots=True)
class LotBook:
    """The lots that are left, by asset in the order they were acquired, and the disposals in the order of sales."""

    lots: list[Lot] = field(default_factory=list)
    disposals: list[Disposal] = field(default_factory=list)


def days_between(acquired_at: datetime | None, disposed_at: datetime | None) -> int | None:
    """Return the UTC days from one to the other, not below 0; None where one of them is not known."""
    if acquired_at is None or disposed_at is None:
        return None
    return max((disposed_at.astimezone(UTC).date() - acquired_at.astimezone(UTC).date()).days, 0)


def lots_of(postings: Iterable[Posting], method: LotMethod) -> LotBook:
    """Return what postings, in the order they were booked, leave and realize by one method.

    They take effect in the order of their own times, of equal ones as they were booked. What is realized less what is
    left of the basis is the same for every method: the sum of all cash.
    """
    if method is LotMethod.AVERAGE:
        return _averaged(postings)
    book, open_lots = LotBook(), defaultdict[Symbol, _OpenLots](lambda: _OpenLots(_FIRST[method]))
    for place, posting in enumerate(sorted(postings, key=attrgetter("at", "revision"))):
        book.disposals += open_lots[posting.symbol].after(posting, place)
    book.lots = [lot for _, lots in sorted(open_lots.items()) for lot in lots]
    return book


def _averaged(postings: Iterable[Posting]) -> LotBook:
    """Return the ledger's own figures: one lot of each asset, without a date, and what each entry realized."""
    held: dict[Symbol, Lot] = {}
    book = LotBook()
    for posting in postings:
        lot = held.get(posting.symbol) or Lot(symbol=posting.symbol, quantity=Quantity.zero(), basis=Money.zero())
        held[posting.symbol] = replace(
            lot,
            quantity=lot.quantity + posting.quantity,
            basis=lot.basis + posting.basis,
            is_assumed=lot.is_assumed or posting.is_assumed,
        )
        if posting.closed or posting.realized:
            side = -posting.quantity if posting.closed else Quantity.zero()
            taken = Lot(symbol=posting.symbol, quantity=side, basis=posting.proceeds - posting.realized)
            book.disposals.append(_disposal(posting, taken, posting.closed, posting.proceeds))
    book.lots = [lot for _, lot in sorted(held.items()) if lot.quantity or lot.basis]
    book.disposals.sort(key=attrgetter("realized_at"))
    return book


def _disposal(posting: Posting, taken: Lot, quantity: Quantity, cash: Money) -> Disposal:
    """Return what a posting realized with ``cash`` of its own by taking of a lot what ``taken`` is."""
    at = posting.executed_at or posting.at
    is_short = taken.quantity.value < 0
    return Disposal(
        symbol=posting.symbol,
        quantity=quantity,
        acquired_at=posting.executed_at if is_short else taken.acquired_at,
        disposed_at=taken.acquired_at if is_short else at,
        realized_at=at,
        acquired_by=posting.trade_id if is_short else taken.trade_id,
        disposed_by=taken.trade_id if is_short else posting.trade_id,
        proceeds=-taken.basis if is_short else cash,
        basis=-cash if is_short else taken.basis,
        is_assumed=taken.is_assumed or posting.is_assumed,
    )


_First = Callable[[Lot, int], Any]

# What is smallest is taken first. Unit costs are compared exactly, and never kept.
_FIRST: Mapping[LotMethod, _First] = {
    LotMethod.FIFO: lambda _, place: place,
    LotMethod.LIFO: lambda _, place: -place,
    LotMethod.HIFO: lambda lot, place: (-Fraction(lot.basis.value) / Fraction(lot.quantity.value), place),
}


class _OpenLots:
    """The lots of one asset: all long, or all short. The one to be taken next is the first of the heap."""

    def __init__(self, first: _First) -> None:
        self._first = first
        self._heap: list[tuple[Any, int, Lot]] = []

    def __iter__(self) -> Iterator[Lot]:
        return (lot for *_, lot in self._in_order())

    def after(self, posting: Posting, place: int) -> Iterator[Disposal]:
        """Take in a posting, and yield what it realizes; what it does not close is a lot, as of the ``place``."""
        left, cash = posting.quantity, posting.cash
        if posting.result or not (left or self._heap):
            yield from _without_quantity(posting, posting.result if left or self._heap else posting.result + cash)
        if not left:
            self._spread(cash)
            return
        while left and self._heap and (self._heap[0][2].quantity.value > 0) != (left.value > 0):
            _, at, lot = heappop(self._heap)
            part = lot.quantity if abs(lot.quantity) <= abs(left) else -left
            share, basis = cash.portion(-part, left), lot.basis.portion(part, lot.quantity)
            left, cash = left + part, cash - share
            yield _disposal(posting, replace(lot, quantity=part, basis=basis), abs(part), share)
            if part != lot.quantity:
                self._add(replace(lot, quantity=lot.quantity - part, basis=lot.basis - basis), at)
        if left:
            self._add(
                Lot(
                    symbol=posting.symbol,
                    acquired_at=posting.executed_at,
                    trade_id=posting.trade_id,
                    quantity=left,
                    basis=-cash,
                    is_assumed=posting.is_assumed,
                ),
                place,
            )

    def _add(self, lot: Lot, place: int) -> None:
        heappush(self._heap, (self._first(lot, place), place, lot))

    def _spread(self, cash: Money) -> None:
        """Have the lots cost ``cash`` less, each its part by quantity: a cost was corrected, and nothing moved."""
        lots = self._in_order() if cash else ()
        left = sum((lot.quantity for *_, lot in lots), Quantity.zero())
        for at, (_, place, lot) in enumerate(lots):
            part = cash.portion(lot.quantity, left)
            left, cash = left - lot.quantity, cash - part
            corrected = replace(lot, basis=lot.basis - part)
            self._heap[at] = self._first(corrected, place), place, corrected
        heapify(self._heap)

    def _in_order(self) -> Sequence[tuple[Any, int, Lot]]:
        """Return the lots in the order they were acquired; the heap has them in the same places from then on."""
        self._heap.sort(key=itemgetter(1))
        return self._heap


def _without_quantity(posting: Posting, gain: Money) -> Iterator[Disposal]:
    if gain:
        nothing = Lot(symbol=posting.symbol, quantity=Quantity.zero(), basis=Money.zero())
        yield _disposal(posting, nothing, Quantity.zero(), gain)
