"""Figures and charts, prepared for templates: a template computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from markupsafe import Markup

from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.charts import Frame, Svg
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind

SINCE_START: Final = "since the start"


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a figure's formula: the sign before it, its number, and what that is."""

    label: str
    value: Value
    kind: Kind
    sign: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that can be opened: how it is made of which numbers, by which convention, and as of when.

    ``name`` is the API's name of it; ``reason`` is the code that says why there is no ``value``. ``period`` is what
    time it is of, where that is not the moment: it stands beside the label.
    """

    name: str
    label: str
    value: Value
    kind: Kind
    formula: str
    convention: str
    as_of: datetime
    terms: Sequence[Term] = ()
    reason: str | None = None
    period: str = ""


About: TypeAlias = tuple[str, Kind, str]
"""Of a figure its label, its kind, and how it is made, in words."""


@dataclass(frozen=True, slots=True)
class FigureOf:
    """Makes figures by their names, with what is said ``about`` each, by one convention, and as of one moment."""

    about: Mapping[str, About]
    convention: str
    as_of: datetime

    def __call__(
        self, name: str, value: Value, *, terms: Sequence[Term] = (), reason: str | None = None, period: str = ""
    ) -> Figure:
        """Return a figure; without a value its formula has no numbers."""
        label, kind, formula = self.about[name]
        return Figure(
            name=name,
            label=label,
            value=value,
            kind=kind,
            formula=formula,
            convention=self.convention,
            as_of=self.as_of,
            terms=terms if value is not None else (),
            reason=reason,
            period=period,
        )

    def of(self, view: Any, name: str, *, terms: Sequence[Term] = (), period: str = "") -> Figure:
        """Return the figure that a view has under this name, with its reason."""
        return self(name, getattr(view, name), terms=terms, reason=view.reasons.get(name), period=period)

    def always(self, view: Any, name: str, terms: Sequence[Term], *, period: str = "") -> Figure:
        """Return that figure; the numbers in its formula stay without a value too: they tell why there is none."""
        return replace(self.of(view, name, period=period), terms=terms)


def last_days(days: int) -> str:
    """Return of which time a figure of the last ``days`` is."""
    return f"last {counted(days, 'day')}"


class Cell(msgspec.Struct, frozen=True):
    """A number in the table beneath a chart."""

    value: Value
    kind: Kind
    reason: str | None = None


Row: TypeAlias = Sequence[str | Cell]
"""A row of a table: words, and numbers."""


class Chart(msgspec.Struct, frozen=True):
    """A drawing, and the same numbers as a table: a row begins with what names it."""

    name: str
    title: str
    svg: Markup | Svg
    columns: Sequence[str]
    rows: Sequence[Row]
    note: str = ""

    @classmethod
    def of(cls, frame: Frame, svg: Svg, columns: Sequence[str], rows: Sequence[Row], note: str = "") -> Chart:
        """Return a chart that is called as its drawing is."""
        return cls(frame.id.removesuffix("-chart"), frame.title, svg, columns, rows, note)
