"""Concentration."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.concentration import concentration, concentration_level
from portfolio.analytics.decimals import to_decimals
from portfolio.analytics.figure import Figure, Reason
from portfolio.analytics.level import Level

amounts = st.lists(st.integers(1, 10**9).map(float), min_size=1, max_size=12)


def value_of(figure: Figure) -> float:
    assert figure.value is not None
    return figure.value


def test_the_check_figure_of_the_conventions() -> None:
    # 0.09 + 0.0625 + 0.04 + 0.0225 + 0.01
    found = concentration([3000.0, 2500.0, 2000.0, 1500.0, 1000.0], cash=0.0)
    assert to_decimals([value_of(found.hhi)]) == [Decimal("0.225")]
    assert value_of(found.effective_positions) == pytest.approx(1 / 0.225, abs=1e-12)


def test_cash_is_one_more_holding_of_the_total_value() -> None:
    # invested 3000 + 1000: 0.5625 + 0.0625; total 8000: 0.375^2 + 0.125^2 + 0.5^2
    found = concentration([3000.0, 1000.0], cash=4000.0)
    assert value_of(found.hhi) == pytest.approx(0.625, abs=1e-15)
    assert value_of(found.hhi_with_cash) == pytest.approx(0.40625, abs=1e-15)
    assert value_of(found.effective_positions) == pytest.approx(1.6, abs=1e-15)


def test_one_position_is_all_of_it() -> None:
    found = concentration([17.5], cash=0.0)
    assert (value_of(found.hhi), value_of(found.effective_positions)) == (1.0, 1.0)


def test_cash_alone_is_one_holding_and_no_position() -> None:
    found = concentration([], cash=100.0)
    assert found.hhi == found.effective_positions == Figure(reason=Reason.NO_POSITIONS)
    assert found.hhi_with_cash == Figure(1.0)


def test_nothing_at_all_has_no_concentration() -> None:
    found = concentration([0.0], cash=0.0)
    assert found.hhi.reason is found.hhi_with_cash.reason is Reason.NO_POSITIONS


def test_shorts_and_overdrawn_cash_are_no_part_of_a_whole() -> None:
    short = concentration([100.0, -10.0], cash=50.0)
    assert short.hhi.reason is short.hhi_with_cash.reason is Reason.VALUE_NOT_POSITIVE
    assert short.effective_positions.reason is Reason.VALUE_NOT_POSITIVE
    overdrawn = concentration([100.0, 100.0], cash=-50.0)
    assert overdrawn.hhi == Figure(0.5)
    assert overdrawn.hhi_with_cash.reason is Reason.VALUE_NOT_POSITIVE


@given(amounts, st.integers(0, 10**9).map(float))
def test_it_lies_between_all_alike_and_one_alone(values: list[float], cash: float) -> None:
    found = concentration(values, cash)
    n = len(values)
    assert 1 / n - 1e-12 <= value_of(found.hhi) <= 1 + 1e-12
    assert 1 - 1e-12 <= value_of(found.effective_positions) <= n + 1e-9
    assert value_of(found.hhi_with_cash) == pytest.approx(value_of(concentration([*values, cash], 0.0).hhi), abs=1e-12)


@given(st.integers(1, 50), st.integers(1, 10**6).map(float))
def test_n_alike_are_like_n_positions(n: int, value: float) -> None:
    assert value_of(concentration([value] * n, 0.0).effective_positions) == pytest.approx(n, rel=1e-12)


@given(amounts, st.sampled_from([0.125, 2.0, 1024.0]))
def test_neither_order_nor_currency_nor_an_empty_position_changes_it(values: list[float], factor: float) -> None:
    hhi = value_of(concentration(values, 0.0).hhi)
    changed = [*(np.array(values[::-1]) * factor).tolist(), 0.0]
    assert value_of(concentration(changed, 0.0).hhi) == pytest.approx(hhi, abs=1e-13)


@pytest.mark.parametrize(
    ("hhi", "level"),
    [
        ("0.150000000000", Level.LOW),
        ("0.150000000001", Level.MEDIUM),
        ("0.250000000000", Level.MEDIUM),
        ("0.250000000001", Level.HIGH),
    ],
)
def test_a_level_begins_above_its_bound(hhi: str, level: Level) -> None:
    assert concentration_level(Decimal(hhi)) is level


def test_no_figure_has_no_level() -> None:
    assert concentration_level(None) is None


def test_four_alike_are_exactly_at_the_bound_and_stay_medium() -> None:
    # A tenth of a cent each: their shares are no binary fractions, and yet a rule sees 0.25.
    found = concentration([0.1, 0.1, 0.1, 0.1], 0.0)
    assert concentration_level(to_decimals([value_of(found.hhi)])[0]) is Level.MEDIUM
