"""Limits and recommended trades, as answers of several topics have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from portfolio.domain.rebalancing.strategies.targets import Figure
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio, percent, ratio
from portfolio.entrypoints.http.shell.responses import SymbolCode, encode

Rule = Annotated[str, Meta(description="The rule of the policy.", examples=["concentration_risk"])]
Level = Literal["high", "medium", "low"]


def _written(figures: Mapping[str, Figure]) -> dict[str, Raw]:
    return {name: _figure(name, value) for name, value in figures.items()}


def _figure(name: str, value: Figure) -> Raw:
    if isinstance(value, str):
        return Raw(encode(value))
    written = percent(value) if name.endswith("_allocation") else ratio(value)
    assert written is not None
    return written


EvidenceFigure = Annotated[Raw, Meta(extra_json_schema={"type": ["number", "string"], "format": "decimal"})]


class OverLimitView(msgspec.Struct, kw_only=True):
    """A position over the position limit."""

    symbol: str
    current_allocation: Percent
    limit_allocation: Percent
    excess_allocation: Percent
    excess_value: Cents


class OverCategoryView(msgspec.Struct, kw_only=True):
    """A category over the category limit, with what is held in it."""

    category: str
    current_allocation: Percent
    limit_allocation: Percent
    excess_allocation: Percent
    excess_value: Cents
    symbols: list[str]


class ConcentrationView(msgspec.Struct, kw_only=True):
    """How concentrated it is; `hhi` counts shares of the invested value, `hhi_with_cash` of the total value."""

    hhi: Ratio | None
    hhi_with_cash: Ratio | None
    effective_positions: Ratio | None
    concentration_level: Level | None
    over_concentrated_positions: list[OverLimitView]
    over_concentrated_categories: list[OverCategoryView]
    num_positions: int
    recommended_action: Literal["maintain", "reduce_concentration"]


class EvidenceView(msgspec.Struct, kw_only=True):
    """What one rule saw and wished: `change` dollars, below zero for a sale, and the figures behind it."""

    rule: Rule
    change: Cents
    figures: Annotated[dict[str, EvidenceFigure], Meta(extra={"write": _written})]


class PlannedTradeView(msgspec.Struct, kw_only=True):
    """One trade of a plan, in the order in which they can be paid for; the target counts on what its costs leave.

    An exchange takes `executable_quantity` of it: 0 of what is dust there, null where nobody knows.
    """

    symbol: SymbolCode
    action: Literal["BUY", "SELL"]
    current_allocation: Percent
    target_allocation: Percent
    trade_value: Cents
    trade_quantity: Number
    executable_quantity: Number | None
    venue: str | None
    executable_reason: str | None
    estimated_fee: Cents
    after: list[SymbolCode]


class RecommendationView(PlannedTradeView, kw_only=True):
    """One trade that the policy asks for."""

    reason: Rule
    also: list[Rule]
    priority: Level
    confidence: Number
    evidence: list[EvidenceView]


class BrokenLimitView(msgspec.Struct, kw_only=True):
    """A limit that is broken: of a position, a category, or a pair of positions."""

    rule: Rule
    symbols: list[str]
    category: str | None
    allocation: Percent
    limit_allocation: Percent
