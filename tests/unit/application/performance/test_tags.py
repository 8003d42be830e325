"""What each tag brought, against a model that adds up cash and worth on its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.performance.records import DayPositions, PositionOnDay
from portfolio.application.performance.tags.results import PeriodEnd, TagResult, results_of
from portfolio.application.performance.tags.sums import Tagged, TagPeriod, sums_of
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.application.ledger.test_lots import held, moved
from tests.unit.examples import money, price, units

START, END = day(0).date(), day(10).date()
PERIOD = TagPeriod(start=START, end=END)
BTC, ETH = Symbol("BTC"), Symbol("ETH")


def engine(one: Tagged) -> str | None:
    return one.engine if isinstance(one, Movement) else None


def tagged(booked: Booked, trade: Movement, tag: str | None) -> Movement:
    """The same trade, with the engine that reported it."""
    [place] = [i for i, entry in enumerate(booked.entries) if entry is trade]
    booked.entries[place] = marked = replace(trade, engine=tag)
    return marked


def position(quantity: str | Decimal, value: str | Decimal) -> PositionOnDay:
    return PositionOnDay(
        quantity=Quantity(Decimal(quantity)),
        market_value=Money(Decimal(value)),
        cost_basis=Money.zero(),
        realized_pnl=Money.zero(),
        is_priced=True,
    )


def end(positions: DayPositions, **prices: str) -> PeriodEnd:
    return PeriodEnd(positions=positions, prices={Symbol(name): price(text) for name, text in prices.items()})


def rows(results: list[TagResult]) -> list[tuple[str | None, str, str, int]]:
    return [(row.tag, str(row.cash), str(row.value), row.trades) for row in results]


def test_a_tag_brought_its_cash_and_what_its_assets_are_worth_more() -> None:
    booked = Booked()
    tagged(booked, booked.buy("2", "200", day(-1)), "a")
    tagged(booked, booked.sell("1", "180", day(5), fees="1"), "a")
    tagged(booked, booked.buy("3", "420", day(6)), "b")
    tagged(booked, booked.buy("1", "500", day(11)), "a")  # after the period
    sums = sums_of(booked.entries, engine, PERIOD)
    found = results_of(sums, end({BTC: position("2", "240")}), end({BTC: position("4", "600")}), money("119"))
    # a: 179, and 1 at 150 in the place of 2 at 120; b: 3 at 150
    assert rows(list(found)) == [("a", "179", "-90", 1), ("b", "-420", "450", 1)]
    assert [str(row.result) for row in found] == ["89", "30"]


def test_what_has_no_tag_is_the_rest() -> None:
    booked = Booked(held("5", "500"))
    booked.entries = [replace(Booked().buy("9", "9", day(-1)), engine="gone")]
    booked.adopt(day(-3))
    tagged(booked, booked.sell("1", "130", day(-9)), "a")  # of the day of the opening
    booked.buy("2", "250", day(5))
    booked.adjust(moved("1", "0"), day(6))
    sums = sums_of(booked.entries, engine, PERIOD)
    found = results_of(sums, end({BTC: position("4", "400")}), end({BTC: position("7", "910")}), money("260"))
    # a: short by 1, which rose from 100 to 130; the rest: 5 at 100 became 8 at 130, for 250
    assert rows(list(found)) == [("a", "0", "-30", 0), (None, "-250", "540", 1)]
    by_symbol = sums_of(booked.entries, lambda one: one.symbol.code, PERIOD)
    found = results_of(by_symbol, end({BTC: position("4", "400")}), end({BTC: position("7", "910")}), money("260"))
    assert rows(list(found)) == [("BTC", "-250", "510", 1)]


def test_a_reversal_takes_its_trade_out_of_its_tag() -> None:
    booked = Booked()
    wrong = tagged(booked, booked.buy("2", "200", day(5)), "a")
    booked.reverse(wrong, day(20))
    sums = sums_of(booked.entries, engine, PERIOD)
    assert not results_of(sums, end({}), end({}), Money.zero())


def test_what_one_engine_bought_and_another_sold_has_the_price_that_is_given() -> None:
    booked = Booked()
    tagged(booked, booked.buy("2", "200", day(5)), "a")
    tagged(booked, booked.sell("2", "220", day(6)), "b")
    sums = sums_of(booked.entries, engine, PERIOD)
    nothing, closed = end({}), {BTC: position("0", "0")}
    assert end(closed).unpriced(one.at_end for one in sums.named.values()) == {BTC}
    found = results_of(sums, nothing, end(closed, BTC="150"), money("20"))
    assert rows(list(found)) == [("a", "-200", "300", 1), ("b", "220", "-300", 1)]
    # of next to nothing, the position's value tells no price
    dust = end({BTC: position("0.000001", "0.0002")})
    assert dust.unpriced(one.at_end for one in sums.named.values()) == {BTC}
    assert not end({BTC: position("0.000002", "0.0004")}).unpriced(one.at_end for one in sums.named.values())
    # without any price nobody knows, and the rest has the difference
    found = results_of(sums, nothing, end(closed), money("20"))
    assert rows(list(found)) == [("b", "220", "0", 1), ("a", "-200", "0", 1)]


Wish = tuple[str | None, str, int, int, int]
WISHES = st.lists(
    st.tuples(
        st.sampled_from([None, "a", "b", "c"]),
        st.sampled_from(["BTC", "ETH"]),
        st.integers(-(10**6), 10**6).filter(bool),  # millionths
        st.integers(1, 10**6),  # cents
        st.integers(-10, 12),
    ),
    max_size=20,
)
PRICES = st.tuples(*[st.integers(1, 10**6)] * 4)  # cents


@given(WISHES, PRICES)
@example([("a", "BTC", 5, 7, 3), ("b", "BTC", -5, 9, 4), (None, "ETH", 1, 1, -1)], (1, 2, 3, 4))
def test_the_rows_add_up_to_the_portfolios_result(wishes: list[Wish], cents: tuple[int, int, int, int]) -> None:
    booked = Booked()
    for tag, symbol, quantity, amount, at in wishes:
        trade = booked.buy if quantity > 0 else booked.sell
        size = str(Decimal(abs(quantity)).scaleb(-6))
        tagged(booked, trade(size, str(Decimal(amount).scaleb(-2)), day(at), symbol=symbol), tag)
    prices = {
        (Symbol(symbol), on): Decimal(cents[2 * i + j]).scaleb(-2)
        for i, symbol in enumerate(("BTC", "ETH"))
        for j, on in enumerate((START, END))
    }
    expected: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for entry in booked.entries:
        assert isinstance(entry, Movement)
        expected[entry.engine] += _brought(entry, prices)
    ends = [
        end(_positions(booked, on, prices), **{s.code: str(p) for (s, at), p in prices.items() if at == on})
        for on in (START, END)
    ]
    total = Money(sum(expected.values(), Decimal(0)))
    found = results_of(sums_of(booked.entries, engine, PERIOD), ends[0], ends[1], total)
    assert sum((row.result for row in found), Money.zero()) == total
    told = {row.tag: row.result.value for row in found}
    assert {tag: told.get(tag, 0) for tag in expected} == expected
    assert told.keys() <= expected.keys()


def _brought(trade: Movement, prices: Mapping[tuple[Symbol, date], Decimal]) -> Decimal:
    """What one trade added to the portfolio's result of the period."""
    on, quantity = trade.executed_at.date(), trade.quantity_delta.value
    worth = quantity * prices[trade.symbol, END]
    if on <= START:
        return worth - quantity * prices[trade.symbol, START]
    return trade.cash_delta.value + worth if on <= END else Decimal(0)


