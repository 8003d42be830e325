"""A treemap: areas in proportion, groups together, all of the room and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import DOLLARS, Frame, Group, Tile, treemap
from portfolio.entrypoints.charts.elements import PIXELS, SHOWN_FROM
from portfolio.entrypoints.charts.stylesheet import STYLESHEET
from portfolio.entrypoints.charts.treemap import LEAST_SHARE, Box, squarified
from tests.unit.entrypoints.charts.reading import SVG, of_class, parsed, said, texts

FRAME = Frame(id="holdings", title="Holdings", unit=DOLLARS, height=300)
SIZES = st.lists(st.floats(0.01, 1e4), min_size=1, max_size=40)


def areas(svg: str) -> dict[str, float]:
    """The share of each tile by its area, under its title."""
    found = {}
    for tile in parsed(svg).iter(SVG + "svg"):
        if title := tile.findtext(SVG + "title"):
            width, height = float(tile.attrib["width"].rstrip("%")), float(tile.attrib["height"])
            if "id" not in tile.attrib:
                found[title.partition(":")[0]] = width / 100 * height / FRAME.height
    return found


@given(st.lists(SIZES, min_size=1, max_size=5))
def test_each_area_is_the_share_of_the_whole(groups: list[list[float]]) -> None:
    tiles = [[Tile(f"{n}-{m}", size) for m, size in enumerate(sizes)] for n, sizes in enumerate(groups)]
    whole = sum(map(sum, groups))
    svg = treemap(FRAME, [Group(f"g{n}", of_group) for n, of_group in enumerate(tiles)])
    found = areas(svg)
    assert sum(found.values()) == pytest.approx(1, abs=0.01)
    for n, sizes in enumerate(groups):
        for m, size in enumerate(sizes):
            if size / whole >= LEAST_SHARE:
                assert found[f"{n}-{m}"] == pytest.approx(size / whole, abs=0.003)


@given(SIZES)
def test_boxes_fill_the_room_and_do_not_overlap(sizes: list[float]) -> None:
    sizes = sorted(sizes, reverse=True)
    boxes = squarified(sizes, Box(0, 0, 720, 300))
    for box, size in zip(boxes, sizes, strict=True):
        assert box.width * box.height == pytest.approx(720 * 300 * size / sum(sizes), rel=1e-3)
        assert -1e-4 <= box.x <= box.x + box.width <= 720 + 1e-4
        assert -1e-4 <= box.y <= box.y + box.height <= 300 + 1e-4
    for place, one in enumerate(boxes):
        for two in boxes[:place]:
            across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
            down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
            assert across <= 1e-4 or down <= 1e-4


def test_equal_parts_are_nearly_square() -> None:
    for box in squarified([1.0] * 12, Box(0, 0, 400, 300)):
        assert 0.5 <= box.width / box.height <= 2


def test_small_parts_are_one_tile_that_counts_them() -> None:
    dust = [Tile(f"X{n}", 0.5) for n in range(1_000)]
    svg = treemap(FRAME, [Group("coins", [Tile("BTC", 9_500), *dust])])
    found = areas(svg)
    assert list(found) == ["BTC", "1,000 more"]
    assert found["1,000 more"] == pytest.approx(0.05, abs=0.001)
    assert len(svg) < 3_000


def test_what_is_not_above_zero_has_no_area_and_is_counted() -> None:
    svg = treemap(FRAME, [Group("coins", [Tile("BTC", 5), Tile("SHORT", -3), Tile("OLD", 0)])])
    assert list(areas(svg)) == ["BTC"]
    assert said(svg) == "$5 in 1 group: coins 100.0%. 1 part below zero is not drawn."
    short = treemap(FRAME, [Group("coins", [Tile("SHORT", -3), Tile("OTHER", -1)])])
    assert texts(short) == ["No data. 2 parts below zero are not drawn."]
    assert texts(treemap(FRAME, [])) == ["No data."]


def test_groups_are_outlined_named_and_said_the_largest_first() -> None:
    groups = [Group("small", [Tile("ETH", 25, "25 %")]), Group("large", [Tile("BTC", 75, kind="heat heat-plus-2")])]
    svg = treemap(FRAME, groups)
    assert said(svg) == "$100 in 2 groups: large 75.0%, small 25.0%."
    assert len(of_class(svg, "chart-group")) == 2
    assert texts(svg) == ["BTC", "large", "ETH", "25 %", "small"]
    assert len(of_class(svg, "heat-plus-2")) == 1


def test_text_that_has_no_room_is_left_out() -> None:
    tiles = [Tile("BIG", 1000, "note"), *(Tile(f"T{n}", 3) for n in range(30))]
    svg = treemap(Frame(id="h", title="h", height=60), [Group("all", tiles)])
    shown = texts(svg)
    assert shown[:3] == ["BIG", "note", "all"]
    assert len(shown) < 33
    assert PIXELS == 720
    assert texts(treemap(FRAME, [Group("g", [Tile("an asset of a name that is long", 1), Tile("BTC", 99)])])) == [
        "BTC", "g",
    ]  # fmt: skip


def test_a_text_is_shown_from_the_width_on_at_which_it_fits() -> None:
    svg = treemap(FRAME, [Group("a category", [Tile("BTC", 60), Tile("ETH", 30), Tile("SOL", 10)])])
    for tile in parsed(svg).iter(SVG + "svg"):
        for one in tile.findall(SVG + "text"):
            from_width = int(one.attrib["class"].rpartition("-")[2])
            assert from_width in SHOWN_FROM
            assert f"@container (max-width: {from_width - 0.02:.2f}px) {{ .chart-from-{from_width} " in STYLESHEET
            assert len(one.text or "") * 7 <= float(tile.attrib["width"].rstrip("%")) / 100 * from_width


def test_wide_letters_need_more_room_than_others() -> None:
    def needed(name: str) -> int:
        tiles = [Tile("x" * 60, 75), Tile(name, 25)]
        [found] = [one for one in of_class(treemap(FRAME, [Group("g", tiles)]), "chart-label") if one.text == name]
        return int(found.attrib["class"].rpartition("-")[2])

    assert needed("WORMHOLEMWW") > needed("wormholemww")


def test_a_category_has_one_colour_of_its_own_and_those_after_the_seven_largest_share_one() -> None:
    groups = [Group(f"g{n}", [Tile(f"a{n}", 20 - n), Tile(f"b{n}", 10)]) for n in range(9)]
    tones: dict[str, set[str]] = {}
    for tile in parsed(treemap(FRAME, groups)).iter(SVG + "svg"):
        if (rectangle := tile.find(SVG + "rect[@width='100%']")) is not None:
            category = (tile.findtext(SVG + "title") or "").rpartition(", ")[2]
            tones.setdefault(category, set()).add(rectangle.attrib["class"])
    assert tones == {f"g{n}": {f"chart-tile chart-tone-{min(n, 7)}"} for n in range(9)}
    smaller = treemap(FRAME, [Group("b", [Tile("X", 1)]), Group("a", [Tile("Y", 2)])])
    larger = treemap(FRAME, [Group("b", [Tile("X", 3)]), Group("a", [Tile("Y", 2)])])
    assert all(
        f'chart-tone-{n}"' in svg and f".chart-tone-{n} " in STYLESHEET for n in (0, 1) for svg in (smaller, larger)
    )
    first = [of_class(svg, "chart-tile")[0].attrib["class"] for svg in (smaller, larger)]
    assert first == ["chart-tile chart-tone-0", "chart-tile chart-tone-1"]
