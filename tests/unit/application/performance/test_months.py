"""Months and years: each is the period between its ends, whole or not, and they link to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.performance.benchmark import Benchmark
from portfolio.application.performance.records import MeasuredDay
from portfolio.application.performance.series.months import CalendarPeriod, months_of, years_of
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.unit.examples import money

UNITS = st.decimals("0.01", "100", places=4)


def benchmark(closes: dict[date, float] | None = None) -> Benchmark:
    return Benchmark(symbol=Symbol("BTC"), closes=closes or {}, is_known=True, is_current=True)


def days(first: date, units: Sequence[str | Decimal]) -> list[MeasuredDay]:
    """One day after the other, of 1000 units."""
    return [
        MeasuredDay(first + timedelta(days=n), Money.rounded(Decimal(unit) * 1000), money(1000), Decimal(unit))
        for n, unit in enumerate(units)
    ]


def ends(periods: Sequence[CalendarPeriod]) -> list[tuple[str, str, str, bool]]:
    return [(one.name, str(one.start), str(one.end), one.is_whole) for one in periods]


def test_a_month_is_from_the_end_of_the_last_one_to_its_own() -> None:
    found = months_of(days(date(2025, 12, 31), ["1"] * 31 + ["2"] + ["2"] * 28 + ["3"]), benchmark())
    assert ends(found) == [
        ("2026-01", "2025-12-31", "2026-01-31", True),
        ("2026-02", "2026-01-31", "2026-02-28", True),
        ("2026-03", "2026-02-28", "2026-03-01", False),
    ]
    assert [one.return_percent for one in found] == [Decimal(100), Decimal(0), Decimal(50)]
    assert [one.total_return for one in found] == [money(1000), money(0), money(1000)]


def test_what_begins_or_ends_within_is_not_whole() -> None:
    first = days(date(2026, 1, 10), ["1"] * 21 + ["4"])  # until 31 January
    assert ends(months_of(first, benchmark())) == [("2026-01", "2026-01-10", "2026-01-31", False)]
    assert ends(years_of(first, benchmark())) == [("2026", "2026-01-10", "2026-01-31", False)]
    year = days(date(2024, 12, 31), ["1"] * 365 + ["2"])
    assert ends(years_of(year, benchmark())) == [("2025", "2024-12-31", "2025-12-31", True)]


@pytest.mark.parametrize("count", [0, 1])
def test_of_fewer_than_two_days_there_is_no_period(count: int) -> None:
    assert months_of(days(date(2026, 1, 31), ["1"] * count), benchmark()) == []


def test_a_period_without_a_value_at_one_end_has_no_return_and_says_which() -> None:
    finals = [day for day in days(date(2025, 12, 30), ["1"] * 64) if day.day != date(2026, 1, 31)]
    found = months_of(finals, benchmark())
    assert [one.reasons.get("return_percent") for one in found] == [
        None, "no_value_at_end", "no_value_at_start", None,
    ]  # fmt: skip
    assert [one.total_return is None for one in found] == [False, True, True, False]


def test_a_month_with_a_day_worth_nothing_has_money_and_no_percent() -> None:
    finals = days(date(2026, 1, 31), ["1", "-1", "2"])
    [month] = months_of(finals, benchmark())
    assert (month.return_percent, month.reasons["return_percent"]) == (None, "value_not_positive")
    assert month.total_return == money(1000)


def test_the_benchmark_is_of_the_same_two_days() -> None:
    finals = days(date(2026, 1, 31), ["1"] * 3)
    [month] = months_of(finals, benchmark({date(2026, 1, 31): 100.0, date(2026, 2, 2): 110.0}))
    assert month.benchmark_return_percent == Decimal(10)
    for closes, side in (({date(2026, 2, 2): 1.0}, "start"), ({date(2026, 1, 31): 1.0}, "end")):
        [month] = months_of(finals, benchmark(closes))
        assert month.benchmark_return_percent is None
        assert month.reasons["benchmark_return_percent"] == f"no_benchmark_close_at_{side}"


@given(st.lists(UNITS, min_size=2, max_size=150), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_months_and_years_link_to_the_whole_and_their_money_adds_up(units: list[Decimal], first: date) -> None:
    finals = days(first, units)
    for periods in (months_of(finals, benchmark()), years_of(finals, benchmark())):
        assert [one.start for one in periods[1:]] == [one.end for one in periods[:-1]]
        assert (periods[0].start, periods[-1].end) == (finals[0].day, finals[-1].day)
        growth = 1.0
        total = money(0)
        for one in periods:
            assert one.return_percent is not None
            assert one.total_return is not None
            growth *= 1 + float(one.return_percent) / 100
            total = total + one.total_return
        assert growth == pytest.approx(float(units[-1] / units[0]), rel=1e-3)
        assert total == finals[-1].total_value - finals[0].total_value