def _positions(booked: Booked, on: date, prices: Mapping[tuple[Symbol, date], Decimal]) -> DayPositions:
    until = [e for e in booked.entries if isinstance(e, Movement) and e.executed_at.date() <= on]
    quantities = {s: sum((e.quantity_delta.value for e in until if e.symbol == s), Decimal(0)) for s in (BTC, ETH)}
    return {s: position(q, q * prices[s, on]) for s, q in quantities.items()}


def test_days_are_utc_days_and_what_is_said_to_come_is_of_its_booking() -> None:
    booked = Booked()
    late = tagged(booked, booked.buy("1", "100", day(300)), "a")  # booked on day 100
    sums = sums_of(booked.entries, engine, TagPeriod(start=START, end=day(100).date()))
    assert (sums.by_tag["a"].trades, late.booked_at) == (1, day(0) + timedelta(days=100))
    assert units("1") == sums.by_tag["a"].at_end[BTC]


def symbol(one: Tagged) -> str | None:
    return one.symbol.code


def test_of_an_event_what_came_and_left_is_no_result_and_what_it_earned_is_one() -> None:
    booked = Booked()
    booked.happen(Kind.TRANSFER_IN, day(5), symbol=BTC, quantity=units(1), value=money(100))
    booked.happen(Kind.INCOME, day(6), symbol=ETH, quantity=units(2), value=money(30), label="staking")
    booked.happen(Kind.INCOME, day(-6), symbol=ETH, quantity=units(1), value=money(10), label="staking")
    sums = sums_of(booked.entries, symbol, PERIOD)
    found = results_of(
        sums, end({ETH: position("1", "10")}), end({BTC: position("1", "120"), ETH: position("3", "60")}), money("70")
    )
    # the bitcoin rose from 100 to 120; ether came for nothing, and is worth 20 each
    assert rows(list(found)) == [("ETH", "0", "50", 0), ("BTC", "-100", "120", 0)]
