"""Results by tag on restated days, against a model of their own: nothing is left over, whatever came in when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.application.history.restated import measured_days
from portfolio.application.history.restated_positions import positions_on
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.performance.measures import gain
from portfolio.application.performance.tags.results import PeriodEnd, TagResult, results_of
from portfolio.application.performance.tags.sums import Tagged, TagOf, TagPeriod, sums_of
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol
from tests.unit.application.history.test_restated import BTC, ETH, closes, deposit, on, restated, withdraw
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.application.ledger.test_lots import held
from tests.unit.examples import money, units

LAST = 20
SOL = Symbol("SOL")


def engine(one: Tagged) -> str | None:
    return one.engine if isinstance(one, Movement) else None


def symbol(one: Tagged) -> str | None:
    return one.symbol.code


def results(
    booked: Booked, prices: Mapping[Symbol, Mapping[int, str]], tag_of: TagOf, start: int = 0, end: int = -1
) -> tuple[Money, Sequence[TagResult]]:
    """The result between two measured days, counted from the one before the first return, and the rows."""
    every = {of: {on(n): Price(Decimal(text)).value for n, text in days.items()} for of, days in prices.items()}
    entries, days = restated(booked.entries, every, on(LAST))
    opening, measured = measured_days(days)
    assert opening is not None
    finals = [opening, *(one for one in measured if one.day > opening.day)]
    first, last = finals[start], finals[end]
    known = positions_on(entries, every, {first.day, last.day})
    period = TagPeriod(start=first.day, end=last.day, by_effect=True, is_first=start == 0)
    ends = [
        PeriodEnd(
            positions=known.get(one.day, {}),
            prices={of: Price(found[one.day]) for of, found in every.items() if one.day in found},
        )
        for one in (first, last)
    ]
    total = gain(first, last)
    return total, results_of(sums_of(booked.entries, tag_of, period), ends[0], ends[1], total)


def rows(found: Sequence[TagResult]) -> list[tuple[str | None, str]]:
    return [(row.tag, str(row.result)) for row in found]


def of_engine(booked: Booked, trade: Movement, name: str | None) -> Movement:
    booked.entries[-1] = marked = replace(trade, engine=name)
    return marked


def test_what_was_booked_years_later_counts_at_its_own_time() -> None:
    booked = Booked()
    deposit(booked, "1000", day(0))
    of_engine(booked, booked.buy("1", "100", day(5)), "b")
    of_engine(booked, booked.buy("2", "180", day(1)), "a")  # booked after what was executed later
    prices = {BTC: {n: str(90 + 10 * (n >= 3) + 5 * (n >= 6)) for n in range(LAST + 1)}}
    total, found = results(booked, prices, engine)
    assert (str(total), rows(found)) == ("35", [("a", "30"), ("b", "5")])
    # from the end of day 3: a has 2 that rose from 100 to 105
    total, found = results(booked, prices, engine, start=4)
    assert (str(total), rows(found)) == ("15", [("a", "10"), ("b", "5")])


def test_what_came_in_on_the_first_day_is_no_result_at_its_value() -> None:
    booked = Booked()
    booked.happen(Kind.TRANSFER_IN, day(0), symbol=BTC, quantity=units(2), value=money(200), basis=money(30))
    gone = booked.happen(Kind.TRANSFER_IN, day(0), symbol=BTC, quantity=units(1), value=money(100), basis=money(7))
    booked.happen(Kind.TRANSFER_IN, day(4), symbol=BTC, quantity=units(1), value=money(110), basis=money(60))
    booked.take_out(gone, day(9))
    prices = {BTC: {n: str(100 + n) for n in range(LAST + 1)}}
    total, found = results(booked, prices, symbol)
    # 2 rose from 100 to 120; what came later counts from its cost on, as in the result itself
    assert (str(total), rows(found)) == ("100", [("BTC", "100")])
    assert results(booked, prices, symbol, start=1)[1][0].result == money(100)


def test_what_the_books_were_opened_on_counts_from_its_cost() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(0))
    of_engine(booked, booked.sell("1", "130", day(2)), "a")
    prices = {BTC: {n: "100" if n < 2 else "120" for n in range(LAST + 1)}}
    total, found = results(booked, prices, symbol)
    assert (str(total), rows(found)) == ("90", [("BTC", "90")])
    total, found = results(booked, prices, engine)
    assert (str(total), rows(found)) == ("90", [("a", "10"), (None, "80")])


def test_what_engines_bought_goes_on_across_a_split_and_an_exchange() -> None:
    booked = Booked()
    deposit(booked, "1000", day(0))
    for name, quantity in (("a", "10"), ("b", "5"), (None, "5")):
        of_engine(booked, booked.buy(quantity, f"{quantity}0", day(1)), name)
    booked.happen(Kind.SPLIT, day(3), symbol=BTC, ratio=Decimal(10))
    of_engine(booked, booked.sell("50", "60", day(4)), "a")
    what = {"symbol": BTC, "quantity": units(75), "to_symbol": ETH, "to_quantity": units(30)}
    became = booked.happen(Kind.EXCHANGE, day(5), **what)
    prices = {
        BTC: {n: "10" if n < 3 else "1" if n < 4 else "1.2" for n in range(LAST + 1)},
        ETH: dict.fromkeys(range(LAST + 1), "4"),
    }
    # 100, 50 and 50 by the split; a sold 50 for 60; then each has 25 at 1.2, and 10 ETH at 4
    total, found = results(booked, prices, engine)
    assert (str(total), rows(found)) == ("70", [("a", "30"), ("b", "20"), (None, "20")])
    # from the end of day 3, and of day 5: the split, and both, were before
    assert rows(results(booked, prices, engine, start=4)[1]) == [("a", "30"), ("b", "20"), (None, "20")]
    assert results(booked, prices, engine, start=6) == (money(0), [])
    booked.take_out(became, day(9))  # each has 50 at 1.2
    total, found = results(booked, prices, engine)
    assert (str(total), rows(found)) == ("40", [("a", "20"), ("b", "10"), (None, "10")])


def test_of_an_exchange_of_what_was_sold_by_then_nothing_is_of_a_tag() -> None:
    booked = Booked()
    deposit(booked, "1000", day(0))
    of_engine(booked, booked.buy("2", "20", day(1)), "a")
    of_engine(booked, booked.sell("2", "30", day(3)), "a")
    booked.buy("1", "10", day(12))
    booked.happen(Kind.EXCHANGE, day(5), symbol=BTC, quantity=units(1), to_symbol=ETH, to_quantity=units(1))
    prices = {of: dict.fromkeys(range(LAST + 1), "10") for of in (BTC, ETH)}
    assert rows(results(booked, prices, engine, end=8)[1]) == [("a", "10")]


def test_what_others_made_of_a_split_and_an_exchange_is_of_no_tag() -> None:
    booked = Booked()
    of_engine(booked, booked.buy("2", "20", day(1)), "a")
    split = booked.happen(Kind.SPLIT, day(3), symbol=BTC, ratio=Decimal(10))
    exchange = booked.happen(Kind.EXCHANGE, day(5), symbol=BTC, quantity=units(5), to_symbol=ETH, ratio=Decimal(1))
    period = TagPeriod(start=on(0), end=on(9))
    whole = sums_of(booked.entries, engine, period).by_tag["a"].at_end
    assert (whole[BTC], whole[ETH]) == (units(15), units(5))
    booked.entries[-2:] = [
        replace(split, transaction=replace(split.transaction, event=None)),
        replace(exchange, positions=exchange.positions[:1]),
    ]
    assert sums_of(booked.entries, engine, period).by_tag["a"].at_end[BTC] == units(2)


@pytest.mark.parametrize(("added", "of_b"), [("90", "50"), ("540", "500")])
def test_of_a_split_that_was_booked_late_nothing_is_of_what_was_bought_after_it(added: str, of_b: str) -> None:
    """Earlier programs booked it of all that was held by then: that goes on to those who held it."""
    booked = Booked()
    of_engine(booked, booked.buy("10", "100", day(1)), "a")
    of_engine(booked, booked.buy("50", "50", day(6)), "b")
    gone = of_engine(booked, booked.buy("7", "7", day(6)), "b")
    of_engine(booked, booked.reverse(gone, day(9)), "b")
    of_engine(booked, booked.buy("5", "5", day(8), symbol="ETH"), "b")
    booked.happen(Kind.SPLIT, day(3), symbol=BTC, ratio=Decimal(10), added=units(added))
    of_tag = sums_of(booked.entries, engine, TagPeriod(start=on(4), end=on(9), by_effect=True)).by_tag
    assert [of_tag[tag].at_end[BTC] for tag in ("a", "b", None)] == [units(100), units(of_b), units(0)]
    if added == "90":
        assert [of_tag[tag].at_start[BTC] for tag in ("a", "b", None)] == [units(100), units(0), units(0)]


def test_of_a_late_split_nothing_is_of_what_engines_made_after_it_though_that_adds_up_to_nothing() -> None:
    booked = Booked()
    of_engine(booked, booked.buy("20", "200", day(1)), "a")
    of_engine(booked, booked.buy("5", "5", day(6)), "b")
    of_engine(booked, booked.sell("5", "5", day(6)), "a")
    booked.happen(Kind.SPLIT, day(3), symbol=BTC, ratio=Decimal(10), added=units("180"))
    of_tag = sums_of(booked.entries, engine, TagPeriod(start=on(4), end=on(9), by_effect=True)).by_tag
    # of a 20 x 10 - 5, and of b 5
    assert [of_tag[tag].at_end[BTC] for tag in ("a", "b", None)] == [units(195), units(5), units(0)]


Dealt = tuple[int, int, int, int]
"""A trade: so many days after the first one, by which engine, so many, for so much each."""
DEALT = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(-9, 9).filter(bool), st.integers(1, 30)), max_size=9
)


@given(DEALT, st.integers(1, 12), st.sampled_from([2, 10]), st.booleans(), st.integers(0, 12))
def test_neither_a_split_nor_a_rename_changes_what_an_engine_brought(
    dealt: list[Dealt], at: int, ratio: int, is_renamed: bool, start: int
) -> None:
    found = []
    for becomes in (1, ratio):
        booked, name, units_of_old = Booked(), "BTC", 1
        deposit(booked, "10000", day(0))
        booked.buy("200", "2000", day(0))
        for when, by, quantity, each in sorted(dealt):
            if when >= at and units_of_old < becomes:
                units_of_old, name = becomes, _become(booked, day(at), becomes, is_renamed=is_renamed)
            side = Side.BUY if quantity > 0 else Side.SELL
            money_of = abs(quantity) * each
            trade = booked.trade(side, str(abs(quantity) * units_of_old), str(money_of), day(when), symbol=name)
            of_engine(booked, trade, f"{by}")
        if units_of_old < becomes:
            _become(booked, day(at), becomes, is_renamed=is_renamed)
        each_day = {n: (1 + n % 5) * 20 for n in range(LAST + 1)}
        before = {n: str(each) for n, each in each_day.items() if becomes == 1 or n < at}
        after = {n: str(each // becomes) for n, each in each_day.items() if n >= at}
        prices = {BTC: before, ETH: after} if is_renamed else {BTC: after | before}
        found.append(results(booked, prices, engine, start=start))
    assert found[0] == found[1]


def _become(booked: Booked, at: datetime, ratio: int, *, is_renamed: bool) -> str:
    """Have there be so many for one, under another name or not."""
    if not is_renamed:
        booked.happen(Kind.SPLIT, at, symbol=BTC, ratio=Decimal(ratio))
        return "BTC"
    held = booked.portfolio.position(BTC).quantity
    booked.happen(Kind.EXCHANGE, at, symbol=BTC, quantity=held, to_symbol=ETH, ratio=Decimal(ratio))
    return "ETH"


Deed = tuple[str, int, int, int]
KINDS = ["deposit", "withdraw", "BTC", "ETH", "-BTC", "-ETH", "transfer_in", "income"]
DEEDS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 12), st.integers(1, 50), st.integers(1, 9)),
    min_size=1,
    max_size=12,
)
PRICES = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=LAST + 1, max_size=LAST + 1)


@pytest.mark.unmeasured
@given(DEEDS, PRICES, st.integers(0, 12), st.integers(1, 12))
@example([("transfer_in", 0, 5, 3), ("BTC", 0, 2, 4)], [(7, 9)] * (LAST + 1), 0, 3)
def test_nothing_is_left_over_and_each_engine_has_what_the_model_says(
    deeds: list[Deed], walk: list[tuple[int, int]], start: int, length: int
) -> None:
    booked, of = Booked(), {"BTC": BTC, "ETH": ETH}
    for kind, at, amount, each in deeds:
        if kind == "deposit":
            deposit(booked, str(amount), day(at))
        elif kind == "withdraw":
            withdraw(booked, str(amount), day(at))
        elif kind == "transfer_in":
            value = money(amount * each)
            booked.happen(
                Kind.TRANSFER_IN, day(at), symbol=SOL, quantity=units(amount), value=value, basis=money(amount)
            )
        elif kind == "income":
            booked.happen(Kind.INCOME, day(at), symbol=SOL, quantity=units(amount), value=money(amount * each))
        else:
            side = Side.SELL if kind.startswith("-") else Side.BUY
            name = kind.removeprefix("-")
            trade = booked.trade(side, str(amount), str(amount * each), day(at), symbol=name)
            of_engine(booked, trade, f"{at % 2}")
    prices = {
        BTC: {n: str(one) for n, (one, _) in enumerate(walk)},
        ETH: {n: str(two) for n, (_, two) in enumerate(walk)},
        SOL: {n: str(one + two) for n, (one, two) in enumerate(walk)},
    }
    _, days = restated(booked.entries, closes(BTC=prices[BTC], ETH=prices[ETH], SOL=prices[SOL]), on(LAST))
    opening, measured = measured_days(days)
    if opening is None:
        return  # nothing of value was ever there
    finals = [opening, *(one for one in measured if one.day > opening.day)]
    start = min(start, len(finals) - 2)
    end = min(start + length, len(finals) - 1)
    total, by_symbol = results(booked, prices, symbol, start, end)
    assert sum((row.result for row in by_symbol), Money.zero()) == total
    assert [row for row in by_symbol if row.tag is None] == []

    first, last = (finals[place].day for place in (start, end))
    expected: defaultdict[str, Decimal] = defaultdict(Decimal)
    for kind, at, amount, each in deeds:
        name = kind.removeprefix("-")
        if name in of and on(at) <= last:
            quantity = -amount if kind.startswith("-") else amount
            now, then = (prices[of[name]].get((one - on(0)).days) for one in (last, first))
            before = on(at) <= first
            cost = quantity * (Decimal(then or 0) if before else each)
            expected[f"{at % 2}"] += quantity * Decimal(now or 0) - cost
    _, by_engine = results(booked, prices, engine, start, end)
    named = {row.tag: row.result.value for row in by_engine if row.tag is not None}
    assert named == {tag: result for tag, result in expected.items() if result or tag in named}
