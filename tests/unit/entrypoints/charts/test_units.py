"""Numbers of charts: short by magnitude, and ticks of one axis told apart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import DOLLARS, FRACTION, PERCENT, PLAIN
from portfolio.entrypoints.charts.scales import linear_axis
from tests.unit.entrypoints.charts.reading import value_of


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "$0"), (1, "$1"), (999, "$999"), (999.6, "$1k"), (1234, "$1.23k"), (12_345, "$12.3k"), (1e6, "$1M"),
     (-1_500_000, "−$1.5M"), (2.5e9, "$2.5B"), (7e12, "$7T"), (0.00012345, "$0.000123"), (1.5e-9, "$1.5e-09"),
     (3e20, "$3e+20"), (Decimal("0.1"), "$0.1"), (-1e-30, "−$1e-30")],
)  # fmt: skip
def test_a_number_is_short(value: float, text: str) -> None:
    assert DOLLARS.text(value) == text


def test_a_fraction_is_shown_in_percent_and_a_sign_is_written_where_it_is_wanted() -> None:
    assert (FRACTION.text(Decimal("0.2534")), PERCENT.text(25.34), PLAIN.text(0.5)) == ("25.3%", "25.3%", "0.5")
    assert (DOLLARS.signed(5), DOLLARS.signed(-5), DOLLARS.signed(0)) == ("+$5", "−$5", "$0")


@given(st.floats(-1e15, 1e15).filter(lambda value: value == 0 or abs(value) > 1e-6))
def test_a_number_reads_back_to_three_digits(value: float) -> None:
    assert value_of(DOLLARS.text(value)) == pytest.approx(value, rel=0.006)


@given(st.lists(st.floats(-1e12, 1e12, allow_subnormal=False), min_size=1, max_size=5))
def test_the_ticks_of_an_axis_are_told_apart_and_right(values: list[float]) -> None:
    axis = linear_axis(values)
    assert axis.step is not None
    labels = [PLAIN.text(tick, axis.step) for tick in axis.ticks]
    assert len(set(labels)) == len(labels)
    if axis.step > 1e-5:
        assert [value_of(label) for label in labels] == pytest.approx(axis.ticks, abs=axis.step / 100)
