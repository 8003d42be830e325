"""The scorecard of signals: how good the advice was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from portfolio.analytics.closes import Join
from portfolio.analytics.conventions import DAYS_PER_YEAR, MAX_DAYS
from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.in_thread import in_fold_thread
from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import TradeEntry, TradeFilter
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.joined_closes import JoinedCloses, became
from portfolio.application.prices.ports import PriceStore
from portfolio.application.rebalancing.ports import Signals
from portfolio.application.rebalancing.records import ID_PREFIX, Advice, is_for
from portfolio.application.rebalancing.scores import (
    Outcome,
    Scorecard,
    ScoringData,
    outcomes_of,
    score_of,
    scores_by_reason,
)
from portfolio.application.shared_computations import SharedComputations
from portfolio.domain.days import DAY
from portfolio.domain.ledger.trade import Trade
from portfolio.domain.money import EXACT, Price, Quantity, of_any_size
from portfolio.domain.prices.quote import SIMULATED_SOURCE
from portfolio.domain.rebalancing.scoring.outcome import HORIZONS, Deal
from portfolio.domain.symbol import Symbol

# So many trades at once: a booking that comes meanwhile waits for no more than these.
TRADES_A_READ: Final = 250


# So many are scored at once, and so often closes are asked for that are read a part at a time.
SCORED_AT_ONCE: Final = 2_000
ATTEMPTS: Final = 5


@dataclass(slots=True)
class ReadScorecard:
    """Scores the signals of a period. All of it is derived: signals, trades and closes are read, nothing is stored.

    A hundred thousand episodes take longer than a request may: what was begun goes on without it, and the next one has
    it, as of when it was begun.
    """

    signals: Signals
    lookups: Lookups
    prices: PriceStore
    closes: JoinedCloses
    snapshots: Snapshots
    clock: Clock
    _computations: SharedComputations[Scorecard] = field(default_factory=SharedComputations[Scorecard], init=False)

    async def stop(self) -> None:
        """End what nobody waits for any more."""
        await self._computations.stop()

    async def __call__(self, days: int) -> Scorecard:
        """Return how the signals did that were made in the last ``days`` completed days, 1 to 3650, and today."""
        snapshot = await self.snapshots.newest()
        if snapshot.database_away:
            raise LedgerUnavailable("the database is away")
        return await self._computations(days, partial(self._read, snapshot, days))

    async def _read(self, snapshot: Snapshot, days: int) -> Scorecard:
        now = self.clock.now()
        today = now.date()
        first_day, last_day = today - timedelta(days=days), today - DAY
        since = datetime.combine(first_day, time.min, UTC)
        advices = await self.signals.advices(self.snapshots.portfolio_id, since=since)
        known = await self._history(snapshot, advices, min(days + DAYS_PER_YEAR + 1, MAX_DAYS), today)
        joins = self.closes.joins.newest
        units = {advice.id: joins.day_of_units(advice.symbol.code, advice.created_at) for advice in advices}
        evidence = ScoringData(
            advices=advices,
            fills=await self._fills(advices, units, known.borne_out),
            closes=await self._closes_of(advices, units, last_day, known),
            history=known.history,
            joins=known.borne_out,
            days_of_units=units,
        )
        outcomes: list[Outcome] = []
        for first in range(0, len(advices), SCORED_AT_ONCE):
            outcomes += await in_fold_thread(partial(outcomes_of, evidence, slice(first, first + SCORED_AT_ONCE)))
        overall, by_reason = await in_fold_thread(lambda: (score_of(outcomes), scores_by_reason(outcomes)))
        return Scorecard(
            as_of=now,
            first_day=first_day,
            last_day=last_day,
            overall=overall,
            by_reason=by_reason,
            simulated_history=known.simulated_history,
            mixed_history=known.mixed_history,
            joined_history=known.joined_history,
            unjoined_history=known.unjoined_history,
        )

    async def _history(self, snapshot: Snapshot, advices: Sequence[Advice], days: int, today: date) -> Closes:
        """Return closes until the last final day, of the year before each signal too: its base rate is of that."""
        symbols = sorted({advice.symbol.code for advice in advices})
        for _ in range(ATTEMPTS):
            known = await self.closes(symbols, days, today=today, revisions=snapshot.revisions)
            if known.is_current:
                return known
        raise LedgerUnavailable("the price history could not be read")

    async def _fills(
        self, advices: Sequence[Advice], units: Mapping[str, date], joins: Sequence[Join]
    ) -> Mapping[str, Sequence[Deal]]:
        """Return what carried signals out, by the signal and in its units: each trade that did a part of it.

        A trade that was reversed carried out nothing. One of another asset counts where the closes bear out that the
        signal's became that.
        """
        executed = {advice.id: advice for advice in advices if advice.executed_trade_id is not None}
        fills, changes = defaultdict[str, list[Deal]](list), self.closes.joins.newest
        async for entry in self._naming_signals(since=min((one.created_at for one in executed.values()), default=None)):
            advice = executed.get(entry.request.signal_id or "")
            if advice is None or not is_for(advice, entry.trade.side, entry.request.owner):
                continue
            trade = entry.trade
            until = changes.day_of_units(trade.symbol.code, trade.executed_at)
            by_then = dict(became(advice.symbol.code, units[advice.id], until, joins))
            ratio = by_then.get(trade.symbol.code)
            if ratio is not None:
                fills[advice.id].append(_deal_of(trade, ratio))
        return fills

    async def _naming_signals(self, since: datetime | None) -> AsyncIterator[TradeEntry]:
        """Yield the trades that name a signal and stand, newest first, of those booked since the first was made."""
        wanted = TradeFilter(signal_prefix=ID_PREFIX, limit=TRADES_A_READ)
        while since is not None:
            page = await self.lookups.trades(self.snapshots.portfolio_id, wanted)
            for booked in page.items:
                if booked.entry is not None and booked.reversed_by is None:
                    yield booked.entry
            last = page.items[-1].entry if page.items else None
            if page.next_before is None or (last is not None and last.booked_at < since - DAY):
                return
            wanted = replace(wanted, before=page.next_before)

    async def _closes_of(
        self, advices: Sequence[Advice], units: Mapping[str, date], last_day: date, known: Closes
    ) -> Mapping[tuple[str, date], Price]:
        """Return the closes of final days at which advices are judged, all real or all simulated, exactly."""
        found: dict[tuple[str, date], Price] = {}
        judged = await in_fold_thread(_judged_on, advices, units, last_day, known.borne_out)
        for code, needed in sorted(judged.items()):
            for close in await self.prices.closes({Symbol(code)}, since=min(needed), until=max(needed)):
                if close.day in needed and (close.source == SIMULATED_SOURCE) is known.simulated_history:
                    found[code, close.day] = close.price
        return found


def _deal_of(trade: Trade, ratio: Decimal) -> Deal:
    """Return a trade in units of which one became ``ratio`` of its own."""
    quantity = trade.quantity if ratio == 1 else of_any_size(Quantity, EXACT.divide(trade.quantity.value, ratio))
    return Deal(side=trade.side, quantity=quantity, value=trade.notional, fee=trade.fees)


def _judged_on(
    advices: Sequence[Advice], units: Mapping[str, date], last_day: date, joins: Sequence[Join]
) -> Mapping[str, set[date]]:
    """Return the final days whose closes advices are judged by, of their assets and of what these became."""
    wanted: defaultdict[str, set[date]] = defaultdict(set)
    for advice in advices:
        for day in (advice.day + timedelta(days=horizon) for horizon in HORIZONS):
            if day <= last_day:
                for code, _ in became(advice.symbol.code, units[advice.id], day, joins):
                    wanted[code].add(day)
    return wanted
