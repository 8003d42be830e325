"""The rules of events once more, on plain integers: what the domain is checked against.

Written from the specification, not from the code, on the books of ``ledger_model``. Every amount is an integer count of
1e-18. Unlike the domain, which lets the realized result follow from the law, each kind states here what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from tests.unit.domain.ledger.ledger_model import ONE, TOO_LARGE, Books, Holding, Refused, Wish, as_all_of_it, share


@dataclass
class Part:
    """What an event moved of one holding."""

    symbol: str
    quantity: int
    basis: int = 0
    asset: int = 0
    realized: int = 0


@dataclass
class Done:
    """What an event moved, and the value that it brought from outside."""

    kind: str
    parts: list[Part]
    cash: int = 0
    deposits: int = 0
    realized: int = 0
    flow: int = 0
    ratio: Fraction | None = None
    """Of a split, how many there are for one of before."""


@dataclass
class Event:
    """An event as stated, in counts of 1e-18; ``ratio`` too."""

    kind: str
    symbol: str = ""
    quantity: int = 0
    value: int | None = None
    basis: int | None = None
    to_symbol: str = ""
    to_quantity: int | None = None
    ratio: int | None = None
    amount: int = 0


def happen(books: Books, event: Event) -> Done:
    """Do it, and return what it moved."""
    done = _KINDS[event.kind](books, event)
    books.cash += done.cash
    books.booked_cash += done.cash
    books.deposits += done.deposits
    books.realized += done.realized
    return done


def take_out(books: Books, done: Done) -> None:
    """Take an event out again."""
    for part in done.parts:
        held = books.holding(part.symbol).quantity
        left = held - part.quantity
        is_other_side = left * held <= 0 if done.kind == "split" else part.quantity > 0 and left < 0
        if is_other_side:
            raise Refused("InsufficientQuantity")
    if done.cash > 0 and books.cash < done.cash:
        raise Refused("InsufficientCash")
    realized = -done.realized
    for part in done.parts:
        holding = books.holding(part.symbol)
        left = holding.quantity - part.quantity
        basis = _out_of(holding.basis, part.basis, left)
        asset = _out_of(holding.asset, part.asset, left)
        lost = basis + part.basis
        realized += lost
        if done.ratio:
            _rescale(holding, 1 / done.ratio)
        _move(books, Part(part.symbol, -part.quantity, basis, asset, lost - part.realized), keeps_average=False)
    books.cash -= done.cash
    books.booked_cash -= done.cash
    books.deposits -= done.deposits
    books.realized += realized


def _out_of(held: int, delta: int, left: int) -> int:
    return -held if left == 0 or left * (held - delta) < 0 else -delta


def _move(books: Books, part: Part, *, keeps_average: bool) -> None:
    holding = books.holding(part.symbol)
    holding.quantity += part.quantity
    holding.booked += part.quantity
    holding.basis += part.basis
    holding.asset += part.asset
    holding.realized += part.realized
    if holding.quantity == 0 or (
        not (keeps_average and holding.average is not None) and (holding.asset < 0) != (holding.quantity < 0)
    ):
        holding.average = None
    elif not (keeps_average and holding.average is not None):
        holding.average = round(Fraction(holding.asset * ONE, holding.quantity))


def _value(books: Books, event: Event, quantity: int) -> int:
    if event.value is not None:
        return event.value
    price = books.holding(event.symbol).price
    if price is None:
        raise Refused("ValueUnknown")
    return round(Fraction(quantity * price, ONE))


def _stated_price(holding: Holding, event: Event, quantity: int, *, opens: bool) -> None:
    """Have a stated value count as a price, as that of a trade does: before any but a fresh one of a feed."""
    price = round(Fraction(event.value * ONE, quantity)) if event.value else 0
    if 0 < price < TOO_LARGE and (opens or not holding.has_feed):
        holding.price, holding.has_feed = price, False


def _leaving(books: Books, event: Event) -> Part:
    holding = books.holding(event.symbol)
    held = holding.quantity
    quantity = as_all_of_it(event.quantity, held) if held > 0 else event.quantity
    if quantity > held:
        raise Refused("InsufficientQuantity")
    return Part(event.symbol, -quantity, -share(holding.basis, quantity, held), -share(holding.asset, quantity, held))


def _coming(books: Books, symbol: str) -> Holding:
    holding = books.holding(symbol)
    if holding.quantity < 0:
        raise Refused("InsufficientQuantity")
    return holding


def _transfer_in(books: Books, event: Event) -> Done:
    holding = _coming(books, event.symbol)
    value = _value(books, event, event.quantity)
    basis = value if event.basis is None else event.basis
    _stated_price(holding, event, event.quantity, opens=not holding.quantity)
    part = Part(event.symbol, event.quantity, basis, basis)
    _move(books, part, keeps_average=False)
    return Done(event.kind, [part], deposits=basis, flow=value)


def _transfer_out(books: Books, event: Event) -> Done:
    part = _leaving(books, event)
    value = _value(books, event, -part.quantity)
    _stated_price(books.holding(event.symbol), event, -part.quantity, opens=False)
    _move(books, part, keeps_average=True)
    return Done(event.kind, [part], deposits=part.basis, flow=-value)


def _income(books: Books, event: Event) -> Done:
    holding = _coming(books, event.symbol)
    value = _value(books, event, event.quantity)
    _stated_price(holding, event, event.quantity, opens=not holding.quantity)
    part = Part(event.symbol, event.quantity, value, value, value)
    _move(books, part, keeps_average=False)
    return Done(event.kind, [part], realized=value)


def _exchange(books: Books, event: Event) -> Done:
    part = _leaving(books, event)
    quantity = event.to_quantity
    if quantity is None:
        assert event.ratio is not None
        quantity = round(Fraction(-part.quantity * event.ratio, ONE))
        if quantity == 0:
            raise Refused("InvalidAmount")
    new, old = _coming(books, event.to_symbol), books.holding(event.symbol)
    if not new.quantity or new.price is None:
        new.price = _price_as(old.price, -part.quantity, quantity)
        new.has_feed = old.has_feed and new.price is not None
    came = Part(event.to_symbol, quantity, -part.basis, -part.asset)
    _move(books, part, keeps_average=True)
    _move(books, came, keeps_average=False)
    return Done(event.kind, [part, came])


def _price_as(price: int | None, before: int, after: int) -> int | None:
    if price is None or after == 0:
        return price
    made = round(Fraction(price * before, after))
    return made if made < TOO_LARGE else None


def _rescale(holding: Holding, ratio: Fraction) -> None:
    price = None if holding.price is None else round(holding.price / ratio)
    holding.price = price if price is not None and price < TOO_LARGE else None
    holding.has_feed &= holding.price is not None


def _split(books: Books, event: Event) -> Done:
    holding = books.holding(event.symbol)
    assert event.ratio is not None
    if not holding.quantity:
        raise Refused("InsufficientQuantity")
    after = round(Fraction(holding.quantity * event.ratio, ONE))
    if after == 0:
        raise Refused("InvalidAmount")
    ratio = Fraction(event.ratio, ONE)
    _rescale(holding, ratio)
    part = Part(event.symbol, after - holding.quantity)
    _move(books, part, keeps_average=False)
    return Done(event.kind, [part], ratio=ratio)


def _loss(books: Books, event: Event) -> Done:
    part = _leaving(books, event)
    part.realized = part.basis
    _move(books, part, keeps_average=True)
    return Done(event.kind, [part], realized=part.basis)


def _interest(_: Books, event: Event) -> Done:
    return Done(event.kind, [], cash=event.amount, realized=event.amount)


def _charge(books: Books, event: Event) -> Done:
    if event.amount > books.cash:
        raise Refused("InsufficientCash")
    return Done(event.kind, [], cash=-event.amount, realized=-event.amount)


def swapped(books: Books, event: Event) -> list[Wish]:
    """Return the two executions that a swap is."""
    assert event.to_quantity is not None
    try:
        value = _value(books, event, event.quantity)
    except Refused:
        got = replace(event, symbol=event.to_symbol)
        value = _value(books, got, event.to_quantity)
    if not value:
        raise Refused("InvalidAmount")
    return [
        Wish(symbol, buys, quantity, round(Fraction(value * ONE, quantity)), value, 0, included=False)
        for symbol, buys, quantity in (
            (event.symbol, False, event.quantity),
            (event.to_symbol, True, event.to_quantity),
        )
    ]


def swap(books: Books, event: Event) -> None:
    """Sell and buy for the same money; cash may be below zero in between, since it is what it was afterwards."""
    for wish in swapped(books, event):
        if wish.price >= TOO_LARGE:
            raise Refused("OutOfRange")
        try:
            books.refuse(wish, override=False)
        except Refused as refusal:
            if str(refusal) != "InsufficientCash":
                raise
        books.book(wish)


_KINDS = {
    "transfer_in": _transfer_in,
    "transfer_out": _transfer_out,
    "income": _income,
    "exchange": _exchange,
    "split": _split,
    "loss": _loss,
    "interest": _interest,
    "charge": _charge,
}
