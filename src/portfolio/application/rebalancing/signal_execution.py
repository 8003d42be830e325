"""Marks signals as executed by booked trades."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from portfolio.application.ledger.announcements import TradeBooked
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.rebalancing.ports import Signals
from portfolio.application.rebalancing.records import ID_PREFIX, Signal, SignalChanged, SignalStatus
from portfolio.application.rebalancing.signal_rules import assets_of
from portfolio.application.rebalancing.signals import changes_since


class MarkExecuted(msgspec.Struct, frozen=True):
    """Marks the signals that booked trades name as executed, in the same transaction."""

    signals: Signals

    async def __call__(self, unit: LedgerUnit, booked: Sequence[TradeBooked]) -> Sequence[SignalChanged]:
        """Return what was changed. One trade carries a signal out, the first that was not reversed before the next one
        came; any other id is the engine's own.
        """
        ours = [(event.entry.request.signal_id, event) for event in booked]
        naming = [(name, event) for name, event in ours if name is not None and name.startswith(ID_PREFIX)]
        if not naming:
            return ()
        book = self.signals.within(unit)
        found = await book.named({name for name, _ in naming})
        before = {signal.id for signal in found.values() if signal.status is SignalStatus.EXECUTED}
        taken_back = await book.taken_back(before) if before else ()
        named = [(found[name], event.trade_id, event.entry) for name, event in naming if name in found]
        able = [
            (signal, trade_id, entry)
            for signal, trade_id, entry in named
            if signal.is_executed_by(
                entry.trade, entry.request.owner, entry.booked_at, is_taken_back=signal.id in taken_back
            )
        ]
        of_others = [signal for signal, _, entry in able if entry.trade.symbol != signal.symbol]
        changes = await changes_since(of_others, unit, needs_all=False)
        executed: dict[str, Signal] = {}
        for signal, trade_id, entry in able:
            if signal.id not in executed and entry.trade.symbol in assets_of(signal, changes):
                executed[signal.id] = signal.executed(trade_id)
        if executed:
            await book.change(list(executed.values()))
        return [SignalChanged(signal) for signal in executed.values()]
