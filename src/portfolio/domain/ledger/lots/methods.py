"""Which lots a sale takes: what postings leave and realize by each method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from portfolio.domain.ledger.lots.open_lots import OpenLots, Placed
from portfolio.domain.ledger.lots.records import POSTINGS, Disposal, Lot, LotBook, LotMethod, Posting, Way
from portfolio.domain.ledger.picks import Picks
from portfolio.domain.money import Money, Quantity, added, subtracted, sum_of
from portfolio.domain.packed import Packed
from portfolio.domain.symbol import Symbol

NO_PICKS: Final[Picks] = {}


def lots_of(postings: Iterable[Posting], method: LotMethod, picks: Picks = NO_PICKS) -> LotBook:
    """Return what postings, in the order they were booked, leave and realize by one method.

    They take effect in the order of their own times, of equal ones as they were booked. What is realized less what is
    left of the basis, and what has left without a sale, is the same for every method: the sum of all other cash. Sums
    may be of any size: in that order there may have been more than there ever was in the order of booking. The
    ``picks`` are for the method that is called so; what is picked and not there is as if nobody had picked it.
    """
    if method is LotMethod.AVERAGE:
        return _averaged(postings)
    book, open_lots = LotBook(), defaultdict[Symbol, OpenLots](lambda: OpenLots(method))
    on_their_way: dict[int, list[Placed]] = {}
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
    for symbol in sorted(open_lots):
        book.lots += open_lots.pop(symbol)  # which frees those of one asset at a time
    book.moved_out = sum_of(lot.basis for left in on_their_way.values() for *_, lot in left)
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
            quantity=added(lot.quantity, posting.quantity),
            basis=added(lot.basis, posting.basis),
            is_assumed=lot.is_assumed or posting.is_assumed,
        )
        if posting.way in {Way.SHARE, Way.RECEIVES}:
            book.moved_out = subtracted(book.moved_out, posting.basis)
        elif posting.way is Way.RESTATED:  # what is no result of then went from asset to asset, or out of the books
            book.moved_out = subtracted(added(book.moved_out, posting.realized), posting.basis)
        if posting.closed or posting.realized:
            side = -posting.quantity if posting.closed else Quantity.zero()
            taken = Lot(symbol=posting.symbol, quantity=side, basis=subtracted(posting.proceeds, posting.realized))
            book.disposals.append(Disposal.of(posting, taken, posting.closed, posting.proceeds))
    book.lots += (lot for _, lot in sorted(held.items()) if lot.quantity or lot.basis)
    book.disposals = book.disposals.by("realized_at")
    return book
