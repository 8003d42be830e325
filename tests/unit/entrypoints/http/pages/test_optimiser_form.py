"""What is typed into the form of the optimiser: what it asks for, and what is said of what asks for nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from portfolio.analytics.optimisation.problem import Estimator, Objective
from portfolio.application.optimisation.records import LimitMode, OptimisationRequest, Targets
from portfolio.entrypoints.http.pages.optimiser.form import OptimiserForm


def test_an_objective_alone_asks_for_what_the_route_takes_by_default() -> None:
    assert OptimiserForm(objective="hrp").read() == (OptimisationRequest(targets=Targets(objective=Objective.HRP)), {})


def test_without_an_objective_nothing_is_asked() -> None:
    assert OptimiserForm(days="x", cash_percent="1").read() == (None, {})


def test_every_field_is_read() -> None:
    form = OptimiserForm(
        objective="min_cvar",
        estimator="ewma",
        half_life_days=" 30.5 ",
        days="365",
        symbols="eth-usd, btc;AAA",
        cash_percent="0",
        max_turnover_percent="12.5",
        limits="hard",
        confidence="0.99",
    )
    assert form.read() == (
        OptimisationRequest(
            targets=Targets(
                objective=Objective.MIN_CVAR,
                estimator=Estimator.EWMA,
                half_life_days=Decimal("30.5"),
                days=365,
                symbols=("AAA", "BTC", "ETH"),
                cash_percent=Decimal(0),
                max_turnover_percent=Decimal("12.5"),
                limits=LimitMode.HARD,
                confidence=Decimal("0.99"),
            )
        ),
        {},
    )


def test_limits_of_ones_own_are_used_in_full() -> None:
    request, _ = OptimiserForm(
        objective="hrp", limits="policy", own_limits="position_limit = 0.4\n\npair_limit=1"
    ).read()
    assert request is not None
    assert (request.targets.limits, request.changes) == (
        LimitMode.HARD,
        {"position_limit": Decimal("0.4"), "pair_limit": Decimal(1)},
    )


@pytest.mark.parametrize("text", ["held", "  ", " , "])
def test_no_symbols_are_those_that_are_held(text: str) -> None:
    request, _ = OptimiserForm(objective="hrp", symbols=text).read()
    assert request == OptimisationRequest(targets=Targets(objective=Objective.HRP))


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"objective": "luck"}, "objective", "takes min_variance, max_sharpe"),
        ({"estimator": "guess"}, "estimator", "takes sample, ledoit_wolf, ewma"),
        ({"days": "0"}, "days", "a whole number, 1 to 3650"),
        ({"days": "1e3"}, "days", "a whole number"),
        ({"symbols": "BTC BTC-USD"}, "symbols", "names an asset twice"),
        ({"symbols": "BTC <b>"}, "symbols", "A-Z"),
        ({"symbols": " ".join(f"A{n}" for n in range(501))}, "symbols", "at most 500 symbols"),
        ({"cash_percent": "100"}, "cash_percent", "0 to 99.99"),
        ({"cash_percent": "much"}, "cash_percent", "has to be a decimal number"),
        ({"max_turnover_percent": "-1"}, "max_turnover_percent", "0 to 100000"),
        ({"confidence": "1"}, "confidence", "0.5 to 0.999"),
        ({"half_life_days": "0"}, "half_life_days", "1 to 3650"),
        ({"limits": "soft"}, "limits", "takes policy, hard"),
        ({"own_limits": "fee_bps = 1"}, "own_limits", "line 1: 'fee_bps' is no setting to change here"),
        ({"own_limits": "\nposition_limit"}, "own_limits", "line 2: needs a value"),
        ({"own_limits": "pair_limit = 1\npair_limit = 1"}, "own_limits", "line 2: pair_limit is given twice"),
        ({"own_limits": "position_limit = x"}, "own_limits", "position_limit has to be a decimal number"),
        ({"own_limits": "x" * 4001}, "own_limits", "takes at most 4000 characters"),
    ],
)
def test_what_asks_for_nothing_is_said_by_field(typed: dict[str, str], field: str, said: str) -> None:
    request, mistakes = OptimiserForm(**{"objective": "hrp", **typed}).read()
    assert request is None
    assert list(mistakes) == [field]
    assert said in mistakes[field]


def test_all_that_is_wrong_is_said_at_once() -> None:
    form = OptimiserForm(objective="luck", days="x", cash_percent="y", own_limits="z")
    assert set(form.read()[1]) == {"objective", "days", "cash_percent", "own_limits"}
