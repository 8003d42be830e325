"""Heat: stronger nearer to the greatest, on the side of its sign, and a class for what is unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import heat_cell, heat_kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [(1, "heat heat-plus-4"), (-1, "heat heat-minus-4"), (Decimal("0.5"), "heat heat-plus-2"), (0.05, "heat heat-0"),
     (0, "heat heat-0"), (None, "heat heat-none"), (float("nan"), "heat heat-none"), (7, "heat heat-plus-4")],
)  # fmt: skip
def test_the_class_is_the_strength_and_the_sign(value: float | Decimal | None, kind: str) -> None:
    assert heat_kind(value, 1) == kind


@given(st.lists(st.floats(-1e6, 1e6), min_size=2), st.floats(0, 1e6))
def test_the_stronger_of_two_is_never_coloured_weaker(values: list[float], most: float) -> None:
    ordered = sorted(map(abs, values))
    strengths = [int(heat_kind(value, most)[-1]) for value in ordered]
    assert strengths == sorted(strengths)


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [(5, "5.00", "heat heat-plus-2"), (Decimal("-2.5"), "−2.50", "heat heat-minus-1"),
     (10, "10.00", "heat heat-plus-4"),
     (0, "0", "heat heat-0"), (-0.00632, "−0.01", "heat heat-0"), (12_345.6, "12.3k", "heat heat-plus-4"),
     (None, "–", "heat heat-none"), (float("nan"), "–", "heat heat-none")],
)  # fmt: skip
def test_a_cell_has_its_number_to_two_decimals_or_a_dash(value: float | Decimal | None, text: str, kind: str) -> None:
    cell = heat_cell(value, Decimal(10))
    assert (cell.text, cell.kind) == (text, kind)
