"""Reverses a trade by booking its opposite; nothing is ever deleted."""

from __future__ import annotations

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import NotFound
from portfolio.application.ledger.announcements import TradeBooked
from portfolio.application.ledger.happenings.late_splits import remark_on_reversal, with_remark
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import TradeEntry, TradeRequest
from portfolio.domain.errors import NotReversible
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money


class ReversalReply(msgspec.Struct, frozen=True, kw_only=True):
    """A reversal as booked, with the state right after it; with the state as it is now where it was ``replayed``."""

    trade_id: int
    reverses: int
    entry: TradeEntry
    position: Position
    cash: Money
    total_value: Money
    replayed: bool = False


class ReverseTrade(msgspec.Struct):
    """Books the opposite of a trade that was booked here, once."""

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS

    async def __call__(
        self, portfolio_id: int, trade_id: int, *, owner: str, notes: str | None = None
    ) -> ReversalReply:
        """Return the reversal, once it is committed; the one there is where this owner reversed the trade before.

        Raises:
            NotFound: no such trade.
            NotReversible: reversed before by another owner, itself a reversal, or not booked here.
            InsufficientQuantity: what the trade bought is no longer held.
            InsufficientCash: what it brought is no longer there.
        """
        return await commit_once(
            self.ledger,
            portfolio_id,
            lambda unit: self._reverse(unit, trade_id, owner, notes),
            announce=self.announce,
        )

    async def _reverse(self, unit: LedgerUnit, trade_id: int, owner: str, notes: str | None) -> Made[ReversalReply]:
        found = await unit.trade(trade_id)
        if found is None:
            raise NotFound("trade", str(trade_id))
        if found.entry is None:
            raise NotReversible(trade_id, "it was not booked here")
        if found.reversed_by is not None:
            earlier = await unit.trade(found.reversed_by)
            if earlier is None or earlier.entry is None or earlier.entry.request.owner != owner:
                raise NotReversible(trade_id, f"trade {found.reversed_by} reversed it")
            return Made(_reply(earlier.id, trade_id, earlier.entry, unit.portfolio, replayed=True))
        now, own = self.clock.now(), found.entry.trade
        remark = await remark_on_reversal(unit, {own.symbol}, own.executed_at, found.entry.revision)
        after, trade = unit.portfolio.reverse(own, trade_id, now, allow_negative_cash=self.rules.allow_negative_cash)
        entry = TradeEntry.of(trade, after, TradeRequest(owner=owner, notes=with_remark(notes, remark)), now)
        [reversal_id] = await unit.add_trades([entry])
        await unit.save(after)
        reply = _reply(reversal_id, trade_id, entry, after)
        return Made(reply, has_entry(entry), [TradeBooked(reversal_id, entry)])


def _reply(
    reversal_id: int, trade_id: int, entry: TradeEntry, portfolio: Portfolio, *, replayed: bool = False
) -> ReversalReply:
    return ReversalReply(
        trade_id=reversal_id,
        reverses=trade_id,
        entry=entry,
        position=portfolio.position(entry.trade.symbol),
        cash=portfolio.cash,
        total_value=portfolio.total_value,
        replayed=replayed,
    )
