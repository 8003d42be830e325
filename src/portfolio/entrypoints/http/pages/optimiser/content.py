"""What the page of the optimiser shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from portfolio.application.optimisation.records import Optimised
from portfolio.application.risk.state import MarketState
from portfolio.entrypoints.http.optimisation.answers import BindingLimitView, HonestyView, RoomView
from portfolio.entrypoints.http.optimisation.views import optimisation_answer
from portfolio.entrypoints.http.pages.frame.figures import Cell, FigureOf, Row
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.frame.reasons import in_words
from portfolio.entrypoints.http.pages.optimiser.drawings import (
    contributions_chart,
    expected_rows,
    sharpe_chart,
    spread_chart,
    weights_chart,
)
from portfolio.entrypoints.http.pages.optimiser.figures import FIGURES, costs, promised
from portfolio.entrypoints.http.pages.optimiser.form import OptimiserForm
from portfolio.entrypoints.http.pages.rebalancing.before_after import before_after_rows
from portfolio.entrypoints.http.pages.words import ESTIMATORS, OBJECTIVES, RULES, subject_of
from portfolio.entrypoints.http.rebalancing.views import standing_view

Choices = Sequence[tuple[str, str]]

CHOICES: Final[Mapping[str, Choices]] = {
    "objectives": [one for one in OBJECTIVES.items() if one[0] != "current"],
    "estimators": list(ESTIMATORS.items()),
    "limits": (("policy", "the policy's, less 8 % room"), ("hard", "the policy's, all of them")),
}


def optimiser_content(
    form: OptimiserForm,
    *,
    mistakes: Mapping[str, str] | None = None,
    problem: Mapping[str, Any] | None = None,
    found: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the form, with mistakes in what was typed, by field; why there are no weights; or those that were found.

    A ``problem`` ``asks_less`` where objectives that need fewer days have weights.
    """
    return {"form": form, "mistakes": mistakes or {}, "problem": problem, "found": found, **CHOICES}


def found_content(state: MarketState, *, found: Optimised) -> dict[str, Any]:
    """Return what the page shows of weights, as ``POST /optimise`` has them."""
    view, figure = optimisation_answer(found).optimisation, FigureOf(FIGURES, state.convention, state.as_of)
    return {
        "view": view,
        "objective": OBJECTIVES[view.objective],
        "taken": OBJECTIVES[view.fallback_chain[-1].objective],
        "figures": promised(figure, view, found.expected),
        "expected": expected_rows(found),
        "sharpe": sharpe_chart(found),
        "weights": weights_chart(found),
        "contributions": contributions_chart(found),
        "spread": spread_chart(found),
        "honesty": _honesty(view.honesty),
        "binding": list(map(_binding, view.honesty.binding_limits)),
        "steps": [
            [OBJECTIVES[one.objective], "taken" if one.reason is None else in_words(one.reason)]
            for one in view.fallback_chain
        ],
        "scarce": [_limit(one) for one in view.shortfall.limits] if view.shortfall else (),
        "kept": [[one.symbol, Cell(one.weight, Kind.FRACTION), in_words(one.reason)] for one in view.kept],
        "plan": costs(figure, view, found),
        "standing": before_after_rows(standing_view(state), view.plan.projected),
    }


def _honesty(view: HonestyView) -> Sequence[Row]:
    rows = (
        ("Days on which every asset has a return", "observations", Kind.COUNT),
        ("As many days of equal weight tell as much", "effective_observations", Kind.NUMBER),
        ("Condition number of the covariance", "condition_number", Kind.NUMBER),
        ("Shrinkage", "shrinkage", Kind.FRACTION),
        ("Distance to the proven optimum", "optimality_gap", Kind.RATIO),
    )
    return [[label, Cell(getattr(view, name), kind, view.reasons.get(name))] for label, name, kind in rows]


def _limit(view: RoomView) -> list[str | Cell]:
    subject = [view.category] if view.category else view.symbols
    return [subject_of(subject), RULES[view.rule], Cell(view.most, Kind.FRACTION)]


def _binding(view: BindingLimitView) -> Row:
    return [*_limit(view), Cell(view.dual, Kind.RATIO, "no_programme")]
