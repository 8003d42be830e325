"""Rows: the length of a bar is its value, a step starts where the one before ended, and a broken limit is said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import (
    DOLLARS,
    FRACTION,
    PERCENT,
    Bar,
    Bullet,
    Frame,
    Step,
    Tone,
    bar_chart,
    bullet_chart,
    waterfall_chart,
)
from tests.unit.entrypoints.charts.reading import of_class, said, texts

FRAME = Frame(id="rows", title="Rows", unit=DOLLARS)
AMOUNT = st.floats(-1e6, 1e6).map(lambda value: round(value, 2))


def spans(svg: str, *kinds: str) -> list[tuple[float, float]]:
    """From where to where the bars reach, in percent of the width, from the top down."""
    found = [one for kind in kinds for one in of_class(svg, kind)]
    found.sort(key=lambda one: float(one.attrib["y"]))
    ends = [(one.attrib["x"].rstrip("%"), one.attrib["width"].rstrip("%")) for one in found]
    return [(float(x), float(x) + float(width)) for x, width in ends]


@given(st.lists(AMOUNT, min_size=1, max_size=12).filter(any))
def test_bars_are_from_zero_and_as_long_as_their_values(values: list[float]) -> None:
    svg = bar_chart(FRAME, ["value"], [Bar(f"{n}", [value]) for n, value in enumerate(values)])
    [zero] = {float(one.attrib["x1"].rstrip("%")) for one in of_class(svg, "chart-zero")}
    found = spans(svg, "chart-gain", "chart-loss")
    longest = max(range(len(values)), key=lambda n: abs(values[n]))
    scale = (found[longest][1] - found[longest][0]) / abs(values[longest])
    for (left, right), value in zip(found, values, strict=True):
        assert right - left == pytest.approx(abs(value) * scale, abs=0.02)
        assert (left if value >= 0 else right) == pytest.approx(zero, abs=0.02)


def test_bars_beside_each_other_have_one_scale_and_a_legend() -> None:
    frame = Frame(id="risk", title="Risk", unit=FRACTION)
    svg = bar_chart(frame, ["weight", "risk"], [Bar("BTC", [Decimal("0.25"), 0.5]), Bar("ETH", [0.1, None])])
    lengths = [right - left for left, right in spans(svg, "chart-fill")]
    assert lengths == pytest.approx([50, 100, 20], abs=0.1)  # the axis ends at 50 %
    assert texts(svg, "chart-legend") == ["■ weight■ risk"]
    assert said(svg) == "BTC: weight 25%, risk 50%. ETH: weight 10%, risk unknown."
    assert texts(svg, "chart-value") == ["25% · 50%", "10% · unknown"]


def test_bars_have_the_tones_that_are_asked_for() -> None:
    svg = bar_chart(FRAME, ["now", "after"], [Bar("BTC", [2, 1])], (Tone.OWN, Tone.THIRD))
    assert [one.attrib["class"] for one in of_class(svg, "chart-fill")] == [
        "chart-fill chart-own", "chart-fill chart-third",
    ]  # fmt: skip
    assert not of_class(svg, "chart-other")


def test_each_bar_has_a_value_for_each_name() -> None:
    with pytest.raises(AssertionError):
        bar_chart(FRAME, ["one", "two"], [Bar("BTC", [1.0])])


@given(AMOUNT, st.lists(AMOUNT, max_size=10))
def test_each_step_starts_where_the_one_before_ended(start: float, changes: list[float]) -> None:
    total = start + sum(changes)
    steps = [Step("start", start, True), *(Step(f"{n}", change) for n, change in enumerate(changes))]
    svg = waterfall_chart(FRAME, [*steps, Step("end", total, True)])
    found = spans(svg, "chart-total", "chart-gain", "chart-loss")
    assert len(found) == len(changes) + 2
    places, at = [], 0.0
    for value in (start, *changes):
        places.append((at, at + value))
        at += value
    places.append((0.0, total))
    low, high = (choose(min(pair) if choose is min else max(pair) for pair in places) for choose in (min, max))
    if high - low > 1:
        scale = (max(right for _, right in found) - min(left for left, _ in found)) / (high - low)
        origin = min(left for left, _ in found)
        for (left, right), pair in zip(found, places, strict=True):
            assert left == pytest.approx(origin + (min(pair) - low) * scale, abs=0.05)
            assert right == pytest.approx(origin + (max(pair) - low) * scale, abs=0.05)


def test_an_unknown_step_moves_nothing_and_is_said() -> None:
    svg = waterfall_chart(FRAME, [Step("start", 10, True), Step("BTC", None), Step("ETH", -4), Step("end", 6, True)])
    assert said(svg) == "start: $10. BTC: unknown. ETH: −$4. end: $6."
    assert texts(svg, "chart-value") == ["$10", "unknown", "−$4", "$6"]
    assert len(spans(svg, "chart-total", "chart-gain", "chart-loss")) == 3
    assert len(of_class(svg, "chart-link")) == 3


def test_steps_are_coloured_by_their_sign_and_totals_are_apart() -> None:
    svg = waterfall_chart(FRAME, [Step("start", 10, True), Step("BTC", 3), Step("ETH", -4)])
    assert (len(of_class(svg, "chart-gain")), len(of_class(svg, "chart-loss"))) == (1, 1)
    assert texts(svg, "chart-value") == ["$10", "+$3", "−$4"]


@pytest.mark.parametrize(
    ("value", "limit", "is_least", "word"),
    [(25, 25, False, "within"), (25.1, 25, False, "over"), (70, 70, True, "within"), (69.9, 70, True, "under"),
     (None, 25, False, "unknown")],
)  # fmt: skip
def test_a_broken_limit_is_said_and_at_the_limit_it_is_kept(
    value: float | None, limit: float, is_least: bool, word: str
) -> None:
    bullet = Bullet(label="BTC", value=value, limit=limit, is_least=is_least)
    svg = bullet_chart(Frame(id="limits", title="Limits", unit=PERCENT), [bullet])
    assert bullet.word == word
    assert texts(svg, "chart-value")[0].endswith(f": {word}")
    assert f"1 limit, {int(bullet.is_broken)} broken." in said(svg)
    assert bool(of_class(svg, "chart-broken")) == bullet.is_broken


def test_where_a_chart_is_narrow_the_limit_beside_a_long_name_is_told_by_its_mark_alone() -> None:
    for name, least in (("BTC", 280), ("smart contracts: category limit", 370)):
        svg = bullet_chart(Frame(id="limits", title="Limits", unit=PERCENT), [Bullet(label=name, value=45.1, limit=40)])
        assert f'>45.1%<tspan class="chart-from-{least}">, at most 40%: over</tspan>' in svg


@pytest.mark.parametrize(("length", "class_of_its_end"), [(36, []), (60, ["chart-from-520"]), (300, [])])
def test_of_a_long_name_as_much_is_shown_as_has_room_beside_the_value(length: int, class_of_its_end: list[str]) -> None:
    svg = bar_chart(FRAME, ["v"], [Bar("x" * length, [12_345])])
    [name], [value] = of_class(svg, "chart-name"), texts(svg, "chart-value")
    always = (name.text or "").removesuffix("…")
    assert 30 <= len(always) <= 280 / 6.3 - len(value)  # the narrowest chart, and pixels of a character
    assert [one.attrib["class"] for one in name] == class_of_its_end
    assert ("".join(name.itertext()) == "x" * length) == (length < 300)
    assert said(svg).startswith(f"{'x' * length}: ")


def test_a_bullet_reaches_to_its_value_and_its_mark_is_the_limit() -> None:
    bullets = [Bullet(label="BTC", value=40, limit=25), Bullet(label="ETH", value=10, limit=20)]
    svg = bullet_chart(Frame(id="limits", title="Limits", unit=PERCENT), bullets)
    marks = [float(one.attrib["x1"].rstrip("%")) for one in of_class(svg, "chart-limit")]
    assert spans(svg, "chart-broken", "chart-within") == [(0, 100), (0, 25)]  # the axis ends at 40 %
    assert marks == [62.5, 50]


@pytest.mark.parametrize(
    "svg",
    [bar_chart(FRAME, ["v"], []), bar_chart(FRAME, ["v"], [Bar("BTC", [None])]), waterfall_chart(FRAME, []),
     waterfall_chart(FRAME, [Step("BTC", None)]), bullet_chart(FRAME, [])],
)  # fmt: skip
def test_without_a_value_there_is_no_data(svg: str) -> None:
    assert texts(svg) == ["No data."]


def test_values_that_are_all_zero_are_drawn_as_nothing() -> None:
    assert spans(bar_chart(FRAME, ["v"], [Bar("BTC", [0])]), "chart-gain") == [(50, 50)]
    assert bullet_chart(FRAME, [Bullet(label="BTC", value=0, limit=0)])
