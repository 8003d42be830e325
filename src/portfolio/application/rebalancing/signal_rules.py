"""Rules of signals: when one may be made, and when it may still be claimed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

import msgspec

from portfolio.application.ledger.cash_records import RecordedCashEntry
from portfolio.application.rebalancing.records import ID_PREFIX, Signal, SignalOrigin
from portfolio.domain.arithmetic import exact
from portfolio.domain.decimal_text import listed, plain
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import EXACT, LIMIT, STEP, Money, Quantity
from portfolio.domain.prices.freshness import Freshness, PriceDoubt
from portfolio.domain.rebalancing.recommendation import Recommendation
from portfolio.domain.symbol import Symbol

# A price that moved a little makes the present plan's trade a little smaller; the signal's still follows from it.
CLAIM_TOLERANCE: Final = Decimal("1.05")
_MOST_PERCENT: Final = EXACT.subtract(LIMIT, STEP)  # of next to no total value it may be more than can be kept


class SignalRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long a signal lives, and then a claim on it, how old a price may be, and how long its plan may take."""

    ttl: timedelta
    max_price_age: timedelta
    plan_seconds: float = 3.0


class Withheld(msgspec.Struct, frozen=True):
    """Why no signal is given: what most of the value without a fresh price lacks, and that in words."""

    reason: Literal["prices_stale", "too_little_priced", "assumed_rate"]
    detail: str


_REASONS: Final[Mapping[PriceDoubt, Literal["prices_stale", "too_little_priced", "assumed_rate"]]] = {
    PriceDoubt.STALE: "prices_stale",
    PriceDoubt.MISSING: "too_little_priced",
    PriceDoubt.ASSUMED_RATE: "assumed_rate",
}
_SAID: Final[Mapping[PriceDoubt, str]] = {
    PriceDoubt.STALE: "its price is stale",
    PriceDoubt.MISSING: "it has no price",
    PriceDoubt.ASSUMED_RATE: "its price was converted at a rate nobody confirmed",
}


def withheld_because(freshness: Freshness) -> Withheld | None:
    """Return why no signal may be given on these prices; None where they are fresh for 95 % of the value or more."""
    if freshness.is_enough:
        return None
    assert freshness.percent is not None
    assert freshness.largest is not None
    said = [f"{_SAID[why]}: {listed(symbols)}" for why in PriceDoubt if (symbols := freshness.symbols(why))]
    share = f"only {plain(freshness.percent)} % of the value of what is held has a fresh price"
    return Withheld(_REASONS[freshness.largest], f"{share}; {'; '.join(said)}")


def doubt_in(signal: Signal, freshness: Freshness) -> str | None:
    """Return why a signal may not be claimed on the price of its symbol; None where it may."""
    doubt = freshness.doubts.get(signal.symbol.code)
    return None if doubt is None else f"{signal.symbol} is not traded: {_SAID[doubt]}"


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


def old_units(signal: Signal, changes: Iterable[RecordedCashEntry]) -> str | None:
    """Return that a split since the signal was made changed its units; None where none among ``changes`` did."""
    later = (one for one in changes if one.entry.revision > signal.origin.ledger_revision)
    splits = (one for one in later if one.entry.transaction.kind is CashTransactionKind.SPLIT)
    split = next((one for one in splits if signal.symbol in {leg.symbol for leg in one.entry.positions}), None)
    if split is None:
        return None
    what = f"a split of {signal.symbol} was booked or taken back (event {split.id}) after it was made"
    return f"{what}, so its quantity is in old units: generate signals anew"


def assets_of(signal: Signal, changes: Iterable[RecordedCashEntry]) -> set[Symbol]:
    """Return what a signal's trade is of: its asset, and what anything of that was exchanged for since it was made.

    What takes an exchange out is one the other way. ``changes`` are as they were booked, those before the signal too.
    """
    assets, revision = {signal.symbol}, signal.origin.ledger_revision
    for entry in (one.entry for one in changes if one.entry.revision > revision):
        if entry.transaction.kind is CashTransactionKind.EXCHANGE:
            gone = {leg.symbol for leg in entry.positions if leg.quantity_delta.value < 0}
            if gone & assets:
                assets |= {leg.symbol for leg in entry.positions}
    return assets


def covering(signal: Signal, claims: Iterable[Signal], changes: Iterable[RecordedCashEntry]) -> str | None:
    """Return that one of the claims is of the signal's asset, since an exchange; None where none is."""
    claim = next((other for other in claims if signal.symbol in assets_of(other, changes)), None)
    if claim is None:
        return None
    why = f"since {claim.symbol} was exchanged, {claim.id}, which is claimed, is of {signal.symbol} too"
    return f"{why}: it comes first"


def lack_of_cash(signal: Signal, portfolio: Portfolio, claimed: Iterable[Signal]) -> str | None:
    """Return that the cash does not cover a purchase yet; None where it does, and of a sale.

    What the purchases among ``claimed``, which are being carried out, will cost is not there any more.
    """
    if signal.action is Side.SELL:
        return None
    spoken_for = sum((other.cost for other in claimed if other.action is Side.BUY), Money.zero())
    if portfolio.cash - spoken_for >= signal.cost:
        return None
    others = f", of which claimed purchases take {spoken_for}" if spoken_for else ""
    return f"it needs {signal.cost} of cash, and there is {portfolio.cash}{others}: the sales of the plan come first"


def content_of(portfolio: Portfolio) -> tuple[object, ...]:
    """Return what a plan depends on in the books: the revisions, and what other programs write without moving them."""
    held = {position.symbol.code: plain(position.quantity.value) for position in portfolio.open_positions}
    return portfolio.id, portfolio.revision, portfolio.price_revision, plain(portfolio.cash.value), held


def origin_of(portfolio: Portfolio, policy_id: str, day: date) -> SignalOrigin:
    """Return what signals made now come from; ``day`` is the UTC day that the statistics end before."""
    said = json.dumps([*content_of(portfolio), policy_id, day.isoformat()])
    return SignalOrigin(
        ledger_revision=portfolio.revision,
        price_revision=portfolio.price_revision,
        policy_id=policy_id,
        statistics_day=day,
        state=hashlib.sha256(said.encode()).hexdigest(),
    )


def signal_of(
    advice: Recommendation, portfolio_id: int, origin: SignalOrigin, created_at: datetime, expires_at: datetime
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
        current_allocation=min(advice.current_allocation, _MOST_PERCENT),
        target_allocation=min(advice.target_allocation, _MOST_PERCENT),
        priority=advice.priority,
        confidence=advice.confidence,
        evidence=tuple(advice.evidence),
        origin=origin,
        created_at=created_at,
        expires_at=expires_at,
        after=tuple(advice.after),
        executable_quantity=advice.executable_quantity,
        venue=advice.venue,
        executable_reason=advice.executable_reason,
    )
