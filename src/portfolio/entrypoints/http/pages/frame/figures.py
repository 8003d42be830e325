"""Figures and charts as templates get them: everything is said here, and nothing is computed in a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from markupsafe import Markup

from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.charts import Svg
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
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
    as_of: datetime
    convention: str
    terms: Sequence[Term] = ()
    reason: str | None = None
    period: str = ""


@dataclass(frozen=True, slots=True)
class FigureOf:
    """Makes figures by one convention, and as of one moment."""

    convention: str
    as_of: datetime

    def __call__(  # shape: what a figure is made of
        self,
        name: str,
        label: str,
        value: Value,
        kind: Kind,
        formula: str,
        *,
        terms: Sequence[Term] = (),
        reason: str | None = None,
        days: int | None = None,
    ) -> Figure:
        """Return a figure; without a value its formula has no numbers. ``days`` are those that it is of."""
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
            period="" if days is None else f"last {counted(days, 'day')}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number in the table beneath a chart."""

    value: Value
    kind: Kind
    reason: str | None = None


Row: TypeAlias = Sequence[str | Cell]
"""A row of a table: words, and numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing, and the same numbers as a table: a row begins with what names it."""

    name: str
    title: str
    svg: Markup | Svg
    columns: Sequence[str]
    rows: Sequence[Row]
    note: str = ""
