"""Happenings (events such as transfers, income and splits): what a request states of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from portfolio.domain.errors import InvalidAmount
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Trade
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened, as it was stated; which fields a kind has, and which of them it needs, ``FIELDS`` says.

    ``quantity`` of ``symbol`` came, left, or became ``to_quantity`` of ``to_symbol``. ``value`` is its market value,
    ``basis`` what it had cost. ``ratio`` is how many of the new there are for one of the old. ``amount`` is money.
    ``added`` is by how much a split changes what is held, where that is not all that is held by now times its ratio.
    """

    kind: CashTransactionKind
    effective_at: datetime
    symbol: Symbol | None = None
    quantity: Quantity | None = None
    value: Money | None = None
    basis: Money | None = None
    to_symbol: Symbol | None = None
    to_quantity: Quantity | None = None
    ratio: Decimal | None = None
    amount: Money | None = None
    label: str | None = None
    group: str | None = None
    added: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterMove:
    """By how much an entry moved an asset that took effect after something which is booked after it.

    ``name`` is ``trade 7`` or ``event 12``. One that was taken out, or takes another one out, does not ``stand``.
    """

    name: str
    quantity: Quantity
    is_split: bool = False
    stands: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedChange:
    """A split or a rename: the id of its event, None where it was only looked at, of what, when it took effect, and its
    ledger revision. ``became`` is what a rename made of the asset.
    """

    event_id: int | None
    symbol: Symbol
    at: datetime
    revision: int
    became: Symbol | None = None


@dataclass(frozen=True, slots=True)
class KindFields:
    """The fields that an event of a kind needs, and those that it may have beside them."""

    needs: frozenset[str]
    takes: frozenset[str] = frozenset()


_K = CashTransactionKind
FIELDS: Final[Mapping[CashTransactionKind, KindFields]] = {
    _K.TRANSFER_IN: KindFields(frozenset({"symbol", "quantity"}), frozenset({"value", "basis"})),
    _K.TRANSFER_OUT: KindFields(frozenset({"symbol", "quantity"}), frozenset({"value"})),
    _K.INCOME: KindFields(frozenset({"symbol", "quantity", "label"}), frozenset({"value"})),
    _K.SWAP: KindFields(frozenset({"symbol", "quantity", "to_symbol", "to_quantity"}), frozenset({"value"})),
    _K.EXCHANGE: KindFields(
        frozenset({"symbol", "quantity", "to_symbol"}), frozenset({"to_quantity", "ratio", "label"})
    ),
    _K.SPLIT: KindFields(frozenset({"symbol", "ratio"})),
    _K.LOSS: KindFields(frozenset({"symbol", "quantity"})),
    _K.INTEREST: KindFields(frozenset({"amount"})),
    _K.CHARGE: KindFields(frozenset({"amount"})),
}

RENAME: Final = "rename"
LABELS: Final[Mapping[CashTransactionKind, tuple[str, ...]]] = {
    _K.INCOME: ("staking", "airdrop", "interest", "mining", "rebate"),
    _K.EXCHANGE: (RENAME, "wrap", "bridge"),
}
"""What an event of a kind may be from. An exchange without a label is a rename."""


def changed_by(
    kind: CashTransactionKind, label: str | None, moved: Iterable[tuple[Symbol, Quantity]]
) -> list[tuple[Symbol, Symbol | None]]:
    """Return the assets that an event split or renamed, each with what it became; None of a split.

    A wrap and a bridge are of what they say alone: nothing of before has to go with them.
    """
    if kind is CashTransactionKind.SPLIT:
        return [(symbol, None) for symbol, _ in moved]
    if kind is not CashTransactionKind.EXCHANGE or label not in {None, RENAME}:
        return []
    by_sign = {quantity.value > 0: symbol for symbol, quantity in moved}
    return [(by_sign[False], by_sign[True])] if len(by_sign) == 2 else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """The portfolio after an event, its entry with the legs, and the trades that it consists of, each its own entry."""

    after: Portfolio
    transaction: CashTransaction
    own_legs: tuple[Leg, ...] = ()
    trades: tuple[Trade, ...] = ()
    revision: int

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Return all that was moved, asset by asset."""
        return (*self.own_legs, *map(Leg.of, self.trades))


def check_signs(what: Happening) -> None:
    """Refuse what no event has.

    Raises:
        InvalidAmount: an amount is not above zero, or a value or cost below it; an asset becomes itself.
    """
    for name in ("quantity", "to_quantity", "amount", "ratio"):
        stated = getattr(what, name)
        if stated is not None and (stated if isinstance(stated, Decimal) else stated.value) <= 0:
            raise InvalidAmount("", f"{name} has to be above zero at 18 decimals", field=name)
    for name in ("value", "basis"):
        stated = getattr(what, name)
        if stated is not None and stated.value < 0:
            raise InvalidAmount("", f"{name} has to be at least zero", field=name)
    if what.kind is CashTransactionKind.EXCHANGE and (what.to_quantity is None) == (what.ratio is None):
        raise InvalidAmount("", "one of to_quantity and ratio has to be there, not both", field="to_quantity")
    if what.to_symbol is not None and what.to_symbol == what.symbol:
        raise InvalidAmount("", "to_symbol has to be another asset", field="to_symbol")
