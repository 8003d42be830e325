"""Proves that decisions do not look ahead: with another future they are the same, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.analytics.backtest.futures import Future, simulated_closes, with_future
from portfolio.application.backtest.decision import Decide, Decision, Known
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, Start
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.state import Holdings
from portfolio.domain.rebalancing.plan import Plan
from portfolio.domain.rebalancing.policy import RebalancePolicy

CUTS: Final = 25

_LEAST_DECISIONS: Final = 30
_LEAST_ASSETS: Final = 2
_SIMULATED_DAYS: Final = 151
_SIMULATED_FROM: Final = date(2024, 1, 1)
_SIMULATED: Final = {
    "AAVE": "defi_lending", "ADA": "proof_of_stake", "BTC": "store_of_value", "DOT": "interoperability",
    "ETH": "smart_contracts", "LINK": "oracle", "SOL": "smart_contracts", "UNI": "dex_governance",
}  # fmt: skip
_UNEQUAL: Final = tuple(map(Decimal, ("0.3", "0.2", "0.12", "0.1", "0.08", "0.06", "0.04", "0.02")))

DecideOn = Callable[[Panel], Decide]
"""Makes what decides; it gets the whole panel, so that one that cheats can be made and be caught."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of ``day`` that was another one when the closes after ``cut`` were."""

    cut: date
    future: Future
    day: date


class LookAhead(msgspec.Struct, frozen=True, kw_only=True):
    """What became of decisions in other futures.

    ``cuts`` is how many days the future was changed after, ``decisions`` how many were compared, each future's apart;
    ``changed`` the first that was another one, of each cut and future.
    """

    cuts: int
    decisions: int
    changed: Sequence[Changed]


class Recorder(msgspec.Struct):
    """Decides as another one does, and writes down what, with the plan or the weights it comes from."""

    decide: Decide
    written: list[tuple[date, bytes]] = msgspec.field(default_factory=list)

    @property
    def days(self) -> int:
        """Return how far back it looks."""
        return self.decide.days

    @property
    def symbols(self) -> Sequence[str]:
        """Return the assets that it may buy although nothing of them is held."""
        return self.decide.symbols

    def __call__(self, known: Known) -> Decision:
        """Return the decision."""
        decision = self.decide(known)
        self.written.append((known.day, decision_bytes(decision)))
        return decision


def decision_bytes(decision: Decision) -> bytes:
    """Return a decision as bytes, equal for equal decisions: orders, the whole plan with its evidence, weights."""
    of_plan = None if decision.plan is None else _plan_parts(decision.plan)
    return _ENCODER.encode((decision.orders, of_plan, decision.weights, decision.skipped))


def look_ahead(
    request: BacktestRequest, panel: Panel, holdings: Holdings | None, decide_on: DecideOn, *, cuts: int = CUTS
) -> Iterator[LookAhead]:
    """Yield what was found so far, after each cut; the last one is the result.

    The cuts are spread over the days from the first to the last but one.
    """
    truth = _decided(request, panel, holdings, decide_on, request.last)
    rows = _spread(panel.place(request.first), panel.place(request.last) - 1, cuts)
    decisions, changed = 0, []
    for number, row in enumerate(rows, start=1):
        expected = [one for one in truth if one[0] <= panel.day(row)]
        for future in Future:
            other = panel.with_closes(with_future(panel.closes, row, future, seed=request.seed))
            found = _decided(request, other, holdings, decide_on, panel.day(row))
            decisions += len(expected)
            day = _first_other(expected, found)
            if day is not None:
                changed.append(Changed(cut=panel.day(row), future=future, day=day))
        yield LookAhead(cuts=number, decisions=decisions, changed=tuple(changed))


def simulated_panel(seed: int) -> Panel:
    """Return made-up closes of eight assets, for a proof where there are no others."""
    symbols = tuple(sorted(_SIMULATED))
    return Panel(
        symbols=symbols,
        first=_SIMULATED_FROM,
        closes=simulated_closes(_SIMULATED_DAYS, len(symbols), seed=seed),
        categories=tuple(_SIMULATED[symbol] for symbol in symbols),
        simulated=True,
    )


def has_enough(panel: Panel, holdings: Holdings) -> bool:
    """Return whether there are closes enough for a proof: decisions on 30 days at least, on two assets that are held
    all the time.
    """
    held = [panel.columns[symbol] for symbol in holdings.quantities if symbol in panel.columns]
    place = len(panel.closes) - 1 - _LEAST_DECISIONS
    return place >= 0 and int(panel.entered[place][held].sum()) >= _LEAST_ASSETS


def request_on(policy: RebalancePolicy, panel: Panel, holdings: Holdings | None, seed: int) -> BacktestRequest:
    """Return the request of a proof: from what is held, or from unequal weights, as long as closes go."""
    entered = panel.entered.sum(axis=1).tolist()
    place = next(place for place, count in enumerate(entered) if count >= min(_LEAST_ASSETS, len(panel.symbols)))
    weights = {} if holdings else dict(zip(panel.symbols, _UNEQUAL, strict=False))
    return BacktestRequest(
        policy=policy,
        first=panel.day(place),
        last=panel.last,
        start=Start.HOLDINGS if holdings else Start.WEIGHTS,
        weights=weights,
        seed=seed,
    )


def _decided(
    request: BacktestRequest, panel: Panel, holdings: Holdings | None, decide_on: DecideOn, until: date
) -> list[tuple[date, bytes]]:
    recorder = Recorder(decide_on(panel))
    advance(start(request, panel, holdings), panel, until, decide=recorder)
    return recorder.written


def _spread(first: int, last: int, count: int) -> list[int]:
    """Return at most ``count`` rows between two, both among them, about as far from each other."""
    steps = max(count - 1, 1)
    return sorted({first + (last - first) * step // steps for step in range(count)})


def _first_other(expected: Sequence[tuple[date, bytes]], found: Sequence[tuple[date, bytes]]) -> date | None:
    assert [day for day, _ in expected] == [day for day, _ in found]
    return next((one[0] for one, other in zip(expected, found, strict=True) if one != other), None)


def _plan_parts(plan: Plan) -> tuple[object, ...]:
    return (
        plan.recommendations,
        plan.unresolved,
        plan.estimated_cost,
        plan.turnover,
        plan.withheld,
        plan.withheld_because,
        plan.current.health,
        plan.projected.health,
    )


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
