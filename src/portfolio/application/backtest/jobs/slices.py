"""A backtest computed a slice at a time: pure functions from bytes to bytes, which may run anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import msgspec

from portfolio.analytics.backtest.packing import packed, unpacked
from portfolio.analytics.closes import Join
from portfolio.application.backtest.decision import Solve
from portfolio.application.backtest.jobs.records import Advanced, Attempted, Outcome
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest
from portfolio.application.backtest.result import trades
from portfolio.application.backtest.run import start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.backtest.sweeping.outcome import trial_rows, whole_result
from portfolio.application.backtest.sweeping.runs import RunPlan, Runs, days_further, trial_bytes
from portfolio.application.backtest.sweeping.trials import kept_of

ENGINE: Final = "6"
"""The version of the rules by which backtests are computed: another one makes other results of the same closes."""

_THOUSANDTH: Final = Decimal("0.001")


class Given(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """All that a backtest is computed of. ``closes`` are those of the panel, packed."""

    engine: str
    request: bytes
    symbols: tuple[str, ...]
    categories: tuple[str, ...]
    first: date
    closes: bytes
    simulated: bool
    holdings: Holdings | None
    joins: tuple[Join, ...] = ()

    @classmethod
    def of(cls, request: BacktestRequest, panel: Panel, holdings: Holdings | None) -> Given:
        """Return what a request is computed of."""
        return cls(
            engine=ENGINE,
            request=request.encode(),
            symbols=panel.symbols,
            categories=panel.categories,
            first=panel.first,
            closes=packed(panel.closes),
            simulated=panel.simulated,
            holdings=holdings,
            joins=panel.joins,
        )

    def panel(self) -> Panel:
        """Return the panel, made anew."""
        return Panel(
            symbols=self.symbols,
            first=self.first,
            closes=unpacked(self.closes, len(self.symbols)),
            categories=self.categories,
            simulated=self.simulated,
            joins=self.joins,
        )

    def encode(self) -> bytes:
        """Return it as MessagePack, the same for what gives the same result."""
        # Without joins these are the bytes, and so the fingerprint, of before there were any.
        return _ENCODER.encode(msgspec.structs.astuple(self)[: None if self.joins else -1])

    @classmethod
    def decode(cls, encoded: bytes) -> Given:
        """Return what ``encode`` made bytes of."""
        return _DECODER.decode(encoded)


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(Given)
_JSON: Final = msgspec.json.Encoder(order="deterministic")


def fingerprint(given: bytes) -> str:
    """Return a digest of all that a backtest is computed of."""
    return hashlib.sha256(given).hexdigest()


def begun(request: BacktestRequest, panel: Panel, holdings: Holdings | None) -> bytes:
    """Return all that a backtest is computed of, having seen that its runs can begin; raises NotBacktestable."""
    RunPlan.of(request, panel, holdings).check()
    return Given.of(request, panel, holdings).encode()


def advanced(
    given: bytes,
    checkpoint: bytes | None,
    ahead: Mapping[int, bytes] = MappingProxyType({}),
    *,
    is_over: Callable[[], bool],
    solve: Solve | None = None,
) -> Advanced:
    """Return how far a backtest is when the slice ``is_over``, from a checkpoint or from the start; at least a step.

    ``ahead`` are trials of it that were run elsewhere, by place. Where slices end, and who ran which trial, makes no
    difference to what comes of it. What was begun under rules of another version is begun anew: a result is of one.
    """
    plan = _opened(given)
    runs = Runs.resumed(checkpoint, ENGINE)
    runs.take(plan, ahead)
    while not runs.is_done(plan):
        runs.advance(plan, solve)
        if is_over():
            break
    progress = Decimal(runs.progress(plan)).quantize(_THOUSANDTH)
    return Advanced(progress=progress, checkpoint=runs.encode(), outcome=_outcome(runs, plan), to_try=runs.to_try(plan))


def attempted(
    given: bytes, place: int, state: bytes | None, *, is_over: Callable[[], bool], solve: Solve | None = None
) -> Attempted:
    """Return how far the trial of a place is when the slice ``is_over``, from its state or from its start."""
    plan = _opened(given)
    request, variant = plan.trial(place)
    running = start(request, plan.panel, plan.holdings) if state is None else BacktestState.decode(state)
    while not running.is_done:
        running = days_further(running, plan.panel, solve)
        if not running.is_done and is_over():
            return Attempted(state=running.encode())
    return Attempted(trial=trial_bytes(kept_of(running, plan.panel, variant)))


@lru_cache(maxsize=2)
def _opened(given: bytes) -> RunPlan:
    """Return what is to be run of what was given: the same for all slices, as are the tables that its panel keeps."""
    asked = Given.decode(given)
    return RunPlan.of(BacktestRequest.decode(asked.request), asked.panel(), asked.holdings)


def _outcome(runs: Runs, plan: RunPlan) -> Outcome | None:
    if not runs.is_done(plan):
        return None
    assert runs.own is not None, "they are done"
    return Outcome(
        result=_JSON.encode(whole_result(runs, plan)),
        equity=_JSON.encode(runs.own.equity),
        trades=_JSON.encode(trades(runs.own)),
        sweep=_JSON.encode(trial_rows(runs, plan)),
    )
