"""What a backtest is made of is gathered before it is kept; what could not be had is said, and asked for again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from portfolio.analytics.optimisation.problem import Objective
from portfolio.application.backtest.jobs.asking import AskBacktest, days_back, symbols_of
from portfolio.application.backtest.request import DAYS_BEFORE, BacktestRequest, Kind, Start
from portfolio.application.errors import LedgerUnavailable, NotBacktestable
from portfolio.application.optimisation.records import Targets
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.joined_closes import JoinedCloses
from tests.support.backtests import held
from tests.support.services.http_service import Service, running

TODAY = date(2025, 6, 15)  # of the service's clock
CASH = BacktestRequest(first=date(2025, 6, 1), last=date(2025, 6, 14), start=Start.CASH)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running() as service:
        yield service


def test_the_closes_of_what_it_begins_with_and_may_buy_are_needed() -> None:
    weights = BacktestRequest(first=TODAY, last=TODAY, start=Start.WEIGHTS, weights={"ETH": Decimal(1)})
    aims = Targets(objective=Objective.HRP, symbols=("SOL", "BTC"))
    targets = BacktestRequest(first=TODAY, last=TODAY, kind=Kind.TARGETS, optimise=aims)
    of_the_start = BacktestRequest(
        first=TODAY, last=TODAY, kind=Kind.TARGETS, optimise=Targets(objective=Objective.HRP), start=Start.CASH
    )
    assert symbols_of(weights, None) == ["BTC", "ETH"]
    assert symbols_of(targets, held(1, ADA=1)) == ["ADA", "BTC", "SOL"]
    assert symbols_of(of_the_start, None) == ["BTC"]
    assert symbols_of(CASH, None) == ["BTC"]


def test_as_many_days_come_before_as_the_rules_look_back() -> None:
    # From 1 to 14 June there are 13 days of returns.
    assert days_back(CASH, TODAY) == 13 + DAYS_BEFORE
    far = BacktestRequest(
        first=CASH.first, last=CASH.last, optimise=Targets(objective=Objective.HRP, days=180), start=Start.CASH
    )
    assert days_back(far, TODAY) == 13 + 180


def test_a_day_that_is_not_over_is_none_to_end_with() -> None:
    with pytest.raises(NotBacktestable, match="2025-06-14"):
        days_back(BacktestRequest(first=CASH.first, last=TODAY), TODAY)


async def test_without_the_database_nothing_is_asked(service: Service) -> None:
    await service.cases.ledger.snapshots.newest()
    service.ledger.away = True
    with pytest.raises(LedgerUnavailable, match="backtests are kept in it"):
        await service.cases.backtests.ask(CASH)


class Slow:
    """Closes that come in bit by bit: their versions by turns, the last of which is the whole, where it is current."""

    def __init__(self, service: Service, *versions: int, ends: bool) -> None:
        self._closes, self._clock = service.cases.rebalancing.market.closes, service.clock
        self._versions, self._ends = list(versions), ends

    async def __call__(self, *asked: Any, **how: Any) -> Closes:
        self._clock.advance(1)
        found = await self._closes(*asked, **how)
        version = self._versions.pop(0) if self._versions else found.version
        return replace(found, version=version, is_current=self._ends and not self._versions)


def asking(service: Service, closes: Slow) -> AskBacktest:
    """The use case of the service, on these closes."""
    ask = service.cases.backtests.ask
    return replace(ask, market=replace(ask.market, closes=cast("JoinedCloses", closes)))


async def test_as_long_as_closes_come_in_they_are_asked_for_again(service: Service) -> None:
    job, is_new = await asking(service, Slow(service, 1, 2, 3, ends=True))(CASH)
    assert (is_new, job.request) == (True, CASH.encode().decode())


@pytest.mark.parametrize("versions", [[1, 1], [1, 2, 3, 4, 5, 6]])
async def test_closes_that_do_not_come_in_time_are_said(service: Service, versions: list[int]) -> None:
    # Nothing more came in; or the six seconds are over in which they may.
    with pytest.raises(LedgerUnavailable, match="ask again"):
        await asking(service, Slow(service, *versions, ends=False))(CASH)
