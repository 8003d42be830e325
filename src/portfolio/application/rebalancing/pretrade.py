"""The effect of a booking, computed before the trade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from functools import partial
from types import MappingProxyType

import msgspec

from portfolio.analytics.closes import last_close
from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.estimate import Undefined
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.happenings.fees import pay_fee
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.prices.valuation import PriceStatus
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.application.risk.correlation import average_of
from portfolio.application.risk.measured import HISTORY_UNAVAILABLE, Excluded
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState, ReadMarket, summary_of
from portfolio.application.risk.value_at_risk import historical_value_at_risk_of
from portfolio.application.risk.volatility import volatility_of
from portfolio.domain.arithmetic import HUNDRED, exact, total
from portfolio.domain.errors import AmountMismatch, DomainError, FeesTooHigh
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import Price
from portfolio.domain.prices.quarantine import QuoteRules
from portfolio.domain.rebalancing.projection import largest_quantity
from portfolio.domain.rebalancing.summary import LimitUse, Summary
from portfolio.domain.rebalancing.view import MarketView, pair_of
from portfolio.domain.symbol import Symbol

MISMATCHES = (AmountMismatch, FeesTooHigh)
"""Refusals of money that does not fit quantity x price: it says nothing about the cost of a unit."""


class TradeImpact(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that a trade in one asset changes, either before it or after it.

    Allocations are percentages of the total value, None where that is not above zero. ``correlations`` are those of the
    asset with what else is held. ``portfolio_volatility`` is annualised, ``value_at_risk_95`` the historical one of a
    day over the last year, both fractions of the total value; ``excluded`` are the assets that volatility is made
    without. What is None has a reason.
    """

    figures: Summary
    quantity: Decimal
    value: Decimal
    allocation: Decimal | None
    category_allocation: Decimal | None
    correlations: Mapping[str, Decimal]
    portfolio_volatility: Decimal | None
    value_at_risk_95: Decimal | None
    excluded: Sequence[Excluded]
    reasons: Mapping[str, str]


class BrokenLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that is broken after the trade.

    ``newly_broken`` if it was not before; ``caused`` if the trade broke it, or adds to what was over it already.
    """

    over: LimitUse
    newly_broken: bool
    caused: bool


class Doubt(StrEnum):
    """Why nobody can say that a trade is within the limits, or why its price is no ground for one."""

    PRICE_OFF_MARKET = "price_off_market"
    PRICES_STALE = "prices_stale"
    NO_HISTORY = HISTORY_UNAVAILABLE
    SHORT_HISTORY = Undefined.TOO_FEW_OBSERVATIONS.value


class TradeCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a booking would do.

    ``refusal`` is what the ledger would say against it, and then nothing comes after. ``doubt`` is what else speaks
    against it. ``largest_quantity`` is the most that could be booked at this price, with fees in this proportion,
    without breaking a limit; None where nobody can say.
    """

    state: MarketState
    execution: Execution
    category: str
    before: TradeImpact
    after: TradeImpact | None
    refusal: DomainError | None
    doubt: Doubt | None
    broken: Sequence[BrokenLimit]
    largest_quantity: Decimal | None

    @property
    def is_accepted(self) -> bool:
        """Return whether the ledger would book it."""
        return self.refusal is None

    @property
    def breaks_limits(self) -> bool | None:
        """Return whether it would break a limit, or add to what is over one; None where it would not be booked."""
        return any(limit.caused for limit in self.broken) if self.is_accepted else None

    @property
    def allowed(self) -> bool | None:
        """Return whether nothing speaks against it; None where nobody can say."""
        if not self.is_accepted or self.breaks_limits or self.doubt is Doubt.PRICE_OFF_MARKET:
            return False
        return None if self.doubt is not None else True


