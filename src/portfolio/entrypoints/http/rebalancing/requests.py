"""The bodies of questions about rebalancing, and what they ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from portfolio.application.rebalancing.planning import ImaginedTrade
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import DECIMALS, Money, Price, Quantity, round_to_step
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.errors import FieldError
from portfolio.entrypoints.http.shell.bodies import (
    Fees,
    FieldReader,
    PositiveFigure,
    SideText,
    SymbolText,
    figure,
    read_symbol,
)
from portfolio.entrypoints.http.shell.numbers import parse_number

T = TypeVar("T")

MOST_TRADES = 100

Setting = Annotated[Raw, figure("A setting of the policy, in its range")]
Names = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=200)]
PriorityName = Annotated[str, Meta(description="high, medium or low.")]


class TradeBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A trade to imagine; without a price at the market's, without fees at the policy's."""

    symbol: SymbolText
    side: SideText
    quantity: PositiveFigure
    price: PositiveFigure | UnsetType = UNSET
    fees: Fees | UnsetType = UNSET


class LimitSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The settings of the policy's limits."""

    position_limit: Setting | UnsetType = UNSET
    volatility_threshold: Setting | UnsetType = UNSET
    momentum_threshold: Setting | UnsetType = UNSET
    momentum_limit: Setting | UnsetType = UNSET
    category_limit: Setting | UnsetType = UNSET
    pair_correlation: Setting | UnsetType = UNSET
    pair_limit: Setting | UnsetType = UNSET


class ByRule(msgspec.Struct, Generic[T], forbid_unknown_fields=True, kw_only=True):
    """A setting of each rule."""

    concentration_risk: T | UnsetType = UNSET
    high_volatility: T | UnsetType = UNSET
    negative_momentum: T | UnsetType = UNSET
    category_concentration: T | UnsetType = UNSET
    high_correlation: T | UnsetType = UNSET
    cash_deployment: T | UnsetType = UNSET


class PrioritiesBody(ByRule[PriorityName], forbid_unknown_fields=True, kw_only=True):
    """The priority of what each rule recommends."""


class ConfidencesBody(ByRule[Setting], forbid_unknown_fields=True, kw_only=True):
    """The confidence of what each rule recommends."""


class PolicyBody(LimitSettings, forbid_unknown_fields=True, kw_only=True):
    """Settings of the policy that are to be others; shares are fractions, 25 % is 0.25."""

    pair_floor: Setting | UnsetType = UNSET
    cash_trigger: Setting | UnsetType = UNSET
    cash_target: Setting | UnsetType = UNSET
    sell_down_share: Setting | UnsetType = UNSET
    fee_bps: Setting | UnsetType = UNSET
    dust_value: Setting | UnsetType = UNSET
    uncapped_categories: Names | UnsetType = UNSET
    stable_categories: Names | UnsetType = UNSET
    priorities: PrioritiesBody | UnsetType = UNSET
    confidences: ConfidencesBody | UnsetType = UNSET


class WhatIfBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Trades, or settings of the policy, or both."""

    trades: Annotated[list[TradeBody], Meta(max_length=MOST_TRADES)] = []
    policy: PolicyBody | None = None


def imagined_trades(bodies: Sequence[TradeBody]) -> list[ImaginedTrade]:
    """Return the trades that a body states, in order.

    Raises:
        RequestError: names every field that is wrong by its place, such as ``trades[3].price``.
    """
    every, trades = FieldReader(), []
    for index, body in enumerate(bodies):
        reading = FieldReader()
        trades.append(_imagined(reading, body))
        every.errors += [FieldError(f"trades[{index}].{one.field}", one.message) for one in reading.errors]
    every.finish()
    return trades


def policy_changes(body: PolicyBody | None) -> dict[str, object]:
    """Return the settings that a body changes, as the policy takes them."""
    reading = FieldReader()
    changes = {} if body is None else settings_in(reading, "policy", body)
    reading.finish()
    return changes


def settings_in(reading: FieldReader, field: str, body: msgspec.Struct) -> dict[str, object]:
    """Return the settings that a ``field`` gives, as the policy takes them; what is no number is complained of."""
    given = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    return {name: _setting(reading, f"{field}.{name}", value) for name, value in given.items()}


def _imagined(reading: FieldReader, body: TradeBody) -> ImaginedTrade:
    trade = ImaginedTrade(
        symbol=reading.taking("symbol", lambda: read_symbol(body.symbol), Symbol("X")),
        side=Side(body.side.upper()),
        quantity=reading.amount(Quantity, "quantity", body.quantity),
        price=None if body.price is UNSET else reading.amount(Price, "price", body.price),
        fees=None if body.fees is UNSET else reading.amount(Money, "fees", body.fees, least="at least zero"),
    )
    for field, amount in (("quantity", trade.quantity), ("price", trade.price)):
        if amount is not None and not amount and not reading.errors:
            reading.refuse(field, "has to be above zero at 18 decimals")
    return trade


def _setting(reading: FieldReader, name: str, value: object) -> object:
    """Return a setting of the policy as the policy takes it; a complaint, where it is no number."""
    if isinstance(value, Raw):
        # The range of the setting is the policy's to tell, also of a number beyond all that can be rounded.
        number = reading.taking(name, lambda: parse_number(value), None)
        return number if number is None or number.adjusted() >= DECIMALS else round_to_step(number)
    return settings_in(reading, name, value) if isinstance(value, msgspec.Struct) else value
