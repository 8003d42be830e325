"""What lots are: what an entry moved of an asset, what is left of an acquisition, and what a sale took of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from portfolio.domain.days import day_of
from portfolio.domain.money import Money, Quantity, subtracted
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

    @classmethod
    def of(cls, posting: Posting, taken: Lot, quantity: Quantity, cash: Money, *, is_picked: bool = False) -> Disposal:
        """Return what a posting realized with ``cash`` of its own by taking of a lot what ``taken`` is."""
        at = posting.executed_at or posting.at
        is_short = taken.quantity.value < 0
        return cls(
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

    @property
    def gain(self) -> Money:
        """Return proceeds less basis, both with their fees."""
        return subtracted(self.proceeds, self.basis)

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
    return max((day_of(disposed_at) - day_of(acquired_at)).days, 0)
