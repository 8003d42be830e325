"""Figures of a market state."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.risk.state import MarketState
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.http.pages.frame.figures import Figure, Term
from portfolio.entrypoints.http.pages.frame.filters import Value
from portfolio.entrypoints.http.pages.frame.formats import Kind


class FigureOf:
    """Makes figures of one state: by its convention, and as of its moment."""

    def __init__(self, state: MarketState) -> None:
        self._state = state

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
            convention=self._state.convention,
            as_of=self._state.as_of,
            terms=terms if value is not None else (),
            reason=reason,
            period="" if days is None else f"last {counted(days, 'day')}",
        )
