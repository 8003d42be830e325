"""Rules of signals: when one may be made, and when it may still be claimed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from portfolio.application.rebalancing.records import ID_PREFIX, Origin, Signal
from portfolio.domain.arithmetic import exact
from portfolio.domain.decimal_text import plain
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Quantity, percent_of
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.domain.symbol import Symbol

LEAST_PRICED_PERCENT: Final = Decimal(95)
# A price that moved a little makes the present plan's trade a little smaller; the signal's still follows from it.
CLAIM_TOLERANCE: Final = Decimal("1.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRules:
    """How long a signal lives, and then a claim on it, how old a price may be, and how long its plan may take."""

    ttl: timedelta
    max_price_age: timedelta
    plan_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why no signal is given: ``prices_stale``, ``too_little_priced`` or ``assumed_rate``, and that in words."""

    code: Literal["prices_stale", "too_little_priced", "assumed_rate"]
    detail: str


def withheld_because(portfolio: Portfolio, now: datetime, max_price_age: timedelta) -> Withheld | None:
    """Return why no signal may be given on these prices; None where one may."""
    held = portfolio.open_positions
    stale = [p.symbol.code for p in held if p.mark is not None and not p.mark.is_live(now, max_price_age)]
    if stale:
        return Withheld("prices_stale", f"prices are stale: {_listed(stale)}")
    assumed = [p.symbol.code for p in held if p.mark is not None and p.mark.has_assumed_rate]
    if assumed:
        return Withheld("assumed_rate", f"prices were converted at a rate nobody confirmed: {_listed(assumed)}")
    priced = Money.zero()
    for position in held:
        if position.mark is not None:
            priced = priced + position.market_value
    share = percent_of(priced, portfolio.invested)
    if share is not None and share < LEAST_PRICED_PERCENT:
        return Withheld("too_little_priced", f"only {plain(share)} % of what is held has a price")
    return None


@exact
def objection_to(signal: Signal, advices: Iterable[Recommendation]) -> str | None:
    """Return why the signal's trade does not follow from the present plan; None where it does.

    It follows where the plan wants the same symbol moved the same way, and not clearly less of it.
    """
    wanted = next((advice for advice in advices if advice.symbol == signal.symbol.code), None)
    asked = f"{signal.action} {signal.symbol}"
    if wanted is None or wanted.action is not signal.action:
        return f"the present plan does not ask for {asked}"
    if signal.quantity.value > wanted.trade_quantity * CLAIM_TOLERANCE:
        return f"the present plan asks for {asked} of {plain(wanted.trade_quantity)}, not {signal.quantity}"
    return None


def content_of(portfolio: Portfolio) -> tuple[object, ...]:
    """Return what a plan depends on in the books: the revisions, and what other programs write without moving them."""
    held = {position.symbol.code: plain(position.quantity.value) for position in portfolio.open_positions}
    return portfolio.id, portfolio.revision, portfolio.price_revision, plain(portfolio.cash.value), held


def origin_of(portfolio: Portfolio, policy_id: str, day: date) -> Origin:
    """Return what signals made now come from; ``day`` is the UTC day that the statistics end before."""
    said = json.dumps([*content_of(portfolio), policy_id, day.isoformat()])
    return Origin(
        ledger_revision=portfolio.revision,
        price_revision=portfolio.price_revision,
        policy_id=policy_id,
        statistics_day=day,
        state=hashlib.sha256(said.encode()).hexdigest(),
    )


def signal_of(
    advice: Recommendation, portfolio_id: int, origin: Origin, created_at: datetime, expires_at: datetime
) -> Signal:
    """Return a new signal that asks for what the plan advises."""
    return Signal(
        id=f"{ID_PREFIX}{uuid.uuid4().hex}",
        portfolio_id=portfolio_id,
        symbol=Symbol(advice.symbol),
        action=advice.action,
        reason=advice.reason,
        also=tuple(advice.also),
        quantity=Quantity(advice.trade_quantity),
        trade_value=Money.rounded(advice.trade_value),
        estimated_fee=Money.rounded(advice.estimated_fee),
        current_allocation=advice.current_allocation,
        target_allocation=advice.target_allocation,
        priority=advice.priority,
        confidence=advice.confidence,
        evidence=tuple(advice.evidence),
        origin=origin,
        created_at=created_at,
        expires_at=expires_at,
    )


def _listed(symbols: Sequence[str]) -> str:
    return ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")
