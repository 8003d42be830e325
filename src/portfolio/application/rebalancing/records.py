"""Signals: trades that a plan asked for, kept until somebody claims them, carries them out, or their time is over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from portfolio.application.announcer import Announcement
from portfolio.domain.days import day_of
from portfolio.domain.ledger.trade import Side, Trade
from portfolio.domain.money import Money, Quantity
from portfolio.domain.rebalancing.reason import Priority, Reason
from portfolio.domain.rebalancing.scoring.outcome import Deal
from portfolio.domain.rebalancing.strategies.targets import Proposal
from portfolio.domain.symbol import Symbol

ID_PREFIX = "sig-"
"""What every signal's id begins with: the ids that engines give to signals of their own are told apart by it."""


class SignalStatus(StrEnum):
    """What has become of a signal."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    EXECUTED = "executed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


LIVE = frozenset({SignalStatus.OPEN, SignalStatus.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalOrigin:
    """What a signal was made from. ``state`` is a digest: equal for the same books, prices, policy and UTC day."""

    ledger_revision: int
    price_revision: int
    policy_id: str
    statistics_day: date
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One trade that a plan asked for.

    Allocations are percentages below 1e20, money is in dollars, both at 18 decimals. ``status`` is as kept: one that is
    open or acknowledged may have run out since, see ``status_at``. ``number`` is its place in the order of creation,
    None before it is kept. ``superseded_by`` is the signal in its place, None where the plan no longer names the
    symbol. ``after`` are the symbols of the sales that a purchase waits for; ``executable_quantity`` is what the
    exchange ``venue`` takes of the quantity, 0 or None where ``executable_reason`` says why.
    """

    id: str
    portfolio_id: int
    symbol: Symbol
    action: Side
    reason: Reason
    also: tuple[Reason, ...]
    quantity: Quantity
    trade_value: Money
    estimated_fee: Money
    current_allocation: Decimal
    target_allocation: Decimal
    priority: Priority
    confidence: Decimal
    evidence: tuple[Proposal, ...]
    origin: SignalOrigin
    created_at: datetime
    expires_at: datetime
    after: tuple[str, ...] = ()
    executable_quantity: Decimal | None = None
    venue: str | None = None
    executable_reason: str | None = None
    status: SignalStatus = SignalStatus.OPEN
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    executed_trade_id: int | None = None
    superseded_by: str | None = None
    number: int | None = None

    @property
    def cost(self) -> Money:
        """Return the money that a purchase takes, its fee included; of what an exchange takes of it, if it does."""
        whole = self.trade_value + self.estimated_fee
        if not self.executable_quantity:
            return whole
        return whole.portion(Quantity(self.executable_quantity), self.quantity)

    def status_at(self, now: datetime) -> SignalStatus:
        """Return the status at ``now``: an open signal expires, and so does a claim that nobody carried out."""
        return SignalStatus.EXPIRED if self.status in LIVE and self.expires_at <= now else self.status

    def is_executed_by(self, trade: Trade, owner: str, now: datetime, *, is_taken_back: bool = False) -> bool:
        """Return whether ``owner``'s ``trade``, which names this signal and is booked at ``now``, carries it out.

        That it is of the signal's asset, or of what that became, is for the caller to see, and so is whether what
        carried it out before ``is_taken_back``: the next one stands in the place of that.

        Once claimed it is the claimant's alone, and may be booked late: the claim said that the trade was coming.
        """
        if not is_for(self, trade.side, owner):
            return False
        status = self.status_at(now)
        return is_taken_back or status in LIVE or (status is SignalStatus.EXPIRED and self.acknowledged_at is not None)

    def claimed(self, owner: str, now: datetime, ttl: timedelta) -> Signal:
        """Return the signal claimed by ``owner``, who has ``ttl`` from now to carry it out."""
        status = SignalStatus.ACKNOWLEDGED
        return replace(self, status=status, acknowledged_by=owner, acknowledged_at=now, expires_at=now + ttl)

    def executed(self, trade_id: int) -> Signal:
        """Return the signal carried out by a trade."""
        return replace(self, status=SignalStatus.EXECUTED, executed_trade_id=trade_id)

    def expired(self) -> Signal:
        """Return the signal after its time."""
        return replace(self, status=SignalStatus.EXPIRED)

    def superseded(self, by: str | None) -> Signal:
        """Return the signal given up, in favour of the signal ``by`` where there is one."""
        return replace(self, status=SignalStatus.SUPERSEDED, superseded_by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """As much of a signal as it is scored by; ``begins`` says that it is the first of its episode."""

    id: str
    symbol: Symbol
    action: Side
    reason: Reason
    quantity: Quantity
    trade_value: Money
    estimated_fee: Money
    confidence: Decimal
    created_at: datetime
    acknowledged_by: str | None = None
    executed_trade_id: int | None = None
    begins: bool = False

    @property
    def deal(self) -> Deal:
        """Return the trade that it asks for."""
        return Deal(side=self.action, quantity=self.quantity, value=self.trade_value, fee=self.estimated_fee)

    @property
    def day(self) -> date:
        """Return the UTC day of its creation."""
        return day_of(self.created_at)


def is_for(advice: Signal | Advice, side: Side, owner: str) -> bool:
    """Return whether a trade of this side and owner may be what an advice asks for: once claimed, of its claimant."""
    return side is advice.action and advice.acknowledged_by in {None, "", owner}


@dataclass(frozen=True, slots=True)
class SignalChanged(Announcement):
    """A signal was made, claimed, carried out, given up, or found to have run out; ``signal`` is what it is now."""

    signal: Signal


class SignalFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which signals are wanted, by their status at ``now``; ``before`` is the number the last page ended with."""

    now: datetime
    status: SignalStatus | None = None
    before: int | None = None
    limit: int = 100
