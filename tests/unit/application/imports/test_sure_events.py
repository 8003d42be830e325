"""What else than usual trades waits in a rehearsal, as the books surely take it; and what of it is theirs to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.imports.entering import NOTHING_ALLOWED, Entering
from portfolio.application.imports.rehearsing import sums
from portfolio.application.imports.rehearsing.rehearsal import Rehearsal
from portfolio.application.imports.steps import NoEntry
from portfolio.application.imports.worth import Worth, WorthUnknown
from portfolio.domain.errors import DomainError, OutOfRange
from portfolio.domain.imports.events import Origin, Part, conversion, exchange, moved, received, renamed, single
from portfolio.domain.imports.records import FileEvent, Kind
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

AT = datetime(2022, 3, 1, 10, tzinfo=UTC)
RATES = {
    (AT.date(), symbol): Decimal(dollars)
    for symbol, dollars in (("BTC", "40000"), ("ETH", "3000"), ("BNB", "400"), ("EUR", "1.1"), ("NIL", "0"))
}
ORIGIN = Origin((1,), AT)


def part(text: str) -> Part:
    """``5 BTC`` and such."""
    amount, symbol = text.split()
    return Part(symbol, Decimal(amount))


def swap(one: str, other: str, *fees: str) -> list[FileEvent]:
    """An exchange with its fees, in one unit."""
    return list(exchange(ORIGIN, part(one), part(other), [part(fee) for fee in fees]))


def move(one: str, *fees: str) -> list[FileEvent]:
    """A deposit or withdrawal, a transfer in or out."""
    return list(moved(ORIGIN, part(one), [part(fee) for fee in fees]))


def reward(one: str, *fees: str) -> list[FileEvent]:
    """Something that came for nothing."""
    return list(received(ORIGIN, Kind.REWARD, part(one), [part(fee) for fee in fees]))


def charge(one: str) -> list[FileEvent]:
    """A fee that stands alone."""
    return list(single(ORIGIN, Kind.FEE, part(one)))


def standing(*held: Position, cash: str = "1000000", **sums_of: Any) -> Portfolio:
    """Books that hold 10 of BTC, ETH, BNB, NIL and EUR, unless other positions are told."""
    positions = held or tuple(
        Position(symbol=Symbol(one), quantity=Quantity(Decimal(10)), cost_basis=Money(Decimal(7)))
        for one in ("BTC", "ETH", "BNB", "NIL", "EUR")
    )
    return Portfolio(id=1, cash=Money(Decimal(cash)), positions={one.symbol: one for one in positions}, **sums_of)


def entering(books: Portfolio, rules: BookingRules) -> Entering:
    return Entering(books, rules, Worth(RATES), AT, keeps_entries=False)


def waits(events: list[FileEvent], books: Portfolio, rules: BookingRules | None = None) -> bool:
    """Return whether events wait; whatever they do, a rehearsal says what the books say, and they end as they do."""
    held_to = rules or BookingRules()
    rehearsal, real = Rehearsal(entering(books, held_to)), entering(books, held_to)
    found = said(rehearsal, events), said(real, events)
    assert found[0] == found[1]
    has_waited = rehearsal.books.portfolio is books and isinstance(found[1], list)
    assert said(rehearsal, move("1 USD")) == said(real, move("1 USD"))  # at the revision after them
    said(rehearsal, swap("-8e19 BTC", "8e19 USD"))  # which is refused, and no trade that may wait
    assert rehearsal.books.portfolio == real.portfolio
    return has_waited


def said(books: Entering | Rehearsal, events: Iterable[FileEvent]) -> Any:
    try:
        revisions, implied = books.enter(list(events), NOTHING_ALLOWED)
    except (DomainError, NoEntry, WorthUnknown) as refused:
        return type(refused), str(refused)
    assert implied == []
    return revisions


@pytest.mark.parametrize(
    "events",
    [
        swap("0.5 BTC", "-20000 USD", "0.01 BNB"),
        swap("-0.5 BTC", "20000 USD", "0.01 BNB"),
        swap("-10 BTC", "400000 USD", "10 BNB"),  # all of both
        swap("0.5 BTC", "-20000 USD", "0.01 BNB", "0.01 ETH"),  # two events: a trade, and a fee of its own
        move("5 USD"),
        move("-1000000 USD"),
        move("100 USD", "1 USD"),
        move("-100 USDT", "1 USDT"),
        move("100 USD", "0.01 BNB"),
        move("1 ETH"),
        move("-1 ETH"),
        move("-9 ETH", "1 ETH"),
        move("5 EUR"),
        move("-5 EUR", "0.1 EUR"),
        move("5 NIL"),  # worth nothing
        reward("0.00000000000000001 ETH"),
        reward("0.1 ETH", "0.01 ETH"),
        reward("0.1 ETH", "0.01 BNB"),
        reward("0.1 ETH", "1 USD"),
        charge("-0.1 ETH"),
        charge("-1 USD"),
        charge("0.1 ETH"),  # given back
        swap("-1 BTC", "13 ETH"),
        swap("-1 BTC", "13 ETH", "0.1 ETH"),
        swap("-1 BTC", "13 ETH", "0.01 BNB"),
        swap("-1 BTC", "13 ETH", "3 USD"),
        swap("-5 EUR", "0.0001 BTC"),
        swap("0.0001 BTC", "-5 EUR"),
        list(conversion(ORIGIN, part("-100 USDC"), part("0.0025 BTC"), [part("1 USDC")])),
        list(conversion(ORIGIN, part("-1 BTC"), part("40000 USDC"), [part("0.001 BTC")])),
        list(conversion(ORIGIN, part("-100 USDC"), part("0.0025 BTC"), [part("0.001 BNB")])),
        swap("-100 USD", "100 USDT"),  # which is nothing
        swap("-100 USD", "99 USDT"),
        swap("-100 USD", "101 USDT"),
    ],
)
def test_what_the_books_surely_take_waits(events: list[FileEvent]) -> None:
    assert waits(events, standing())


@pytest.mark.parametrize(
    "events",
    [
        swap("0.5 BTC", "-20000 USD", "3 BNB"),  # a fee of 1,200: over a twentieth
        swap("0.5 BTC", "-20000 USD", "0.01 ADA"),  # nobody knows what that was worth
        swap("0.5 BTC", "-20000 USD", "0.01 NIL"),  # it was worth nothing
        swap("0.5 BTC", "-2000000 USD", "0.01 BNB"),
        swap("-11 BTC", "400000 USD", "0.01 BNB"),
        swap("-0.5 BTC", "2000000 USD", "11 BNB"),
        swap("0.5 BTC", "-20000 USD", "0.01 BNB", "0.01 ADA", "11 ETH"),
        move("-1000001 USD"),
        move("1e12 USD"),
        move("1.1234567890123456789 USD"),
        move("-11 ETH"),
        move("-9.9999999999999 ETH", "0.0000000000001 ETH"),  # of the fee nothing would be left
        move("-1e-19 ETH"),
        move("5 ADA"),
        reward("1e12 ETH"),
        reward("1e11 ETH"),  # worth 3e14: any other event asks what all is worth
        charge("-11 ETH"),
        swap("-11 BTC", "143 ETH"),
        swap("-1 BTC", "1 NIL", "11 BNB"),
        swap("-1 NIL", "1 NIX"),
        list(renamed(swap("-1 BTC", "13 ETH"))),
        [swap("-1 BTC", "13 ETH")[0]._replace(legs={"BTC": Decimal(1), "ETH": Decimal(1)})],
        [swap("-1 BTC", "13 ETH")[0]._replace(legs={"BTC": Decimal(-1), "ETH": Decimal(-1)})],
        [swap("-1 BTC", "13 ETH")[0]._replace(legs={s: Decimal(-1) for s in ("BTC", "ETH", "BNB")})],
        [swap("-1 BTC", "100 USD")[0]._replace(legs={"BTC": Decimal(-1), "ETH": Decimal(-1), "USD": Decimal(5)})],
        [move("-1 ETH")[0]._replace(fee=Decimal(2), fee_symbol="ETH")],
        [move("1 ETH")[0]._replace(kind=Kind.TRANSFER_OUT)],
        [move("-1 ETH")[0]._replace(kind=Kind.REWARD)],
        [move("5 USD")[0]._replace(kind=Kind.REWARD, quote="BTC")],
    ],
)
def test_what_else_is_not_sure_is_the_books_to_say(events: list[FileEvent]) -> None:
    assert not waits(events, standing())


@pytest.mark.parametrize("events", [move("-5 USD"), move("2 USD", "1 USD"), reward("0.1 ETH", "1 USD")])
def test_cash_that_is_not_there_may_be_taken_where_the_rules_say_so(events: list[FileEvent]) -> None:
    short = replace(standing(), cash=Money(Decimal(-3)))
    assert not waits(events, short)
    assert waits(events, short, BookingRules(allow_negative_cash=True))


@pytest.mark.parametrize(
    "books",
    [
        standing(net_deposits=Money(Decimal("1e18"))),
        standing(Position(symbol=Symbol("XYZ"), quantity=Quantity(Decimal(1)), cost_basis=Money(Decimal("1e18")))),
        standing(  # worth 1e20: the books refuse whatever asks for that
            Position(
                symbol=Symbol("XYZ"),
                quantity=Quantity(Decimal(10)),
                mark=Mark(Price(Decimal("1e19")), "binance", AT),
            )
        ),
        standing(Position(symbol=Symbol("ETH"), quantity=Quantity(Decimal(1)), cost_basis=Money(Decimal("1e13")))),
        standing(
            Position(
                symbol=Symbol("ETH"),
                quantity=Quantity(Decimal("1e-9")),
                mark=Mark(Price(Decimal("1e14")), "binance", AT),
            )
        ),
    ],
)
def test_where_the_books_are_worth_very_much_nothing_waits(books: Portfolio) -> None:
    assert not waits(reward("0.1 ETH"), books)
    assert not waits(swap("1 ETH", "-100 USD"), books)


@pytest.mark.parametrize(
    ("realized", "of_asset"), [("-6e19", "0"), ("0", "-6e19")], ids=["of all books", "of one position"]
)
def test_what_could_not_be_written_is_refused(realized: str, of_asset: str) -> None:
    held = Position(
        symbol=Symbol("ETH"),
        quantity=Quantity(Decimal(10)),
        cost_basis=Money(Decimal("6e19")),
        realized_pnl=Money(Decimal(of_asset)),
        mark=Mark(Price(Decimal("6e18")), "trade", AT),
    )
    books = entering(standing(held, realized_pnl=Money(Decimal(realized))), BookingRules())
    assert said(books, swap("1 ETH", "-0.01 USD"))[0] is OutOfRange


def test_of_very_many_assets_no_more_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_MOST_ASSETS", 1)
    assert waits(reward("0.1 ETH"), standing())
    assert not waits([*reward("0.1 ETH"), *reward("0.1 BTC")], standing())
    assert not waits([*swap("1 ETH", "-100 USD"), *swap("1 BTC", "-100 USD")], standing())


def test_of_events_that_come_together_all_wait_or_none() -> None:
    rehearsal = Rehearsal(entering(standing(), BookingRules()))
    together = [*swap("-10 ETH", "30000 USD"), *move("-1 ETH")]
    assert isinstance(said(rehearsal, together), tuple)  # refused: none of it is left
    assert rehearsal.enter(swap("-10 ETH", "30000 USD"), NOTHING_ALLOWED) == ([1], [])
    assert rehearsal.books.portfolio == standing()
