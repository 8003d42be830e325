"""Books executions of engines: exactly once where there is a key, completely or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter

from portfolio.application.announcer import NO_LISTENERS, Announcement, Announcer
from portfolio.application.clock import Clock
from portfolio.application.ledger.announcements import TradeBooked, WithinBooking
from portfolio.application.ledger.booking_batch import Batch, BookingResult, outcome_again
from portfolio.application.ledger.happenings.late_splits import with_remarks
from portfolio.application.ledger.happenings.overrides import in_their_names
from portfolio.application.ledger.lost_commit import Made, commit_once, identity
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import BookingKey, BookTrade, RecordedOutcome
from portfolio.domain.ledger.portfolio import BookingRules

TWIN_SECONDS = 60

MOST_BOOKINGS = 1_000
"""So many may be asked for at once."""


@dataclass(slots=True)
class BookTrades:
    """Books executions in order, each booked or refused alone, in one transaction.

    ``within`` is done in the unit of work that books, ``announce`` is told after its commit.
    """

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    within: Sequence[WithinBooking] = ()
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, commands: Sequence[BookTrade]) -> list[BookingResult]:
        """Return one result a command, in order, once they are committed.

        A result is a reply (booked, or refused and kept; now or before), or the error that kept nothing: a key that
        belongs to another booking or to bookings of several owners, or an override of a kept refusal that cannot be
        booked either.
        """
        key_of = attrgetter("client_trade_id")
        wanted = await in_their_names(self.ledger, portfolio_id, commands, key_of, of_cash=False)
        results = iter(await self._book(portfolio_id, [one for one in wanted if isinstance(one, BookTrade)]))
        return [next(results) if isinstance(one, BookTrade) else one for one in wanted]

    async def _book(self, portfolio_id: int, commands: Sequence[BookTrade]) -> list[BookingResult]:
        if not commands:
            return []
        keys = {command.key for command in commands if command.key is not None}

        async def book(unit: LedgerUnit) -> Made[list[BookingResult]]:
            batch = await self._decide(unit, commands, keys)
            events = await self._keep(unit, batch)
            return Made(batch.results(), lambda unit: _was_committed(unit, batch), events)

        symbols = {command.execution.symbol for command in commands}
        symbols |= {command.fee.symbol for command in commands if command.fee is not None}
        return await commit_once(self.ledger, portfolio_id, book, announce=self.announce, keys=keys, symbols=symbols)

    async def _decide(self, unit: LedgerUnit, commands: Sequence[BookTrade], keys: Collection[BookingKey]) -> Batch:
        now = self.clock.now()
        unkeyed = {each for command in commands if command.key is None for each in command.fingerprints}
        since = now - timedelta(seconds=TWIN_SECONDS)
        batch = Batch(
            portfolio=unit.portfolio,
            now=now,
            known=await self._known(unit, keys, {c.adopted_key for c in commands if c.adopted_key}) if keys else {},
            twins=await unit.latest_twins(unkeyed, since) if unkeyed else {},
        )
        for command in await with_remarks(unit, commands, now):
            batch.decide(command, self.rules)
        return batch

    async def _known(
        self, unit: LedgerUnit, keys: Collection[BookingKey], adopted: Collection[BookingKey]
    ) -> Mapping[BookingKey, RecordedOutcome]:
        """Return the outcomes of these keys; of trades whose outcomes are gone, they are made anew and kept."""
        known = await unit.outcomes(keys)
        # A trade of the same key is met when it is written, and then the work runs again; one of an adopted key is not.
        lost = {key for key in ({*keys, *adopted} if unit.is_repeated else adopted) if key not in known}
        if not lost:
            return known
        booked = await unit.booked_under(lost)
        again = {key: outcome_again(trade, unit.portfolio, self.rules.position_limit) for key, trade in booked.items()}
        await unit.add_outcomes([*again.values()])
        return {**known, **again}

    async def _keep(self, unit: LedgerUnit, batch: Batch) -> Sequence[Announcement]:
        """Write the decisions and everything that belongs to the same transaction; return the events of it."""
        if batch.refused:
            await unit.add_outcomes(batch.refusals())
        if not batch.booked:
            return ()
        await unit.save(batch.portfolio)
        entries = batch.entries()
        ids = await unit.add_trades(entries)
        batch.number(ids)
        await unit.add_outcomes(batch.acceptances())
        booked = [TradeBooked(trade_id, entry) for trade_id, entry in zip(ids, entries, strict=True)]
        events: list[Announcement] = [*booked]
        for do in self.within:
            events += await do(unit, booked)
        return events


async def _was_committed(unit: LedgerUnit, batch: Batch) -> bool:
    """Return whether a batch whose commit was lost is in the books: it is there whole, or not at all."""
    if not batch.booked:
        kept = batch.refusals()
        return not kept or await unit.keeps(kept[0])
    first = batch.entries()[0]
    found = await unit.trade_at(first.revision)
    return found is not None and found.entry is not None and identity(found.entry) == identity(first)
