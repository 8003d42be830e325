"""What was asked of a backtest, in words: what it is of, and the settings that tell it from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, Final

from portfolio.domain.decimal_text import listed
from portfolio.entrypoints.http.backtest.answers import BacktestRequestView, TargetsView
from portfolio.entrypoints.http.pages.frame.filters import exact_text
from portfolio.entrypoints.http.pages.words import ESTIMATORS, OBJECTIVES, named
from portfolio.entrypoints.http.rebalancing.answers import PolicyView

STARTS: Final = {
    "holdings": "with what is held today",
    "cash": "with cash",
    "weights": "with weights",
}
AS_USUAL: Final = "nothing: the policy of now, at the usual costs"

# What a request has where nothing was said; numbers as they are written.
_USUAL: Final = {
    "slippage_bps": "10",
    "recovery_percent": "0",
    "seed": "0",
    "initial_value": "100000",
    "risk_free_rate": "0",
}
_WORDS: Final = {
    "slippage_bps": "slippage {} bp",
    "recovery_percent": "write-downs bring {} %",
    "seed": "seed {}",
    "initial_value": "${} at the start",
    "risk_free_rate": "risk-free rate {}",
}
_NAMED: Final = 4  # so many assets


def asked_of(request: BacktestRequestView) -> str:
    """Return what was asked, in a few words."""
    targets = request.optimise
    what = "the policy" if targets is None else OBJECTIVES[targets.objective]
    how_often = "every day" if request.every_days == 1 else f"every {request.every_days} days"
    return f"{what}, {how_often}, {STARTS[request.start]}"


def differences(request: BacktestRequestView, policy: PolicyView, *, private: bool) -> str:
    """Return in what a backtest is another one than that of the policy of now at the usual costs."""
    return "; ".join(_differences(request, policy, private=private)) or AS_USUAL


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings with their values.

    >>> settings_text({"cash_trigger": 1, "fee_bps": 5})
    'cash trigger 1, fee bps 5'
    """
    return ", ".join(f"{named(name)} {exact_text(value)}" for name, value in settings.items())


def _differences(request: BacktestRequestView, policy: PolicyView, *, private: bool) -> Iterator[str]:
    if request.weights:
        yield listed([f"{symbol} {exact_text(weight)}" for symbol, weight in request.weights.items()], _NAMED)
    if request.optimise is not None:
        yield from _of_targets(request.optimise)
    for name in policy.__struct_fields__:
        now, then = getattr(policy, name), getattr(request.policy, name)
        if now != then and name not in {"id", "fee_bps"}:
            yield f"other {named(name)}" if isinstance(then, list | dict) else f"{named(name)} {exact_text(then)}"
    if request.fee_bps != policy.fee_bps:
        yield f"fee {exact_text(request.fee_bps)} bp"
    for name, usual in _USUAL.items():
        text = exact_text(getattr(request, name))
        if text != usual and not (private and name == "initial_value"):
            yield _WORDS[name].format(text)
    yield from _of_many(request)


def _of_targets(targets: TargetsView) -> Iterator[str]:
    if targets.symbols is not None:
        yield f"of {listed(targets.symbols, _NAMED)}"
    if targets.estimator != "ledoit_wolf":
        yield f"estimator {ESTIMATORS[targets.estimator]}"
    for label, value, usual in (
        ("{} days looked at", targets.days, "180"),
        ("half-life {} days", targets.half_life_days, "60"),
        ("confidence {}", targets.confidence, "0.95"),
        ("cash {} %", targets.cash_percent, None),
        ("turnover up to {} %", targets.max_turnover_percent, None),
    ):
        if value is not None and exact_text(value) != usual:
            yield label.format(exact_text(value))
    if targets.limits == "hard":
        yield "limits used up"


def _of_many(request: BacktestRequestView) -> Iterator[str]:
    if request.sweep is not None:
        grid = request.sweep.grid
        count = prod(map(len, grid.values()))
        count = count if request.sweep.samples is None else min(count, request.sweep.samples)
        yield f"sweep of {count} over {', '.join(map(named, grid))}"
    if request.stability:
        yield "stability"
    if request.walk_forward is not None:
        yield f"walk-forward {request.walk_forward.train_days}/{request.walk_forward.test_days} days"
