"""Turns plans into signals, and lets each be claimed once, while what it asks for still follows from the books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from portfolio.application.clock import Clock
from portfolio.application.errors import LedgerUnavailable, NotFound, OutcomeUnknown, SignalClaimed, SignalOutdated
from portfolio.application.ports import Ledger, LedgerUnit, SignalList
from portfolio.application.rebalancing import PlannedState
from portfolio.application.records import Page
from portfolio.application.signal_records import Signal, SignalFilter, SignalStatus
from portfolio.application.signal_rules import (
    SignalRules,
    Withheld,
    content_of,
    objection_to,
    origin_of,
    signal_of,
    withheld_because,
)
from portfolio.domain.portfolio import Portfolio

ATTEMPTS: Final = 5

T = TypeVar("T")

ReadPlannedState = Callable[[], Awaitable[PlannedState]]
Work = Callable[[LedgerUnit, PlannedState, datetime], Awaitable[T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The open signals of the state, in the plan's order, and how many of them are new.

    ``claimed`` are signals that somebody is carrying out: until they are executed or run out, no other signal on
    their symbols is given. Nothing is stored where ``withheld`` says why.
    """

    signals: Sequence[Signal] = ()
    created: int = 0
    claimed: Sequence[Signal] = ()
    withheld: Withheld | None = None


class _Desk:
    """Brings a plan under the row lock of the very books that it was made from."""

    def __init__(
        self, ledger: Ledger, plan: ReadPlannedState, clock: Clock, rules: SignalRules, *, portfolio_id: int
    ) -> None:
        self._ledger = ledger
        self._plan = plan
        self._clock = clock
        self._plan_seconds = rules.plan_seconds
        self._portfolio_id = portfolio_id

    async def under_lock(self, work: Work[T]) -> T:
        """Return what ``work`` does with a plan that is the plan of the books as they are locked.

        Where the answer to its commit is lost, ``work`` is run again: having the row lock again proves that the lost
        transaction has ended one way or the other, and ``work`` finds what it left.

        Raises:
            LedgerUnavailable: the database is away, or the books change faster than plans are made.
            OutcomeUnknown: the commit was lost, and the database is away since.
        """
        try:
            return await self._under_lock(work)
        except OutcomeUnknown as unknown:
            try:
                return await self._under_lock(work)
            except LedgerUnavailable as unavailable:
                raise unknown from unavailable

    async def _under_lock(self, work: Work[T]) -> T:
        for _ in range(ATTEMPTS):
            planned = await self._planned()
            done = await self._ledger.transact(self._portfolio_id, partial(self._try, planned=planned, work=work))
            if done is not None:
                return done
        raise LedgerUnavailable("the books change faster than plans are made", retry_after_seconds=3.0)

    async def _planned(self) -> PlannedState:
        """Return the plan of the state as it is; what was seen before the database went away is no ground for one."""
        try:
            async with asyncio.timeout(self._plan_seconds):
                planned = await self._plan()
        except TimeoutError as error:
            raise LedgerUnavailable("the database does not answer") from error
        if planned.state.snapshot.database_away:
            raise LedgerUnavailable("the database is away")
        if not planned.state.closes.is_current:
            raise LedgerUnavailable("the price history could not be read")
        return planned

    async def _try(self, unit: LedgerUnit, planned: PlannedState, work: Work[T]) -> T | None:
        now = self._clock.now()
        made_of = planned.state.snapshot.portfolio
        same = content_of(made_of) == content_of(unit.portfolio) and planned.state.at.date() == now.date()
        return await work(unit, planned, now) if same else None