class CheckTrade(msgspec.Struct, frozen=True):
    """Answers what a booking would do; nothing of it is stored, and a key that it carries is not used up.

    Of an asset to be bought of which no closes are kept they are fetched, and kept: without them neither its volatility
    nor its correlation is known.
    """

    read_market: ReadMarket
    fetch_closes: FetchCloses
    rules: BookingRules

    async def __call__(self, snapshot: Snapshot, command: BookTrade) -> TradeCheck:
        """Return the portfolio in ``snapshot`` after ``command``, beside the current one.

        Raises:
            InvalidAmount: an amount is not above zero.
            LedgerUnavailable: the database is away; what was held and known last is no ground for a trade.
        """
        execution = command.execution
        execution.check_signs()
        state = await self._state(snapshot, execution)
        lacks_closes = execution.side is Side.BUY and last_close(state.closes.history, execution.symbol.code) is None
        if lacks_closes and await self.fetch_closes(execution.symbol):
            state = await self._state(await self.read_market.newest(), execution)
        return await measured(partial(self._check, command=command), state)

    async def _state(self, snapshot: Snapshot, execution: Execution) -> MarketState:
        state = await self.read_market.of(snapshot, also={execution.symbol: execution.price})
        if snapshot.database_away or not state.closes.is_current:
            raise LedgerUnavailable("the database is away, so the trade cannot be checked")
        return state

    def _check(self, state: MarketState, *, command: BookTrade) -> TradeCheck:
        execution, code = command.execution, command.execution.symbol.code
        after, refusal = self._booked(state, command)
        return TradeCheck(
            state=state,
            execution=execution,
            category=state.view.holdings[code].category,
            before=_impact(state, code),
            after=None if after is None else _impact(after, code),
            refusal=refusal,
            doubt=_doubt(state, execution),
            broken=() if after is None else _broken(summary_of(state), summary_of(after), execution),
            largest_quantity=None if isinstance(refusal, MISMATCHES) else self._largest(state, execution),
        )

    def _booked(self, state: MarketState, command: BookTrade) -> tuple[MarketState | None, DomainError | None]:
        """Return the state with the books as they would be, or why they would not be."""
        try:
            before, execution, fee = pay_fee(state.snapshot.portfolio, command, self.rules, state.at)
            after, _ = before.book(execution, self.rules, override=command.override, now=state.at)
            # Refused like a booking, where the sum of everything is what goes out of range.
            assert after.total_value is not None
            moved = [execution.symbol, *(() if fee is None else (fee.symbol,))]
            view = _view_after(state.view, after, moved)
            return state.imagined(summary_of(state).after(view)), None
        except DomainError as error:
            return None, error

    @exact
    def _largest(self, state: MarketState, execution: Execution) -> Decimal | None:
        """Return the largest quantity at the booking's own price and fees, whatever the market's and the policy's are.

        Where no feed has a fresh price, what is held counts at the booking's: so it is valued after it.
        """
        held, quantity = state.snapshot.portfolio.position(execution.symbol), execution.quantity
        is_buy = execution.side is Side.BUY
        executed = Mark(execution.price, TRADE_SOURCE, execution.executed_at)
        mark = held.mark_after(executed, quantity if is_buy else -quantity, state.at, self.rules.max_price_age)
        price, value, current = mark.price.value, held.marked(mark).market_value.value, summary_of(state)
        holding = state.view.holdings[execution.symbol.code]
        if price != holding.price:
            valued = {**state.view.holdings, holding.symbol: replace(holding, price=price, value=value)}
            current = current.after(replace(state.view, holdings=MappingProxyType(valued)))
        worth = quantity.value * price
        cost_rate = (-execution.cash_delta.value - (worth if is_buy else -worth)) / worth
        return largest_quantity(current, execution.side, holding.symbol, cost_rate=cost_rate)


def _doubt(state: MarketState, execution: Execution) -> Doubt | None:
    code, held = execution.symbol.code, state.snapshot.portfolio.position(execution.symbol)
    own = next((v.price_status for v in state.valuation.positions if v.position.symbol == execution.symbol), None)
    close = last_close(state.closes.history, code)
    known = None if close is None else Price.rounded(Decimal(close))
    if held.mark is not None and own is PriceStatus.LIVE:
        known = held.mark.price
    if known is not None and QuoteRules().is_wild(execution.price, known):
        return Doubt.PRICE_OFF_MARKET
    if state.valuation.is_stale or own not in {None, PriceStatus.LIVE}:
        return Doubt.PRICES_STALE
    holding = state.view.holdings[code]
    if execution.side is Side.SELL or holding.volatility is not None:
        return None
    if holding.category in state.policy.stable_categories:
        return None
    return Doubt.NO_HISTORY if close is None else Doubt.SHORT_HISTORY


def _view_after(view: MarketView, portfolio: Portfolio, moved: Iterable[Symbol]) -> MarketView:
    holdings = dict(view.holdings)
    for position in map(portfolio.position, moved):
        holdings[position.symbol.code] = replace(
            holdings[position.symbol.code],
            quantity=position.quantity.value,
            value=position.market_value.value,
            price=position.mark.price.value if position.mark else None,
        )
    return replace(view, holdings=MappingProxyType(holdings), cash=portfolio.cash.value)


@exact
def _impact(state: MarketState, symbol: str) -> TradeImpact:
    view, whole = state.view, state.view.total_value
    holding = view.holdings[symbol]
    together = total(other.value for other in view.holdings.values() if other.category == holding.category)
    moves = volatility_of(state)
    risk = {
        "average_correlation": average_of(state),
        "portfolio_volatility": moves.portfolio_volatility,
        "value_at_risk_95": historical_value_at_risk_of(state, DAYS_PER_YEAR),
    }
    reasons = {name: measured.reason for name, measured in risk.items() if measured.reason is not None}
    if whole <= 0:
        reasons |= dict.fromkeys(("allocation_percent", "category_allocation"), NO_TOTAL_VALUE)
    others = {other.symbol: view.correlations.get(pair_of(symbol, other.symbol)) for other in view.held}
    return TradeImpact(
        figures=summary_of(state),
        quantity=holding.quantity,
        value=holding.value,
        allocation=holding.value * HUNDRED / whole if whole > 0 else None,
        category_allocation=together * HUNDRED / whole if whole > 0 else None,
        correlations={other: value for other, value in others.items() if value is not None},
        portfolio_volatility=risk["portfolio_volatility"].value,
        value_at_risk_95=risk["value_at_risk_95"].value,
        excluded=moves.excluded,
        reasons=reasons,
    )


def _broken(current: Summary, projected: Summary, execution: Execution) -> list[BrokenLimit]:
    before = set(current.broken)
    adds = execution.side is Side.BUY
    return [
        BrokenLimit(
            over=over,
            newly_broken=over.name not in before,
            caused=over.name not in before or (adds and execution.symbol.code in over.symbols),
        )
        for over in projected.over
    ]
