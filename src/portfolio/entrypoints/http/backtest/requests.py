"""The body that asks for a backtest, and the request that it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType
from msgspec.structs import replace

from portfolio.analytics.conventions import MAX_DAYS
from portfolio.application.backtest.request import (
    BacktestRequest,
    FillAt,
    Kind,
    Start,
    Sweep,
    WalkForward,
    day_faults,
    weight_faults,
)
from portfolio.application.backtest.sweeping.variants import MOST_VARIANTS
from portfolio.application.optimisation.records import Targets
from portfolio.domain.arithmetic import ONE
from portfolio.domain.decimal_text import shortest
from portfolio.domain.errors import InvalidPolicy
from portfolio.domain.money import Money, round_to_step
from portfolio.domain.rebalancing.policy import RebalancePolicy, check_number
from portfolio.entrypoints.http.errors import PROBLEMS, FieldError, RequestError
from portfolio.entrypoints.http.optimisation.requests import OptimiseBody, optimisation_request
from portfolio.entrypoints.http.rebalancing.requests import PolicyBody, policy_changes
from portfolio.entrypoints.http.shell.bodies import FieldReader, PositiveFigure, figure, read_symbol
from portfolio.entrypoints.http.shell.numbers import parse_number

MOST_SYMBOLS: Final = 200
MOST_DAYS_APART: Final = 365
NUMBERS: Final = tuple(name for name, value in RebalancePolicy().to_mapping().items() if isinstance(value, Decimal))
"""The settings of a policy that are numbers."""

LARGEST_SEED: Final = 2**31 - 1

KindName = Literal["policy", "targets"]
StartName = Literal["holdings", "cash", "weights"]
FillName = Literal["next_close", "same_close"]

# What a number may be at least and at most; the ends belong to it.
_RANGES: Mapping[str, tuple[Decimal, Decimal]] = MappingProxyType(
    {
        "fee_bps": (Decimal(0), Decimal(1_000)),
        "slippage_bps": (Decimal(0), Decimal(1_000)),
        "recovery_percent": (Decimal(0), Decimal(100)),
    }
)

BasisPoints = Annotated[Raw, figure("Basis points of a trade's value, 0 to 1,000", minimum=0, maximum=1_000)]


class SweepBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Policies to compare: every combination of the values of `grid`, or so many `samples` of them; at most 1,000."""

    grid: Annotated[
        dict[
            str,
            Annotated[
                list[Annotated[Raw, figure("A value of the setting, in its range")]],
                Meta(min_length=1, max_length=MOST_VARIANTS),
            ],
        ],
        Meta(min_length=1, max_length=len(NUMBERS)),
    ]
    samples: Annotated[int, Meta(ge=1, le=MOST_VARIANTS)] | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=0, le=LARGEST_SEED)] = 0


class WalkForwardBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Choose among the policies of the sweep on so many days, look at so many after them, and go on from there."""

    train_days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = 365
    test_days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = 90


class BacktestBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be tested on past closes. The first decision is made at the end of `from`, the last fill is at the
    close of `to`.
    """

    kind: KindName = "policy"
    policy: PolicyBody | UnsetType = UNSET
    optimise: OptimiseBody | UnsetType = UNSET
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    start: StartName = "holdings"
    initial_value: PositiveFigure | UnsetType = UNSET
    weights: (
        Annotated[
            dict[str, Annotated[Raw, figure("A fraction", minimum=0, maximum=1)]],
            Meta(min_length=1, max_length=MOST_SYMBOLS),
        ]
        | UnsetType
    ) = UNSET
    every_days: Annotated[int, Meta(ge=1, le=MOST_DAYS_APART)] | UnsetType = UNSET
    fill: FillName = "next_close"
    fee_bps: BasisPoints | UnsetType = UNSET
    slippage_bps: BasisPoints | UnsetType = UNSET
    recovery_percent: Annotated[Raw, figure("A percentage", minimum=0, maximum=100, default=0)] | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=0, le=LARGEST_SEED)] = 0
    sweep: SweepBody | UnsetType = UNSET
    stability: bool = False
    walk_forward: WalkForwardBody | UnsetType = UNSET


