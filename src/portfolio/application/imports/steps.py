"""What an event of a file is in the books: trades, events and money, by what changed in all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.imports.worth import CASH, WorthOf, WorthUnknown, stated_value, value_of
from portfolio.domain.decimal_text import plain
from portfolio.domain.imports.records import FileEvent, Kind
from portfolio.domain.imports.symbols import FIAT
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.money import EXACT, Money, Price, Quantity
from portfolio.domain.symbol import Symbol

_ZERO: Final = Decimal(0)
_K: Final = CashTransactionKind
LABELS: Final = {Kind.REWARD: "staking", Kind.AIRDROP: "airdrop", Kind.FEE: "rebate"}


class NoEntry(Exception):
    """No entry of the ledger is certain to be what the event was; ``str()`` says why."""


class MoneyMove(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars that were put in, or taken out where the amount is below zero."""

    amount: Money
    at: datetime


Step = Execution | Happening | MoneyMove


def steps_of(event: FileEvent, worth: WorthOf) -> list[Step]:
    """Return what an event is in the books, in order; nothing where dollars became as many dollars.

    Together the steps change each asset and the cash by exactly what the event's legs say.

    Raises:
        NoEntry: it is nothing that is certain.
        WorthUnknown: a value is needed that nobody knows.
        DomainError: a number is none of the ledger's.
    """
    return Case(event, worth).steps()


class Case:
    """An event, taken apart.

    ``assets`` and ``cash`` are its legs, without a fee that was charged in something else: ``third`` is so much of an
    asset, ``charge`` so many dollars, below zero where they were given.
    """

    __slots__ = ("assets", "at", "cash", "charge", "charged", "event", "fee", "third", "worth")

    def __init__(self, event: FileEvent, worth: WorthOf) -> None:
        self.event, self.at, self.worth = event, event.at, worth
        self.assets: dict[str, Decimal] = {}
        self.cash = _ZERO
        for symbol, change in event.legs.items():
            if symbol in CASH:
                self.cash = EXACT.add(self.cash, change)
            else:
                self.assets[symbol] = change
        own = (event.symbol, event.quote)
        fee, charged = event.fee or _ZERO, event.fee_symbol or ""
        self.charge, self.third = _ZERO, ("", _ZERO)
        if CASH.isdisjoint(own):
            self.charge, self.cash = EXACT.minus(self.cash), _ZERO
        if fee > 0 and charged not in own and self.assets.get(charged) == EXACT.minus(fee):
            self.third = charged, fee
            del self.assets[charged]
        self.fee, self.charged = (_ZERO, "") if fee <= 0 or self.third[1] else (fee, charged)

    def value(self, symbol: str, quantity: Decimal) -> Money:
        """Return what so much of an asset of it was worth; raises WorthUnknown where nobody knows."""
        return value_of(self.event, symbol, quantity, self.worth)

    def steps(self) -> list[Step]:
        """Return what it is in the books; raises NoEntry where nothing is certain."""
        if self.cash and len(self.assets) == 1:
            return _trade(self)
        if self.cash and self.assets:
            found = _swept(self)
        elif not self.assets:
            found = _money(self)
        elif len(self.assets) == 1:
            found = _alone(self, *next(iter(self.assets.items())))
        else:
            found = _swapped(self)
        symbol, fee = self.third
        if fee:
            found.append(_happening(self, _K.LOSS, symbol, fee))
        return found + _charged(self.charge, self.at)


# --- an asset for dollars ---------------------------------------------------------------------------------------


def _trade(case: Case) -> list[Step]:
    [(symbol, change)] = case.assets.items()
    if (change > 0) is (case.cash > 0):
        raise NoEntry(f"{_told(case.event)}: nothing was given for it")
    side, quantity, amount = (Side.BUY if change > 0 else Side.SELL), _size(change), _size(case.cash)
    third, fee = case.third
    if fee:
        value = case.value(third, fee)
        sold = _execution(case.at, third, Side.SELL, fee, value)
        return [sold, _execution(case.at, symbol, side, quantity, Money(amount), fees=value)]
    if case.fee and case.charged == symbol:
        gross = _size(EXACT.add(change, case.fee))
        if not gross:
            raise NoEntry(f"{_told(case.event)}: all of it was the fee")
        price = Price.rounded(EXACT.divide(amount, gross))
        fees = Money.rounded(EXACT.divide(EXACT.multiply(amount, case.fee), gross))
        return [_execution(case.at, symbol, side, quantity, Money(amount), fees=fees, price=price, included=True)]
    fees = Money(case.fee if case.charged in CASH else _ZERO)
    net = Money(amount) - fees if side is Side.BUY else Money(amount) + fees
    return [_execution(case.at, symbol, side, quantity, net, fees=fees)]


def _swept(case: Case) -> list[Step]:
    """Return the sales of several assets for dollars together: each has its share of them by its value."""
    if case.cash < 0 or max(case.assets.values()) > 0:
        raise NoEntry(f"{_told(case.event)}: several assets changed with the dollars")
    given = [(symbol, _size(change)) for symbol, change in sorted(case.assets.items())]
    values = [case.value(*one) for one in given]
    total = Money.zero()
    for value in values:
        total = total + value
    if not total:
        raise NoEntry(f"{_told(case.event)}: it is not certain what each of the assets brought")
    fees, left = Money(case.fee if case.charged in CASH else _ZERO), Money(case.cash)
    sold: list[Step] = []
    for (symbol, quantity), value in zip(given[:-1], values, strict=False):
        share = Money.rounded(EXACT.divide(EXACT.multiply(case.cash, value.value), total.value))
        left = left - share
        sold.append(_execution(case.at, symbol, Side.SELL, quantity, share))
    return [*sold, _execution(case.at, given[-1][0], Side.SELL, given[-1][1], left + fees, fees=fees)]