class GenerateSignals:
    """Stores the trades of the present plan as signals."""

    def __init__(
        self,
        ledger: Ledger,
        plan: ReadPlannedState,
        clock: Clock,
        rules: SignalRules,
        *,
        portfolio_id: int = 1,
    ) -> None:
        self._desk = _Desk(ledger, plan, clock, rules, portfolio_id=portfolio_id)
        self._rules = rules

    async def __call__(self) -> Generation:
        """Return the open signals of the state of this moment; called again for the same state, the same ones.

        Each takes the place of the open one of before on its symbol. Open signals on symbols that the plan no longer
        names are given up.

        Raises:
            LedgerUnavailable: nothing was stored.
            OutcomeUnknown: the commit was lost; asking again tells, and makes no duplicates.
            PortfolioMissing: the books were never opened.
        """
        made: set[str] = set()

        async def generate(unit: LedgerUnit, planned: PlannedState, now: datetime) -> Generation:
            generation, new = await self._generate(unit, planned, now)
            made.update(new)
            # After a lost commit they are found, and are as new to the caller as they would have been.
            return replace(generation, created=sum(signal.id in made for signal in generation.signals))

        return await self._desk.under_lock(generate)

    async def _generate(
        self, unit: LedgerUnit, planned: PlannedState, now: datetime
    ) -> tuple[Generation, Sequence[str]]:
        """Return the signals of the state, and the ids of those that are new."""
        withheld = withheld_because(unit.portfolio, now, self._rules.max_price_age)
        if withheld is not None:
            return Generation(withheld=withheld), ()
        live = await unit.signals.live()
        current = [signal for signal in live if signal.expires_at > now]
        claimed = {s.symbol.code: s for s in current if s.status is SignalStatus.ACKNOWLEDGED}
        opened = {s.symbol.code: s for s in current if s.status is SignalStatus.OPEN}
        origin = origin_of(unit.portfolio, planned.state.policy.id, now.date())
        changed = [signal.expired() for signal in live if signal.expires_at <= now]
        new: list[Signal] = []
        listed: list[Signal] = []
        for advice in planned.plan.recommendations:
            if advice.symbol in claimed:
                continue
            before = opened.pop(advice.symbol, None)
            if before is not None and before.origin.state == origin.state:
                listed.append(before)
                continue
            signal = signal_of(advice, unit.portfolio.id, origin, now, now + self._rules.ttl)
            new.append(signal)
            listed.append(signal)
            if before is not None:
                changed.append(before.superseded(signal.id))
        changed += [signal.superseded(None) for signal in opened.values()]
        if changed:
            await unit.signals.change(changed)
        if new:
            await unit.signals.add(new)
        return Generation(signals=listed, claimed=list(claimed.values())), [signal.id for signal in new]


class AcknowledgeSignal:
    """Lets one caller claim a signal, once."""

    def __init__(
        self,
        ledger: Ledger,
        plan: ReadPlannedState,
        clock: Clock,
        rules: SignalRules,
        *,
        portfolio_id: int = 1,
    ) -> None:
        self._desk = _Desk(ledger, plan, clock, rules, portfolio_id=portfolio_id)
        self._rules = rules

    async def __call__(self, signal_id: str, *, owner: str) -> Signal:
        """Return the signal, claimed by ``owner``, who now has a lifetime's span to carry it out.

        Raises:
            NotFound: there is no such signal.
            SignalClaimed: it was acknowledged before, by whomever.
            SignalOutdated: it has ended, or its trade does not follow from the present plan.
            LedgerUnavailable: nothing was changed.
            OutcomeUnknown: the commit was lost; the list of signals tells.
            PortfolioMissing: the books were never opened.
        """
        made: list[Signal] = []

        async def claim(unit: LedgerUnit, planned: PlannedState, now: datetime) -> Signal:
            found = (await unit.signals.named([signal_id])).get(signal_id)
            if found is None:
                raise NotFound("signal", repr(signal_id[:64]))
            if made and (found.acknowledged_by, found.acknowledged_at) == (owner, made[-1].acknowledged_at):
                return found
            self._check(found, unit.portfolio, planned, now)
            made.append(found.claimed(owner, now, self._rules.ttl))
            await unit.signals.change(made[-1:])
            return made[-1]

        return await self._desk.under_lock(claim)

    def _check(self, signal: Signal, portfolio: Portfolio, planned: PlannedState, now: datetime) -> None:
        status = signal.status_at(now)
        if status is SignalStatus.ACKNOWLEDGED:
            assert signal.acknowledged_by is not None
            assert signal.acknowledged_at is not None
            raise SignalClaimed(signal.id, signal.acknowledged_by, signal.acknowledged_at)
        if status is not SignalStatus.OPEN:
            raise SignalOutdated(signal.id, f"it is {status}")
        withheld = withheld_because(portfolio, now, self._rules.max_price_age)
        if withheld is not None:
            raise SignalOutdated(signal.id, withheld.detail)
        objection = objection_to(signal, planned.plan.recommendations)
        if objection is not None:
            raise SignalOutdated(signal.id, objection)


class ListSignals:
    """Lists signals by what they are at this moment."""

    def __init__(self, signals: SignalList, clock: Clock) -> None:
        self._signals = signals
        self._clock = clock

    async def __call__(
        self, status: SignalStatus | None = None, *, before: int | None = None, limit: int = 100
    ) -> tuple[Page[Signal], datetime]:
        """Return signals, newest first, and the moment that their statuses are of.

        Raises:
            LedgerUnavailable: the database is away.
        """
        now = self._clock.now()
        page = await self._signals.page(SignalFilter(status=status, now=now, before=before, limit=limit))
        return page, now
