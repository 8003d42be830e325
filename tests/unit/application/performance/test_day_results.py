"""What a day brought, in numbers that can be followed by hand."""

from __future__ import annotations

from decimal import Decimal, localcontext

from portfolio.application.performance.day_results import DayResult, DayValue, day_result, flow_since


def value(total: str, unit: str | None, deposits: str | None = None, all_before: str | None = None) -> DayValue:
    """A day's end."""
    return DayValue(
        total_value=Decimal(total),
        unit_value=None if unit is None else Decimal(unit),
        net_deposits=None if deposits is None else Decimal(deposits),
        cumulative_percent=None if all_before is None else Decimal(all_before),
    )


def result(pnl: str, percent: str, cumulative: str) -> DayResult:
    """A day's result."""
    return DayResult(pnl=Decimal(pnl), percent=Decimal(percent), cumulative_percent=Decimal(cumulative))


def test_the_first_day_is_told_from_what_was_paid_in() -> None:
    # 110 are there of 100 paid in; a unit began at 1
    assert day_result(Decimal(110), Decimal("1.1"), Decimal(100), None) == result("10", "10", "10")


def test_a_deposit_is_no_result() -> None:
    # 110 and 50 paid in make 160; 176 are there: 16, and the unit grew by a tenth; 1.1 x 1.1 = 1.21
    found = day_result(Decimal(176), Decimal("1.21"), Decimal(50), value("110", "1.1", "100", "10"))
    assert found == result("16", "10", "21")


def test_after_a_day_without_a_unit_value_the_result_is_on_that_days_value() -> None:
    assert day_result(Decimal(99), Decimal(3), Decimal(0), value("90", None)) == result("9", "10", "10")


def test_percentages_have_eight_decimals_whatever_context_is_current() -> None:
    with localcontext(prec=3):
        found = day_result(Decimal(4), Decimal(4), Decimal(0), value("3", "3", "3", "0"))
    assert found == result("1", "33.33333333", "33.33333333")


def test_after_a_worthless_day_nothing_is_divided() -> None:
    assert day_result(Decimal(5), Decimal(1), Decimal(5), value("0", None)) == result("0", "0", "0")


def test_what_was_paid_in_is_counted_from_the_day_before_where_that_is_known() -> None:
    assert flow_since(value("1", "1", "70"), Decimal(100)) == Decimal(30)
    assert flow_since(value("1", "1"), Decimal(100)) == flow_since(None, Decimal(100)) == Decimal(100)
