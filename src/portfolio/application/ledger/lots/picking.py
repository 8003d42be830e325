"""Which lots a sale takes is kept beside the ledger: the latest word on a sale counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from portfolio.application.clock import Clock
from portfolio.application.errors import NotFound
from portfolio.application.in_thread import in_fold_thread
from portfolio.application.ledger.lots.journal import Entries, Journal, KnownAt, was_known
from portfolio.application.ledger.lots.postings import known_postings
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.domain.ledger.lots.methods import lots_before
from portfolio.domain.ledger.picks import Pick, Picks, require_pickable
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedSale:
    """What a sale takes of which lots, who said so when, and the ledger revision that was looked at for it."""

    trade_id: int
    lots: tuple[Pick, ...]
    picked_by: str
    picked_at: datetime
    ledger_revision: int


class PickedSales(Protocol):
    """What was picked, in a database; nothing is ever changed or deleted."""

    async def add(self, portfolio_id: int, picked: PickedSale) -> None:
        """Add what was picked for a sale; it counts from now on.

        Raises:
            OutcomeUnknown: the commit was lost; sent again it is kept once more, and counts once.
        """

    async def all(self, portfolio_id: int) -> Sequence[PickedSale]:
        """Return all that was picked, in that order."""


def picks_of(picked: Sequence[PickedSale], known_at: KnownAt | None = None) -> Picks:
    """Return what counts of what was picked until a moment, or when the books had a revision at most."""
    return {
        one.trade_id: one.lots
        for one in picked
        if known_at is None or was_known(known_at, one.ledger_revision, one.picked_at)
    }


class PickReply(msgspec.Struct, frozen=True):
    """What is picked for a sale of an asset, and whether that was so before."""

    picked: PickedSale
    symbol: Symbol
    replayed: bool


class PickLots(msgspec.Struct):
    """Keeps which lots a sale takes, if they were there when it was executed."""

    journal: Journal
    snapshots: Snapshots
    kept: PickedSales
    clock: Clock

    async def __call__(self, portfolio_id: int, trade_id: int, lots: Sequence[Pick], *, owner: str) -> PickReply:
        """Return what is picked for a sale from now on; with no lots, that nobody picks any.

        Raises:
            NotFound: no such trade.
            NotPickable: it is no sale that stands, a lot was not there or had less, or quantities do not add up.
            OutcomeUnknown: the commit was lost; sent again it is kept once more, and counts once.
        """
        portfolio = (await self.snapshots.newest()).portfolio
        entries = await self.journal.read(portfolio)
        before = await self.kept.all(portfolio_id)
        symbol = await in_fold_thread(_checked, entries, portfolio, trade_id, lots, picks_of(before))
        last = next((one for one in reversed(before) if one.trade_id == trade_id), None)
        if last is not None and last.lots == tuple(lots):
            return PickReply(last, symbol, replayed=True)
        picked = PickedSale(
            trade_id=trade_id,
            lots=tuple(lots),
            picked_by=owner,
            picked_at=self.clock.now(),
            ledger_revision=entries.revision,
        )
        await self.kept.add(portfolio_id, picked)
        return PickReply(picked, symbol, replayed=False)


def _checked(entries: Entries, portfolio: Portfolio, trade_id: int, lots: Sequence[Pick], picks: Picks) -> Symbol:
    """Return the asset that a trade sold, where it could have taken these lots.

    Raises:
        NotFound: no such trade.
        NotPickable: it could not.
    """
    sale, held = lots_before(known_postings(entries, entries, portfolio), trade_id, picks)
    if sale is None:
        raise NotFound("trade", str(trade_id))
    require_pickable(trade_id, sale.symbol, -sale.quantity, ((one.entry, one.quantity) for one in held), lots)
    return sale.symbol
