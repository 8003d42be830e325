"""What is said of the data: days in a row as one, and long lists cut with their count."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from portfolio.analytics.closes import Join, NotJoined
from portfolio.application.performance.benchmark import Benchmark
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.reports.quality import _of_joins, first, named, spans

DAY = date(2026, 1, 30)


@pytest.mark.parametrize(
    ("places", "texts"),
    [
        ([], []),
        ([0], ["2026-01-30"]),
        ([0, 1, 2], ["2026-01-30 to 2026-02-01"]),
        ([0, 2, 3, 9], ["2026-01-30", "2026-02-01 to 2026-02-02", "2026-02-08"]),
    ],
)
def test_days_in_a_row_are_one_text(places: list[int], texts: list[str]) -> None:
    assert list(spans([DAY + timedelta(days=n) for n in places])) == texts


def test_a_long_list_is_cut_and_says_by_how_many() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([f"{n}" for n in range(1_520)]).endswith("18, 19 and 1,500 more")
    lines = [f"without {n}" for n in range(1_520)]
    assert list(first(lines)) == [*lines[:20], "1,500 more are not named here."]
    assert [*first(lines[:21])][20:] == ["1 more is not named here."]
    assert list(first(lines[:20])) == lines[:20]


def test_a_join_that_was_not_made_is_named_after_however_many_that_were() -> None:
    made = [Join(f"A{n}", f"A{n}", Decimal(2), DAY) for n in range(25)]
    apart = [Join("B", "B", Decimal(2), DAY, NotJoined.NO_JUMP)]
    benchmark = Benchmark(
        symbol=Symbol("B"), closes={}, is_known=True, is_current=True, joined_history=made, unjoined_history=apart
    )
    *_, last, more, other = _of_joins([benchmark])
    assert last.startswith("Closes joined across a split: A19 ")
    assert more == "5 more are not named here."
    assert other.startswith("Closes not joined across a split: B ")
