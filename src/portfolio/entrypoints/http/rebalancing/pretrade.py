"""The check before a trade."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import Controller, Response, post
from litestar.params import JSONBody

from portfolio.application.rebalancing.pretrade import MISMATCHES, Doubt, TradeCheck, TradeImpact
from portfolio.application.risk.concentration import NO_TOTAL_VALUE
from portfolio.domain.errors import InvalidAmount
from portfolio.entrypoints.http.errors import field_errors, kind_of, kinds_of
from portfolio.entrypoints.http.ledger.requests import BookingBody, book_trade
from portfolio.entrypoints.http.ledger.views import BOOKING_PATH
from portfolio.entrypoints.http.risk.answers import ExcludedView
from portfolio.entrypoints.http.risk.limit_answers import BrokenLimitView, Level
from portfolio.entrypoints.http.risk.views import answered, figure_reasons
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Problem, Reasons, SymbolCode, problem
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view


class CheckedLimitView(BrokenLimitView, kw_only=True):
    """A limit that is broken after the trade; `caused` if the trade broke it or adds to what was over it already."""

    newly_broken: bool
    caused: bool


class TradeStandingView(msgspec.Struct, kw_only=True):
    """The figures that a trade in one asset moves.

    Volatility is annualised, and made without the assets `excluded`; value at risk is the historical one of a day.
    """

    quantity: Number
    value: Cents
    allocation_percent: Percent | None
    category_allocation: Percent | None
    total_value: Cents
    cash_balance: Cents
    cash_allocation: Percent | None
    hhi: Ratio | None
    hhi_with_cash: Ratio | None
    concentration_level: Level | None
    portfolio_health_score: Number | None
    average_correlation: Ratio | None
    correlations: dict[str, Number]
    portfolio_volatility: Ratio | None
    value_at_risk_95: Ratio | None
    excluded: list[ExcludedView]
    reasons: Reasons


class CheckView(msgspec.Struct, kw_only=True):
    """What a booking would do: whether the ledger would take it, and which limits are broken after it.

    `largest_quantity` is the most that could be booked at this price, with fees in this proportion, without breaking a
    limit.
    """

    symbol: SymbolCode
    side: Literal["BUY", "SELL"]
    quantity: Number
    price: Number
    category: str
    accepted: bool
    problem: Problem | None
    allowed: bool | None
    breaks_limits: bool | None
    broken_limits: list[CheckedLimitView]
    largest_quantity: Number | None
    current: TradeStandingView
    projected: TradeStandingView | None
    policy_id: str
    stale: bool
    as_of: Moment
    revision: int
    reasons: Reasons


class CheckAnswer(Answer, kw_only=True):
    """The check of a booking."""

    check: CheckView


class PretradeController(Controller):
    """The route that engines ask before they trade."""

    tags = ["pretrade"]

    @post(
        "/pretrade/check",
        status_code=200,
        summary="What a booking would do",
        opt=access(Scope.READ, or_scope=Scope.TRADE, problems=kinds_of(InvalidAmount), books=True),
    )
    async def ask_check(
        self, request: HttpRequest, data: JSONBody[BookingBody], cases: Injected[UseCases]
    ) -> Response[CheckAnswer]:
        """Take a booking and answer what it would do, without storing anything: an engine asks before it trades.

        A booking that cannot be read is refused as `POST /holdings/update` would; one that the ledger would refuse is
        answered with `accepted: false` and that problem. `allowed` is the answer in one word: accepted, and no limit
        broken by it. It is false, with the reason `price_off_market`, where the price is over five times the one known
        or under a fifth of it. It is null, with the reason, where prices are stale, or where too little is known of the
        past of an asset to be bought; if no closes of it are kept they are fetched, and kept. The key is neither looked
        up nor used. Without the database there is no answer but 503. `largest_quantity` is never more than cash pays
        for, even where cash may go below zero.
        """
        wish = book_trade(data, request.user, cases.clock.now())
        check = await cases.rebalancing.check_trade(await cases.rebalancing.market.newest(), wish)
        state = check.state
        return await answered(state, lambda: CheckAnswer(timestamp=state.at, check=_check_view(check)))


def _check_view(check: TradeCheck) -> CheckView:
    execution, state, refusal = check.execution, check.state, check.refusal
    reasons = {}
    if check.doubt is not None and (check.allowed is None or check.doubt is Doubt.PRICE_OFF_MARKET):
        reasons["allowed"] = check.doubt.value
    if check.after is None:
        reasons["projected"] = reasons["breaks_limits"] = "not_accepted"
    if isinstance(refusal, MISMATCHES):
        reasons["largest_quantity"] = kind_of(refusal).slug.replace("-", "_")
    elif check.largest_quantity is None:
        held = state.view.holdings[execution.symbol.code]
        reasons["largest_quantity"] = "no_price" if held.price is None else NO_TOTAL_VALUE
    return view(
        CheckView,
        check,
        execution,
        state,
        accepted=check.is_accepted,
        problem=refusal and problem(kind_of(refusal), str(refusal), path=BOOKING_PATH, errors=field_errors(refusal)),
        broken_limits=[view(CheckedLimitView, limit, limit.over) for limit in check.broken],
        current=_standing_view(check.before),
        projected=None if check.after is None else _standing_view(check.after),
        policy_id=state.policy.id,
        reasons=reasons,
    )


def _standing_view(standing: TradeImpact) -> TradeStandingView:
    figures = standing.figures
    reasons = {name: why for name, why in figure_reasons(figures).items() if name != "effective_positions"}
    return view(
        TradeStandingView,
        standing,
        figures,
        allocation_percent=standing.allocation,
        cash_balance=figures.cash,
        portfolio_health_score=figures.health.score,
        reasons={**reasons, **standing.reasons},
    )
