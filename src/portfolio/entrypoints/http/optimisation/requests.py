"""The body that asks for weights, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from portfolio.analytics.conventions import MAX_DAYS
from portfolio.analytics.optimisation.problem import Estimator, Objective
from portfolio.application.optimisation.records import LimitMode, OptimisationRequest, Targets
from portfolio.domain.decimal_text import shortest
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.rebalancing.requests import LimitSettings, settings_in
from portfolio.entrypoints.http.shell.bodies import FieldReader, SymbolText, figure, read_symbol
from portfolio.entrypoints.http.shell.strict_body import decode

MOST_SYMBOLS = 500

HELD: Final = "held"

ObjectiveName = Literal[
    "min_variance", "max_sharpe", "risk_parity", "hrp", "min_cvar", "equal_weight", "inverse_volatility"
]
EstimatorName = Literal["sample", "ledoit_wolf", "ewma"]

# What a number may be at least and at most; the ends belong to it.
_RANGES: Mapping[str, tuple[Decimal, Decimal]] = MappingProxyType(
    {
        "half_life_days": (Decimal(1), Decimal(MAX_DAYS)),
        "cash_percent": (Decimal(0), Decimal("99.99")),
        "max_turnover_percent": (Decimal(0), Decimal(100_000)),
        "confidence": (Decimal("0.5"), Decimal("0.999")),
    }
)


class LimitsBody(LimitSettings, forbid_unknown_fields=True, kw_only=True):
    """Limits that weights are to keep to, all of each being used; what is not named is as in the policy.

    Shares are fractions: 25 % is 0.25.
    """


class OptimiseBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What weights are asked for."""

    objective: ObjectiveName
    estimator: EstimatorName = "ledoit_wolf"
    half_life_days: Annotated[Raw, figure("1 or more", minimum=1, maximum=MAX_DAYS, default=60)] | UnsetType = UNSET
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = 180
    symbols: Literal["held"] | Annotated[list[SymbolText], Meta(min_length=1, max_length=MOST_SYMBOLS)] = HELD
    cash_percent: Annotated[Raw, figure("A percentage", minimum=0, maximum=99.99)] | UnsetType = UNSET
    max_turnover_percent: Annotated[Raw, figure("A percentage", minimum=0, maximum=100_000)] | UnsetType = UNSET
    limits: Literal["policy", "hard"] | LimitsBody = "policy"
    confidence: Annotated[Raw, figure("0.5 to 0.999", minimum=0.5, maximum=0.999, default=0.95)] | UnsetType = UNSET


def read_optimisation_request(text: bytes) -> OptimisationRequest:
    """Return what a body in JSON asks for, as the command line has it; errors as of ``optimisation_request``."""
    return optimisation_request(decode(text, OptimiseBody))


def optimisation_request(body: OptimiseBody) -> OptimisationRequest:
    """Return what a body asks for."""
    reading = FieldReader()
    symbols = None if isinstance(body.symbols, str) else _symbols(reading, body.symbols)
    figures: dict[str, Any] = {}
    for field, (low, high) in _RANGES.items():
        raw = getattr(body, field)
        if raw is not UNSET:
            figures[field] = shortest(reading.within(field, raw, low, high))
    changes = settings_in(reading, "limits", body.limits) if isinstance(body.limits, LimitsBody) else {}
    reading.finish()
    targets = Targets(
        objective=Objective(body.objective),
        estimator=Estimator(body.estimator),
        days=body.days,
        symbols=symbols,
        limits=LimitMode.POLICY if body.limits == LimitMode.POLICY.value else LimitMode.HARD,
        **figures,
    )
    return OptimisationRequest(targets=targets, changes=changes)


def _symbols(reading: FieldReader, texts: list[str]) -> tuple[str, ...]:
    found = [
        reading.taking(f"symbols[{place}]", partial(read_symbol, text), Symbol("X")) for place, text in enumerate(texts)
    ]
    if not reading.errors and len(set(found)) < len(found):
        reading.refuse("symbols", "names an asset twice")
    return tuple(sorted(symbol.code for symbol in found))
