"""Closes joined across splits and renames give the returns of the same path without them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.closes import SEAM_DAYS, Join, NotJoined, joined
from portfolio.analytics.estimate import Vector
from portfolio.analytics.returns import simple_returns

LAST = date(2025, 6, 14)
NAN = math.nan


def day(row: int, n: int) -> date:
    """The day of a row of ``n``."""
    return LAST - timedelta(days=n - 1 - row)


def column(*closes: float) -> Vector:
    return np.array(closes)


def split(ratio: str, row: int, n: int, symbol: str = "A") -> Join:
    return Join(symbol, symbol, Decimal(ratio), day(row, n))


def rename(old: str, new: str, ratio: str, row: int, n: int) -> Join:
    return Join(new, old, Decimal(ratio), day(row, n))


def one(closes: Vector, *joins: Join) -> list[float]:
    made, *_ = joined({"A": closes}, joins, LAST)
    return [float(close) for close in made["A"]]


# --- any path ---------------------------------------------------------------------------------------------------------

MOVES = st.lists(st.floats(-0.15, 0.15), min_size=6, max_size=30)
RATIOS = st.sampled_from(["1", "1000", "0.001", "10", "0.1", "3", "1.5", "0.9", "2", "0.5", "0.333333333333333333"])
# What happens, in which row, at which ratio.
HAPPENS = st.lists(st.tuples(st.sampled_from(["split", "rename"]), st.floats(0, 1), RATIOS), max_size=4)


@given(MOVES, HAPPENS, st.lists(st.integers(0, 30), max_size=4))
def test_returns_across_any_splits_and_renames_are_those_of_the_path_without_them(
    moves: Sequence[float], happens: Sequence[tuple[str, float, str]], gaps: Sequence[int]
) -> None:
    path = 100.0 * np.cumprod([1.0, *np.exp(moves)])
    n = len(path)
    # One day without a close after the other would be a move of several days, which no ratio of 2 is told from.
    path[[gap for gap in gaps if gap < n and gap - 1 not in gaps]] = np.nan
    names, joins = ["S0"], list[Join]()
    raw = {"S0": path.copy()}
    # Each at its own day, with days between them in which nobody takes the one for the other.
    rows = sorted({round(1 + place * (n - 1)) for _, place, _ in happens})
    rows = [row for at, row in enumerate(rows) if at == 0 or row - rows[at - 1] > 2 * SEAM_DAYS]
    for row, (kind, _, ratio) in zip(rows, happens, strict=False):
        symbol = names[-1]
        if kind == "split":
            raw[symbol][row:] /= float(ratio)
            joins.append(split(ratio, row, n, symbol))
        else:
            names.append(f"S{len(names)}")
            raw[names[-1]] = np.full(n, np.nan)
            raw[names[-1]][row:] = raw[symbol][row:] / float(ratio)
            raw[symbol][row:] = np.nan
            joins.append(rename(symbol, names[-1], ratio, row, n))
    made, *_ = joined(raw, joins, LAST)
    found, wanted = simple_returns(made[names[-1]][:, None]), simple_returns(path[:, None])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(np.isnan(made[names[-1]]), np.isnan(path))


# --- worked -----------------------------------------------------------------------------------------------------------


def test_closes_of_before_a_split_are_divided_by_its_ratio_and_those_kept_stay_as_they_are() -> None:
    closes = column(1000.0, 1100.0, 1.2, 1.3)
    closes.setflags(write=False)
    made, behind, _ = joined({"A": closes}, [split("1000", 2, 4)], LAST)
    assert [float(x) for x in made["A"]] == [1.0, 1.1, 1.2, 1.3]
    assert behind == {"A": (split("1000", 2, 4),)}
    assert closes[0] == 1000.0


def test_an_exchange_that_restated_its_closes_shows_no_jump_and_nothing_is_divided_twice() -> None:
    made, behind, borne_out = joined({"A": column(1.0, 1.1, 1.2, 1.3)}, [split("1000", 2, 4)], LAST)
    assert (list(made["A"]), borne_out) == ([1.0, 1.1, 1.2, 1.3], ())
    assert behind == {"A": (replace(split("1000", 2, 4), reason=NotJoined.NO_JUMP),)}


def test_a_jump_is_found_some_days_from_the_entry_and_no_farther() -> None:
    early = column(10.0, 10.0, 10.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    for row in range(9):
        found = one(early, split("10", row, 9))
        assert found == ([1.0] * 9 if 1 <= row <= 3 + SEAM_DAYS else list(early)), row


def test_the_same_split_on_another_day_is_not_seen_in_the_closes_and_divides_nothing() -> None:
    closes = column(10.0, 10.0, 1.0, 1.0)
    assert one(closes, split("10", 2, 4), split("10", 3, 4)) == [1.0] * 4
    assert one(column(100.0, 100.0, 10.0, 1.0), split("10", 2, 4), split("10", 3, 4)) == [1.0] * 4


def test_what_fits_neither_the_ratio_nor_none_is_left_as_it_is() -> None:
    odd = column(1000.0, 1000.0, 30.0, 30.0)  # 1:33 is neither 1:1000 nor 1:1
    assert one(odd, split("1000", 2, 4)) == list(odd)
    assert one(column(NAN, NAN, 1.0, 1.0), split("1000", 2, 4))[2:] == [1.0, 1.0]
    assert one(column(NAN, 1.0, 1.0), split("1000", 2, 3))[1:] == [1.0, 1.0]


def test_a_small_ratio_is_taken_as_it_is_and_without_closes_of_after_so_is_any() -> None:
    assert one(column(3.0, 3.0, 3.0), split("1.5", 1, 3)) == [2.0, 3.0, 3.0]
    assert one(column(3.0, 4.0, 5.0), split("10", 3, 3)) == [0.3, 0.4, 0.5]
    assert one(column(3.0, 4.0, NAN), split("10", 2, 3))[:2] == [0.3, 0.4]
    # it was before all closes, or where there are none there is nothing to divide
    assert one(column(3.0, 4.0, 5.0), split("10", 0, 3)) == [3.0, 4.0, 5.0]
    assert joined({"A": column(NAN, NAN, NAN)}, [split("10", 2, 3)], LAST)[1] == {}


def test_a_new_asset_has_the_closes_of_the_old_one_where_it_has_none_of_its_own() -> None:
    old, new = column(2.0, 3.0, 4.0, 9.0, NAN), column(NAN, 6.2, NAN, 8.0, 8.4)
    made, behind, _ = joined({"OLD": old, "NEW": new}, [rename("OLD", "NEW", "0.5", 3, 5)], LAST)
    # the old one's close of a day after the rename is another asset's by then
    assert list(made["NEW"]) == [4.0, 6.2, 8.0, 8.0, 8.4]
    assert behind == {"NEW": (rename("OLD", "NEW", "0.5", 3, 5),)}
    assert list(made["OLD"])[:4] == [2.0, 3.0, 4.0, 9.0]


@pytest.mark.parametrize(
    ("old", "wanted"),
    [
        (100.0, [1.0, 1.0, 1.0]),  # as it was traded
        (1.0, [1.0, 1.0, 1.0]),  # its exchange restated what was before
        (10.0, [NAN, NAN, 1.0]),  # neither: it was no such rename
    ],
)
def test_a_rename_at_a_ratio_is_held_to_the_first_close_of_the_new_asset(old: float, wanted: list[float]) -> None:
    columns = {"OLD": column(old, old, NAN), "NEW": column(NAN, NAN, 1.0)}
    made, behind, _ = joined(columns, [rename("OLD", "NEW", "100", 2, 3)], LAST)
    np.testing.assert_array_equal(made["NEW"], wanted)
    assert (behind["NEW"][0].reason is NotJoined.PRICES_APART) is math.isnan(wanted[0])


def test_a_rename_one_to_one_to_what_costs_something_else_is_not_joined() -> None:
    columns = {"OLD": column(1.0, 1.0, NAN), "NEW": column(NAN, NAN, 3.0)}
    _, behind, borne_out = joined(columns, [rename("OLD", "NEW", "1", 2, 3)], LAST)
    assert behind == {"NEW": (replace(rename("OLD", "NEW", "1", 2, 3), reason=NotJoined.PRICES_APART),)}
    assert borne_out == ()


def test_what_has_no_fixed_ratio_is_told_where_it_is_of_these_days_and_a_chain_tells_what_is_behind_it() -> None:
    apart = replace(rename("OLD", "NEW", "1", 2, 3), reason=NotJoined.RATIOS_DIFFER)
    columns = {"NEW": column(1.0, 1.0, 1.0), "NEWER": column(NAN, NAN, NAN)}  # those of the old one are not asked for
    joins = [apart, rename("NEW", "NEWER", "1", 3, 3)]
    _, behind, borne_out = joined(columns, joins, LAST)
    assert (behind["NEWER"], borne_out) == (tuple(joins), (joins[1],))
    for row in (0, -1):
        before = replace(apart, on=day(row, 3))
        assert joined(columns, [before], LAST)[1:] == ({}, ())


@pytest.mark.parametrize(("beside", "fits"), [(1.0, True), (10.0, False)])
def test_a_rename_to_what_had_closes_of_its_own_for_long_joins_nothing_and_is_held_to_the_last_close_of_the_old(
    beside: float, *, fits: bool
) -> None:
    # before they became one they had prices of their own
    columns = {"OLD": column(9.0, 2.0, NAN, NAN), "NEW": column(1.0, beside, beside, beside)}
    join = rename("OLD", "NEW", "2", 2, 4)
    made, behind, borne_out = joined(columns, [join], LAST)
    assert (list(made["NEW"]), borne_out) == (list(columns["NEW"]), (join,) if fits else ())
    assert behind == ({} if fits else {"NEW": (replace(join, reason=NotJoined.PRICES_APART),)})


def test_a_new_asset_without_any_close_has_those_of_the_old_one() -> None:
    columns = {"OLD": column(1.0, 2.0), "NEW": column(NAN, NAN)}
    made, *_ = joined(columns, [rename("OLD", "NEW", "4", 2, 2)], LAST)
    assert list(made["NEW"]) == [0.25, 0.5]
    assert joined(columns, [rename("OLD", "NEW", "4", -9, 2)], LAST)[1] == {}


def test_a_chain_names_all_that_is_behind_it_and_an_asset_that_went_there_and_back_ends() -> None:
    columns = {"A": column(8.0, NAN, NAN, NAN), "B": column(NAN, 4.0, NAN, NAN), "C": column(NAN, NAN, 4.0, 1.0)}
    joins = [rename("A", "B", "2", 1, 4), rename("B", "C", "1", 2, 4), split("4", 3, 4, "C")]
    made, behind, _ = joined(columns, joins, LAST)
    assert list(made["C"]) == [1.0] * 4
    assert behind["C"] == tuple(joins)
    back = [rename("A", "B", "2", 1, 4), rename("B", "A", "0.5", 2, 4)]
    made, behind, _ = joined(columns, back, LAST)
    assert [float(x) for x in made["A"]][:2] == [8.0, 8.0]
    assert behind["A"] == tuple(back)
