"""The request for a backtest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from portfolio.application.optimisation.records import Targets
from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.backtest.fills import Costs
from portfolio.domain.decimal_text import shortest
from portfolio.domain.rebalancing.policy import RebalancePolicy

DAYS_BEFORE: Final = 60
"""So many days of closes come before the first decision: the rules look back 30, and a gap is to be no later start."""
EVERY_DAYS_OF_TARGETS: Final = 30
LEAST_WORTH: Final = Decimal("0.000001")
"""Dollars: what is worth less is shown as nothing, and has no returns."""


class Kind(StrEnum):
    """What decides: the rebalancing policy, or weights of an optimiser that are to be reached."""

    POLICY = "policy"
    TARGETS = "targets"


class Start(StrEnum):
    """What there is at the start: the holdings of today (hindsight), cash alone, or weights bought free of cost."""

    HOLDINGS = "holdings"
    CASH = "cash"
    WEIGHTS = "weights"


class FillAt(StrEnum):
    """At which close a decision is filled: that of the next day, or the one it was made on, which nobody can have."""

    NEXT_CLOSE = "next_close"
    SAME_CLOSE = "same_close"


class Fault(NamedTuple):
    """What is wrong with a request: the field, by its name in JSON, and why."""

    field: str
    reason: str


class Sweep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Runs of several policies: all of ``grid`` (values by setting), or so many ``samples`` of it."""

    grid: Mapping[str, tuple[Decimal, ...]]
    samples: int | None = None
    seed: int = 0


class WalkForward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings chosen on ``train_days``, and looked at on the ``test_days`` after them, again and again."""

    train_days: int = 365
    test_days: int = 90


class BacktestRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A backtest. It is complete: the policy has every setting, and no default depends on the day it is run.

    The first decision is made at 24:00 UTC of ``first``, the last fill is at the close of ``last``. ``every_days`` None
    is 1 for a policy and 30 for targets. ``fee_bps`` None is the policy's. ``initial_value`` is in dollars, for the
    starts ``cash`` and ``weights``; ``weights`` are fractions of it by symbol, the rest is cash. Write-downs bring
    ``recovery_percent`` of the last price. Limits of the targets' own are settings of the policy.
    """

    kind: Kind = Kind.POLICY
    policy: RebalancePolicy = msgspec.field(default_factory=RebalancePolicy)
    optimise: Targets | None = None
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    start: Start = Start.HOLDINGS
    initial_value: Annotated[Decimal, msgspec.Meta(description="Dollars.")] = Decimal(100_000)
    weights: dict[str, Decimal] = {}
    every_days: int | None = None
    fill: FillAt = FillAt.NEXT_CLOSE
    fee_bps: Decimal | None = None
    slippage_bps: Decimal = Decimal(10)
    recovery_percent: Decimal = Decimal(0)
    seed: int = 0
    sweep: Sweep | None = None
    stability: bool = False
    walk_forward: WalkForward | None = None
    risk_free_rate: Decimal | UnsetType = UNSET

    def at(self, risk_free_rate: Decimal) -> BacktestRequest:
        """Return the request where a year without risk brings so much, a fraction: what it brings nowhere is unset, so
        that such requests are the bytes that they were before there was a rate.
        """
        return msgspec.structs.replace(self, risk_free_rate=shortest(risk_free_rate) or UNSET)

    @property
    def yearly_rate(self) -> Decimal:
        """Return what a year without risk brings: ratios of Sharpe and Sortino are above that, and the objective that
        looks for the greatest; cash earns nothing.
        """
        return ZERO if self.risk_free_rate is UNSET else self.risk_free_rate

    @property
    def may_be_bought(self) -> tuple[str, ...]:
        """Return the assets that targets name: they may be bought although nothing of them is held."""
        return (self.optimise.symbols or ()) if self.kind is Kind.TARGETS and self.optimise else ()

    @property
    def rhythm(self) -> int:
        """Return the days from one decision to the next."""
        if self.every_days is not None:
            return self.every_days
        return 1 if self.kind is Kind.POLICY else EVERY_DAYS_OF_TARGETS

    @property
    @exact
    def costs(self) -> Costs:
        """Return what fills cost."""
        fee = self.policy.fee_bps if self.fee_bps is None else self.fee_bps
        return Costs(fee_rate=fee.scaleb(-4), slippage_rate=self.slippage_bps.scaleb(-4))

    def encode(self) -> bytes:
        """Return the request as JSON, the same for equal requests."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> BacktestRequest:
        """Return the request of ``encode``; raises InvalidPolicy where a setting of its policy is not allowed."""
        return _DECODER.decode(encoded)


def faults(request: BacktestRequest, today: date | None = None) -> Iterator[Fault]:
    """Yield what no closes could make a backtest of; without ``today`` its days may be any."""
    yield from day_faults(request.first, request.last, today)
    if request.start is not Start.HOLDINGS and request.initial_value < LEAST_WORTH:
        yield Fault("initial_value", f"has to be at least {LEAST_WORTH} dollars: there is nothing to begin with")
    if request.start is Start.WEIGHTS:
        yield from weight_faults(request.weights)
    if request.kind is not Kind.TARGETS:
        return
    targets = request.optimise
    if targets is None:
        yield Fault("optimise", "is needed for the kind targets")
    elif targets.days < targets.objective.least_days:
        yield Fault("optimise.days", f"{targets.objective} needs {targets.objective.least_days} days of returns")


def day_faults(first: date, last: date, today: date | None) -> Iterator[Fault]:
    """Yield what is wrong with the days of a request. A part of one, without ``today``, may be a day alone."""
    if today is not None and last >= today:
        yield Fault("to", "has to be a day that is over")
    elif first > last or (first == last and today is not None):
        yield Fault("from", "has to be before to")


@exact
def weight_faults(weights: Mapping[str, Decimal]) -> Sequence[Fault]:
    """Return what is wrong with the weights that a backtest is to begin with."""
    if all(weight >= 0 for weight in weights.values()) and 0 < total(weights.values()) <= 1:
        return ()
    return [Fault("weights", "have to sum to more than 0 and at most 1: the rest is cash")]


_ENCODER: Final = msgspec.json.Encoder(order="deterministic", enc_hook=dict)
_DECODER: Final = msgspec.json.Decoder(BacktestRequest)