def request_of(body: BacktestBody, policy: RebalancePolicy, today: date) -> BacktestRequest:
    """Return the request that a body is: complete, with the settings of ``policy`` that the body does not change.

    Raises:
        InvalidPolicy: a setting of the policy that is not allowed.
    """
    reading = FieldReader()
    _check_fields(reading, body, today)
    given: dict[str, Any] = {name: _number(reading, body, name) for name in _RANGES if getattr(body, name) is not UNSET}
    if body.initial_value is not UNSET:
        given["initial_value"] = shortest(reading.amount(Money, "initial_value", body.initial_value).value)
    if body.weights is not UNSET:
        given["weights"] = _weights(reading, body.weights)
    if body.every_days is not UNSET:
        given["every_days"] = body.every_days
    changed = RebalancePolicy.from_mapping(policy_changes(None if body.policy is UNSET else body.policy), base=policy)
    if body.optimise is not UNSET:
        given["optimise"], changed = _targets(reading, body.optimise, changed)
    if body.sweep is not UNSET:
        given["sweep"] = _sweep(reading, body.sweep)
    if body.walk_forward is not UNSET:
        given["walk_forward"] = WalkForward(**msgspec.structs.asdict(body.walk_forward))
    reading.finish()
    if given.get("fee_bps") == changed.fee_bps:
        del given["fee_bps"]
    asked = BacktestRequest(
        kind=Kind(body.kind),
        policy=changed,
        first=body.first,
        last=body.last,
        start=Start(body.start),
        fill=FillAt(body.fill),
        seed=body.seed,
        stability=body.stability,
        **given,
    )
    usual = replace(asked, every_days=None)
    return usual if usual.rhythm == asked.rhythm else asked


def _check_fields(reading: FieldReader, body: BacktestBody, today: date) -> None:
    """Complain of fields that do not go together."""
    for fault in day_faults(body.first, body.last, today):
        reading.refuse(*fault)
    if body.kind == "targets" and body.optimise is UNSET:
        reading.refuse("optimise", "is needed for the kind targets")
    if body.kind == "policy" and body.optimise is not UNSET:
        reading.refuse("optimise", "is for the kind targets")
    if body.start == "weights" and body.weights is UNSET:
        reading.refuse("weights", "is needed for the start weights")
    if body.start != "weights" and body.weights is not UNSET:
        reading.refuse("weights", "is for the start weights")
    if body.start == "holdings" and body.initial_value is not UNSET:
        reading.refuse("initial_value", "is for the starts cash and weights")
    if body.walk_forward is not UNSET and body.sweep is UNSET:
        reading.refuse("walk_forward", "chooses among the policies of a sweep")


def _number(reading: FieldReader, body: BacktestBody, field: str) -> Decimal:
    return shortest(round_to_step(reading.within(field, getattr(body, field), *_RANGES[field])))


def _weights(reading: FieldReader, raws: Mapping[str, Raw]) -> dict[str, Decimal]:
    weights: dict[str, Decimal] = {}
    for name, raw in raws.items():
        field = f"weights.{name}"[:60]
        symbol = reading.given(field, name, read_symbol)
        value = shortest(round_to_step(reading.within(field, raw, Decimal(0), ONE)))
        if symbol is not None and symbol.code in weights:
            reading.refuse(field, "is named twice")
        elif symbol is not None:
            weights[symbol.code] = value
    for fault in () if reading.errors else weight_faults(weights):
        reading.refuse(*fault)
    return dict(sorted(weights.items()))


def _sweep(reading: FieldReader, body: SweepBody) -> Sweep:
    """Return the policies to compare; values that do not go together are left out when they are made."""
    grid: dict[str, tuple[Decimal, ...]] = {}
    for name, raws in sorted(body.grid.items()):
        field = f"sweep.grid.{name}"[:60]
        if name not in NUMBERS:
            reading.refuse(field, "is no setting of a policy that is a number")
            continue
        grid[name] = tuple(
            reading.taking(f"{field}[{place}]", partial(_setting, name, raw), ONE) for place, raw in enumerate(raws)
        )
        if not reading.errors and len(set(grid[name])) < len(raws):
            reading.refuse(field, "has a value twice")
    return Sweep(grid=grid, samples=None if body.samples is UNSET else body.samples, seed=body.seed)


def _setting(name: str, raw: Raw) -> Decimal:
    value = round_to_step(parse_number(raw))
    try:
        check_number(name, value)
    except InvalidPolicy as error:
        raise ValueError(error.reason) from error
    return value


def _targets(
    reading: FieldReader, body: OptimiseBody, policy: RebalancePolicy
) -> tuple[Targets | None, RebalancePolicy]:
    """Return the weights to reach, and the policy with the limits that are named there."""
    try:
        wanted = optimisation_request(body)
    except RequestError as error:
        reading.errors += [FieldError(f"optimise.{one.field}", one.message) for one in error.errors]
        return None, policy
    try:
        changed = RebalancePolicy.from_mapping(wanted.changes, base=policy)
    except InvalidPolicy as error:
        field = FieldError(f"optimise.limits.{error.field}", error.reason)
        raise RequestError(PROBLEMS[InvalidPolicy], str(error), errors=[field]) from error
    return wanted.targets, changed
