"""The moves of an event as its entry: what it brings follows from the law."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from portfolio.domain.arithmetic import ONE, exact
from portfolio.domain.decimal_text import listed
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, InvalidAmount, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind, EventTerms
from portfolio.domain.ledger.happening import Happened, LaterMove
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import Portfolio, recorded
from portfolio.domain.ledger.position import Position, undone
from portfolio.domain.ledger.positions import Positions
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity

NOTHING: Final = Money.zero()
# A price may be stamped by a clock that is ahead, or come while a split that is of now waits to be booked.
_CLOCKS_DIFFER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A leg, whose price counts after it, and whether the average price stays what it was."""

    leg: Leg
    mark: Mark | None
    keeps_average: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What an event moves; what it brings follows from the law."""

    steps: tuple[Step, ...] = ()
    cash: Money = NOTHING
    net_deposits: Money = NOTHING
    flow: Money = NOTHING
    ratio: Decimal | None = None
    is_basis_assumed: bool = False


def reverse_event(  # shape: what is reversed, of what, and when
    books: Portfolio,
    event: CashTransaction,
    legs: Iterable[Leg],
    revision: int,
    now: datetime,
    *,
    allow_negative_cash: bool = False,
) -> Happened:
    """Return the portfolio without the event of a ledger revision, and the opposite entry that takes it out.

    Trades that it consists of are not taken back.

    Where nothing happened since, every sum is what it was before the event. What of the cost is left where nothing is
    held afterwards, or the cost would change its sign, becomes realized.

    Raises:
        InsufficientQuantity: what came is no longer held, or not enough of what was split.
        InsufficientCash: the money that came is no longer there.
    """
    terms = event.event
    assert terms is not None
    split = terms if event.kind is CashTransactionKind.SPLIT else None
    moves = Moves(
        steps=tuple(_undo(books.position(leg.symbol), leg, split) for leg in legs),
        cash=-event.cash_delta,
        net_deposits=-event.net_deposits_delta,
        flow=-terms.flow_value,
        ratio=terms.ratio,
    )
    require_cash(books, -moves.cash, unless=allow_negative_cash)
    taken_out = replace(terms, flow_value=moves.flow, reverses_revision=revision)
    return entered(books, event.kind, moves, taken_out, now)


def _undo(position: Position, leg: Leg, split: EventTerms | None) -> Step:
    held, left = position.quantity, position.quantity - leg.quantity_delta
    if split:
        has_gone = not (left and held) or (left.value > 0) != (held.value > 0)
    else:
        has_gone = leg.quantity_delta.value > 0 and left.value < 0
    if has_gone:
        raise too_little(position, leg.quantity_delta)
    basis, asset = (
        undone(total, delta, left)
        for total, delta in ((position.cost_basis, leg.basis_delta), (position.asset_cost, leg.asset_delta))
    )
    opposite = Leg(
        symbol=leg.symbol,
        quantity_delta=-leg.quantity_delta,
        basis_delta=basis,
        asset_delta=asset,
        realized_delta=basis + leg.basis_delta - leg.realized_delta,
    )
    if not split or split.ratio is None:
        return Step(leg=opposite, mark=position.mark)
    return Step(leg=opposite, mark=rescaled(position.mark, split.effective_at, split.ratio, ONE))


def entered(books: Portfolio, kind: CashTransactionKind, moves: Moves, terms: EventTerms, now: datetime) -> Happened:
    """Return the portfolio after an entry with these moves."""
    legs = tuple(step.leg for step in moves.steps)
    realized = moves.cash - moves.net_deposits
    for leg in legs:
        realized = realized + leg.basis_delta
    transaction = CashTransaction(
        kind=kind,
        cash_delta=moves.cash,
        net_deposits_delta=moves.net_deposits,
        realized_delta=realized,
        value_before=books.total_value,
        at=now,
        event=terms,
    )
    held = books.positions
    assert isinstance(held, Positions)
    moved = (
        books.position(step.leg.symbol).moved(step.leg, step.mark, keeps_average=step.keeps_average)
        for step in moves.steps
    )
    after, _ = recorded(replace(books, cash=books.cash + moves.cash, positions=held.replacing(moved)), transaction)
    return Happened(after=after.in_range(), transaction=transaction, own_legs=legs, revision=after.revision)


def too_little(position: Position, quantity: Quantity) -> InsufficientQuantity:
    """Return the error that less is held than moves."""
    return InsufficientQuantity(position.symbol.code, position.quantity.value, quantity.value, verb="moved")


def require_cash(books: Portfolio, amount: Money, *, unless: bool) -> None:
    """Refuse to pay more than there is by raising InsufficientCash, ``unless`` cash may be below zero."""
    if amount.value > 0 and amount > books.cash and not unless:
        raise InsufficientCash(books.cash.value, amount.value)


def split_delta(position: Position, ratio: Decimal, later: Sequence[LaterMove] = ()) -> Quantity:
    """Return by how much a split changes what is held by now: what moved ``later`` is of its units already.

    Raises:
        InvalidAmount: it leaves nothing; another split is later; or what is later cannot be of the new units.
        InsufficientQuantity: nothing was held then, and nothing is by now.
    """
    now, code = position.quantity, position.symbol.code
    other = next((one for one in later if one.is_split and one.stands), None)
    if other is not None:
        raise InvalidAmount(
            "",
            f"effective_at lies before a split of {code} that is booked already, {other.name}: reverse that one,"
            " book this one, and then that one again",
            field="effective_at",
        )
    held = sum((-one.quantity for one in later), now)
    if not held and not now:
        raise too_little(position, held)
    delta = held.times(ratio) - held
    if held and not held + delta:
        raise InvalidAmount("", "ratio leaves nothing at 18 decimals", field="ratio")
    if not is_same_side(held, now) or not is_same_side(now + delta, now):
        raise InvalidAmount(
            "",
            f"at effective_at {held} {code} was held, which the split made {held + delta}, and with what was booked"
            f" for later, {named(later)}, it would be {now + delta}: what was booked for later has to be of the new"
            " units; reverse what is not, and book it again after the split",
            field="effective_at",
        )
    return delta


def named(later: Sequence[LaterMove]) -> str:
    """Return the names of what moved a quantity later and stands, of many the first ones."""
    return listed([one.name for one in later if one.stands and one.quantity])


def is_same_side(one: Quantity, other: Quantity) -> bool:
    """Return whether both are above zero, or both below it."""
    return bool(one) and bool(other) and (one.value > 0) == (other.value > 0)


def rescaled(mark: Mark | None, at: datetime, times: Decimal, over: Decimal) -> Mark | None:
    """Return the price of one unit after a split at ``at`` of ``over`` units for ``times`` of before.

    A price that is newer than the split by over a minute is of its units already, whenever the split is reported. None
    where it makes no price.
    """
    return mark if mark is None or mark.at > at + _CLOCKS_DIFFER else repriced(mark, times, over)


@exact
def repriced(mark: Mark | None, times: Decimal, over: Decimal) -> Mark | None:
    """Return the price of ``over`` units for what ``times`` units are worth; None where it makes no price."""
    if mark is None:
        return None
    with suppress(OutOfRange):
        return replace(mark, price=Price.rounded(mark.price.value * times / over))
    return None


@exact
def ratio_of(before: Quantity, after: Quantity) -> Decimal | None:
    """Return how many there are now for one of before; None where that is no number of the ledger."""
    with suppress(OutOfRange):
        return Quantity.rounded(after.value / before.value).value
    return None
