"""The plan for the portfolio as it is now, and projections of trades or of another policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import msgspec

from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState, ReadMarket, figure, summary_of
from portfolio.domain.arithmetic import HUNDRED, exact, total
from portfolio.domain.errors import InvalidAmount
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.rebalancing.plan import Plan, make_plan
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.projection import ProjectedTrade, project
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import MarketView
from portfolio.domain.symbol import Symbol


@figure
def plan_of(state: MarketState) -> Plan:
    """Return what the policy asks of the portfolio."""
    return make_plan(summary_of(state))


class ReadPlan(msgspec.Struct, frozen=True):
    """Answers what the policy asks of the portfolio now."""

    read_market: ReadMarket

    async def __call__(self) -> MarketState:
        """Return the newest state, planned for; the last one seen, marked stale, while the database is away."""
        state = await self.read_market()
        await measured(plan_of, state)
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class ImaginedTrade:
    """A trade that is only thought of: at its own price and fees, or at the market's price and the policy's fee."""

    symbol: Symbol
    side: Side
    quantity: Quantity
    price: Price | None = None
    fees: Money | None = None


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """The portfolio in ``projected``, after ``trades``, beside the one in ``state``, both held to the same policy.

    The trades are those asked about or, with ``is_planned``, those that the policy asks for. ``plan`` is what it asks
    of the current portfolio, ``remaining`` what it asks of the projected one.
    """

    state: MarketState
    projected: MarketState
    is_planned: bool
    trades: Sequence[ProjectedTrade]
    plan: Plan
    remaining: Plan

    @property
    @exact
    def estimated_cost(self) -> Decimal:
        """Return the fees of all trades, in dollars."""
        return total(trade.estimated_fee for trade in self.trades)

    @property
    @exact
    def turnover_percent(self) -> Decimal | None:
        """Return the value of all trades in percent of today's total value; None where that is not above zero."""
        whole, turnover = self.state.view.total_value, total(trade.trade_value for trade in self.trades)
        return turnover * HUNDRED / whole if whole > 0 else None


class WhatIf(msgspec.Struct, frozen=True):
    """Projects trades, or another policy's plan; nothing is stored."""

    read_market: ReadMarket
    rules: BookingRules

    async def __call__(
        self, snapshot: Snapshot, trades: Sequence[ImaginedTrade] = (), *, changes: Mapping[str, object] | None = None
    ) -> Projection:
        """Return what ``trades``, one after the other, would make of the portfolio as it is in ``snapshot``; without
        any, what the plan would. ``changes`` are settings of the policy that are to be others in this answer.

        Raises:
            InvalidPolicy: a change that is not allowed.
            InvalidAmount: a trade in an asset whose price nobody knows, without a price of its own.
            InsufficientQuantity: more sold than held by then.
            InsufficientCash: more spent than there is by then.
        """
        policy = RebalancePolicy.from_mapping(changes or {}, base=self.read_market.policy)
        state = await self.read_market.of(snapshot, also=_assets_of(trades))
        return await measured(partial(self._projection, trades=trades, policy=policy), state)

    def _projection(
        self, state: MarketState, *, trades: Sequence[ImaginedTrade], policy: RebalancePolicy
    ) -> Projection:
        if policy != state.policy:
            state = state.imagined(Summary.of(state.view, policy))
        projected = [_priced(state.view, trade, policy, f"trades[{place}]") for place, trade in enumerate(trades)]
        after = project(state.view, projected, allow_negative_cash=self.rules.allow_negative_cash)
        plan = plan_of(state)
        if trades:
            imagined = state.imagined(plan.current.after(after))
        else:
            projected, imagined = _planned(state.view, plan), state.imagined(plan.projected)
        return Projection(
            state=state,
            projected=imagined,
            is_planned=not trades,
            trades=projected,
            plan=plan,
            remaining=plan_of(imagined),
        )


def _assets_of(trades: Sequence[ImaginedTrade]) -> Mapping[Symbol, Price | None]:
    """Return the assets traded, each with the first price given for it."""
    found: dict[Symbol, Price | None] = {}
    for trade in trades:
        found[trade.symbol] = found.get(trade.symbol) or trade.price
    return found


@exact
def _priced(view: MarketView, trade: ImaginedTrade, policy: RebalancePolicy, place: str) -> ProjectedTrade:
    symbol, quantity = trade.symbol.code, trade.quantity.value
    price = trade.price.value if trade.price is not None else view.holdings[symbol].price
    if price is None:
        raise InvalidAmount("", f"{symbol} has no price here, so the trade needs one", field=f"{place}.price")
    value = quantity * price
    fee = trade.fees.value if trade.fees is not None else value * policy.fee_rate
    return ProjectedTrade(
        symbol=symbol, side=trade.side, quantity=quantity, price=price, trade_value=value, estimated_fee=fee
    )


def _planned(view: MarketView, plan: Plan) -> list[ProjectedTrade]:
    trades = []
    for advice in plan.recommendations:
        price = view.holdings[advice.symbol].price
        assert price is not None
        trades.append(
            ProjectedTrade(
                symbol=advice.symbol,
                side=advice.action,
                quantity=advice.trade_quantity,
                price=price,
                trade_value=advice.trade_value,
                estimated_fee=advice.estimated_fee,
            )
        )
    return trades
