"""What an instance knows of itself, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from portfolio.entrypoints.http.pages.frame.figures import Figure
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind

MEASURED_HERE: Final = "measured by this instance, whatever others do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that is no number: a word, or a sentence. ``is_bad`` is what somebody has to look at."""

    label: str
    words: str
    is_bad: bool = False
    may_have_amounts: bool = False


class Here:
    """Makes figures of what this instance measured at a moment."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def measure(self, name: str, label: str, value: float | None, formula: str, reason: str | None = None) -> Figure:
        """Return a figure of a measured number."""
        return self._figure(name, label, None if value is None else Decimal(repr(value)), Kind.NUMBER, formula, reason)

    def count(self, name: str, label: str, value: int | None, formula: str, reason: str | None = None) -> Figure:
        """Return a figure of a count."""
        return self._figure(name, label, value, Kind.COUNT, formula, reason)

    def _figure(  # shape: what a figure is made of
        self, name: str, label: str, value: Value, kind: Kind, formula: str, reason: str | None
    ) -> Figure:
        return Figure(
            name=name,
            label=label,
            value=value,
            kind=kind,
            formula=formula,
            convention=MEASURED_HERE,
            as_of=self._at,
            reason=reason,
        )
