"""Events from what a row says: kind, net change of each asset, and which fee is the event's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import NamedTuple

from portfolio.domain.decimal_text import plain
from portfolio.domain.imports.records import FileEvent, Kind, Place, RowRefused, Stated
from portfolio.domain.imports.symbols import DOLLARS, FIAT, MONEY
from portfolio.domain.money import EXACT

_ROUGH = Context(prec=30)
_TOLERANCE = Decimal("0.1")  # of the money: a price may be of another moment of the order, or be rounded


class Origin(NamedTuple):
    """Where an event comes from: its rows, its moment, and the id that the file has for it."""

    rows: tuple[Place, ...]
    at: datetime
    own_id: str | None = None


class Part(NamedTuple):
    """So much of an asset; of a movement with its sign, of a fee above zero where it was charged."""

    symbol: str
    amount: Decimal


def valued(events: Iterable[FileEvent], worths: Iterable[tuple[Part, Decimal | None, str]]) -> Iterator[FileEvent]:
    """Yield events with what their rows say that assets were worth: the asset, the value, and its currency.

    A value of nothing, or of 0, says nothing: files write 0 for what they do not know, and for what they rounded.
    """
    said = [
        Stated(part.symbol, part.amount.copy_abs(), value.copy_abs(), currency)
        for part, value, currency in worths
        if value and part.amount
    ]
    return (event._replace(worths=tuple(said)) for event in events)


def renamed(events: Iterable[FileEvent]) -> Iterator[FileEvent]:
    """Yield conversions into the same thing under another name, which keeps its cost."""
    return (event._replace(keeps_cost=event.kind is Kind.CONVERSION) for event in events)


def market_trade(
    origin: Origin, base: Part, quote: Part, fees: Sequence[Part] = (), price: Decimal | None = None
) -> Iterator[FileEvent]:
    """Yield the execution of a pair: a trade where it is quoted in money, else a conversion; and its further fees.

    Raises:
        RowRefused: nothing came, or nothing went, or the price says something quite different from the money.
    """
    if price and not _agree(base.amount.copy_abs(), quote.amount.copy_abs(), price):
        raise RowRefused(f"{_told(base)} at {plain(price)} is not {_told(quote)}: which is wrong is not known")
    kind = Kind.TRADE if quote.symbol in MONEY else Kind.CONVERSION
    return _exchanged(origin, kind, (base, quote), fees, price)


def sides(side: int, base: Part, quote: Part) -> tuple[Part, Part]:
    """Return the two sides of an execution with their signs: to buy the base the quote is given."""
    if side > 0:
        return base, Part(quote.symbol, EXACT.minus(quote.amount))
    return Part(base.symbol, EXACT.minus(base.amount)), quote


def exchange(origin: Origin, one: Part, other: Part, fees: Sequence[Part] = ()) -> Iterator[FileEvent]:
    """Yield what two sides that are in no order are: a trade where one is money, else a conversion of what went."""
    base, quote = (other, one) if _is_money(other) < _is_money(one) else (one, other)
    if quote.symbol not in MONEY:
        return conversion(origin, one, other, fees)
    return market_trade(origin, base, quote, fees)


def conversion(origin: Origin, one: Part, other: Part, fees: Sequence[Part] = ()) -> Iterator[FileEvent]:
    """Yield a conversion of what went into what came."""
    given, received = sorted((one, other), key=lambda part: part.amount)
    return _exchanged(origin, Kind.CONVERSION, (given, received), fees, None)


def gathered(origin: Origin, given: Iterable[Part], received: Part, fees: Sequence[Part] = ()) -> Iterator[FileEvent]:
    """Yield the conversion of several assets into one, as of dust."""
    own, others = _fees(fees, received.symbol, "")
    yield FileEvent(
        rows=origin.rows,
        at=origin.at,
        kind=Kind.CONVERSION,
        symbol=received.symbol,
        quantity=received.amount,
        fee=own.amount if own else None,
        fee_symbol=own.symbol if own else None,
        own_id=origin.own_id,
        legs=net((received, *given), [own] if own else ()),
    )
    yield from _further(origin, others)


def moved(origin: Origin, part: Part, fees: Sequence[Part] = ()) -> Iterator[FileEvent]:
    """Yield a deposit or withdrawal of money, a transfer in or out of an asset; nothing moved is refused."""
    if not part.amount:
        raise RowRefused("nothing moved: the amount is 0")
    into = part.amount > 0
    if part.symbol in MONEY:
        return single(origin, Kind.DEPOSIT if into else Kind.WITHDRAWAL, part, fees)
    return single(origin, Kind.TRANSFER_IN if into else Kind.TRANSFER_OUT, part, fees)


def received(origin: Origin, kind: Kind, part: Part, fees: Sequence[Part] = ()) -> Iterator[FileEvent]:
    """Yield a reward or an airdrop; raises RowRefused where it takes something away."""
    if part.amount <= 0:
        raise RowRefused(f"{kind} of {_told(part)}: something was taken back, which has no event")
    return single(origin, kind, part, fees)


def single(origin: Origin, kind: Kind, part: Part, fees: Sequence[Part] = ()) -> Iterator[FileEvent]:
    """Yield an event that moves one asset, and its further fees."""
    own, others = _fees(fees, part.symbol, "")
    money = part.symbol in MONEY
    size = part.amount.copy_abs()
    yield FileEvent(
        rows=origin.rows,
        at=origin.at,
        kind=kind,
        symbol=part.symbol,
        quantity=size,
        amount=size if money else None,
        quote=part.symbol if money else None,
        fee=own.amount if own else None,
        fee_symbol=own.symbol if own else None,
        own_id=origin.own_id,
        legs=net((part,), [own] if own else ()),
    )
    yield from _further(origin, others)


def net(parts: Iterable[Part], fees: Iterable[Part] = ()) -> dict[str, Decimal]:
    """Return the net change of each asset that changes."""
    legs: dict[str, Decimal] = {}
    for symbol, amount in parts:
        legs[symbol] = EXACT.add(legs[symbol], amount) if symbol in legs else amount
    for symbol, amount in fees:
        legs[symbol] = EXACT.subtract(legs[symbol], amount) if symbol in legs else EXACT.minus(amount)
    return {symbol: change for symbol, change in legs.items() if change}


def _exchanged(
    origin: Origin, kind: Kind, pair: tuple[Part, Part], fees: Sequence[Part], price: Decimal | None
) -> Iterator[FileEvent]:
    base, quote = pair
    if not base.amount or not quote.amount or (base.amount > 0) is (quote.amount > 0) or base.symbol == quote.symbol:
        raise RowRefused(f"{_told(base)} against {_told(quote)} is no exchange")
    own, others = _fees(fees, quote.symbol, base.symbol)
    yield FileEvent(
        rows=origin.rows,
        at=origin.at,
        kind=kind,
        symbol=base.symbol,
        quantity=base.amount.copy_abs(),
        price=price,
        amount=quote.amount.copy_abs(),
        quote=quote.symbol,
        fee=own.amount if own else None,
        fee_symbol=own.symbol if own else None,
        own_id=origin.own_id,
        legs=net(pair, [own] if own else ()),
    )
    if others:
        yield from _further(origin, others)


def _told(part: Part) -> str:
    return f"{plain(part.amount)} {part.symbol}"


def _agree(quantity: Decimal, amount: Decimal, price: Decimal) -> bool:
    """Return whether a price times a quantity is about the money: a tenth of it, and the last digits, are rounding."""
    if price <= 0:
        return False
    expected = _ROUGH.multiply(quantity, price)
    if expected == amount:  # as it is in most rows
        return True
    near = _ROUGH.fma(expected, _TOLERANCE, _ROUGH.fma(quantity, _last_digit(price), _last_digit(amount)))
    return _ROUGH.abs(_ROUGH.subtract(expected, amount)) <= near


def _last_digit(number: Decimal) -> Decimal:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(1).scaleb(min(exponent, 0))


def _fees(fees: Sequence[Part], first: str, second: str) -> tuple[Part | None, list[Part]]:
    """Return the fee that goes with the event, that of its quote before that of its base, and the others."""
    if len(fees) <= 1:
        return (fees[0] if fees and fees[0].amount else None), []
    order = {first: 0, second: 1}
    sums = net(fees)
    charged = [Part(symbol, sums[symbol]) for symbol in sorted(sums, key=lambda symbol: order.get(symbol, 2))]
    return (charged[0] if charged else None), charged[1:]


def _further(origin: Origin, fees: Iterable[Part]) -> Iterator[FileEvent]:
    for fee in fees:
        own_id = None if origin.own_id is None else f"{origin.own_id}:fee:{fee.symbol}"
        yield from single(Origin(origin.rows, origin.at, own_id), Kind.FEE, Part(fee.symbol, EXACT.minus(fee.amount)))


def _is_money(part: Part) -> int:
    """Return how much like money it is: assets, dollar stablecoins, other currencies, the dollar."""
    return (part.symbol in DOLLARS) + 2 * (part.symbol in FIAT) + (part.symbol == "USD")
