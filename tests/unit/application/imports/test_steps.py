"""What an event is in the books: its steps move what its legs say, or nothing is certain and it says so."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.application.imports.entering import Allowed, Entering
from portfolio.application.imports.steps import MoneyMove, NoEntry, Step, steps_of
from portfolio.application.imports.worth import Worth, WorthUnknown
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.domain.errors import DomainError
from portfolio.domain.imports.events import (
    Origin,
    Part,
    exchange,
    gathered,
    moved,
    received,
    renamed,
    single,
    valued,
)
from portfolio.domain.imports.records import FileEvent, Kind, RowRefused
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution
from portfolio.domain.money import EXACT, Money
from portfolio.domain.symbol import Symbol

AT = datetime(2022, 3, 1, 10, tzinfo=UTC)
ORIGIN = Origin((1,), AT)
RATES = {(AT.date(), s): Decimal(d) for s, d in (("BTC", "40000"), ("ETH", "3000"), ("BNB", "400"), ("EUR", "1.1"))}
WORTH = Worth(RATES)


def part(symbol: str, amount: str) -> Part:
    return Part(symbol, Decimal(amount))


def told(steps: list[Step]) -> list[str]:
    """Steps in words."""
    found = []
    for step in steps:
        if isinstance(step, MoneyMove):
            found.append(f"money {step.amount}")
        elif isinstance(step, Execution):
            included = " included" if step.fees_included else ""
            found.append(f"{step.side} {step.quantity} {step.symbol} for {step.net_amount}, fees {step.fees}{included}")
        else:
            found.append(_happening(step))
    return found


def _happening(what: Happening) -> str:
    words = [what.kind.value]
    words += [f"{what.quantity} {what.symbol}"] if what.symbol is not None else [str(what.amount)]
    words += [f"to {what.to_quantity} {what.to_symbol}"] if what.to_symbol is not None else []
    words += [f"worth {what.value}"] if what.value is not None else []
    words += [f"cost {what.basis}"] if what.basis is not None else []
    words += [what.label] if what.label is not None else []
    return " ".join(words)


BTC, USD = part("BTC", "0.5"), part("USD", "-20000")


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        (exchange(ORIGIN, BTC, USD), ["BUY 0.5 BTC for 20000, fees 0"]),
        (exchange(ORIGIN, BTC, USD, [part("USDT", "20")]), ["BUY 0.5 BTC for 20000, fees 20"]),
        (exchange(ORIGIN, BTC, USD, [part("USD", "-20")]), ["BUY 0.5 BTC for 19980, fees 0"]),
        # events.md 1: a fee in the asset itself: BUY 1 BTC at 45,000, fee 0.001: quantity 0.999, fees 45.
        (
            exchange(ORIGIN, part("BTC", "1"), part("USD", "-45000"), [part("BTC", "0.001")]),
            ["BUY 0.999 BTC for 45000, fees 45 included"],
        ),
        (
            exchange(ORIGIN, part("BTC", "-1"), part("USDC", "45000"), [part("BTC", "0.001")]),
            ["SELL 1.001 BTC for 45000, fees 45 included"],
        ),
        (
            exchange(ORIGIN, BTC, part("USD", "-30000"), [part("BNB", "0.05")]),
            ["SELL 0.05 BNB for 20, fees 0", "BUY 0.5 BTC for 30000, fees 20"],
        ),
        (exchange(ORIGIN, part("BTC", "-1"), part("USD", "50"), [part("USD", "1")]), ["SELL 1 BTC for 50, fees 1"]),
        (exchange(ORIGIN, part("USDT", "-100"), part("USD", "99")), ["charge 1"]),
        (exchange(ORIGIN, part("USDT", "-100"), part("USD", "101")), ["interest 1"]),
        (exchange(ORIGIN, part("USDT", "-100"), part("USD", "100")), []),
        (
            exchange(ORIGIN, part("BTC", "-1"), part("ETH", "20"), [part("BNB", "0.1")]),
            ["swap 1 BTC to 20 ETH worth 40000", "loss 0.1 BNB"],
        ),
        (
            exchange(ORIGIN, part("BTC", "-1"), part("ETH", "20"), [part("USD", "3")]),
            ["swap 1 BTC to 20 ETH worth 40000", "charge 3"],
        ),
        (exchange(ORIGIN, part("SOL", "-9"), part("ETH", "1")), ["swap 9 SOL to 1 ETH worth 3000"]),
        (exchange(ORIGIN, part("BTC", "-1"), part("EUR", "36000")), ["swap 1 BTC to 36000 EUR worth 39600"]),
        (exchange(ORIGIN, part("BTC", "1"), part("EUR", "-36000")), ["swap 36000 EUR to 1 BTC worth 39600"]),
        (
            gathered(ORIGIN, [part("ETH", "-0.01"), part("EUR", "-1")], part("BNB", "0.07"), [part("BNB", "0.001")]),
            ["SELL 0.01 ETH for 30, fees 0", "SELL 1 EUR for 1.1, fees 0", "BUY 0.069 BNB for 31.1, fees 0"],
        ),
        # 0.01 x 3,000 and 1 x 1.1 share 29 and a fee of 1 by their values: 29 x 30 / 31.1 = 27.974...
        (
            gathered(ORIGIN, [part("ETH", "-0.01"), part("EUR", "-1")], part("USD", "30"), [part("USD", "1")]),
            ["SELL 0.01 ETH for 27.974276527331189711, fees 0", "SELL 1 EUR for 2.025723472668810289, fees 1"],
        ),
        (
            gathered(ORIGIN, [part("ETH", "-0.01"), part("EUR", "-1")], part("USD", "31.1"), [part("BNB", "0.01")]),
            ["SELL 0.01 ETH for 30, fees 0", "SELL 1 EUR for 1.1, fees 0", "loss 0.01 BNB"],
        ),
        (moved(ORIGIN, part("USD", "100"), [part("USD", "1")]), ["money 100", "charge 1"]),
        (moved(ORIGIN, part("USD", "-100"), [part("USD", "1")]), ["money -100", "charge 1"]),
        (moved(ORIGIN, part("USD", "100"), [part("BNB", "1")]), ["money 100", "loss 1 BNB"]),
        (moved(ORIGIN, part("EUR", "100")), ["transfer_in 100 EUR worth 110 cost 110"]),
        (moved(ORIGIN, part("EUR", "-100")), ["transfer_out 100 EUR worth 110"]),
        (moved(ORIGIN, part("BTC", "1")), ["transfer_in 1 BTC worth 40000"]),
        (moved(ORIGIN, part("BTC", "-1"), [part("BTC", "0.1")]), ["transfer_out 1 BTC worth 40000", "loss 0.1 BTC"]),
        (moved(ORIGIN, part("BTC", "-1"), [part("ETH", "1")]), ["transfer_out 1 BTC worth 40000", "loss 1 ETH"]),
        (moved(ORIGIN, part("BTC", "-1"), [part("USD", "1")]), ["transfer_out 1 BTC worth 40000", "charge 1"]),
        (received(ORIGIN, Kind.REWARD, part("ETH", "1")), ["income 1 ETH worth 3000 staking"]),
        (received(ORIGIN, Kind.AIRDROP, part("ETH", "1")), ["income 1 ETH worth 3000 airdrop"]),
        (received(ORIGIN, Kind.REWARD, part("USDC", "1")), ["interest 1"]),
        (single(ORIGIN, Kind.FEE, part("USDC", "-1")), ["charge 1"]),
        (single(ORIGIN, Kind.FEE, part("ETH", "-1")), ["loss 1 ETH"]),
        (single(ORIGIN, Kind.FEE, part("ETH", "1")), ["income 1 ETH worth 3000 rebate"]),
    ],
)
def test_an_event_becomes_what_its_legs_say(events: list[FileEvent], steps: list[str]) -> None:
    assert [one for event in events for one in told(steps_of(event, WORTH))] == steps


def said(symbol: str, quantity: str, value: str, currency: str = "USD") -> tuple[Part, Decimal, str]:
    """What a file says that so much was worth."""
    return part(symbol, quantity), Decimal(value), currency


@pytest.mark.parametrize(
    ("events", "worths", "step"),
    [
        (received(ORIGIN, Kind.REWARD, part("ETH", "1")), [said("ETH", "1", "2500.5")], "income 1 ETH worth 2500.5"),
        (received(ORIGIN, Kind.REWARD, part("ETH", "1")), [said("ETH", "1", "2", "USDC")], "income 1 ETH worth 2"),
        # 1.1 dollars for a euro on that day
        (received(ORIGIN, Kind.REWARD, part("ETH", "1")), [said("ETH", "1", "2000", "EUR")], "income 1 ETH worth 2200"),
        # nobody knows what a pound was: the day of ETH itself
        (received(ORIGIN, Kind.REWARD, part("ETH", "1")), [said("ETH", "1", "2000", "GBP")], "income 1 ETH worth 3000"),
        # a fee of 0.1 was kept: 0.9 of what the whole was worth
        (
            received(ORIGIN, Kind.REWARD, part("ETH", "1"), [part("ETH", "0.1")]),
            [said("ETH", "1", "2000")],
            "income 0.9 ETH worth 1800",
        ),
        # what says so much exactly goes before a share of something else
        (
            moved(ORIGIN, part("BTC", "-1")),
            [said("BTC", "-2", "10"), said("BTC", "1", "7")],
            "transfer_out 1 BTC worth 7",
        ),
        (
            exchange(ORIGIN, part("BTC", "-1"), part("ETH", "20")),
            [said("ETH", "20", "9")],
            "swap 1 BTC to 20 ETH worth 9",
        ),
        (
            exchange(ORIGIN, part("BTC", "-1"), part("ETH", "20")),
            [said("ETH", "20", "9"), said("BTC", "1", "8")],
            "swap 1 BTC to 20 ETH worth 8",
        ),
        (
            exchange(ORIGIN, part("BTC", "0.5"), part("USD", "-30000"), [part("BNB", "0.05")]),
            [said("BNB", "0.05", "21")],
            "SELL 0.05 BNB for 21",
        ),
        (
            gathered(ORIGIN, [part("ETH", "-0.01"), part("EUR", "-1")], part("BNB", "0.07")),
            [said("ETH", "0.01", "29")],
            "SELL 0.01 ETH for 29",
        ),
        (received(ORIGIN, Kind.REWARD, part("ETH", "1")), [said("ETH", "1", "0")], "income 1 ETH worth 3000"),
    ],
)
def test_what_the_file_says_that_it_was_worth_goes_before_its_day(
    events: list[FileEvent], worths: list[tuple[Part, Decimal, str]], step: str
) -> None:
    first, *_ = [one for event in valued(events, worths) for one in told(steps_of(event, WORTH))]
    assert first.startswith(step)


def test_a_rename_keeps_its_cost_and_needs_no_value() -> None:
    [event] = renamed(exchange(ORIGIN, part("MATIC", "-1000"), part("POL", "999")))
    assert told(steps_of(event, Worth())) == ["exchange 1000 MATIC to 999 POL"]
    [traded] = renamed(exchange(ORIGIN, BTC, USD))
    assert told(steps_of(traded, Worth())) == ["BUY 0.5 BTC for 20000, fees 0"]


def test_what_was_held_before_is_worth_what_is_paid_for_it_where_nobody_knows_its_day() -> None:
    books = Entering(Portfolio(id=1), BookingRules(), Worth(), AT)
    books.enter(list(exchange(ORIGIN, part("BTC", "-2"), part("USD", "500"))), Allowed(opening=True))
    opened, _ = books.entries
    assert isinstance(opened, CashEntry)
    assert (opened.transaction.net_deposits_delta, books.portfolio.realized_pnl) == (Money(Decimal(500)), Money.zero())
    with pytest.raises(WorthUnknown):
        books.enter(list(moved(ORIGIN, part("ETH", "-1"))), Allowed(opening=True))
    with pytest.raises(WorthUnknown):
        books.enter(list(single(ORIGIN, Kind.FEE, part("ETH", "-1"))), Allowed(opening=True))


def test_nothing_is_shared_by_values_that_are_none() -> None:
    [event] = gathered(ORIGIN, [part("ETH", "-1"), part("BTC", "-1")], part("USD", "30"))
    with pytest.raises(NoEntry, match="it is not certain what each"):
        steps_of(event, lambda *_: Money.zero())


def test_a_sale_of_which_all_was_the_fee_sells_nothing() -> None:
    legs, one = {"BTC": Decimal(-1), "USD": Decimal(30)}, Decimal(1)
    sale = FileEvent((1,), AT, Kind.TRADE, "BTC", one, legs, quote="USD", fee=one, fee_symbol="BTC")
    with pytest.raises(NoEntry, match="all of it was the fee"):
        steps_of(sale, WORTH)


@pytest.mark.parametrize(
    ("kind", "legs"),
    [
        (Kind.TRADE, {"BTC": "1", "USD": "1"}),
        (Kind.TRADE, {"BTC": "1", "ETH": "1", "USD": "-1"}),
        (Kind.TRADE, {"BTC": "1", "ETH": "1"}),
        (Kind.TRADE, {"BTC": "-1", "ETH": "-1"}),
        (Kind.TRADE, {"BTC": "1", "ETH": "1", "BNB": "-1"}),
        (Kind.TRADE, {"BTC": "1"}),
        (Kind.TRADE, {"BTC": "-1"}),
        (Kind.TRANSFER_IN, {"BTC": "-1"}),
        (Kind.TRADE, {"USD": "-1"}),
        (Kind.TRADE, {}),
    ],
)
def test_what_is_not_certain_has_no_entry(kind: Kind, legs: dict[str, str]) -> None:
    changes = {symbol: Decimal(change) for symbol, change in legs.items()}
    event = FileEvent(rows=(1,), at=AT, kind=kind, symbol="BTC", quantity=Decimal(1), legs=changes, quote="USD")
    with pytest.raises(NoEntry, match="has no entry"):
        steps_of(event, WORTH)


AMOUNTS = st.decimals("0.00000001", "1000", places=8)
SYMBOLS = st.sampled_from(["BTC", "ETH", "BNB", "EUR", "USD", "USDT", "USDC"])
PARTS = st.builds(lambda symbol, amount, sign: Part(symbol, amount * sign), SYMBOLS, AMOUNTS, st.sampled_from([1, -1]))
FEES = st.lists(st.builds(Part, SYMBOLS, st.decimals("-0.01", "0.01", places=8)), max_size=2)


@pytest.mark.unmeasured
@given(st.lists(PARTS, min_size=1, max_size=3), FEES, st.sampled_from([*Kind]))
@settings(max_examples=300, deadline=None)
def test_what_is_entered_moves_exactly_the_legs_or_nothing_is(parts: list[Part], fees: list[Part], kind: Kind) -> None:
    try:
        if len(parts) == 1:
            events = list(single(ORIGIN, kind, parts[0], fees))
        elif len(parts) == 2:
            events = list(exchange(ORIGIN, parts[0], parts[1], fees))
        else:
            events = list(gathered(ORIGIN, parts[1:], parts[0], fees))
    except RowRefused:
        return
    start, _ = Portfolio(id=1).deposit(Money(Decimal(10**6)), AT)
    books = Entering(start, BookingRules(), WORTH, AT)
    try:
        books.enter(events, Allowed(opening=True, funding=True))
    except (DomainError, NoEntry, WorthUnknown):
        assert (books.portfolio, books.entries) == (start, [])
        return
    after, opened = books.portfolio, books.entries
    wanted: dict[str, Decimal] = {}
    for event in events:
        for symbol, change in event.legs.items():
            name = "USD" if symbol in {"USD", "USDT", "USDC"} else symbol
            wanted[name] = EXACT.add(wanted.get(name, Decimal(0)), change)
    assert after.cash.value - start.cash.value == wanted.pop("USD", Decimal(0))
    implied = sum(1 for one in opened if getattr(one, "note", None))
    for symbol, change in wanted.items():
        held = after.position(Symbol(symbol)).quantity.value
        assert held == change or (implied and held >= change)
    assert not after.unreconciled
    assert after.revision == start.revision + len(opened)
