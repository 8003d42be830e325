"""Restated days: worked examples, and any entries in any order against a model of their own."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.history.effective import EffectiveDays, folded
from portfolio.application.history.restated import (
    ClosesByDay,
    RestatedDay,
    measured_days,
    restate,
    today_so_far,
)
from portfolio.application.history.restated_positions import positions_on
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.performance.days.splits import Splits
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.application.ledger.test_lots import held, moved
from tests.unit.examples import NOON, money, price, units

BTC, ETH = Symbol("BTC"), Symbol("ETH")
START = NOON.date()


def restated(
    moved: Iterable[Movement | CashEntry], closes: ClosesByDay, until: date
) -> tuple[EffectiveDays, list[RestatedDay]]:
    """The days of entries, all made at once."""
    entries = folded(moved)
    return entries, restate(entries, closes, until)


def on(number: int) -> date:
    return START + timedelta(days=number)


def closes(**prices: Mapping[int, str]) -> dict[Symbol, dict[date, Decimal]]:
    return {Symbol(name): {on(n): price(text).value for n, text in days.items()} for name, days in prices.items()}


def cash(booked: Booked, kind: CashTransactionKind, amount: str, at: datetime) -> None:
    """Book a deposit or withdrawal at its own time."""
    delta = money(amount)
    transaction = CashTransaction(
        kind=kind, cash_delta=delta, net_deposits_delta=delta, value_before=Money.zero(), at=at
    )
    booked.portfolio = replace(
        booked.portfolio,
        revision=booked.portfolio.revision + 1,
        cash=booked.portfolio.cash + delta,
        net_deposits=booked.portfolio.net_deposits + delta,
    )
    booked.entries.append(CashEntry.of(transaction, booked.portfolio))


def deposit(booked: Booked, amount: str, at: datetime) -> None:
    cash(booked, CashTransactionKind.DEPOSIT, amount, at)


def withdraw(booked: Booked, amount: str, at: datetime) -> None:
    cash(booked, CashTransactionKind.WITHDRAWAL, f"-{amount}", at)


def days_of(booked: Booked, prices: Mapping[Symbol, Mapping[date, Decimal]], until: int) -> list[RestatedDay]:
    return restated(booked.entries, prices, on(until))[1]


def rows(days: Sequence[RestatedDay]) -> list[tuple[int, str | None, str | None]]:
    return [
        (
            (one.day - START).days,
            None if one.value is None else str(one.value),
            None if one.unit_value is None else f"{one.unit_value.normalize():f}",
        )
        for one in days
    ]


def test_inflows_count_from_the_start_of_a_day_and_outflows_until_its_end() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    booked.buy("1", "100", day(0))
    deposit(booked, "80", day(2))
    withdraw(booked, "50", day(3))
    found = days_of(booked, closes(BTC={0: "110", 1: "120", 2: "130", 3: "130"}), 3)
    # 110/100; x 120/110; x 210/200; x (160 + 50)/210
    assert rows(found) == [(0, "110", "1.1"), (1, "120", "1.2"), (2, "210", "1.26"), (3, "160", "1.26")]


def test_the_whole_result_is_that_of_the_first_day_too() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    booked.buy("1", "100", day(0))
    opening, measured = measured_days(days_of(booked, closes(BTC={0: "110", 1: "120"}), 1))
    assert opening is not None
    assert (opening.day, opening.total_value, opening.net_deposits) == (on(-1), money(100), money(100))
    assert opening.unit_value == Decimal(1)
    assert [(one.day, one.total_value, one.unit_value) for one in measured] == [
        (on(0), money(110), Decimal("1.1")),
        (on(1), money(120), Decimal("1.2")),
    ]
    assert measured_days([]) == (None, [])


def test_a_close_is_carried_for_seven_days_by_name_and_then_there_is_a_gap() -> None:
    booked = Booked()
    deposit(booked, "300", day(0))
    booked.buy("1", "100", day(0))
    withdraw(booked, "20", day(8))
    deposit(booked, "40", day(9))
    found = days_of(booked, closes(BTC={0: "100", 10: "150"}), 10)
    assert [one.carried for one in found] == [(), *[(BTC,)] * 7, (), (), ()]
    assert [one.missing for one in found] == [()] * 8 + [(BTC,), (BTC,), ()]
    assert rows(found)[7:] == [(7, "300", "1"), (8, None, None), (9, None, None), (10, "370", "1.147058823529411765")]
    # (370 + 20) / (300 + 40): what flowed in the gap counts from its start, and until its end
    kept = restate(EffectiveDays(), {}, on(10))
    assert kept == []


def test_a_small_rest_that_nobody_lists_decides_nothing_for_the_whole() -> None:
    booked = Booked()
    deposit(booked, "1000", day(0))
    booked.buy("1", "100", day(0))
    booked.buy("4", "40", day(0), symbol="ETH")
    booked.sell("2", "30", day(1), symbol="ETH")
    prices = closes(BTC=dict.fromkeys(range(5), "200"))
    found = days_of(booked, prices, 2)
    # 860 + 200 + 4 at what each came for; then 890 + 200 + 2 of them at 10
    assert [(one.value, one.missing) for one in found] == [(money(n), (ETH,)) for n in (1100, 1110, 1110)]
    booked.buy("2", "45", day(3), symbol="ETH")  # 4 of which 6 came for 85: 56.7 of 1101.7 are over 5 %
    assert [one.value is None for one in days_of(booked, prices, 3)] == [False, False, False, True]


def test_a_small_rest_that_is_listed_no_more_stands_at_its_last_close() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    booked.buy("1", "2", day(0))
    found = days_of(booked, closes(BTC={0: "5"}), 30)
    assert {one.value for one in found} == {money(103)}
    assert [one.missing for one in found] == [()] * 8 + [(BTC,)] * 23
    big = days_of(booked, closes(BTC={0: "6"}), 30)  # 6 of 104
    assert [one.value is None for one in big] == [False] * 8 + [True] * 23


def test_a_close_that_is_carried_across_a_split_is_divided_by_it() -> None:
    booked = Booked()
    deposit(booked, "300", day(0))
    booked.buy("10", "100", day(0))
    booked.happen(Kind.SPLIT, day(2), symbol=BTC, ratio=Decimal(10))
    split = booked.happen(Kind.SPLIT, day(3), symbol=BTC, ratio=Decimal("0.5"))
    prices = closes(BTC={1: "10", 4: "2.5"})
    found = days_of(booked, prices, 4)
    # 10 at 10 are 100 at 1 and 50 at 2, until there is a close of these units: 50 at 2.5
    assert rows(found)[1:] == [(1, "300", "1"), (2, "300", "1"), (3, "300", "1"), (4, "325", "1.083333333333333333")]
    assert [one.carried for one in found[1:]] == [(), (BTC,), (BTC,), ()]
    positions = positions_on(folded(booked.entries), prices, [on(number) for number in range(1, 5)])
    assert [str(one[BTC].market_value) for one in positions.values()] == ["100", "100", "100", "125"]
    booked.take_out(split, day(9))  # it never was: 100 at 1, and at 2.5
    assert rows(days_of(booked, prices, 4))[3:] == [(3, "300", "1"), (4, "450", "1.5")]


def test_what_others_made_of_a_split_divides_nothing() -> None:
    booked = Booked()
    booked.buy("10", "100", day(0))
    entry = booked.happen(Kind.SPLIT, day(2), symbol=BTC, ratio=Decimal(10))
    terms = entry.transaction.event
    assert terms is not None
    for changed in (None, replace(terms, ratio=None), replace(terms, ratio=Decimal(0))):
        splits = Splits()
        splits.add(replace(entry, transaction=replace(entry.transaction, event=changed)), on(2))
        assert splits.carried(BTC, Decimal(7), on(1), on(3)) == price("7")


def test_a_small_rest_stands_at_its_last_close_in_the_units_of_the_day() -> None:
    booked = Booked()
    deposit(booked, "1000", day(0))
    booked.buy("4", "40", day(0), symbol="ETH")
    booked.happen(Kind.SPLIT, day(2), symbol=ETH, ratio=Decimal(1000))
    found = days_of(booked, closes(ETH={0: "12"}), 9)
    # a quantity that no close can be divided by: 4,000 at 0.012
    assert (found[9].missing, str(found[9].value)) == ((ETH,), "1008")
    booked.happen(Kind.SPLIT, day(9), symbol=ETH, ratio=Decimal("0.000000000000000001"))
    booked.happen(Kind.INCOME, day(9), symbol=ETH, quantity=units(1), value=money(0), label="airdrop")
    # 900 / 1e-18 is no price: it stands at what it came for, 40
    assert days_of(booked, closes(ETH={0: "900000"}), 9)[9].value == money(1000)


def test_what_came_for_nothing_and_is_nowhere_listed_stands_at_nothing() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    happened = booked.happen(Kind.INCOME, day(1), symbol=BTC, quantity=units(1000), value=money(0), label="airdrop")
    assert [one.value for one in days_of(booked, {}, 3)] == [money(100)] * 4
    booked.take_out(happened, day(2))
    assert [one.missing for one in days_of(booked, {}, 3)] == [()] * 4
    booked.happen(Kind.INCOME, day(1), symbol=BTC, quantity=units(10), value=money(60), label="airdrop")
    assert [one.value for one in days_of(booked, {}, 3)] == [money(100), None, None, None]
    booked.happen(Kind.TRANSFER_OUT, day(2), symbol=BTC, quantity=units(9), value=money(54))
    booked.happen(Kind.SPLIT, day(2), symbol=BTC, ratio=Decimal("0.5"))  # half a unit of 9.5 that came for 60
    last = days_of(booked, {}, 3)[-1].value
    assert last is not None
    assert abs(last - money(100) - money("3.157894736842105263")) < money("1e-17")


def test_what_was_sold_and_never_came_is_a_gap() -> None:
    booked = Booked()
    deposit(booked, "100000", day(0))
    booked.sell("1", "1", day(1))
    assert [one.value is None for one in days_of(booked, {}, 2)] == [False, True, True]


def test_before_anything_of_value_there_is_no_unit_value() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    deposit(booked, "30", day(2))
    found = days_of(booked, closes(BTC={0: "100", 1: "90", 2: "100"}), 2)
    assert rows(found) == [(0, "0", None), (1, "-10", None), (2, "30", "1.5")]  # 30 / (-10 + 30)
    opening, [only] = measured_days(found)
    assert opening is not None
    assert (opening.total_value, opening.net_deposits, only.net_deposits) == (money(20), money(30), money(30))


def test_the_unit_value_stays_where_nothing_is_left() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    booked.buy("1", "100", day(0))
    booked.sell("1", "1", day(1), fees="5")
    deposit(booked, "104", day(2))
    withdraw(booked, "50", day(3))
    found = days_of(booked, closes(BTC={0: "100"}), 3)
    assert rows(found) == [(0, "100", "1"), (1, "-4", "1"), (2, "100", "1"), (3, "50", "1")]
    tiny = Booked()
    deposit(tiny, "1000000", day(0))
    tiny.sell("1", "1", day(1), fees="1000000.9999999999999")  # 1e-13 of a million: under 18 decimals of a unit
    assert [one.unit_value for one in days_of(tiny, closes(BTC={1: "0", 0: "0"}), 1)] == [1, 1]


def test_what_a_unit_cannot_hold_leaves_it_as_it_was() -> None:
    booked = Booked()
    deposit(booked, "0.000000000000000001", day(0))
    booked.buy("1", "0.000000000000000001", day(0))
    found = days_of(booked, closes(BTC={0: "0.000000000000000001", 1: "900", 2: "90000"}), 2)
    assert [one.unit_value for one in found] == [1, 1, 100]


def test_books_that_were_opened_on_something_have_no_value_before() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(3))
    booked.sell("1", "150", day(1))
    found = days_of(booked, closes(BTC={3: "100", 4: "110"}), 4)
    assert rows(found)[0][:2] == (3, "450")
    assert [one.day for one in found] == [on(3), on(4)]
    entries, _ = restated(booked.entries, {}, on(4))
    assert (entries.opened, entries.begins_with_positions, entries.whole_since) == (on(3), True, date.min)


def test_new_books_begin_with_their_first_entry() -> None:
    booked = Booked()
    booked.adopt(day(9))
    deposit(booked, "100", day(2))
    booked.buy("1", "100", day(4))
    found = days_of(booked, closes(BTC={4: "100"}), 4)
    assert [one.day for one in found] == [on(2), on(3), on(4)]
    entries, _ = restated(booked.entries, {}, on(4))
    assert (entries.deposits, [len(one.trades) for one in entries.within(on(2), on(4))]) == (money(100), [1])


def test_a_reversal_takes_its_trade_out_of_its_own_day() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    wrong = booked.buy("1", "60", day(1))
    sold = booked.sell("1", "70", day(2))
    booked.reverse(sold, day(5))
    booked.reverse(wrong, day(5))
    entries, found = restated(booked.entries, {}, on(3))
    assert [one.value for one in found] == [money(100)] * 4
    assert [(len(one.trades), one.closings) for one in entries.within(on(0), on(3))] == [(0, []), (0, [])]


def test_what_was_adjusted_moves_what_is_held() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(0))
    booked.adjust(moved("1", "30"), day(1))
    found = days_of(booked, closes(BTC={0: "100", 1: "100"}), 1)
    assert [one.value for one in found] == [money(400), money(500)]


def test_today_so_far_goes_on_from_the_last_day_with_a_value() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    booked.buy("1", "100", day(0))
    deposit(booked, "20", day(2))
    entries, found = restated(booked.entries, closes(BTC={0: "110"}), on(1))
    now = today_so_far(found, entries, on(2), money(143), money(120))
    assert now.unit_value == Decimal("1.1") * Decimal(143) / Decimal(130)
    before = today_so_far([], EffectiveDays(), on(0), Money.zero(), Money.zero())
    assert before.unit_value == 1


# --- any entries, in any order ----------------------------------------------------------------------------------------

Happened = tuple[str, int, int, int]  # kind, day, quantity or amount, price
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "withdraw", "BTC", "ETH", "-BTC", "-ETH"]),
        st.integers(0, 20),
        st.integers(1, 50),
        st.integers(1, 9),
    ),
    max_size=15,
)
PRICES = st.dictionaries(st.tuples(st.sampled_from([BTC, ETH]), st.integers(-3, 21)), st.integers(1, 20), max_size=60)


def booked_in(order: Sequence[Happened]) -> Booked:
    booked = Booked()
    for kind, at, amount, each in order:
        if kind == "deposit":
            deposit(booked, str(amount), day(at))
        elif kind == "withdraw":
            withdraw(booked, str(amount), day(at))
        else:
            side = Side.SELL if kind.startswith("-") else Side.BUY
            booked.trade(side, str(amount), str(amount * each), day(at), symbol=kind.removeprefix("-"))
    return booked


def model(order: Sequence[Happened], prices: Mapping[tuple[Symbol, int], int]) -> list[tuple[int, Any, Any]]:
    """What each day was worth and its unit value, exactly, by the formula alone."""
    if not order:
        return []
    cash, made = Fraction(0), list[tuple[int, Any, Any]]()
    unit, before, came, went, has_begun = Fraction(1), Fraction(0), 0, 0, False
    for at in range(min(each[1] for each in order), 21):
        for kind, when, amount, each in order:
            if when != at:
                continue
            if kind in {"deposit", "withdraw"}:
                cash += amount if kind == "deposit" else -amount
                came, went = (came + amount, went) if kind == "deposit" else (came, went + amount)
            else:
                sign = -1 if kind.startswith("-") else 1
                cash -= sign * amount * each
        worth = worth_of(order, prices, at, cash)
        if worth is None:
            made.append((at, None, None))
            continue
        has_begun |= before + came > 0
        if before + came > 0 and worth + went > 0:
            unit *= (worth + went) / (before + came)
        before, came, went = worth, 0, 0
        made.append((at, worth, unit if has_begun else None))
    return made


def held_at(order: Sequence[Happened], symbol: Symbol, at: int) -> int:
    signs = {symbol.code: 1, f"-{symbol.code}": -1}
    return sum(signs.get(kind, 0) * amount for kind, when, amount, _ in order if when <= at)


def average(order: Sequence[Happened], symbol: Symbol, at: int) -> Fraction | None:
    """What each unit of an asset came for since a day at whose end nothing of it was held."""
    since = max((n for n in range(at) if not held_at(order, symbol, n)), default=-1)
    bought = [(n, each) for kind, when, n, each in order if kind == symbol.code and since < when <= at]
    return Fraction(sum(n * each for n, each in bought), sum(n for n, _ in bought)) if bought else None


def worth_of(
    order: Sequence[Happened], prices: Mapping[tuple[Symbol, int], int], at: int, cash: Fraction
) -> Fraction | None:
    """What a day was worth; None where what has no close of the last seven days is over 5 % of it."""
    lacking = list[Fraction]()
    for symbol in (BTC, ETH):
        quantity = held_at(order, symbol, at)
        known = [(n, prices[symbol, at - n]) for n in range(25) if (symbol, at - n) in prices]
        each = known[0][1] if known else average(order, symbol, at)
        if quantity and each is None:
            return None
        if quantity and not known and quantity < 0:
            return None
        cash += quantity * (each or 0)
        if quantity and (not known or known[0][0] > 7):
            lacking.append(abs(quantity * Fraction(each or 0)))
    return None if lacking and not (cash > 0 and sum(lacking) <= cash / 20) else cash


def by_symbol(prices: Mapping[tuple[Symbol, int], int]) -> dict[Symbol, dict[date, Decimal]]:
    found: dict[Symbol, dict[date, Decimal]] = {BTC: {}, ETH: {}}
    for (symbol, at), each in prices.items():
        found[symbol][on(at)] = price(each).value
    return found


@pytest.mark.unmeasured
@given(EVENTS, PRICES, st.randoms(use_true_random=False), st.integers(0, 21))
def test_entries_booked_in_any_order_make_the_same_days_as_those_of_the_model(
    order: list[Happened], prices: dict[tuple[Symbol, int], int], chance: random.Random, kept: int
) -> None:
    in_order = sorted(order, key=lambda each: each[1])
    found = days_of(booked_in(in_order), by_symbol(prices), 20)
    shuffled = chance.sample(order, len(order))
    assert days_of(booked_in(shuffled), by_symbol(prices), 20) == found
    told = [((one.day - START).days, one.value, one.unit_value) for one in found]
    for (at, value, unit), (their, worth, unit_of_model) in zip(told, model(in_order, prices), strict=True):
        assert (at, value is None) == (their, worth is None)
        assert value is None or abs(Fraction(value.value) - worth) < Fraction(1, 10**17)
        assert (unit is None) == (unit_of_model is None)
        assert unit is None or abs(Fraction(unit) - unit_of_model) < Fraction(1, 10**9) * max(unit_of_model, 1)
    # made anew from any day on they are the same
    entries, _ = restated(booked_in(in_order).entries, {}, on(20))
    assert restate(entries, by_symbol(prices), on(20), found[:kept]) == found


@pytest.mark.unmeasured
def test_three_years_imported_at_once_are_those_lived_day_by_day() -> None:
    chance = random.Random(15)
    symbols = [Symbol(f"A{n}") for n in range(12)]
    prices = {symbol: {on(-1): Decimal(100 + n)} for n, symbol in enumerate(symbols)}
    for number in range(1_095):
        for symbol in symbols:
            moved_by = Decimal(repr(round(chance.gauss(1, 0.03), 6)))
            prices[symbol][on(number)] = (prices[symbol][on(number - 1)] * moved_by).quantize(Decimal("1e-8"))
    happened: list[tuple[datetime, Any]] = [(day(0), "100000")]
    for _ in range(20_000):
        symbol, number = chance.choice(symbols), chance.randrange(1, 1_095)
        side, quantity = chance.choice([Side.BUY, Side.SELL]), str(chance.randrange(1, 500) / 1_000)
        happened.append((day(number) + timedelta(seconds=chance.randrange(40_000)), (symbol, side, quantity)))
    lived_order = sorted(happened, key=lambda one: one[0])

    def book(booked: Booked, at: datetime, what: Any) -> None:
        if isinstance(what, str):
            deposit(booked, what, at)
            return
        symbol, side, quantity = what
        amount = (Decimal(quantity) * prices[symbol][(at.date())]).quantize(Decimal("1e-12"))
        booked.trade(side, quantity, f"{amount:f}", at, fees=f"{amount / 1000:.12f}", symbol=symbol.code)

    lived = Booked()
    entries, days, seen = EffectiveDays(), list[RestatedDay](), 0
    for start in range(0, 1_095, 5):  # each is restated when it is over, from what was known by then
        while seen < len(lived_order) and lived_order[seen][0].date() <= on(start + 4):
            book(lived, *lived_order[seen])
            entries.add(lived.entries[-1])
            seen += 1
        days = restate(entries, prices, on(start + 4), days)
    imported = Booked()
    for at, what in chance.sample(happened, len(happened)):
        book(imported, at, what)
    _, found = restated(imported.entries, prices, days[-1].day)
    assert [(one.day, one.value, one.net_deposits) for one in found] == [
        (one.day, one.value, one.net_deposits) for one in days
    ]
    for one, two in zip(found, days, strict=True):
        assert one.unit_value is not None
        assert two.unit_value is not None
        assert float(one.unit_value) == pytest.approx(float(two.unit_value), rel=1e-9)
    assert isinstance(imported.entries[0], Movement | CashEntry)


def test_what_was_transferred_counts_at_its_value_from_the_day_on_which_it_happened() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    came = booked.happen(Kind.TRANSFER_IN, day(1), symbol=BTC, quantity=units(1), value=money(50), basis=money(20))
    prices = closes(BTC={1: "50", 2: "80"})
    # What came is in the base of its day, 150, and rose to 80.
    assert rows(days_of(booked, prices, 2)) == [(0, "100", "1"), (1, "150", "1"), (2, "180", "1.2")]
    left = booked.happen(Kind.TRANSFER_OUT, day(2), symbol=BTC, quantity=units(1), value=money(80))
    assert rows(days_of(booked, prices, 2))[-1] == (2, "100", "1.2")
    booked.take_out(left, day(3))
    booked.take_out(came, day(3))
    assert rows(days_of(booked, prices, 2)) == [(0, "100", "1"), (1, "100", "1"), (2, "100", "1")]


def test_a_close_at_which_no_books_ever_were_is_none() -> None:
    booked = Booked()
    deposit(booked, "100", day(0))
    booked.buy("1e18", "90", day(0))
    found = days_of(booked, closes(BTC={0: "1e-16", 1: "100", 2: "1e-16"}), 2)
    assert [one.missing for one in found] == [(), (BTC,), ()]
    assert rows(found) == [(0, "110", "1.1"), (1, None, None), (2, "110", "1.1")]


def test_a_cost_of_what_is_left_that_no_books_have_is_none() -> None:
    booked = Booked()
    deposit(booked, "9e19", day(0))
    booked.buy("2", "8e19", day(0))
    booked.sell("1.9", "1", day(0))
    entries = folded(booked.entries)
    entries.days[on(0)].changes[BTC].came = units("0.001")  # 0.1 at 8e19 for 0.001
    assert restate(entries, {}, on(0))[0].missing == (BTC,)


def test_more_may_flow_in_a_day_than_there_ever_was() -> None:
    booked = Booked()
    for _ in range(3):
        deposit(booked, "9e19", day(0))
        withdraw(booked, "9e19", day(0))
    [found] = days_of(booked, {}, 0)
    assert (found.value, found.base.value) == (money(0), Decimal("2.7e20"))
    assert folded(booked.entries).deposits.value == Decimal("2.7e20")
