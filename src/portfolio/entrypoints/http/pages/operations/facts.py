"""What an instance knows of itself, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from portfolio.entrypoints.http.pages.frame.figures import Figure, FigureOf
from portfolio.entrypoints.http.pages.frame.formats import Kind

MEASURED_HERE: Final = "measured by this instance, whatever others do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that is no number: a word, or a sentence. ``is_bad`` is what somebody has to look at."""

    label: str
    words: str
    is_bad: bool = False
    may_have_amounts: bool = False


class Here(FigureOf):
    """Makes figures of what this instance measured at a moment."""

    def __init__(self, at: datetime) -> None:
        super().__init__(MEASURED_HERE, at)

    def measure(self, name: str, label: str, value: float | None, formula: str, reason: str | None = None) -> Figure:
        """Return a figure of a measured number."""
        exact = None if value is None else Decimal(repr(value))
        return self(name, label, exact, Kind.NUMBER, formula, reason=reason)

    def count(self, name: str, label: str, value: int | None, formula: str, reason: str | None = None) -> Figure:
        """Return a figure of a count."""
        return self(name, label, value, Kind.COUNT, formula, reason=reason)
