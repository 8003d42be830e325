"""What the page of the optimiser shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from portfolio.application.optimisation.records import Optimised
from portfolio.application.risk.state import MarketState
from portfolio.entrypoints.http.optimisation.answers import BindingLimitView, HonestyView, OptimisationView, RoomView
from portfolio.entrypoints.http.optimisation.views import optimisation_answer
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, FigureOf, Row
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.reasons import in_words
from portfolio.entrypoints.http.pages.optimiser.drawings import (
    contributions_chart,
    expected_rows,
    sharpe_chart,
    spread_chart,
    weights_chart,
)
from portfolio.entrypoints.http.pages.optimiser.figures import costs, promised
from portfolio.entrypoints.http.pages.optimiser.form import OptimiserForm
from portfolio.entrypoints.http.pages.rebalancing.before_after import before_after_rows
from portfolio.entrypoints.http.pages.words import ESTIMATORS, OBJECTIVES, RULES, subject_of
from portfolio.entrypoints.http.rebalancing.views import standing_view

Choices = Sequence[tuple[str, str]]

LIMITS: Final[Choices] = (("policy", "the policy's, with its room of 8 %"), ("hard", "the policy's, all of them"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why there are no weights; ``asks_less`` where objectives that need fewer days have some."""

    title: str
    detail: str
    asks_less: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundContent:
    """Weights, as ``POST /optimise`` has them."""

    view: OptimisationView
    objective: str
    taken: str
    figures: Sequence[Figure]
    expected: Sequence[Row]
    sharpe: Chart | None
    weights: Chart
    contributions: Chart | None
    spread: Chart | None
    honesty: Sequence[Row]
    binding: Sequence[Row]
    steps: Sequence[Row]
    scarce: Sequence[Row]
    kept: Sequence[Row]
    plan: Sequence[Figure]
    standing: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserContent:
    """The form, what is wrong with what was typed, and the weights where some were asked for and found."""

    form: OptimiserForm
    mistakes: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None
    found: FoundContent | None = None
    objectives: Choices = tuple(one for one in OBJECTIVES.items() if one[0] != "current")
    estimators: Choices = tuple(ESTIMATORS.items())
    limits: Choices = LIMITS
    rules: Mapping[str, str] = field(default_factory=lambda: RULES)


def found_content(state: MarketState, *, found: Optimised) -> FoundContent:
    """Return what the page shows of weights."""
    view = optimisation_answer(found).optimisation
    return FoundContent(
        view=view,
        objective=OBJECTIVES[view.objective],
        taken=OBJECTIVES[view.fallback_chain[-1].objective],
        figures=promised(FigureOf(state.convention, state.as_of), view, found.expected),
        expected=expected_rows(found),
        sharpe=sharpe_chart(found),
        weights=weights_chart(found),
        contributions=contributions_chart(found),
        spread=spread_chart(found),
        honesty=_honesty(view.honesty),
        binding=list(map(_binding, view.honesty.binding_limits)),
        steps=[
            [OBJECTIVES[one.objective], "taken" if one.reason is None else in_words(one.reason)]
            for one in view.fallback_chain
        ],
        scarce=[_limit(one) for one in view.shortfall.limits] if view.shortfall else (),
        kept=[[one.symbol, Cell(value=one.weight, kind=Kind.FRACTION), in_words(one.reason)] for one in view.kept],
        plan=costs(FigureOf(state.convention, state.as_of), view, found),
        standing=before_after_rows(standing_view(state), view.plan.projected),
    )


def _honesty(view: HonestyView) -> Sequence[Row]:
    rows = (
        ("Days on which every asset has a return", "observations", Kind.COUNT),
        ("As many days of equal weight tell as much", "effective_observations", Kind.NUMBER),
        ("Condition number of the covariance", "condition_number", Kind.NUMBER),
        ("Shrinkage", "shrinkage", Kind.FRACTION),
        ("Distance to the proven optimum", "optimality_gap", Kind.RATIO),
    )
    return [
        [label, Cell(value=getattr(view, name), kind=kind, reason=view.reasons.get(name))] for label, name, kind in rows
    ]


def _limit(view: RoomView) -> list[str | Cell]:
    subject = [view.category] if view.category else view.symbols
    return [subject_of(subject), RULES[view.rule], Cell(value=view.most, kind=Kind.FRACTION)]


def _binding(view: BindingLimitView) -> Row:
    return [*_limit(view), Cell(value=view.dual, kind=Kind.RATIO, reason="no_programme")]
