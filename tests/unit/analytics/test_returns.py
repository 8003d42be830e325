"""From closes to aligned returns."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.closes import columns_of, history_of, table_of
from portfolio.analytics.estimate import Matrix, Undefined, Vector
from portfolio.analytics.returns import PriceHistory, common_days, simple_returns
from tests.unit.analytics.series import gappy_returns, matrices, random_returns

TODAY = date(2026, 3, 10)
NAN = float("nan")


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def history(rows: list[tuple[str, int, str]], *symbols: str, lookback_days: int = 3) -> PriceHistory:
    columns = columns_of([(symbol, day(ago), float(price)) for symbol, ago, price in rows], day(1), lookback_days)
    table = table_of([columns.get(symbol) for symbol in symbols], lookback_days)
    return history_of(table, symbols, day(1))


def even(returns: Matrix) -> Vector:
    """Return the same weight for every asset."""
    return np.full(returns.shape[1], 1 / max(returns.shape[1], 1))


def test_a_lookback_of_n_days_has_n_plus_one_closes_and_n_returns() -> None:
    found = history([("BTC", 4, "100"), ("BTC", 3, "110"), ("BTC", 2, "99"), ("BTC", 1, "148.5")], "BTC")
    np.testing.assert_array_equal(found.closes, [[100.0], [110.0], [99.0], [148.5]])
    # 110/100 - 1, 99/110 - 1, 148.5/99 - 1
    np.testing.assert_allclose(found.returns, [[0.1], [-0.1], [0.5]], atol=1e-15)
    assert (found.n_days, found.last_day, found.symbols) == (3, day(1), ("BTC",))


def test_today_and_what_lies_before_the_lookback_are_not_in_it() -> None:
    found = history([("BTC", 0, "7"), ("BTC", 5, "7"), ("BTC", 1, "5"), ("BTC", -1, "7")], "BTC")
    np.testing.assert_array_equal(found.closes, [[NAN], [NAN], [NAN], [5.0]])


def test_a_missing_close_takes_both_returns_beside_it_away_and_no_other() -> None:
    rows = [("BTC", ago, str(100 + ago)) for ago in (6, 5, 4, 2, 1)]
    returns = history(rows, "BTC", lookback_days=5).returns[:, 0]
    # Between 4 and 2 days ago lies a day without a close: no return spans it.
    assert np.isnan(returns).tolist() == [False, False, True, True, False]
    assert returns[4] == pytest.approx(101 / 102 - 1, abs=1e-15)


def test_a_late_listing_has_returns_from_its_second_day_on() -> None:
    found = history([("NEW", 2, "4"), ("NEW", 1, "5"), ("BTC", 4, "1")], "BTC", "NEW")
    np.testing.assert_allclose(found.returns[:, 1], [NAN, NAN, 0.25], atol=1e-15)
    assert np.isnan(found.returns[:, 0]).all()


def test_one_bar_makes_no_return() -> None:
    found = history([("BTC", 1, "4")], "BTC")
    assert np.isnan(found.returns).all()
    assert found.closes[-1, 0] == 4.0


def test_columns_follow_the_symbols_asked_for_and_others_are_passed_over() -> None:
    found = history([("ETH", 1, "2"), ("DOGE", 1, "9"), ("BTC", 1, "1")], "BTC", "ADA", "ETH")
    np.testing.assert_array_equal(found.closes[-1], [1.0, NAN, 2.0])


def test_no_symbols_make_an_empty_history() -> None:
    found = history([("BTC", 1, "1")])
    assert (found.closes.shape, found.returns.shape) == ((4, 0), (3, 0))


def test_a_symbol_asked_for_twice_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(AssertionError, match="once"):
        history([], "BTC", "BTC")


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_a_price_that_is_not_finite_and_above_zero_is_no_close(price: str) -> None:
    found = history([("BTC", 3, "1"), ("BTC", 2, price), ("BTC", 1, "2")], "BTC")
    np.testing.assert_array_equal(found.closes[:, 0], [NAN, 1.0, NAN, 2.0])
    assert np.isnan(found.returns).all()


def test_of_two_closes_of_one_day_the_later_in_order_counts() -> None:
    found = history([("BTC", 1, "1"), ("BTC", 1, "2")], "BTC")
    assert found.closes[-1, 0] == 2.0


def test_the_order_of_the_closes_does_not_matter() -> None:
    rows = [("BTC", ago, str(ago)) for ago in (1, 2, 3, 4)] + [("ETH", ago, str(9 * ago)) for ago in (1, 2, 4)]
    np.testing.assert_array_equal(history(rows, "BTC", "ETH").closes, history(rows[::-1], "BTC", "ETH").closes)


def test_a_shorter_lookback_is_the_end_of_the_longer_one() -> None:
    rows = [("BTC", ago, str(100 + ago * ago)) for ago in range(1, 12)]
    long, short = history(rows, "BTC", lookback_days=10), history(rows, "BTC", lookback_days=4)
    cut = long.last(4)
    np.testing.assert_array_equal(cut.closes, short.closes)
    np.testing.assert_array_equal(cut.returns, short.returns)
    assert cut.returns.base is long.returns.base or cut.returns.base is long.returns
    assert long.last(99).n_days == 10


def test_nobody_can_write_into_a_history() -> None:
    found = history([("BTC", 1, "1")], "BTC")
    for array in (found.closes, found.returns, found.last(1).returns):
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1.0


def test_the_extremes_of_the_ledger_make_finite_returns() -> None:
    returns = history([("A", 2, "1E-18"), ("A", 1, "99999999999999999999")], "A").returns
    assert returns[-1, 0] == pytest.approx(1e38, rel=1e-9)


@given(st.lists(st.lists(st.one_of(st.just(NAN), st.floats(1e-6, 1e6)), min_size=3, max_size=3), min_size=1))
def test_a_return_is_there_exactly_where_both_closes_are_and_leads_from_one_to_the_other(
    rows: list[list[float]],
) -> None:
    closes = np.array(rows)
    returns = simple_returns(closes)
    assert returns.shape == (len(rows) - 1, 3)
    both = ~np.isnan(closes[1:]) & ~np.isnan(closes[:-1])
    np.testing.assert_array_equal(~np.isnan(returns), both)
    # 1 + r has an absolute error of about 1e-16, and that is relative to the close it came from.
    error = np.abs(closes[:-1] * (1.0 + returns) - closes[1:])
    assert np.all((error <= 1e-14 * (closes[:-1] + closes[1:]))[both])


def test_common_days_are_those_of_the_assets_with_enough_returns() -> None:
    returns = random_returns(30, 3, seed=1)
    returns[0, 0] = returns[5, 1] = np.nan
    returns[:11, 2] = np.nan  # 19 returns are left: the asset is out, and takes no day from the others
    common = common_days(returns, even(returns))
    assert common.included.tolist() == [True, True, False]
    assert common.excluded == (None, None, Undefined.TOO_FEW_OBSERVATIONS)
    np.testing.assert_array_equal(common.returns, np.delete(returns, [0, 5], axis=0)[:, :2])
    assert common.reason_against(np.array([0.5, 0.1, 0.1])) is None


def test_without_gaps_nothing_is_copied() -> None:
    returns = random_returns(30, 3, seed=1)
    assert np.shares_memory(common_days(returns, even(returns)).returns, returns)


@pytest.mark.parametrize(
    ("starts", "ends", "reason", "n_days"),
    [
        ([0, 20], [20, 40], Undefined.NO_COMMON_DAYS, 0),
        ([0, 20], [39, 40], Undefined.TOO_FEW_COMMON_DAYS, 19),
        ([0, 20], [40, 40], None, 20),
        ([21, 21], [40, 40], Undefined.TOO_FEW_OBSERVATIONS, 0),
    ],
)
def test_what_cannot_be_told_has_its_reason(
    starts: list[int], ends: list[int], reason: Undefined | None, n_days: int
) -> None:
    returns = random_returns(40, 2, seed=1)
    for column, (start, end) in enumerate(zip(starts, ends, strict=True)):
        returns[:start, column] = returns[end:, column] = np.nan
    common = common_days(returns, even(returns))
    assert (common.reason_against(np.array([0.4, 0.5])), common.n_days) == (reason, n_days)


def test_weights_of_nothing_and_of_excluded_assets_alone_have_their_reasons() -> None:
    returns = random_returns(40, 2, seed=1)
    returns[:30, 1] = np.nan
    common = common_days(returns, even(returns))
    assert common.reason_against(np.array([0.0, 0.0])) is Undefined.NO_POSITIONS
    assert common.reason_against(np.array([0.0, 1.0])) is Undefined.TOO_FEW_OBSERVATIONS
    empty = common_days(np.empty((40, 0)), np.empty(0))
    assert (empty.reason_against(np.empty(0)), empty.n_days) == (Undefined.NO_POSITIONS, 0)


@given(matrices())
def test_common_days_never_hold_a_gap_and_never_lose_a_complete_day(returns: np.ndarray) -> None:
    common = common_days(returns, even(returns))
    assert not np.isnan(common.returns).any()
    assert common.returns.flags.c_contiguous
    rows = [row for row in returns[:, common.included] if not np.isnan(row).any()] if common.included.any() else []
    assert common.n_days == len(rows)
    for column, included in enumerate(common.included):
        assert included == (sum(not np.isnan(value) for value in returns[:, column]) >= 20)


def test_gaps_of_every_shape_are_told_apart() -> None:
    excluded = common_days(gappy_returns(), even(gappy_returns())).excluded
    assert [column for column, reason in enumerate(excluded) if reason] == [6, 7, 9]


def young(n_days: int, *own_days: int) -> Matrix:
    """Return random returns of assets of which each has the last so many days."""
    returns = random_returns(n_days, len(own_days), seed=1)
    for column, days in enumerate(own_days):
        returns[: n_days - days, column] = NAN
    return returns


@pytest.mark.parametrize(
    ("weight", "days", "is_kept"),
    [(0.019, 291, False), (-0.019, 291, False), (0.019, 292, True), (0.02, 32, True), (0.001, 32, False)],
)
def test_an_asset_under_2_percent_that_costs_over_a_fifth_of_the_days_is_left_out(
    weight: float, days: int, is_kept: bool
) -> None:
    common = common_days(young(365, 365, 365, days), np.array([0.4, 0.5, weight]), least=30)
    assert common.included.tolist() == [True, True, is_kept]
    assert common.n_days == (days if is_kept else 365)
    assert common.excluded == (None, None, None if is_kept else Undefined.TOO_SHORT_FOR_ITS_WEIGHT)


def test_light_assets_together_never_cost_over_a_fifth_of_the_days() -> None:
    returns = young(100, 100, 90, 100, 100)
    returns[20:35, 2] = returns[40:43, 3] = NAN  # 90 - 15 are under 80: the one of 85 returns goes
    common = common_days(returns, np.array([0.9, 0.01, 0.01, 0.01]))
    assert (common.included.tolist(), common.n_days) == ([True, True, False, True], 87)


def test_an_asset_under_2_percent_that_leaves_too_few_days_is_left_out() -> None:
    gappy = random_returns(33, 2, seed=1)
    gappy[:2, 0] = gappy[-2:, 1] = NAN  # 31 returns each, 29 of them in common
    assert common_days(gappy, np.array([0.5, 0.01]), least=30).excluded == (None, Undefined.TOO_SHORT_FOR_ITS_WEIGHT)


def test_what_is_not_held_costs_the_others_no_day() -> None:
    common = common_days(young(365, 365, 32, 364, 365), np.array([1.0, 0.0, 0.0, 0.0]), least=30)
    assert (common.n_days, common.included.tolist()) == (365, [True, False, False, True])
    assert common.excluded == (None, *[Undefined.TOO_SHORT_FOR_ITS_WEIGHT] * 2, None)


def test_what_is_not_held_costs_no_day_either_where_the_light_ones_are_over_a_tenth_of_the_weights() -> None:
    common = common_days(young(365, 364, *[32] * 7), np.array([0.0, *[0.01] * 7]), least=30)
    assert (common.n_days, common.included.tolist()) == (32, [True] * 8)
    gappy = young(365, 365, *[32] * 7)
    gappy[-5, 0] = NAN
    common = common_days(gappy, np.array([0.0, *[0.01] * 7]), least=30)
    assert (common.n_days, common.included.tolist()) == (32, [False, *[True] * 7])


def test_of_many_small_assets_the_young_are_left_out_up_to_a_tenth_of_the_weights() -> None:
    weights = np.full(60, 1 / 60)
    few, many = young(365, *[365] * 54, *[32] * 6), young(365, *[365] * 53, *[32] * 7)
    assert common_days(few, weights, least=30).n_days == 365
    common = common_days(many, weights, least=30)
    assert common.n_days == 32
    assert common.included.all()
