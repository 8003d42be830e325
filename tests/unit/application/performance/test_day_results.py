"""What a day brought, in numbers that can be followed by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext

from portfolio.application.performance.day_results import (
    daily_value,
    day_result,
    flow_since,
    results_with_final,
)
from portfolio.application.performance.records import DailyValue, DayResult, MeasuredDay
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.units import Units
from tests.unit.examples import money


def value(total: str, unit: str | None, deposits: str | None = None, all_before: str | None = None) -> DailyValue:
    """A day's end."""
    return DailyValue(
        day=at(1),
        total_value=money(total),
        cash=money(0),
        unit_value=None if unit is None else Decimal(unit),
        net_deposits=None if deposits is None else money(deposits),
        result=None if all_before is None else result("0", "0", all_before),
    )


def day(total: str, unit: str) -> MeasuredDay:
    """The end of the day whose result is asked."""
    return MeasuredDay(at(2), money(total), money(0), Decimal(unit))


def result(pnl: str, percent: str, cumulative: str) -> DayResult:
    """A day's result."""
    return DayResult(pnl=money(pnl), percent=Decimal(percent), cumulative_percent=Decimal(cumulative))


def test_the_first_day_is_told_from_what_was_paid_in() -> None:
    # 110 are there of 100 paid in; a unit began at 1
    assert day_result(day("110", "1.1"), money(100), None) == result("10", "10", "10")


def test_a_deposit_is_no_result() -> None:
    # 110 and 50 paid in make 160; 176 are there: 16, and the unit grew by a tenth; 1.1 x 1.1 = 1.21
    found = day_result(day("176", "1.21"), money(50), value("110", "1.1", "100", "10"))
    assert found == result("16", "10", "21")


def test_after_a_day_without_a_unit_value_the_result_is_on_that_days_value() -> None:
    assert day_result(day("99", "3"), money(0), value("90", None)) == result("9", "10", "10")


def test_where_units_began_anew_the_result_is_on_the_value_of_the_day_before() -> None:
    # 90,000 are lost but for a trifle, then 10,000 are paid in: a unit of 1e-12 is one of 1
    assert day_result(day("10000", "1"), money(10_000), value("90000", "1e-12")) == result("-90000", "-100", "-100")


def test_percentages_have_eight_decimals_whatever_context_is_current() -> None:
    with localcontext(prec=3):
        found = day_result(day("4", "4"), money(0), value("3", "3", "3", "0"))
    assert found == result("1", "33.33333333", "33.33333333")


def test_after_a_worthless_day_nothing_is_divided() -> None:
    assert day_result(day("5", "1"), money(5), value("0", None)) == result("0", "0", "0")


def test_what_was_paid_in_is_counted_from_the_day_before_where_that_is_known() -> None:
    assert flow_since(value("1", "1", "70"), money(100)) == money(30)
    assert flow_since(value("1", "1"), money(100)) == flow_since(None, money(100)) == money(100)


def at(number: int) -> date:
    """A day in March."""
    return date(2026, 3, number)


def filled(number: int, total: str, unit: str, deposits: str) -> DailyValue:
    """A day that nothing was recorded on."""
    return DailyValue(
        day=at(number),
        total_value=money(total),
        cash=money(total),
        unit_value=Decimal(unit),
        net_deposits=money(deposits),
    )


def test_filled_days_are_linked_and_the_day_after_them_is_told_anew() -> None:
    # 100, 110, 160 with 50 paid in, 176, and 88: a tenth more, a deposit, a tenth more, and half of it lost
    gap = {at(2): filled(2, "110", "1.1", "100"), at(3): filled(3, "160", "1.1", "150")}
    known = {at(4): value("176", "1.21", "150", "21"), at(5): value("88", "0.605", "150", "-39.5")}
    found = results_with_final(gap, known, value("100", "1", "100", "0"))
    # the 5th is two days after the gap: it stays
    assert found == {at(2): result("10", "10", "10"), at(3): result("0", "0", "10"), at(4): result("16", "10", "21")}


def test_a_known_day_between_two_gaps_is_told_anew_and_links_the_second() -> None:
    gap = {at(2): filled(2, "110", "1.1", "100"), at(4): filled(4, "242", "2.42", "100")}
    # what all days brought until the 3rd stays as it was recorded, and the 4th is linked to it: 1.5 x 2 = 3
    found = results_with_final(gap, {at(3): value("121", "1.21", "100", "50")}, value("100", "1", "100", "0"))
    assert found == {
        at(2): result("10", "10", "10"),
        at(3): result("11", "10", "50"),
        at(4): result("121", "100", "200"),
    }


def test_a_known_day_from_before_the_adoption_is_not_told_anew() -> None:
    gap = {at(2): filled(2, "110", "1.1", "100")}
    found = results_with_final(gap, {at(3): value("121", None)}, value("100", "1", "100", "0"))
    assert found == {at(2): result("10", "10", "10")}


def test_without_a_day_before_the_first_filled_one_is_told_from_what_was_paid_in() -> None:
    assert results_with_final({at(2): filled(2, "110", "1.1", "100")}, {}, None) == {at(2): result("10", "10", "10")}
    assert results_with_final({}, {at(3): value("1", "1", "1", "0")}, None) == {}


def test_a_day_keeps_the_portfolio_with_its_sums() -> None:
    units = Units(count=Decimal(100), last_value=Decimal(1))
    portfolio = Portfolio(id=1, cash=money(125), net_deposits=money(100), realized_pnl=money(25), units=units)
    assert daily_value(portfolio, at(2)) == DailyValue(
        day=at(2),
        total_value=money(125),
        cash=money(125),
        unit_value=Decimal("1.25"),
        net_deposits=money(100),
        realized_pnl=money(25),
    )
