"""Lots: what was acquired when and for how much, and which of it a sale takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Any, Final

from portfolio.domain.ledger.picks import Pick, Picks
from portfolio.domain.money import Money, Quantity
from portfolio.domain.packed import Packed, Packing
from portfolio.domain.symbol import Symbol


class LotMethod(StrEnum):
    """Which lot a sale takes first; ``average`` is the ledger's own cost, which knows no lots.

    With ``picked`` it takes those that somebody picked for it, and for what nobody did the oldest.
    """

    AVERAGE = "average"
    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    PICKED = "picked"


class Way(StrEnum):
    """What a posting does to lots: it opens and closes them, or is no sale and no purchase.

    With ``SHARE`` a share of each lot leaves, without any gain; what a posting of the same revision ``RECEIVES`` are
    these, with the dates of then. ``SCALED`` are the lots of a split: another quantity for the same money. What is
    ``RESTATED`` is average cost, and nothing to lots.
    """

    TRADED = "traded"
    SHARE = "share"
    RECEIVES = "receives"
    SCALED = "scaled"
    RESTATED = "restated"


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
    way: Way = Way.TRADED


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What is left of one acquisition. A short lot, of a sale of what was not held, has both amounts below zero.

    ``entry`` is the ledger revision of the acquisition, which is kept while the lot becomes another asset.
    """

    symbol: Symbol
    entry: int | None = None
    acquired_at: datetime | None = None
    trade_id: int | None = None
    quantity: Quantity
    basis: Money
    is_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposal:
    """What one sale took of one lot, and brought. It has no quantity where a result was realized without a sale.

    ``is_picked`` says that somebody picked the lot for it.
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
    is_picked: bool = False

    @property
    def gain(self) -> Money:
        """Return proceeds less basis, both with their fees."""
        return self.proceeds - self.basis

    @property
    def days_held(self) -> int | None:
        """Return the UTC days from acquisition to sale, 0 for a short sale; None where one of them is not known."""
        return days_between(self.acquired_at, self.disposed_at)


POSTINGS: Final = Packing(Posting)
_LOTS: Final = Packing(Lot)
_DISPOSALS: Final = Packing(Disposal)


@dataclass(slots=True)
class LotBook:
    """The lots that are left, by asset in the order they were acquired, and the disposals in the order of sales.

    ``moved_out`` is the cost of what left without a sale: what was transferred out.
    """

    lots: Packed[Lot] = field(default_factory=lambda: Packed(_LOTS))
    disposals: Packed[Disposal] = field(default_factory=lambda: Packed(_DISPOSALS))
    moved_out: Money = Money.zero()


def days_between(acquired_at: datetime | None, disposed_at: datetime | None) -> int | None:
    """Return the UTC days from one to the other, not below 0; None where one of them is not known."""
    if acquired_at is None or disposed_at is None:
        return None
    return max((disposed_at.astimezone(UTC).date() - acquired_at.astimezone(UTC).date()).days, 0)


NO_PICKS: Final[Picks] = {}


def lots_of(postings: Iterable[Posting], method: LotMethod, picks: Picks = NO_PICKS) -> LotBook:
    """Return what postings, in the order they were booked, leave and realize by one method.

    They take effect in the order of their own times, of equal ones as they were booked. What is realized less what is
    left of the basis, and what has left without a sale, is the same for every method: the sum of all other cash. The
    ``picks`` are for the method that is called so; what is picked and not there is as if nobody had picked it.
    """
    if method is LotMethod.AVERAGE:
        return _averaged(postings)
    book, open_lots = LotBook(), defaultdict[Symbol, _OpenLots](lambda: _OpenLots(_FIRST[method]))
    on_their_way: dict[int, list[_Placed]] = {}
    picked = picks if method is LotMethod.PICKED else NO_PICKS
    kept = postings if isinstance(postings, Packed) else Packed(POSTINGS, postings)
    for place, posting in enumerate(kept.by("at", "revision")):
        lots = open_lots[posting.symbol]
        match posting.way:
            case Way.SHARE:
                on_their_way[posting.revision] = lots.share(posting, place)
            case Way.RECEIVES:
                book.disposals += lots.received(posting, on_their_way.pop(posting.revision, []), place)
            case Way.SCALED:
                book.disposals += lots.scaled(posting, place)
            case _:
                book.disposals += lots.after(posting, place, picked.get(posting.trade_id or 0, ()))
    for _, each in sorted(open_lots.items()):
        book.lots += each
    book.moved_out = sum((lot.basis for left in on_their_way.values() for _, lot in left), Money.zero())
    return book


def lots_before(postings: Iterable[Posting], trade_id: int, picks: Picks) -> tuple[Posting | None, Sequence[Lot]]:
    """Return the posting of a trade, and the lots of its asset as they are before it, others with their ``picks``.

    Where nothing is known of such a trade there is neither.
    """
    kept = (postings if isinstance(postings, Packed) else Packed(POSTINGS, postings)).by("at", "revision")
    place = next((place for place, one in enumerate(kept) if one.trade_id == trade_id), None)
    if place is None:
        return None, ()
    posting = kept[place]
    lots = lots_of(kept[:place], LotMethod.PICKED, picks).lots
    return posting, lots.where(lambda lot: lot.symbol == posting.symbol)


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
        if posting.way in {Way.SHARE, Way.RECEIVES}:
            book.moved_out = book.moved_out - posting.basis
        elif posting.way is Way.RESTATED:  # what is no result of then went from asset to asset, or out of the books
            book.moved_out = book.moved_out + posting.realized - posting.basis
        if posting.closed or posting.realized:
            side = -posting.quantity if posting.closed else Quantity.zero()
            taken = Lot(symbol=posting.symbol, quantity=side, basis=posting.proceeds - posting.realized)
            book.disposals.append(_disposal(posting, taken, posting.closed, posting.proceeds))
    book.lots += (lot for _, lot in sorted(held.items()) if lot.quantity or lot.basis)
    book.disposals = book.disposals.by("realized_at")
    return book


def _disposal(posting: Posting, taken: Lot, quantity: Quantity, cash: Money, *, is_picked: bool = False) -> Disposal:
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
        is_picked=is_picked,
    )


_First = Callable[[Lot, int], Any]
_Placed = tuple[int, Lot]
# What decides which one is taken, the place, the number, and the lot.
_Found = tuple[Any, int, int, Lot]

# What is smallest is taken first. Unit costs are compared exactly, and never kept.
_FIRST: Mapping[LotMethod, _First] = {
    LotMethod.FIFO: lambda _, place: place,
    LotMethod.LIFO: lambda _, place: -place,
    LotMethod.PICKED: lambda _, place: place,
    LotMethod.HIFO: lambda lot, place: (-Fraction(lot.basis.value) / Fraction(lot.quantity.value), place),
}


@dataclass(slots=True)
class _Rest:
    """What is not yet closed of a posting, and the cash of that."""

    quantity: Quantity
    cash: Money


class _OpenLots:
    """The lots of one asset: all long, or all short. The one to be taken next is the first of the heap."""

    def __init__(self, first: _First) -> None:
        self._first = first
        self._heap: list[_Found] = []
        self._added = 0

    def __iter__(self) -> Iterator[Lot]:
        return (lot for *_, lot in self._in_order())

    @property
    def _quantity(self) -> Quantity:
        return sum((lot.quantity for *_, lot in self._heap), Quantity.zero())

    def after(self, posting: Posting, place: int, picks: Sequence[Pick] = ()) -> Iterator[Disposal]:
        """Take in a posting, and yield what it realizes; what it does not close is a lot, as of the ``place``."""
        rest = _Rest(posting.quantity, posting.cash)
        if posting.result or not (rest.quantity or self._heap):
            moved = posting.result if rest.quantity or self._heap else posting.result + rest.cash
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
        """Take a part of a lot that is out of the heap; what is left of it comes back to where it was."""
        _, at, number, lot = found
        share, basis = rest.cash.portion(-part, rest.quantity), lot.basis.portion(part, lot.quantity)
        rest.quantity, rest.cash = rest.quantity + part, rest.cash - share
        if part != lot.quantity:
            self._put(replace(lot, quantity=lot.quantity - part, basis=lot.basis - basis), at, number)
        taken = replace(lot, quantity=part, basis=basis)
        return _disposal(posting, taken, abs(part), share, is_picked=is_picked)

    def _add(self, lot: Lot, place: int) -> None:
        # Shares of one lot that came one after the other have one place: the number tells them apart.
        self._added += 1
        self._put(lot, place, self._added)

    def _put(self, lot: Lot, place: int, number: int) -> None:
        heappush(self._heap, (self._first(lot, place), place, number, lot))

    def share(self, posting: Posting, place: int) -> list[_Placed]:
        """Take out a share of each lot, and return what left, with the places of then.

        What is not there, as it comes later, leaves as the ledger has it: a short lot stands for it.
        """
        wanted, held, left = -posting.quantity, self._quantity, []
        rest = wanted if held.value <= 0 else max(wanted - held, Quantity.zero())
        if rest != wanted:
            lots, self._heap, part_wanted = self._in_order(), [], wanted - rest
            for _, at, _, lot in lots:
                part = part_wanted.portion(lot.quantity, held)
                part_wanted, held = part_wanted - part, held - lot.quantity
                basis = lot.basis.portion(part, lot.quantity)
                left.append((at, replace(lot, quantity=part, basis=basis)))
                if part != lot.quantity:
                    self._add(replace(lot, quantity=lot.quantity - part, basis=lot.basis - basis), at)
        if rest:
            cost = posting.cash.portion(rest, wanted)
            lot = Lot(
                symbol=posting.symbol,
                entry=posting.revision,
                acquired_at=posting.executed_at,
                quantity=rest,
                basis=cost,
            )
            left.append((place, lot))
            self._add(replace(lot, quantity=-rest, basis=-cost), place)
        return left

    def received(self, posting: Posting, lots: Sequence[_Placed], place: int) -> Iterator[Disposal]:
        """Take in what left other lots, as the quantity that it became.

        It is a purchase at their cost where short lots are to be closed, and at the ledger's where none has left.
        """
        if not lots or self._quantity.value < 0:
            basis = sum((lot.basis for _, lot in lots), Money.zero())
            yield from self.after(replace(posting, cash=-basis) if lots else posting, place)
            return
        for at, lot in _resized(lots, posting.quantity):
            self._add(replace(lot, symbol=posting.symbol), at)

    def scaled(self, posting: Posting, place: int) -> Iterator[Disposal]:
        """Give each lot its part of another quantity for the same money; what fits no lot is a purchase or a sale."""
        after = self._quantity + posting.quantity
        if not after or (after.value > 0) != (self._quantity.value > 0) or not self._heap:
            yield from self.after(posting, place)
            return
        lots, self._heap = [(at, lot) for _, at, _, lot in self._in_order()], []
        for at, lot in _resized(lots, after):
            self._add(lot, at)

    def _spread(self, cash: Money) -> None:
        """Have the lots cost ``cash`` less, each its part by quantity: a cost was corrected, and nothing moved."""
        lots = self._in_order() if cash else ()
        left = sum((lot.quantity for *_, lot in lots), Quantity.zero())
        for at, (_, place, number, lot) in enumerate(lots):
            part = cash.portion(lot.quantity, left)
            left, cash = left - lot.quantity, cash - part
            corrected = replace(lot, basis=lot.basis - part)
            self._heap[at] = self._first(corrected, place), place, number, corrected
        heapify(self._heap)

    def _in_order(self) -> list[_Found]:
        """Return the lots in the order they were acquired; the heap has them in the same places from then on."""
        self._heap.sort(key=itemgetter(1, 2))
        return self._heap


def _without_quantity(posting: Posting, gain: Money) -> Iterator[Disposal]:
    if gain:
        nothing = Lot(symbol=posting.symbol, quantity=Quantity.zero(), basis=Money.zero())
        yield _disposal(posting, nothing, Quantity.zero(), gain)


def _resized(lots: Iterable[_Placed], quantity: Quantity) -> list[_Placed]:
    """Return lots with another quantity in all, each with its part; the next has the cost of what is nothing."""
    lots = list(lots)
    total, cost = sum((lot.quantity for _, lot in lots), Quantity.zero()), Money.zero()
    made: list[_Placed] = []
    for at, lot in lots:
        part = quantity.portion(lot.quantity, total)
        quantity, total, cost = quantity - part, total - lot.quantity, cost + lot.basis
        if part:
            made.append((at, replace(lot, quantity=part, basis=cost)))
            cost = Money.zero()
    at, last = made.pop()
    return [*made, (at, replace(last, basis=last.basis + cost))]
