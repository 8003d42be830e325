"""Sections without amounts: nothing of an own kind is left, and nothing else is lost."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from portfolio.entrypoints.charts import HeatCell, Svg
from portfolio.entrypoints.http.pages.frame.figures import Cell
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.reports.content import Count, Drawing, Line, Section, Table, without_amounts

CELLS = (
    st.builds(Cell, value=st.just(Decimal(5)), kind=st.sampled_from(Kind))
    | st.just("text")
    | st.just(HeatCell("1", "heat"))
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of cells of any kinds, as many in each row as there are columns."""
    width = draw(st.integers(1, 6))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=4))
    return Table(caption="t", columns=["name", *map(str, range(width))], rows=[["name", *row] for row in rows])


@given(st.lists(tables(), max_size=3), st.lists(st.sampled_from(Kind), max_size=5))
def test_no_figure_drawing_or_column_of_amounts_is_left(given_tables: list[Table], kinds: list[Kind]) -> None:
    lines = [Line("n", "n", Decimal(5), kind) for kind in kinds]
    drawings = [Drawing("own", Svg("<svg/>"), has_amounts=True), Drawing("shares", Svg("<svg/>"))]
    section = Section(id="s", title="s", lines=[*lines, Count("c", "c", 3)], drawings=drawings, tables=given_tables)
    [kept] = without_amounts([section])
    assert [one.kind for one in kept.lines if isinstance(one, Line)] == [kind for kind in kinds if not kind.is_own]
    assert [one.caption for one in kept.drawings] == ["shares"]
    for table in kept.tables:
        for row in table.rows:
            assert len(row) == len(table.columns)
            assert not [entry for entry in row if isinstance(entry, Cell) and entry.kind.is_own]
    harmless = [table for table in given_tables if not any(
        isinstance(entry, Cell) and entry.kind.is_own for row in table.rows for entry in row
    )]  # fmt: skip
    assert [table for table in harmless if table not in kept.tables] == []


def test_a_section_of_amounts_alone_is_left_out() -> None:
    money = Section(id="m", title="m", lines=[Line("v", "v", Decimal(1), Kind.MONEY)])
    said = Section(id="n", title="n", notes=["said"])
    assert [one.id for one in without_amounts([money, said])] == ["n"]


def test_columns_of_numbers_are_known_by_their_cells() -> None:
    table = Table(caption="t", columns=["a", "b", "c"], rows=[["x", "text", Cell(value=Decimal(1), kind=Kind.RATIO)]])
    assert table.numeric == {2}
