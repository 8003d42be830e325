"""The portfolio: whole, position by position, and refreshed on demand."""

from __future__ import annotations

from datetime import datetime

from litestar import Response, get, post

from portfolio.application.errors import PricesUnavailable
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.entrypoints.http.errors import PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger import examples
from portfolio.entrypoints.http.portfolio.answer_cache import Encoded, StandingAnswer
from portfolio.entrypoints.http.portfolio.answers import (
    PortfolioAnswer,
    PositionsAnswer,
    PriceFailure,
    RefreshAnswer,
)
from portfolio.entrypoints.http.portfolio.reads import PortfolioReader, Readings, is_not_modified
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer, encode, encoded
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, UseCases, use_cases_of

TAG = "portfolio"


@get(
    "/portfolio",
    opt=declares(
        scope=Scope.READ,
        summary="The whole portfolio",
        tag=TAG,
        headers={"If-None-Match": "The ETag of an earlier answer: 304 where nothing but ages changed since."},
        answer=PortfolioAnswer,
        example=examples.PORTFOLIO,
        not_modified=True,
    ),
)
async def read_whole(request: HttpRequest) -> Response[bytes]:
    """Return what is held and what it is worth.

    To the last digit: total_value = net_deposits + realized_pnl + unrealized_pnl + unreconciled. With the database
    away this is the last state seen, `stale: true`, as of `as_of`.
    """
    found = await _answers_of(request).portfolio()
    if is_not_modified(request.headers, found.etag):
        return encoded(b"", status=304, headers=found.headers)
    return found.answer


@get(
    "/positions",
    opt=declares(
        scope=Scope.READ,
        summary="What is held, by symbol",
        tag=TAG,
        answer=PositionsAnswer,
        example=examples.POSITIONS,
    ),
)
async def read_positions(request: HttpRequest) -> Response[bytes]:
    """Return the open positions at their prices, by symbol."""
    return (await _answers_of(request).positions()).answer


@post(
    "/portfolio/refresh",
    status_code=200,
    opt=declares(
        scope=Scope.TRADE,
        summary="Refresh the prices now",
        tag=TAG,
        answer=RefreshAnswer,
        example=examples.REFRESHED,
        problems=(PROBLEMS[PricesUnavailable], *WRITE_PROBLEMS),
    ),
)
async def refresh(request: HttpRequest) -> Response[bytes]:
    """Bring the prices of what is held up to date. One refresh runs at a time: who asks meanwhile shares it."""
    cases = use_cases_of(request)
    report = await cases.refresh(None)
    if report.is_fruitless:
        raise PricesUnavailable({symbol.code: reason for symbol, reason in report.failed.items()})
    answers = _answers_of(request)
    reading = await answers.readings.newest()
    content = RefreshAnswer(
        timestamp=reading.at,
        message=f"{len(report.refreshed)} prices refreshed, {len(report.failed)} failed",
        portfolio=await answers.view(reading),
        refreshed=sorted(symbol.code for symbol in report.refreshed),
        failed=[PriceFailure(symbol=symbol.code, reason=reason) for symbol, reason in sorted(report.failed.items())],
    )
    return answer(content)


class PortfolioAnswers:
    """What these routes answer, kept while it stands."""

    def __init__(self, cases: UseCases) -> None:
        self.readings = Readings(cases)
        self.view = PortfolioReader(cases)
        self.portfolio = StandingAnswer(cases, self._encode_portfolio)
        self.positions = StandingAnswer(cases, self._encode_positions)

    async def _encode_portfolio(self, snapshot: Snapshot, now: datetime) -> Encoded:
        reading = self.readings.at(snapshot, now)
        content = PortfolioAnswer(timestamp=now, portfolio=await self.view(reading))
        return Encoded(encode(content), reading.etag)

    async def _encode_positions(self, snapshot: Snapshot, now: datetime) -> Encoded:
        reading = self.readings.at(snapshot, now)
        views = self.view.positions(reading.valuation)
        content = PositionsAnswer(
            timestamp=now, positions=views, count=len(views), stale=reading.is_stale, as_of=snapshot.as_of
        )
        return Encoded(encode(content))


def _answers_of(request: HttpRequest) -> PortfolioAnswers:
    found = request.app.state["portfolio_answers"]
    assert isinstance(found, PortfolioAnswers)
    return found
