"""A row of the table: a floor, a figure measured beside it, their ratio, and whether that meets the target."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.harness.alternation import pass_on

Measurement = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. ``floors``, ``figures`` and ``ratios`` have an element a round; shown are the medians.

    ``limit`` is the least ratio that will do, or the greatest where ``at_most``; None where there is no target.
    ``broken`` says what else was promised and did not hold: the row is then missed whatever its ratio. ``series`` are
    the points of a picture, by name: how much work, and what it cost.
    """

    work: str
    floor: str
    unit: str
    floors: Sequence[float]
    figures: Sequence[float]
    ratios: Sequence[float]
    limit: float | None
    at_most: bool
    notes: Sequence[str] = ()
    broken: str = ""
    series: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Return the median of the rounds' ratios."""
        return median(self.ratios)

    @property
    def is_met(self) -> bool | None:
        """Return whether the target is met; None where there is none."""
        if self.broken:
            return False
        if self.limit is None:
            return None
        return self.ratio <= self.limit if self.at_most else self.ratio >= self.limit

    @property
    def target(self) -> str:
        """Return the target in words."""
        if self.limit is None:
            return "-"
        return f"{'<=' if self.at_most else '>='} {self.limit:g}"

    @property
    def verdict(self) -> str:
        """Return whether the target is met, in a word."""
        return {None: "-", True: "met", False: "MISS"}[self.is_met]

    def as_json(self) -> dict[str, Any]:
        """Return everything of the row, for the record."""
        return {
            "work": self.work,
            "floor_is": self.floor,
            "unit": self.unit,
            "floor": median(self.floors),
            "figure": median(self.figures),
            "ratio": self.ratio,
            "ratio_least": min(self.ratios),
            "ratio_most": max(self.ratios),
            "rounds": len(self.ratios),
            "target": self.target,
            "verdict": self.verdict,
            "broken": self.broken,
            "notes": list(self.notes),
            "floors": list(self.floors),
            "figures": list(self.figures),
            "series": dict(self.series),
        }


def ratio_row(  # shape: what a row says, all by name
    *,
    work: str,
    floor: str,
    unit: str,
    floors: Sequence[float],
    figures: Sequence[float],
    limit: float | None,
    at_most: bool,
    notes: Sequence[str] = (),
    broken: str = "",
    series: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> Row:
    """Return the row of a floor and a figure measured by turns: the ratios are those of each round's pair."""
    ratios = [figure / base for base, figure in zip(floors, figures, strict=True)]
    return Row(
        work=work,
        floor=floor,
        unit=unit,
        floors=floors,
        figures=figures,
        ratios=ratios,
        limit=limit,
        at_most=at_most,
        notes=notes,
        broken=broken,
        series=series or {},
    )


def by_turns(rounds: int, *works: Measurement) -> list[list[float]]:
    """Return what each of ``works`` measured in each round: A B A B ..., after one round that does not count.

    Whatever else the machine does meanwhile meets all of them alike. Between the rounds another version has its own.
    """
    measured: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for figures, work in zip(measured, works, strict=True):
            gc.collect()
            figure = work()
            if number:
                figures.append(figure)
        pass_on()
    return measured