def _execution(  # shape: what an execution says
    at: datetime,
    symbol: str,
    side: Side,
    quantity: Decimal,
    net_amount: Money,
    *,
    fees: Money | None = None,
    price: Price | None = None,
    included: bool = False,
) -> Execution:
    amount = Quantity(quantity)
    return Execution(
        symbol=Symbol(symbol),
        side=side,
        quantity=amount,
        price=net_amount.per(amount) if price is None else price,
        net_amount=net_amount,
        fees=Money.zero() if fees is None else fees,
        executed_at=at,
        fees_included=included,
    )


# --- dollars alone, an asset alone ------------------------------------------------------------------------------


def _money(case: Case) -> list[Step]:
    event, fee = case.event, case.fee if case.charged in CASH else _ZERO
    if event.kind in {Kind.DEPOSIT, Kind.WITHDRAWAL}:
        return [MoneyMove(amount=Money(EXACT.add(case.cash, fee)), at=case.at), *_charged(fee, case.at)]
    if event.symbol in CASH and event.quote in CASH:
        return _charged(EXACT.minus(case.cash), case.at)
    raise NoEntry(f"{_told(event)}: nothing came for the dollars, or nothing was paid")


def _alone(case: Case, symbol: str, change: Decimal) -> list[Step]:
    kind = case.event.kind
    if change > 0:
        if kind in LABELS:
            return [_happening(case, _K.INCOME, symbol, change, label=LABELS[kind], valued=True)]
        if kind in {Kind.TRANSFER_IN, Kind.DEPOSIT}:
            return [_happening(case, _K.TRANSFER_IN, symbol, change, valued=True)]
    elif kind is Kind.FEE:
        return [_happening(case, _K.LOSS, symbol, _size(change))]
    elif kind in {Kind.TRANSFER_OUT, Kind.WITHDRAWAL}:
        fee = case.fee if case.charged == symbol else _ZERO
        out = _happening(case, _K.TRANSFER_OUT, symbol, _size(EXACT.add(change, fee)), valued=True)
        return [out, _happening(case, _K.LOSS, symbol, fee)] if fee else [out]
    raise NoEntry(f"{_told(case.event)}: {'nothing was given for it' if change > 0 else 'nothing came for it'}")


def _charged(charge: Decimal, at: datetime) -> list[Step]:
    """Return the dollars that were paid for nothing, or came for nothing where the charge is below zero."""
    if not charge:
        return []
    kind = _K.CHARGE if charge > 0 else _K.INTEREST
    return [Happening(kind=kind, effective_at=at, amount=Money(_size(charge)))]


def _happening(  # shape: what an event says
    case: Case,
    kind: CashTransactionKind,
    symbol: str,
    quantity: Decimal,
    *,
    label: str | None = None,
    valued: bool = False,
) -> Happening:
    value = case.value(symbol, quantity) if valued else None
    is_money = kind is _K.TRANSFER_IN and symbol in FIAT  # a currency cost what it was worth
    return Happening(
        kind=kind,
        effective_at=case.at,
        symbol=Symbol(symbol),
        quantity=Quantity(quantity),
        value=value,
        basis=value if is_money else None,
        label=label,
    )


# --- assets for assets ------------------------------------------------------------------------------------------


def _swapped(case: Case) -> list[Step]:
    given = [(symbol, _size(change)) for symbol, change in case.assets.items() if change < 0]
    got = [(symbol, change) for symbol, change in case.assets.items() if change > 0]
    if len(got) != 1 or not given:
        raise NoEntry(f"{_told(case.event)}: it is not certain what was given for what")
    [(to_symbol, to_quantity)] = got
    if len(given) == 1:
        return [_swap(case, *given[0], to_symbol, to_quantity)]
    sold: list[Step] = []
    value = Money.zero()
    for symbol, quantity in given:
        brought = case.value(symbol, quantity)
        value = value + brought
        sold.append(_execution(case.at, symbol, Side.SELL, quantity, brought))
    return [*sold, _execution(case.at, to_symbol, Side.BUY, to_quantity, value)]


def _swap(case: Case, symbol: str, quantity: Decimal, to_symbol: str, to_quantity: Decimal) -> Happening:
    what = Happening(
        kind=_K.EXCHANGE if case.event.keeps_cost else _K.SWAP,
        effective_at=case.at,
        symbol=Symbol(symbol),
        quantity=Quantity(quantity),
        to_symbol=Symbol(to_symbol),
        to_quantity=Quantity(to_quantity),
    )
    if case.event.keeps_cost:
        return what
    return replace(what, value=swapped_value(case, (symbol, quantity), (to_symbol, to_quantity)))


def swapped_value(case: Case, given: tuple[str, Decimal], got: tuple[str, Decimal]) -> Money:
    """Return what was swapped was worth: a currency's side before the other, else what was given.

    As the file says, of either side, else by the day of the first, else the other.
    """
    first, other = (got, given) if got[0] in FIAT and given[0] not in FIAT else (given, got)
    for side in (first, other):
        value = stated_value(case.event, *side, case.worth)
        if value is not None:
            return value
    try:
        return case.worth(*first, case.at)
    except WorthUnknown:
        return case.worth(*other, case.at)


def _size(amount: Decimal) -> Decimal:
    return amount.copy_abs()


def _told(event: FileEvent) -> str:
    changes = ", ".join(f"{symbol} {plain(change)}" for symbol, change in event.legs.items())
    return f"{event.kind} of {changes or 'nothing'} has no entry"
