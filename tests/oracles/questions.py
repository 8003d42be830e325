"""Writes the questions about backtests: closes, and the trades that were made on them. ``make oracles`` runs this in
the environment of the tests; ``rewrite.py`` has others answer in an environment of their own, without this code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from portfolio.analytics.estimate import Matrix
from portfolio.analytics.optimisation.problem import Objective
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, FillAt, Kind, Start
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.state import BacktestState
from portfolio.application.optimisation.records import LimitMode, Targets
from portfolio.domain.backtest.fills import WRITE_DOWN
from portfolio.domain.rebalancing.policy import RebalancePolicy
from tests.support.backtests import named, panel_from, request_of, walk
from tests.support.fakes.compute import chosen_here

FILE: Final = Path(__file__).with_name("questions.json")
# So much that the rounding of money, to a millionth of a dollar, is far under what floats can tell apart.
MONEY: Final = Decimal(100_000_000)
STRICT: Final = RebalancePolicy(position_limit=Decimal("0.2"), cash_trigger=Decimal("0.15"))
FREE: Final = RebalancePolicy(
    volatility_threshold=Decimal(999),
    position_limit=Decimal(1),
    momentum_limit=Decimal(1),
    category_limit=Decimal(1),
    pair_limit=Decimal(1),
    cash_target=Decimal(0),
    fee_bps=Decimal(0),
)
"""No limit that matters, no cash, no fees."""


@dataclass(frozen=True)
class Case:
    """A backtest that is done; with ``strategy`` another library makes the decisions too."""

    name: str
    panel: Panel
    state: BacktestState
    strategy: str | None = None

    @property
    def request(self) -> BacktestRequest:
        """What was asked."""
        return self.state.request

    def question(self) -> dict[str, Any]:
        """All that another library needs: days, closes, and each trade with its close and whether it costs anything."""
        first, last = (self.panel.place(day) for day in (self.request.first, self.request.last))
        costs = self.request.costs
        return {
            "name": self.name,
            "strategy": self.strategy,
            "every_days": self.request.rhythm,
            "days": [str(self.panel.day(place)) for place in range(first, last + 1)],
            "symbols": self.panel.symbols,
            "closes": [[None if np.isnan(one) else one for one in row] for row in self._closes(first, last)],
            "cash": str(self.request.initial_value),
            "fee": str(costs.fee_rate),
            "slippage": str(costs.slippage_rate),
            "trades": [*self._bought_first(), *self._filled(first)],
        }

    def _closes(self, first: int, last: int) -> Sequence[Sequence[float]]:
        rows: list[list[float]] = self.panel.closes[first : last + 1].tolist()
        return rows

    def _bought_first(self) -> list[list[Any]]:
        """What a start with weights buys at the first close, free of cost."""
        if self.request.start is not Start.WEIGHTS:
            return []
        wallet = start(self.request, self.panel).main.own
        closes = self.panel.closes_on(self.panel.place(self.request.first), wallet.quantities)
        return [
            [0, self.panel.columns[symbol], str(quantity), str(closes[symbol]), False]
            for symbol, quantity in wallet.quantities.items()
        ]

    def _filled(self, first: int) -> list[list[Any]]:
        return [
            [
                self.panel.place(fill.filled) - first,
                self.panel.columns[fill.symbol],
                str(fill.change),
                str(fill.close),
                fill.rule != WRITE_DOWN,
            ]
            for fill in self.state.fills
        ]


def cases() -> list[Case]:
    """The rules with a gap in the closes; weights of an optimiser; an asset that is written down; equal weights."""
    names = named(5)
    weights = dict(zip(names, map(Decimal, ("0.3", "0.25", "0.15", "0.1", "0.1")), strict=True))
    held: dict[str, Any] = {"policy": STRICT, "start": Start.WEIGHTS, "weights": weights, "slippage_bps": Decimal(10)}
    aims: dict[str, Any] = {"kind": Kind.TARGETS, "start": Start.CASH, "fill": FillAt.SAME_CLOSE, "policy": FREE}
    return [
        _case("rules", _with_gap(walk(230, 5, 31)), **held),
        _case("rules, written down", _ending(walk(230, 5, 32)), **held, recovery_percent=Decimal(25)),
        _case(
            "weights",
            walk(230, 5, 33),
            **aims,
            optimise=_aim(Objective.INVERSE_VOLATILITY),
            fee_bps=Decimal(5),
            slippage_bps=Decimal(20),
        ),
        _case("equal weights", walk(230, 5, 34), "equal", **aims, optimise=_aim(Objective.EQUAL_WEIGHT), every_days=10),
    ]


def _aim(objective: Objective) -> Targets:
    return Targets(objective=objective, symbols=tuple(named(5)), days=30, limits=LimitMode.HARD)


def _case(name: str, closes: Matrix, strategy: str | None = None, **given: Any) -> Case:
    panel = panel_from(closes, named(5))
    request = request_of(panel, initial_value=MONEY, **given)
    state = advance(start(request, panel), panel, request.last, solve=chosen_here)
    return Case(name=name, panel=panel, state=state, strategy=strategy)


def _with_gap(closes: Matrix) -> Matrix:
    closes[100:103, 1] = np.nan
    return closes


def _ending(closes: Matrix) -> Matrix:
    closes[120:, 2] = np.nan
    return closes


if __name__ == "__main__":
    FILE.write_text(json.dumps([case.question() for case in cases()]) + "\n")
