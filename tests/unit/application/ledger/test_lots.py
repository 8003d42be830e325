"""Lots and gains: worked examples, and any sequence of trades against an independent model."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.application.ledger.cash_records import PositionAdjustment
from portfolio.application.ledger.lots.movement import Movement
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.lots.records import Disposal, Lot, LotBook, LotMethod
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.application.ledger.lot_model import Event, LotModel
from tests.unit.domain.ledger.ledger_model import ONE, exact
from tests.unit.examples import NOON, funded, money, units

BTC = Symbol("BTC")
BY_LOTS = [method for method in LotMethod if method is not LotMethod.AVERAGE]
ALL = list(LotMethod)


def rows(book: LotBook) -> list[tuple[str, str, str, int | None]]:
    """What was realized: quantity, proceeds, basis, days held."""
    return [(str(one.quantity), str(one.proceeds), str(one.basis), one.days_held) for one in book.disposals]


def left(book: LotBook) -> list[tuple[str, str]]:
    """What is left: quantity and basis."""
    return [(str(lot.quantity), str(lot.basis)) for lot in book.lots]


def balance(book: LotBook) -> Money:
    """What was realized less what is left of the basis."""
    gains = sum((one.gain for one in book.disposals), Money.zero())
    return gains - sum((lot.basis for lot in book.lots), Money.zero())


@pytest.fixture
def three_lots() -> Booked:
    """One at 100 with 1 of fees, one at 300, one at 200; 1.5 are sold for 600 less 3 of fees."""
    booked = Booked()
    booked.buy("1", "100", day(0), fees="1")
    booked.buy("1", "300", day(10))
    booked.buy("1", "200", day(20))
    booked.sell("1.5", "600", day(400), fees="3")
    return booked


@pytest.mark.parametrize(
    ("method", "realized", "remaining"),
    [
        # 597 for 1.5: 398 of it for the whole lot, 199 for the half of the next
        ("fifo", [("1", "398", "101", 400), ("0.5", "199", "150", 390)], [("0.5", "150"), ("1", "200")]),
        ("lifo", [("1", "398", "200", 380), ("0.5", "199", "150", 390)], [("1", "101"), ("0.5", "150")]),
        ("hifo", [("1", "398", "300", 390), ("0.5", "199", "100", 380)], [("1", "101"), ("0.5", "100")]),
        # half of 601
        ("average", [("1.5", "597", "300.5", None)], [("1.5", "300.5")]),
    ],
)
def test_each_method_takes_its_own_lots_first(three_lots: Booked, method: str, realized: Any, remaining: Any) -> None:
    book = three_lots.lots(LotMethod(method))
    assert (rows(book), left(book)) == (realized, remaining)
    assert balance(book) == money("-4")  # 597 - 101 - 300 - 200


def test_a_lot_says_which_trade_it_is_of_and_a_disposal_which_two(three_lots: Booked) -> None:
    book = three_lots.lots(LotMethod.FIFO)
    assert [(lot.trade_id, lot.acquired_at) for lot in book.lots] == [(2, day(10)), (3, day(20))]
    assert [(one.acquired_by, one.disposed_by) for one in book.disposals] == [(1, 4), (2, 4)]
    assert {one.realized_at for one in book.disposals} == {day(400)}


def test_of_equal_costs_the_older_lot_is_sold_first() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.buy("3", "300", day(1))
    booked.sell("1", "150", day(2))
    assert [one.acquired_at for one in booked.lots(LotMethod.HIFO).disposals] == [day(0)]


def test_of_equal_costs_the_older_lot_is_sold_first_to_its_end() -> None:
    booked = Booked()
    for at in range(2):
        booked.buy("3", "2", day(at))
    booked.sell("1", "1", day(2))  # 0.666666666666666667 of 2: what is left cost a little less a unit
    booked.sell("1", "1", day(3))
    assert [one.acquired_at for one in booked.lots(LotMethod.HIFO).disposals] == [day(0), day(0)]


def test_the_last_slice_is_what_the_others_left() -> None:
    booked = Booked()
    booked.buy("3", "1", day(0))
    for at in (1, 2, 3):
        booked.sell("1", "1", day(at))
    # 1/3 rounds down; half of what is left, 0.666666666666666667, to the even digit
    third, half = "0.333333333333333333", "0.333333333333333334"
    assert [str(one.basis) for one in booked.lots(LotMethod.FIFO).disposals] == [third, half, third]


def test_trades_count_in_the_order_of_their_own_times_and_equal_ones_as_they_were_booked() -> None:
    booked = Booked()
    booked.buy("1", "200", day(5))
    booked.buy("1", "100", day(1))
    booked.buy("1", "300", day(5))
    booked.sell("2", "900", day(9))
    book = booked.lots(LotMethod.FIFO)
    assert [str(one.basis) for one in book.disposals] == ["100", "200"]
    assert left(book) == [("1", "300")]
    assert left(booked.lots(LotMethod.FIFO, day(5))) == [("1", "100"), ("1", "200"), ("1", "300")]
    assert left(booked.lots(LotMethod.FIFO, day(4))) == [("1", "100")]


def test_what_is_sold_before_it_was_bought_is_a_short_lot() -> None:
    booked = Booked()
    booked.sell("2", "500", day(1))
    booked.buy("3", "600", day(7))
    for method in BY_LOTS:
        book = booked.lots(method)
        [row] = book.disposals
        assert (str(row.proceeds), str(row.basis), str(row.quantity)) == ("500", "400", "2")
        assert (row.acquired_at, row.disposed_at, row.realized_at, row.days_held) == (day(7), day(1), day(7), 0)
        assert (row.acquired_by, row.disposed_by) == (2, 1)
        assert left(book) == [("1", "200")]
    [row] = booked.lots(LotMethod.AVERAGE).disposals
    assert (str(row.proceeds), str(row.basis), str(row.gain)) == ("500", "400", "100")


def test_a_sale_of_more_than_is_held_closes_and_opens() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.sell("4", "800", day(1))
    for method in ALL:
        book = booked.lots(method)
        assert [(str(one.proceeds), str(one.basis)) for one in book.disposals] == [("200", "100")]
        assert left(book) == [("-3", "-600")]


def test_a_reversal_takes_its_trade_out_at_the_time_of_the_trade() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    wrong = booked.sell("1", "500", day(1))
    booked.reverse(wrong, day(8))
    booked.sell("1", "150", day(9))
    for method in ALL:
        [row] = booked.lots(method).disposals
        assert (str(row.gain), row.realized_at) == ("50", day(9))
    assert left(booked.lots(LotMethod.FIFO, day(3))) == [("1", "100")]


def test_what_averages_moved_between_a_sale_and_its_reversal_is_realized_with_the_average_alone() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    sale = booked.sell("0.5", "100", day(1))
    booked.buy("0.5", "100", day(2))
    booked.sell("1", "150", day(3))  # nothing is held: the reversal gives back the basis of 50
    booked.reverse(sale, day(4))
    booked.sell("0.5", "80", day(5))
    held = booked.portfolio.position(BTC)
    average = booked.lots(LotMethod.AVERAGE)
    assert sum((one.gain for one in average.disposals), Money.zero()) == held.realized_pnl
    assert {balance(booked.lots(method)) for method in ALL} == {held.realized_pnl}


def test_a_purchase_taken_back_but_for_a_rounding_leaves_its_dust_at_no_cost() -> None:
    booked = Booked()
    bought = booked.buy("10", "100", day(0))
    booked.sell("0.000000000001", "1", day(1))
    booked.reverse(bought, day(2))  # 1e-12 of the ten are missing, and all that is held goes
    assert not booked.portfolio.position(BTC).quantity
    book = booked.lots(LotMethod.FIFO)
    assert rows(book) == [("0.000000000001", "1", "0", 1)]
    assert not book.lots


def test_a_reversal_without_its_trade_stands_for_itself() -> None:
    booked = Booked()
    booked.buy("2", "200", day(0))
    sale = booked.sell("1", "150", day(1))
    booked.reverse(sale, day(2))
    booked.entries = [entry for entry in booked.entries if entry.revision != sale.revision]
    assert left(booked.lots(LotMethod.FIFO)) == [("2", "200"), ("1", "150")]


# --- baselines and adjustments ----------------------------------------------------------------------------------------


def held(quantity: str, basis: str, realized: str = "0") -> Portfolio:
    position = Position(symbol=BTC, quantity=units(quantity), cost_basis=money(basis), realized_pnl=money(realized))
    return Portfolio(id=1, positions={BTC: position})


def moved(quantity: str, basis: str | None, realized: str = "0") -> PositionAdjustment:
    return PositionAdjustment(
        symbol=BTC,
        quantity_delta=units(quantity),
        cost_basis_delta=None if basis is None else money(basis),
        realized_delta=None if basis is None else money(realized),
    )


def test_a_baseline_begins_anew_and_nobody_knows_when_its_lots_were_acquired() -> None:
    booked = Booked(held("2", "300", "77"))
    booked.entries = [Booked().buy("5", "1", day(0))]
    booked.adopt(day(10))
    booked.sell("1", "200", day(5))  # of before: the two were there all the same
    for method in ALL:
        book = booked.lots(method)
        [row] = book.disposals
        assert (row.acquired_at, row.days_held, row.acquired_by, str(row.gain)) == (None, None, None, "50")
        assert row.realized_at == day(5)
        assert [(str(lot.quantity), str(lot.basis), lot.acquired_at) for lot in book.lots] == [("1", "150", None)]
        assert left(booked.lots(method, day(4))) == [("2", "300")]


def test_an_adjustment_buys_or_sells_what_another_program_wrote() -> None:
    booked = Booked()
    booked.buy("2", "200", day(0))
    booked.buy("2", "400", day(1))
    booked.adjust(moved("-1", "-150", "30"), day(2))  # it sold for 180
    booked.adjust(moved("1", "500", "20"), day(3))  # it bought for 500, and realized 20 besides
    for method, basis in ((LotMethod.FIFO, "100"), (LotMethod.LIFO, "200"), (LotMethod.AVERAGE, "150")):
        book = booked.lots(method)
        assert rows(book) == [
            ("1", "180", basis, None if method is LotMethod.AVERAGE else 2 if method is LotMethod.FIFO else 1),
            ("0", "20", "0", None),
        ]
    assert {balance(booked.lots(method)) for method in ALL} == {money("-900")}  # 180 + 20 - 600 - 500


def test_a_cost_that_was_corrected_is_spread_over_the_lots() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.buy("3", "300", day(1))
    booked.adjust(moved("0", "40"), day(2))
    booked.sell("1", "150", day(3))
    assert left(booked.lots(LotMethod.FIFO)) == [("3", "330")]
    assert {balance(booked.lots(method)) for method in ALL} == {money("-290")}


@pytest.mark.parametrize("quantities", [("1", "2"), ("2", "1"), ("4", "3")])
@pytest.mark.parametrize("correction", ["1", "-1"])
def test_of_equal_costs_the_older_lot_is_sold_first_though_the_cost_was_corrected(
    quantities: tuple[str, str], correction: str
) -> None:
    """A third of a dollar is not so much to the last digit for one unit as for two."""
    booked = Booked()
    for at, quantity in enumerate(quantities):
        booked.buy(quantity, str(int(quantity) * 100), day(at))
    booked.adjust(moved("0", correction), day(2))
    booked.sell("0.1", "1", day(3))
    assert [one.acquired_at for one in booked.lots(LotMethod.HIFO).disposals] == [day(0)]


def test_a_cost_that_was_corrected_where_nothing_is_held_is_realized() -> None:
    booked = Booked()
    booked.adjust(moved("0", "-40"), day(2))
    assert rows(booked.lots(LotMethod.FIFO)) == [("0", "40", "0", None)]


def test_what_others_wrote_into_a_basis_is_gone_with_the_last_of_the_quantity() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    row = replace(booked.portfolio.position(BTC), cost_basis=money(120))
    booked.portfolio = replace(booked.portfolio, positions={BTC: row})
    booked.sell("1", "150", day(1))
    booked.buy("1", "50", day(2))
    book = booked.lots(LotMethod.AVERAGE)
    assert (rows(book), left(book)) == ([("1", "150", "120", None)], [("1", "50")])


def test_what_only_another_program_had_entered_is_sold_all_the_same() -> None:
    booked = Booked(held("1", "60"))
    booked.sell("1", "100", day(0))
    assert rows(booked.lots(LotMethod.AVERAGE)) == [("1", "100", "60", None)]


def test_a_baseline_that_does_not_say_its_cost_has_what_is_lacking() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(0), moved("4", None))
    booked.sell("1", "150", day(1))
    for method in ALL:
        book = booked.lots(method)
        assert (rows(book), left(book)) == ([("1", "150", "100", None)], [("3", "300")])
        assert [lot.is_assumed for lot in book.lots] == [True]
        assert [one.is_assumed for one in book.disposals] == [method is not LotMethod.AVERAGE]


def test_a_cost_that_no_entry_says_is_settled_when_all_of_it_is_sold() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(0), moved("4", None))
    booked.sell("4", "600", day(1))
    booked.buy("1", "50", day(2))
    for method in ALL:
        book = booked.lots(method)
        assert (rows(book), left(book)) == ([("4", "600", "400", None)], [("1", "50")])


# --- any sequence -----------------------------------------------------------------------------------------------------

Operation = tuple[str, int, int, int, int]
AMOUNTS = st.one_of(st.integers(1, 9), st.integers(1, 10**6 * ONE), st.integers(1, 500).map(lambda n: n * ONE // 100))
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["buy", "buy", "sell", "part", "reverse"]), AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 9)),
    max_size=25,
)


@pytest.mark.unmeasured
@given(OPERATIONS)
@example([("buy", 3 * ONE, ONE, 1, 3), ("buy", ONE, 7, 0, 1), ("part", 33, ONE, 2, 2), ("reverse", 0, 1, 1, 0)])
def test_any_trades_make_the_lots_of_the_model(operations: list[Operation]) -> None:
    booked, standing = Booked(), list[Movement]()
    for kind, quantity, amount, fees, minute in operations:
        at = NOON + timedelta(minutes=minute)
        with suppress(DomainError):  # out of range, or nothing to take back
            do(booked, standing, kind, quantity, amount, fees % 1_000, at)
    position = booked.portfolio.position(BTC)
    cash = sum((entry.cash_delta for entry in booked.entries if isinstance(entry, Movement)), Money.zero())
    average = booked.lots(LotMethod.AVERAGE)
    assert sum((one.gain for one in average.disposals), Money.zero()) == position.realized_pnl
    assert sum((lot.quantity for lot in average.lots), Quantity.zero()) == position.quantity
    assert sum((lot.basis for lot in average.lots), Money.zero()) == position.cost_basis
    assert balance(average) == cash
    for method in BY_LOTS:
        book, model = booked.lots(method), LotModel.of(events_of(booked), method.value)
        assert balance(book) == cash
        assert [_lot(lot) for lot in book.lots] == [(o.at, exact(o.quantity), exact(o.basis)) for o in model.lots]
        assert [_row(one) for one in book.disposals] == [
            (s.acquired, s.disposed, exact(s.quantity), exact(s.proceeds), exact(s.basis)) for s in model.sold
        ]


def do(  # shape: an operation
    booked: Booked, standing: list[Movement], kind: str, quantity: int, amount: int, fees: int, at: datetime
) -> None:
    if kind == "reverse":
        if standing:
            booked.reverse(standing[quantity % len(standing)], at)
            standing.pop(quantity % len(standing))
        return
    if kind == "part":
        held = booked.portfolio.position(BTC).quantity.value
        quantity = int(abs(held).scaleb(18)) * (quantity % 101) // 100 or 1
    trade = booked.buy if kind == "buy" else booked.sell
    standing.append(trade(str(exact(quantity)), str(exact(amount)), at, fees=str(exact(fees))))


def events_of(booked: Booked) -> list[Event]:
    """What stands of the trades: a reversed one is gone, but for the dust of a purchase that was not all there."""
    trades = {entry.id: entry for entry in booked.entries if isinstance(entry, Movement)}
    events: dict[int, Event] = {}
    for trade in trades.values():
        own = trades[trade.id if trade.reverses is None else trade.reverses]
        event = events.setdefault(own.id, Event(own.executed_at, own.revision, 0, 0))
        event.quantity += int(trade.quantity_delta.value.scaleb(18))
        event.cash += int(trade.cash_delta.value.scaleb(18))
    return list(events.values())


def _lot(lot: Lot) -> tuple[datetime | None, Decimal, Decimal]:
    return lot.acquired_at, lot.quantity.value, lot.basis.value


def _row(one: Disposal) -> tuple[datetime | None, datetime | None, Decimal, Decimal, Decimal]:
    return one.acquired_at, one.disposed_at, one.quantity.value, one.proceeds.value, one.basis.value


def test_unit_costs_that_differ_far_behind_the_point_are_told_apart() -> None:
    """n/(n + 1) grows with n: of n = 1e37 - 2 it is more than of n = 1e37 - 3, by 1e-74."""
    booked = Booked(funded("5e19"))
    for at, n in enumerate(("9999999999999999999.99999999999999999{}", "9999999999999999999.99999999999999999{}")):
        booked.buy(n.format(8 + at), n.format(7 + at), day(at))
    booked.sell("1", "1", day(2))
    assert [one.acquired_at for one in booked.lots(LotMethod.HIFO).disposals] == [day(1)]
