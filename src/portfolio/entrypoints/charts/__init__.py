"""Charts: data in, SVG text out. Nothing here reads or writes anything; colours are classes of ``STYLESHEET``."""

from portfolio.entrypoints.charts.columns import Column, column_chart
from portfolio.entrypoints.charts.figure import Frame, Svg, Tone
from portfolio.entrypoints.charts.heat import HeatCell, heat_cell, heat_kind
from portfolio.entrypoints.charts.intervals import Interval, interval_chart
from portfolio.entrypoints.charts.line import Level, Marker, Series, Side, line_chart
from portfolio.entrypoints.charts.rows import Bar, Bullet, Step, bar_chart, bullet_chart, waterfall_chart
from portfolio.entrypoints.charts.scales import Scale
from portfolio.entrypoints.charts.stylesheet import STYLESHEET
from portfolio.entrypoints.charts.treemap import Group, Tile, treemap
from portfolio.entrypoints.charts.units import DOLLARS, FRACTION, PERCENT, PLAIN, Unit

__all__ = [
    "DOLLARS",
    "FRACTION",
    "PERCENT",
    "PLAIN",
    "STYLESHEET",
    "Bar",
    "Bullet",
    "Column",
    "Frame",
    "Group",
    "HeatCell",
    "Interval",
    "Level",
    "Marker",
    "Scale",
    "Series",
    "Side",
    "Step",
    "Svg",
    "Tile",
    "Tone",
    "Unit",
    "bar_chart",
    "bullet_chart",
    "column_chart",
    "heat_cell",
    "heat_kind",
    "interval_chart",
    "line_chart",
    "treemap",
    "waterfall_chart",
]
