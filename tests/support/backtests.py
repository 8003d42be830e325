"""Closes and requests of backtests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.analytics.closes import history_of
from portfolio.analytics.estimate import Matrix
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.backtest.sweeping.trials import Trial, kept_of, with_policy
from portfolio.application.backtest.sweeping.variants import Variant
from portfolio.application.backtest.sweeping.walk_forward import (
    Choice,
    WalkedForward,
    better,
    following,
    handed_on,
    left_alone,
    training,
    walked,
    windows,
)
from portfolio.domain.categories import Categories

FIRST = date(2024, 1, 1)
"""The first day with closes."""


def panel_of(columns: Mapping[str, Sequence[float | None]], categories: Mapping[str, str] | None = None) -> Panel:
    """Closes by symbol, from ``FIRST`` on; None where there is none."""
    symbols = sorted(columns)
    table = np.array([[np.nan if one is None else one for one in columns[symbol]] for symbol in symbols]).T
    return panel_from(np.ascontiguousarray(table), symbols, categories)


def panel_from(
    table: Matrix, symbols: Sequence[str], categories: Mapping[str, str] | None = None, *, first: date = FIRST
) -> Panel:
    """Closes ``(n_days, n_assets)`` from ``first`` on."""
    last = first + timedelta(days=len(table) - 1)
    return Panel.of(history_of(table, symbols, last), Categories(categories or {}))


def walk(n_days: int, n_assets: int, seed: int = 1, *, volatility: float = 0.04, common: float = 0.6) -> Matrix:
    """Geometric random walks that share a part of their moves, at eight significant digits as closes have."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(0, volatility * common, (n_days, 1))
    moves = shared + generator.normal(0, volatility * (1 - common**2) ** 0.5, (n_days, n_assets))
    levels = np.exp(np.cumsum(moves, axis=0)) * generator.uniform(0.5, 500, n_assets)
    rounded: Matrix = np.array([[float(f"{value:.8g}") for value in row] for row in levels])
    return rounded


def named(n_assets: int) -> list[str]:
    """Symbols in order: A00, A01, ..."""
    return [f"A{place:02d}" if n_assets <= 100 else f"A{place:03d}" for place in range(n_assets)]


def request_of(panel: Panel, *, begins: int = 30, ends: int | None = None, **given: Any) -> BacktestRequest:
    """A request from the row ``begins`` to the row ``ends``, by default the last, without slippage."""
    usual: dict[str, Any] = {
        "first": panel.day(begins),
        "last": panel.last if ends is None else panel.day(ends),
        "slippage_bps": Decimal(0),
    }
    return BacktestRequest(**usual | given)


def held(cash: int | str = 0, **quantities: int | str) -> Holdings:
    """These quantities, and cash."""
    return Holdings(cash=Decimal(cash), quantities={symbol: Decimal(of) for symbol, of in quantities.items()})


def trial_of(request: BacktestRequest, variant: Variant, panel: Panel, holdings: Holdings | None) -> Trial:
    """What is kept of one variant, run from its first day to its last at once: what jobs cut into slices."""
    own = with_policy(request, variant)
    return kept_of(advance(start(own, panel, holdings), panel, own.last), panel, variant)


def walk_forward(
    request: BacktestRequest, variants: Sequence[Variant], panel: Panel, holdings: Holdings | None
) -> WalkedForward:
    """What comes of a walk-forward, window after window at once.

    Each window chooses the variant with the highest Sharpe ratio on its days, the first of equal ones; each of those
    begins with the request's own start. What is chosen goes on with what there is by then.
    """
    choices: list[Choice] = []
    states: list[BacktestState] = []
    for window in windows(request):
        best, own = None, training(request, window)
        for place, variant in enumerate(variants):
            best = better(best, place, trial_of(own, variant, panel, holdings))
        assert best is not None, "there are variants"
        choices.append(best)
        left = handed_on(states, panel, window)
        asked = following(request, variants[best.place], window, left)
        begun = start(asked, panel, left or holdings, goes_on=left is not None)
        states.append(advance(begun, panel, asked.last))
    return walked(request, choices, states, left_alone(request, panel, holdings))
