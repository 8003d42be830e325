"""Stores plans as signals, and lets each signal be claimed once, while the plan still asks for its trade."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerUnavailable, NotFound, SignalClaimed, SignalOutdated
from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.ledger.lost_commit import Made, commit_once
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import Page
from portfolio.application.rebalancing.planning import plan_of
from portfolio.application.rebalancing.ports import SignalBook, Signals
from portfolio.application.rebalancing.records import Signal, SignalChanged, SignalFilter, SignalStatus
from portfolio.application.rebalancing.signal_rules import (
    SignalRules,
    Withheld,
    assets_of,
    content_of,
    covering,
    doubt_in,
    lack_of_cash,
    objection_to,
    old_units,
    origin_of,
    signal_of,
    withheld_because,
)
from portfolio.application.risk.state import MarketState
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.prices.freshness import Freshness, PriceDoubt, freshness_of

ATTEMPTS: Final = 5

T = TypeVar("T")

ReadPlannedState = Callable[[], Awaitable[MarketState]]


class Locked(msgspec.Struct, frozen=True):
    """The books under their lock, their signals, and the state that these very books were planned in."""

    unit: LedgerUnit
    book: SignalBook
    state: MarketState
    now: datetime
    freshness: Freshness

    @property
    def portfolio(self) -> Portfolio:
        """Return the portfolio of the books."""
        return self.unit.portfolio


Work = Callable[[Locked], Awaitable[tuple[T, Sequence[Signal]]]]
"""Makes something under the lock, and returns it with the signals as they were written, new ones first."""


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """The open signals of the state, in the plan's order, and how many of them are new.

    ``claimed`` are signals that somebody is carrying out: until they are executed or run out, no other signal is given
    on their symbols, nor on what these were exchanged for since. ``left_out`` are the positions that are not traded, by
    symbol, as their price is not fresh.
    Nothing is stored where ``withheld`` says why.
    """

    signals: Sequence[Signal] = ()
    created: int = 0
    claimed: Sequence[Signal] = ()
    left_out: Mapping[str, PriceDoubt] = msgspec.field(default_factory=dict)
    withheld: Withheld | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LockedPlan:
    """Writes signals under the row lock, after checking that the plan was made from exactly these books."""

    ledger: Ledger
    signals: Signals
    plan: ReadPlannedState
    clock: Clock
    rules: SignalRules
    _: KW_ONLY
    portfolio_id: int
    announce: Announcer = NO_LISTENERS

    async def use(self, work: Work[T]) -> T:
        """Return what ``work`` made of a plan that is the plan of the books as they are locked.

        Raises:
            LedgerUnavailable: the database is away, or the books change faster than plans are made.
            OutcomeUnknown: the commit was lost, and the database is away since.
        """
        lost: list[Made[tuple[T] | None]] = []
        for _ in range(ATTEMPTS):
            run = partial(self._run, work, await self._planned())
            made = await commit_once(self.ledger, self.portfolio_id, run, announce=self.announce, lost=lost)
            if made is not None:
                return made[0]
        raise LedgerUnavailable("the books change faster than plans are made; ask again", retry_after_seconds=3.0)

    async def _run(self, work: Work[T], state: MarketState, unit: LedgerUnit) -> Made[tuple[T] | None]:
        """Return what ``work`` made, in a tuple; None where the plan is one of other books, or of another day."""
        now, made_of = self.clock.now(), state.snapshot.portfolio
        if content_of(made_of) != content_of(unit.portfolio) or state.at.date() != now.date():
            return Made(None)
        freshness = freshness_of(unit.portfolio.open_positions, now, self.rules.max_price_age)
        result, changed = await work(Locked(unit, self.signals.within(unit), state, now, freshness))

        async def is_kept(unit: LedgerUnit) -> bool:
            first = changed[0]
            found = (await self.signals.within(unit).named([first.id])).get(first.id)
            return found is not None and _became(found) == _became(first)

        return Made((result,), is_kept if changed else None, [SignalChanged(signal) for signal in changed])

    async def _planned(self) -> MarketState:
        """Return the state as it is, planned for; one seen before the database went away is no ground for signals."""
        try:
            async with asyncio.timeout(self.rules.plan_seconds):
                state = await self.plan()
        except TimeoutError as error:
            raise LedgerUnavailable("the database does not answer") from error
        if state.snapshot.database_away:
            raise LedgerUnavailable("the database is away")
        if not state.closes.is_current:
            raise LedgerUnavailable("the price history could not be read")
        return state


async def changes_since(
    signals: Iterable[Signal], unit: LedgerUnit, *, needs_all: bool = True
) -> Sequence[RecordedCashEntry]:
    """Return the splits and exchanges, and what took such out, that a plan behind the signals knew nothing of."""
    revision = min((one.origin.ledger_revision for one in signals), default=unit.portfolio.revision)
    if revision == unit.portfolio.revision:
        return ()
    return await unit.splits_and_exchanges(after=revision, needs_all=needs_all)


def _became(signal: Signal) -> tuple[object, ...]:
    return signal.status, signal.acknowledged_by, signal.acknowledged_at


class GenerateSignals:
    """Stores the trades of the present plan as signals."""

    def __init__(self, plan: LockedPlan) -> None:
        self._plan = plan

    async def __call__(self) -> Generation:
        """Return the open signals of the state of this moment; called again for the same state, the same ones.

        Each takes the place of the open one of before on its symbol. Open signals on symbols that the plan no longer
        names are given up.

        Raises:
            OutcomeUnknown: the commit was lost; asking again tells, and makes no duplicates.
        """
        return await self._plan.use(self._generate)

    async def _generate(self, locked: Locked) -> tuple[Generation, Sequence[Signal]]:
        rules, now, portfolio = self._plan.rules, locked.now, locked.portfolio
        left_out = locked.freshness.doubts
        withheld = withheld_because(locked.freshness)
        if withheld is not None:
            return Generation(left_out=left_out, withheld=withheld), ()
        live = await locked.book.live()
        current = [signal for signal in live if signal.expires_at > now]
        claimed = [signal for signal in current if signal.status is SignalStatus.ACKNOWLEDGED]
        changes = await changes_since(claimed, locked.unit)
        taken = {symbol.code for signal in claimed for symbol in assets_of(signal, changes)}
        opened = {s.symbol.code: s for s in current if s.status is SignalStatus.OPEN}
        origin = origin_of(portfolio, locked.state.policy.id, now.date())
        changed = [signal.expired() for signal in live if signal.expires_at <= now]
        new: list[Signal] = []
        listed: list[Signal] = []
        for advice in plan_of(locked.state).recommendations:
            if advice.symbol in taken or advice.symbol in left_out:
                continue
            before = opened.pop(advice.symbol, None)
            if before is not None and before.origin.state == origin.state:
                listed.append(before)
                continue
            signal = signal_of(advice, portfolio.id, origin, now, now + rules.ttl)
            new.append(signal)
            listed.append(signal)
            if before is not None:
                changed.append(before.superseded(signal.id))
        changed += [signal.superseded(None) for signal in opened.values()]
        if changed:
            await locked.book.change(changed)
        if new:
            await locked.book.add(new)
        generation = Generation(signals=listed, created=len(new), claimed=claimed, left_out=left_out)
        return generation, [*new, *changed]


class AcknowledgeSignal:
    """Lets one caller claim a signal, once."""

    def __init__(self, plan: LockedPlan) -> None:
        self._plan = plan

    async def __call__(self, signal_id: str, *, owner: str) -> Signal:
        """Return the signal, claimed by ``owner``, who now has a lifetime's span to carry it out.

        Raises:
            NotFound: there is no such signal.
            SignalClaimed: it was acknowledged before, by whomever.
            SignalOutdated: it has ended, or its trade does not follow from the present plan.
            OutcomeUnknown: the commit was lost; the list of signals tells.
        """

        async def claim(locked: Locked) -> tuple[Signal, Sequence[Signal]]:
            found = (await locked.book.named([signal_id])).get(signal_id)
            if found is None:
                raise NotFound("signal", repr(signal_id[:64]))
            live = await locked.book.live()
            claims = [other for other in live if other.status_at(locked.now) is SignalStatus.ACKNOWLEDGED]
            self._check(found, locked, claims, await changes_since([found, *claims], locked.unit))
            claimed = found.claimed(owner, locked.now, self._plan.rules.ttl)
            await locked.book.change([claimed])
            return claimed, [claimed]

        return await self._plan.use(claim)

    def _check(
        self, signal: Signal, locked: Locked, claims: Sequence[Signal], changes: Sequence[RecordedCashEntry]
    ) -> None:
        status = signal.status_at(locked.now)
        if status is SignalStatus.ACKNOWLEDGED:
            assert signal.acknowledged_by is not None
            assert signal.acknowledged_at is not None
            raise SignalClaimed(signal.id, signal.acknowledged_by, signal.acknowledged_at)
        if status is not SignalStatus.OPEN:
            raise SignalOutdated(signal.id, f"it is {status}")
        withheld = withheld_because(locked.freshness)
        if withheld is not None:
            raise SignalOutdated(signal.id, withheld.detail)
        objection = (
            doubt_in(signal, locked.freshness)
            or old_units(signal, changes)
            or covering(signal, claims, changes)
            or objection_to(signal, plan_of(locked.state).recommendations)
            or lack_of_cash(signal, locked.portfolio, claims)
        )
        if objection is not None:
            raise SignalOutdated(signal.id, objection)


class ListSignals:
    """Lists signals by what they are at this moment."""

    def __init__(self, signals: Signals, clock: Clock) -> None:
        self._signals = signals
        self._clock = clock

    async def __call__(
        self, portfolio_id: int, status: SignalStatus | None = None, *, before: int | None = None, limit: int = 100
    ) -> tuple[Page[Signal], datetime]:
        """Return signals, newest first, and the moment that their statuses are of."""
        now = self._clock.now()
        page = await self._signals.page(portfolio_id, SignalFilter(status=status, now=now, before=before, limit=limit))
        return page, now
