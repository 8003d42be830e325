"""Reads a chart back: from the coordinates of its SVG, and from its labels, to the data it was drawn from."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

from portfolio.entrypoints.charts.elements import FINENESS, PIXELS

SVG = "{http://www.w3.org/2000/svg}"
SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}

Run = list[tuple[float, float]]


def parsed(svg: str) -> ET.Element:
    """Return the chart; it is well-formed XML, and draws by classes alone."""
    root = ET.fromstring(svg)  # noqa: S314  our own text
    assert root.tag == SVG + "svg"
    assert not [one for one in root.iter() if "style" in one.attrib or one.tag in {SVG + "style", SVG + "script"}]
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on") or "href" in name]
    ids = [one.attrib["id"] for one in root.iter() if "id" in one.attrib]
    assert len(ids) == len(set(ids))
    assert root.attrib["aria-labelledby"] in ids
    assert root.attrib["aria-describedby"] in ids
    return root


def said(svg: str) -> str:
    """Return what the chart says in words."""
    return parsed(svg).findtext(SVG + "desc") or ""


def of_class(svg: str, kind: str) -> list[ET.Element]:
    """Return the elements of a class."""
    return [one for one in parsed(svg).iter() if kind in one.attrib.get("class", "").split()]


def texts(svg: str, kind: str = "chart-label") -> list[str]:
    """Return the texts of a class."""
    return ["".join(one.itertext()) for one in of_class(svg, kind)]


def runs(svg: str, kind: str = "chart-stroke") -> list[Run]:
    """Return the lines: places as a fraction of the width, and pixels below the top of the chart."""
    [plot] = of_class(svg, "chart-plot")
    top = float(plot.attrib["y"])
    _, _, width, height = map(float, plot.attrib["viewBox"].split())
    assert (width, height) == (PIXELS * FINENESS, float(plot.attrib["height"]) * FINENESS)
    paths = [one for one in plot if kind in one.attrib["class"].split()]
    return [[(x / width, top + y / FINENESS) for x, y in run] for path in paths for run in _followed(path.attrib["d"])]


def _followed(path: str) -> Iterator[Run]:
    """Yield the runs of a path of M, l, h, v, V and z."""
    for part in filter(None, path.split("M")):
        steps = re.findall(r"([lhvVz]?)([-0-9 .]*)", "l" + part.rstrip("z"))
        x = y = 0.0
        run: Run = []
        for command, digits in steps:
            numbers = [float(one) for one in re.findall(r"-?[0-9]+", digits)]
            pairs = {
                "l": [(numbers[n], numbers[n + 1]) for n in range(0, len(numbers) - 1, 2)],
                "h": [(one, 0.0) for one in numbers],
                "v": [(0.0, one) for one in numbers],
                "V": [(0.0, one - y) for one in numbers],
                "": [],
                "z": [],
            }[command]
            for dx, dy in pairs:
                x, y = x + dx, y + dy
                run.append((x, y))
        yield run


def value_of(text: str) -> float:
    """Return the number that a label shows."""
    found = re.fullmatch(r"([−+]?)\$?([0-9.,e+-]+?)([kMBT]?)%?", text)
    assert found, text
    sign, digits, scale = found.groups()
    return (-1 if sign == "−" else 1) * float(digits.replace(",", "")) * SCALES[scale]


def values_by_ticks(svg: str, *, is_log: bool = False) -> Callable[[float], float]:
    """Return what turns pixels below the top into values, by the lines across and the labels above them alone."""
    lines = {float(one.attrib["y1"]) for one in of_class(svg, "chart-grid") if one.attrib.get("x2") == "100%"}
    ticks = {}
    for one in of_class(svg, "chart-label"):
        y = float(one.attrib["y"]) + 3
        if one.attrib["x"] == "0" and min(abs(y - line) for line in lines) < 0.02:
            ticks[y] = value_of(one.text or "")
    (top, high), (bottom, low) = min(ticks.items()), max(ticks.items())
    if len(ticks) == 1:
        return lambda y: low + bottom - y
    assert high > low
    if is_log:
        return lambda y: math.exp(math.log(low) + (bottom - y) / (bottom - top) * math.log(high / low))
    return lambda y: low + (bottom - y) / (bottom - top) * (high - low)
