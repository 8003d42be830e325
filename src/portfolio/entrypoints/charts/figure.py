"""What every chart has: a name, a unit, and what it says of its data in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from portfolio.entrypoints.charts.elements import label, text
from portfolio.entrypoints.charts.units import PLAIN, Unit

_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class Svg(str):
    """The text of a chart, ready to stand in a page: a template writes it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return the text itself: what was not ours in it is escaped."""
        return self


class Tone(StrEnum):
    """Who a series is about. Told apart by colour, and without colours by the kind of its line."""

    OWN = "own"  # blue, solid
    OTHER = "other"  # orange, dashed
    THIRD = "third"  # grey, dotted

    @property
    def key(self) -> str:
        """The piece of line that stands for it in a legend."""
        return _KEYS[self]


_KEYS: Final = {Tone.OWN: "\N{BOX DRAWINGS HEAVY HORIZONTAL}", Tone.OTHER: "╍", Tone.THIRD: "┈"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart is called.

    ``id`` is unique on the page: letters, digits, ``-`` and ``_``. ``title`` is its name; ``desc`` is said before what
    the chart says of its data itself. ``unit`` writes its numbers. ``height`` is in pixels; charts that have one row
    for each item are as high as their rows.
    """

    id: str
    title: str
    desc: str = ""
    unit: Unit = PLAIN
    height: int = 240

    def __post_init__(self) -> None:
        assert _ID.fullmatch(self.id), f"no id of an element: {self.id!r}"


def drawn(frame: Frame, kind: str, says: Iterable[str], parts: Iterable[str], height: int | None = None) -> Svg:
    """Return the chart: its title, what it says in words, and its ``parts``."""
    name, desc = f"{frame.id}-title", f"{frame.id}-desc"
    words = " ".join(filter(None, (frame.desc, *says)))
    inner = "".join(parts)
    return Svg(
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{frame.id}" class="chart chart-{kind}" role="img" '
        f'aria-labelledby="{name}" aria-describedby="{desc}" width="100%" height="{height or frame.height}">'
        f'<title id="{name}">{text(frame.title)}</title><desc id="{desc}">{text(words)}</desc>{inner}</svg>'
    )


def empty(frame: Frame, kind: str, why: str = "No data.") -> Svg:
    """Return the chart of nothing, which says so."""
    return drawn(frame, kind, (why,), (label(why, x="50%", y=40, anchor="middle"),), 64)
