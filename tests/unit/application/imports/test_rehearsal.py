"""A rehearsal says of each event what the books say, to the last digit, and leaves usual trades for later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portfolio.application.imports.entering import NOTHING_ALLOWED, Allowed, Entering
from portfolio.application.imports.records import Implied
from portfolio.application.imports.rehearsing import rehearsal as rehearsals
from portfolio.application.imports.rehearsing.rehearsal import Rehearsal
from portfolio.application.imports.steps import NoEntry
from portfolio.application.imports.worth import Worth, WorthUnknown
from portfolio.domain.errors import DomainError, InsufficientCash, InsufficientQuantity
from portfolio.domain.imports.events import Origin, Part, exchange
from portfolio.domain.imports.records import FileEvent
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.support.import_files.random_events import AT, units

RATES = {(AT.date(), s): Decimal(d) for s, d in (("BTC", "40000"), ("ETH", "3000"), ("BNB", "400"), ("EUR", "1.1"))}
BTC = Symbol("BTC")
RULES = BookingRules()


@st.composite
def standing(draw: st.DrawFn) -> Portfolio:
    """Books as they may stand, by our own doing and by that of others."""
    size = draw(st.sampled_from(["0", "10", "100000", "1e9", "9e17", "1.1e18", "9e19"]))
    books = Portfolio(id=1, cash=Money(Decimal(size)))
    held, cost = (
        draw(st.sampled_from(["0", "1", "100", "-1", "2e18"])),
        draw(st.sampled_from(["0", "30", "-5", "5e18"])),
    )
    price = draw(st.sampled_from([None, "0", "40000", "1e17"]))
    mark = None if price is None else Mark(Price(Decimal(price)), "binance", AT)
    position = Position(symbol=BTC, quantity=Quantity(Decimal(held)), cost_basis=Money(Decimal(cost)), mark=mark)
    return replace(
        books, positions={BTC: position}, realized_pnl=Money(Decimal(draw(st.sampled_from(["0", "9.9e19"]))))
    )


@st.composite
def rules(draw: st.DrawFn) -> BookingRules:
    tolerance = draw(st.sampled_from(["0", "5", "5", "5", "100"]))
    return BookingRules(amount_tolerance_percent=Decimal(tolerance), allow_negative_cash=draw(st.integers(0, 4)) == 0)


def said(
    books: Entering | Rehearsal, events: Sequence[FileEvent], allowed: Allowed
) -> tuple[list[int | None], list[Implied]] | tuple[type[Exception], str]:
    try:
        return books.enter(events, allowed)
    except (DomainError, NoEntry, WorthUnknown) as refused:
        return type(refused), str(refused)


def entering(books: Portfolio, held_to: BookingRules = RULES) -> Entering:
    return Entering(books, held_to, Worth(RATES), AT, keeps_entries=False)


def settled(rehearsal: Rehearsal) -> Portfolio:
    """Return the books after all that waited: something is refused, which is theirs to say."""
    assert said(rehearsal, [fill("-1", "1", symbol="NEVER")], NOTHING_ALLOWED)[0] is InsufficientQuantity
    return rehearsal.books.portfolio


def fill(change: str, cash: str, fee: str = "0", charged: str = "USDT", symbol: str = "BTC") -> FileEvent:
    """One execution."""
    parts = Part(symbol, Decimal(change)), Part("USDT", Decimal(cash))
    [event] = exchange(Origin((1,), AT), *parts, [Part(charged, Decimal(fee))])
    return event


def funded(dollars: int = 1_000_000) -> Portfolio:
    books, _ = Portfolio(id=1).deposit(Money(Decimal(dollars)), AT)
    return books


@pytest.mark.unmeasured
@given(standing(), rules(), st.lists(units(), max_size=12), st.builds(Allowed, st.booleans(), st.booleans()))
@example(  # of 1 that is held, 0.9999999999995 is all
    funded(),
    RULES,
    [[fill("1", "-10")], [fill("-0.9999999999995", "10")], [fill("-0.0000000000005", "0.00000002")]],
    NOTHING_ALLOWED,
)
@settings(max_examples=400, deadline=None)
def test_a_rehearsal_says_what_the_books_say(
    start: Portfolio, held_to: BookingRules, listed: list[list[FileEvent]], allowed: Allowed
) -> None:
    books, rehearsal = entering(start, held_to), Rehearsal(entering(start, held_to))
    for events in listed:
        for permitted in (NOTHING_ALLOWED, allowed):
            assert said(rehearsal, events, permitted) == said(books, events, permitted)
    assert settled(rehearsal) == books.portfolio


USUAL_TRADES = [
    fill("1", "-40000"),
    fill("0.5", "-20000", "20"),
    fill("0.5", "-20000", "0.0005", "BTC"),
    fill("-0.25", "10000"),
    fill("-0.25", "10000", "476.19"),  # a twentieth of 9,523.81
    fill("-1.4985", "60000", "0.001", "BTC"),  # with its fee all that is left: 1 + 0.5 + 0.4995 - 0.25 - 0.25
    fill("1000000", "-12.34", symbol="SHIB"),
    fill("0.00000001", "-0.00001234"),
]


def test_usual_trades_wait_and_are_booked_once_something_else_comes() -> None:
    rehearsal, books = Rehearsal(entering(funded())), entering(funded())
    entered = [rehearsal.enter([event], NOTHING_ALLOWED) for event in USUAL_TRADES]
    assert rehearsal.books.portfolio == funded()
    assert entered == [books.enter([event], NOTHING_ALLOWED) for event in USUAL_TRADES]
    assert [revisions for revisions, _ in entered] == [[2 + n] for n in range(len(USUAL_TRADES))]  # 1 is the deposit's
    assert settled(rehearsal) == books.portfolio != funded()


@pytest.mark.parametrize(
    "event",
    [
        fill("1", "-999.99", "0.02"),  # more than there is, by 0.01
        fill("-1", "10"),  # nothing is held
        fill("1", "-100", "5.27"),  # a fee of more than a twentieth of 105.27
        fill("1", "-100", "0.01", "BNB"),
        fill("1", "-100")._replace(fee=Decimal(-1), fee_symbol="USDT"),
        fill("1", "-0.000000009"),
        fill("100000000", "-1e-8"),
        fill("1e12", "-100"),
        fill("1e-18", "-1"),
        fill("0.1234567890123456789", "-1"),
        fill("1", "-1.1234567890123456789"),
        fill("1", "-100", symbol="A-B"),
        fill("1", "-100")._replace(symbol="ETH"),
        fill("1", "-100")._replace(quote="USDC"),
        fill("1", "-100")._replace(legs={"BTC": Decimal(1), "USDT": Decimal(1)}),
        fill("1", "-100")._replace(legs={"BTC": Decimal(1), "ETH": Decimal(-1)}),
        fill("1", "-100")._replace(legs={"USDC": Decimal(1), "USDT": Decimal(-1)}),
        fill("1", "-100")._replace(legs={"BTC": Decimal(1)}),
    ],
)
def test_what_is_not_sure_is_the_books_to_say(event: FileEvent) -> None:
    books, rehearsal = entering(funded(1_000)), Rehearsal(entering(funded(1_000)))
    before = rehearsal.books.portfolio
    answer = said(books, [event], NOTHING_ALLOWED)
    assert said(rehearsal, [event], NOTHING_ALLOWED) == answer
    assert (rehearsal.books.portfolio != before) is isinstance(answer[0], list)


@pytest.mark.parametrize(
    "position",
    [
        Position(symbol=BTC, quantity=Quantity(Decimal(-1))),
        Position(symbol=BTC, quantity=Quantity(Decimal("1e18"))),
        Position(symbol=BTC, quantity=Quantity(Decimal(1)), ledger_quantity=Quantity(Decimal("-1e18"))),
        Position(symbol=BTC, quantity=Quantity(Decimal(1)), asset_cost=Money(Decimal("1e18"))),
        Position(symbol=BTC, quantity=Quantity(Decimal(1)), cost_basis=Money(Decimal("-1e18"))),
        Position(symbol=BTC, realized_pnl=Money(Decimal("1e18"))),
    ],
)
def test_trades_of_a_strange_position_are_the_books_to_say(position: Position) -> None:
    rehearsal = Rehearsal(entering(replace(funded(), positions={BTC: position})))
    rehearsal.enter([fill("1", "-0.01")], NOTHING_ALLOWED)
    assert rehearsal.books.portfolio.revision == 2
    rehearsal.enter([fill("1", "-100", symbol="ETH")], NOTHING_ALLOWED)
    assert rehearsal.books.portfolio.revision == 2


@pytest.mark.parametrize("name", ["cash", "ledger_cash", "realized_pnl", "fees_paid"])
def test_with_sums_that_are_large_all_is_the_books_to_say(name: str) -> None:
    large: dict[str, Any] = {name: Money(Decimal("1e18"))}
    rehearsal = Rehearsal(entering(replace(funded(), **large)))
    rehearsal.enter([fill("1", "-100")], NOTHING_ALLOWED)
    assert rehearsal.books.portfolio.revision == 2


def test_cash_may_be_spent_below_zero_where_the_rules_say_so() -> None:
    rehearsal = Rehearsal(entering(funded(1), BookingRules(allow_negative_cash=True)))
    assert rehearsal.enter([fill("1", "-100")], NOTHING_ALLOWED) == ([2], [])
    assert rehearsal.books.portfolio == funded(1)


def test_at_most_a_million_trades_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsals, "_MOST_WAITING", 2)
    rehearsal = Rehearsal(entering(funded()))
    for _ in range(3):
        rehearsal.enter([fill("1", "-100")], NOTHING_ALLOWED)
    assert rehearsal.books.portfolio.revision == 4  # the deposit's, and all three


def test_a_trade_that_was_sure_and_is_refused_is_no_refusal_of_the_next() -> None:
    rehearsal = Rehearsal(entering(funded()))
    rehearsal.enter([fill("1", "-100")], NOTHING_ALLOWED)
    rehearsal.books.portfolio = funded(1)
    with pytest.raises(RuntimeError, match="refuse what was sure") as raised:
        rehearsal.enter([fill("-5", "100")], NOTHING_ALLOWED)
    assert isinstance(raised.value.__cause__, InsufficientCash)
