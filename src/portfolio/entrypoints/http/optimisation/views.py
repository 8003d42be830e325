"""Optimisations as the bodies of answers."""

from __future__ import annotations

from portfolio.analytics.estimate import Undefined
from portfolio.application.optimisation.records import BindingLimit, ExpectedFigures, HonestFigures, Optimised
from portfolio.domain.optimisation.headroom import Headroom
from portfolio.domain.rebalancing.reason import Reason
from portfolio.entrypoints.http.optimisation.answers import (
    BindingLimitView,
    ExpectedView,
    HonestyView,
    OptimisationAnswer,
    OptimisationView,
    RoomView,
    ShortfallView,
    TargetPlanView,
    VersusView,
)
from portfolio.entrypoints.http.rebalancing.views import standing_view
from portfolio.entrypoints.http.views import view

NOT_OF_AN_OPTIMUM = "no_programme"
SINGULAR = "singular"
NOT_SHRUNK = "not_shrunk"
TOO_FEW = Undefined.TOO_FEW_COMMON_DAYS.value


def optimisation_answer(found: Optimised) -> OptimisationAnswer:
    """Return the answer to a request."""
    return OptimisationAnswer(timestamp=found.state.at, optimisation=_optimisation_view(found))


def _optimisation_view(found: Optimised) -> OptimisationView:
    targets, state = found.targets, found.state
    reasons = {} if found.expected else {"expected": TOO_FEW}
    if found.contributions is None:
        reasons["risk_contributions"] = TOO_FEW if found.expected is None else Undefined.CONSTANT_SERIES.value
    return view(
        OptimisationView,
        found,
        targets,
        state,
        objective=targets.objective.value,
        estimator=targets.estimator.value,
        expected=_expected(found.expected),
        risk_contributions=found.contributions,
        plan=_plan_view(found),
        versus=VersusView(current=_expected(found.current), equal_weight=_expected(found.equal_weight)),
        honesty=_honesty(found.honesty, has_days=found.expected is not None),
        fallback_chain=found.steps,
        shortfall=_shortfall(found),
        policy_id=state.policy.id,
        reasons=reasons,
    )


def _plan_view(found: Optimised) -> TargetPlanView:
    plan = found.plan
    return view(
        TargetPlanView,
        plan,
        recommendations=plan.trades,
        projected=standing_view(found.state.imagined(plan.projected)),
        remaining=plan.remaining.recommendations,
    )


def _expected(figures: ExpectedFigures | None) -> ExpectedView | None:
    return None if figures is None else view(ExpectedView, figures)


def _honesty(figures: HonestFigures, *, has_days: bool) -> HonestyView:
    whys = {
        "effective_observations": TOO_FEW,
        "condition_number": SINGULAR if has_days else TOO_FEW,
        "shrinkage": NOT_SHRUNK if has_days else TOO_FEW,
        "optimality_gap": NOT_OF_AN_OPTIMUM if has_days else TOO_FEW,
        "weight_spread": TOO_FEW,
    }
    return view(
        HonestyView,
        figures,
        binding_limits=[_binding(limit) for limit in figures.binding_limits],
        reasons={name: why for name, why in whys.items() if getattr(figures, name) is None},
    )


def _binding(limit: BindingLimit) -> BindingLimitView:
    return view(
        BindingLimitView, limit, limit.headroom, rule=limit.headroom.name.reason, category=_category(limit.headroom)
    )


def _shortfall(found: Optimised) -> ShortfallView | None:
    if found.shortfall is None:
        return None
    headrooms = [
        view(RoomView, headroom, rule=headroom.name.reason, category=_category(headroom))
        for headroom in found.shortfall.headrooms
    ]
    return view(ShortfallView, found.shortfall, limits=headrooms)


def _category(headroom: Headroom) -> str | None:
    return headroom.name.subject[0] if headroom.name.reason is Reason.CATEGORY_CONCENTRATION else None
