"""Heat: stronger nearer to the greatest, on the side of its sign, and a class for what is unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import PERCENT, heat_kind, heat_map


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


def test_a_map_takes_its_greatest_as_the_strongest_unless_it_is_told() -> None:
    rows = heat_map([[5, Decimal("-2.5")], [None, 0]], unit=PERCENT, signed=True)
    assert [[(cell.text, cell.kind) for cell in row] for row in rows] == [
        [("+5%", "heat heat-plus-4"), ("−2.5%", "heat heat-minus-2")],
        [("–", "heat heat-none"), ("0%", "heat heat-0")],
    ]
    assert [cell.value for cell in rows[0]] == [5, Decimal("-2.5")]
    assert heat_map([[5]], most=10)[0][0].kind == "heat heat-plus-2"
    assert heat_map([[0]])[0][0].kind == "heat heat-0"
    assert heat_map([[None]])[0][0].kind == "heat heat-none"
