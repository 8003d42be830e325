"""Marks signals as executed by booked trades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portfolio.application.ledger.announcements import TradeBooked
from portfolio.application.ledger.ports import LedgerUnit
from portfolio.application.rebalancing.ports import Signals
from portfolio.application.rebalancing.records import ID_PREFIX, Signal, SignalChanged


@dataclass(frozen=True, slots=True)
class MarkExecuted:
    """Marks the signals that booked trades name as executed, in the same transaction."""

    signals: Signals

    async def __call__(self, unit: LedgerUnit, booked: Sequence[TradeBooked]) -> Sequence[SignalChanged]:
        """Return what was changed. One trade carries a signal out, the first; any other id is the engine's own."""
        ours = [(event.entry.request.signal_id, event) for event in booked]
        naming = [(name, event) for name, event in ours if name is not None and name.startswith(ID_PREFIX)]
        if not naming:
            return ()
        book = self.signals.within(unit)
        found = await book.named({name for name, _ in naming})
        executed: dict[str, Signal] = {}
        for name, event in naming:
            signal, entry = found.get(name), event.entry
            if name in executed or signal is None:
                continue
            if signal.is_executed_by(entry.trade, entry.request.owner, entry.booked_at):
                executed[name] = signal.executed(event.trade_id)
        if executed:
            await book.change(list(executed.values()))
        return [SignalChanged(signal) for signal in executed.values()]
