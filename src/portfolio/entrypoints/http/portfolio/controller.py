"""The portfolio: whole, position by position, and refreshed on demand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from litestar import Controller, Response, get, post
from litestar.openapi.datastructures import ResponseSpec

from portfolio.application.errors import PricesUnavailable
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.http.errors import PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger.past_query import AsOfQuery, KnownAtQuery, read_past
from portfolio.entrypoints.http.portfolio.answer_cache import CachedAnswer, Encoded
from portfolio.entrypoints.http.portfolio.answers import PortfolioAnswer, PositionsAnswer, PriceFailure, RefreshAnswer
from portfolio.entrypoints.http.portfolio.past_answers import (
    PastPortfolioAnswer,
    PastPositionsAnswer,
    past_portfolio,
    past_positions,
)
from portfolio.entrypoints.http.portfolio.reads import PortfolioReader, Readings
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.responses import JsonResponse, encode
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

NOT_MODIFIED: Final = {304: ResponseSpec(None, description="Nothing but ages changed since the version named")}


class PortfolioAnswers:
    """What these routes answer, kept while it stands.

    One object, because the framework starts a task for each of several dependencies of a handler: with three of them a
    read takes two fifths longer (ADR 58).
    """

    def __init__(self, cases: UseCases) -> None:
        self.past_books = cases.performance.past_books
        self.clock = cases.clock
        self.readings = Readings(cases)
        self.view = PortfolioReader(cases)
        self.portfolio = CachedAnswer(cases, self._encode_portfolio)
        self.positions = CachedAnswer(cases, self._encode_positions)

    async def _encode_portfolio(self, snapshot: Snapshot, now: datetime) -> Encoded:
        reading = self.readings.at(snapshot, now)
        portfolio, etag = await self.view.versioned(reading)
        return Encoded(encode(PortfolioAnswer(timestamp=now, portfolio=portfolio)), etag)

    async def _encode_positions(self, snapshot: Snapshot, now: datetime) -> Encoded:
        reading = self.readings.at(snapshot, now)
        views = self.view.positions(reading.valuation)
        content = PositionsAnswer(
            timestamp=now, positions=views, count=len(views), stale=reading.is_stale, as_of=snapshot.as_of
        )
        return Encoded(encode(content))


async def _portfolio_at_once(given: Mapping[str, Any]) -> Response[Any]:
    answers: PortfolioAnswers = given["portfolio_answers"]
    return (await answers.portfolio()).answer


async def _positions_at_once(given: Mapping[str, Any]) -> Response[Any]:
    answers: PortfolioAnswers = given["portfolio_answers"]
    return (await answers.positions()).answer


class PortfolioController(Controller):
    """Routes of the portfolio as it is; as it was, where a query asks for that."""

    tags = ["portfolio"]

    @get(
        "/portfolio",
        summary="The whole portfolio",
        responses=NOT_MODIFIED,
        opt=access(Scope.READ, at_once=_portfolio_at_once),
    )
    async def read_portfolio(
        self, portfolio_answers: Injected[PortfolioAnswers], as_of: AsOfQuery = None, known_at: KnownAtQuery = None
    ) -> Response[PortfolioAnswer | PastPortfolioAnswer]:
        """Return what is held and what it is worth.

        To the last digit: total_value = net_deposits + realized_pnl + unrealized_pnl + unreconciled. With the database
        away this is the last state seen, `stale: true`, as of `as_of`.

        With `as_of` or `known_at` these are the sums of what had taken effect until then, whenever it was booked, at
        the closes of that UTC day. What nobody knows is null: what a close is lacking for, and what a day that is not
        over is worth.
        """
        found = await portfolio_answers.past_books(*read_past(as_of, known_at))
        return JsonResponse(
            PastPortfolioAnswer(timestamp=portfolio_answers.clock.now(), portfolio=past_portfolio(found))
        )

    @get("/positions", summary="What is held, by symbol", opt=access(Scope.READ, at_once=_positions_at_once))
    async def read_positions(
        self, portfolio_answers: Injected[PortfolioAnswers], as_of: AsOfQuery = None, known_at: KnownAtQuery = None
    ) -> Response[PositionsAnswer | PastPositionsAnswer]:
        """Return the open positions at their prices, by symbol; with `as_of` or `known_at` as in `GET /portfolio`."""
        found = await portfolio_answers.past_books(*read_past(as_of, known_at))
        views = past_positions(found)
        content = view(
            PastPositionsAnswer,
            found,
            timestamp=portfolio_answers.clock.now(),
            positions=views,
            count=len(views),
            complete=found.is_complete,
        )
        return JsonResponse(content)

    @post(
        "/portfolio/refresh",
        status_code=200,
        summary="Refresh the prices now",
        opt=access(Scope.TRADE, problems=(PROBLEMS[PricesUnavailable], *WRITE_PROBLEMS)),
    )
    async def refresh_prices(
        self, cases: Injected[UseCases], portfolio_answers: Injected[PortfolioAnswers]
    ) -> RefreshAnswer:
        """Bring the prices of what is held up to date. One refresh runs at a time: who asks meanwhile shares it.

        One that began before something was held does not do: then it is the next one. What came to be held even later
        is in `failed`, with that reason.
        """
        report = await cases.prices.refresh(None)
        reading = await portfolio_answers.readings.newest()
        if report.not_covered(reading.held):
            # It was shared. The next one begins after this request.
            report, reading = await cases.prices.refresh(None), await portfolio_answers.readings.newest()
        if report.is_fruitless:
            raise PricesUnavailable({symbol.code: reason for symbol, reason in report.failed.items()})
        all_failed = {**report.failed, **report.not_covered(reading.held)}
        failed = [PriceFailure(symbol=symbol.code, reason=reason) for symbol, reason in sorted(all_failed.items())]
        return RefreshAnswer(
            timestamp=reading.at,
            message=f"{counted(len(report.refreshed), 'price')} refreshed, {len(failed)} failed",
            portfolio=await portfolio_answers.view(reading),
            refreshed=sorted(symbol.code for symbol in report.refreshed),
            failed=failed,
        )
