"""Results by tag on restated days, against a model of their own: nothing is left over, whatever came in when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
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


def of_engine(booked: Booked, trade: Movement, name: str) -> Movement:
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
