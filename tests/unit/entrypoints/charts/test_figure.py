"""What every chart has in common: names, words, and text that cannot break out."""

from __future__ import annotations

from datetime import date

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import (
    STYLESHEET,
    Bar,
    Bullet,
    Column,
    Frame,
    Group,
    Level,
    Marker,
    Scale,
    Series,
    Side,
    Step,
    Tile,
    bar_chart,
    bullet_chart,
    column_chart,
    line_chart,
    treemap,
    waterfall_chart,
)
from portfolio.entrypoints.charts.units import Unit
from tests.unit.entrypoints.charts.reading import SVG, parsed, said

EVIL = """</title></svg><script>alert("x")</script> & ' ]]> \x00\x0b\ud800￾"""
DAY = date(2026, 1, 1)


def of_every_kind(text: str) -> list[str]:
    """One chart of each kind, with the same text wherever text can be."""
    frame = Frame(id="c", title=text, desc=text, unit=Unit(prefix=text, suffix=text))
    marker = Marker(when=DAY, value=1, side=Side.BUY, note=text)
    return [
        line_chart(frame, [Series(name=text, points=[(DAY, 1)])], markers=[marker], levels=[Level(text, 2)]),
        line_chart(frame, [Series(name=text, points=[])]),
        line_chart(frame, [Series(name=text, points=[(DAY, 1)])], scale=Scale.LOG),
        column_chart(frame, [Column(text, 1)]),
        bar_chart(frame, [text, text], [Bar(text, [1, 2])]),
        waterfall_chart(frame, [Step(text, 1)]),
        bullet_chart(frame, [Bullet(label=text, value=1, limit=2)]),
        treemap(frame, [Group(text, [Tile(text, 5, text)])]),
    ]


@pytest.mark.parametrize("text", [EVIL, "<b>", "\u202e&amp;", "x" * 500])
def test_no_text_breaks_out_of_its_place(text: str) -> None:
    allowed = {SVG + name for name in ("svg", "title", "desc", "g", "path", "line", "rect", "text", "tspan")}
    for chart in of_every_kind(text):
        root = parsed(chart)
        assert {one.tag for one in root.iter()} <= allowed
        assert "<script" not in chart


@given(st.text())
def test_whatever_is_written_stays_well_formed(text: str) -> None:
    for chart in of_every_kind(text):
        parsed(chart)


def test_text_is_what_it_was() -> None:
    chart = bar_chart(Frame(id="c", title='A & B <"c">'), ["v"], [Bar("D'E", [1])])
    assert parsed(chart).findtext(SVG + "title") == 'A & B <"c">'
    assert said(chart) == "D'E: 1."


def test_what_a_frame_says_comes_first() -> None:
    assert said(column_chart(Frame(id="c", title="t", desc="Of completed days."), [])) == "Of completed days. No data."


@pytest.mark.parametrize("name", ["", "a b", "1a", 'a"', "a>", "é"])
def test_an_id_is_letters_digits_and_hyphens(name: str) -> None:
    with pytest.raises(AssertionError):
        Frame(id=name, title="t")


def test_a_template_that_escapes_writes_a_chart_as_it_is() -> None:
    chart = column_chart(Frame(id="c", title="t"), [Column("a", 1)])
    assert jinja2.Environment(autoescape=True).from_string("{{ chart }}").render(chart=chart) == chart


def test_every_class_that_is_drawn_has_a_look() -> None:
    layout = {"chart-columns", "chart-bars", "chart-waterfall", "chart-bullet", "chart-treemap", "chart-line",
              "chart-name", "chart-fill"}  # fmt: skip
    drawn = {
        kind
        for chart in of_every_kind("x")
        for one in parsed(chart).iter()
        for kind in one.attrib.get("class", "").split()
    }
    assert {kind for kind in drawn - layout if f".{kind} " not in STYLESHEET and f".{kind}," not in STYLESHEET} == set()
