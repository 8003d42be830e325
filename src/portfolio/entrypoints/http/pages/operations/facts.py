"""What an instance knows of itself, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from portfolio.entrypoints.http.pages.frame.figures import Figure
from portfolio.entrypoints.http.pages.frame.formats import Kind

MEASURED_HERE: Final = "measured by this instance, whatever others do"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is no number: a word, or a sentence. ``is_bad`` is what somebody has to look at."""

    label: str
    words: str
    is_bad: bool = False
    may_have_amounts: bool = False


Told: TypeAlias = tuple[str, str, float | None, str] | tuple[str, str, float | None, str, str]
"""Of a number its name, its label, itself, what it is, and why there is none."""


def figures_here(at: datetime, told: Iterable[Told]) -> list[Figure]:
    """Return what this instance counted and measured at a moment."""
    return [
        Figure(
            name,
            label,
            Decimal(repr(value)) if isinstance(value, float) else value,
            Kind.NUMBER if isinstance(value, float) else Kind.COUNT,
            formula,
            MEASURED_HERE,
            at,
            reason=why[0] if why else None,
        )
        for name, label, value, formula, *why in told
    ]
