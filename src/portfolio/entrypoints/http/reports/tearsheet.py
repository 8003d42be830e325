"""The tear sheet: one file about a period, of the same figures as the API, the same for the same position."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Final

import msgspec
from jinja2 import Environment
from markupsafe import Markup

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.in_thread import in_thread
from portfolio.application.ledger.records import BookedTrade, TradeFilter
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.performance.history import History
from portfolio.application.performance.records import Basis
from portfolio.application.performance.series.daily import DailySeries
from portfolio.application.performance.timeframes import Timeframe
from portfolio.application.risk.state import MarketState
from portfolio.domain.days import DAY
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.charts import STYLESHEET
from portfolio.entrypoints.http.pages.frame.engine import environment
from portfolio.entrypoints.http.reports.content import Section, moment_text, without_amounts
from portfolio.entrypoints.http.reports.definitions import DEFINITIONS
from portfolio.entrypoints.http.reports.holdings_sections import (
    contributions,
    correlation,
    identity,
    value_at_risk,
    weights,
)
from portfolio.entrypoints.http.reports.performance_sections import costs, performance_sections, trades
from portfolio.entrypoints.http.reports.quality import data_quality
from portfolio.entrypoints.http.shell.use_cases import UseCases

MOST_TRADES: Final = 100


class SheetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Over how many completed days, beside which benchmark, and whether without amounts of the own books."""

    days: int = 365
    benchmark: Symbol | None = None
    private: bool = False


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What a tear sheet is made of, all of one snapshot. ``at`` is the moment of the newest thing in it."""

    snapshot: Snapshot
    at: datetime
    series: DailySeries
    is_restated: bool
    frame: Timeframe
    state: MarketState
    trades: list[BookedTrade]
    are_all_trades: bool


class MakeTearSheet:
    """Makes the tear sheet of the newest state.

    Nothing in it is of the clock: its moment is that of the newest price or entry, and its last day is the one before
    that, or the last that was made final. So the same position gives the same bytes, whenever they are asked for.
    """

    def __init__(self, cases: UseCases, *, simulated: bool) -> None:
        self._cases = cases
        self._simulated = simulated

    async def __call__(self, wanted: SheetRequest) -> bytes:
        """Return the file."""
        sheet = await self._read(wanted)
        _ = sheet.series.performance, sheet.series.costs  # made of entries, to which the event loop adds late ones
        return await in_thread(partial(_written, sheet, wanted, simulated=self._simulated))

    async def _read(self, wanted: SheetRequest) -> Sheet:
        cases = self._cases
        history = await cases.performance.by_basis.recorded.performance.history()
        snapshot = history.snapshot
        at = _moment(history, await self._booked(snapshot, TradeFilter(limit=1)))
        today = _today(history, at)
        until = datetime.combine(today, time(), UTC)
        at = max(at, until)
        basis, reads = await cases.performance.by_basis(None)
        series = await reads.series.of(snapshot, wanted.days, wanted.benchmark, today=today)
        ends = (series.days[0].day, series.days[-1].day) if series.days else (None, today - DAY)
        frame = await reads.timeframes.of(series.history, *ends)
        since = until - timedelta(days=wanted.days)
        found = await self._booked(snapshot, TradeFilter(since=since, until=until, limit=MOST_TRADES + 1))
        return Sheet(
            snapshot=snapshot,
            at=at,
            series=series,
            is_restated=basis is Basis.RESTATED,
            frame=frame,
            state=await cases.rebalancing.market.of(
                snapshot, wanted.days, valuation=cases.rebalancing.market.valued(snapshot, at)
            ),
            trades=found[:MOST_TRADES],
            are_all_trades=len(found) <= MOST_TRADES,
        )

    async def _booked(self, snapshot: Snapshot, wanted: TradeFilter) -> list[BookedTrade]:
        """Return the newest trades that are in the snapshot."""
        page = await self._cases.lookups.trades(snapshot.portfolio.id, wanted)
        return [one for one in page.items if one.entry and one.entry.revision <= snapshot.revisions.ledger]


def _moment(history: History, newest: Sequence[BookedTrade]) -> datetime:
    """Return the time of the newest thing in the books: a price, a trade or a cash transaction.

    One that is more than a day from now has a wrong time.
    """
    snapshot = history.snapshot
    times = [position.mark.at for position in snapshot.portfolio.open_positions if position.mark is not None]
    times += [entry.transaction.at for entry in history.entries.transactions[-1:]]
    times += [one.entry.booked_at for one in newest if one.entry is not None]
    return max((at for at in times if at <= snapshot.as_of + DAY), default=snapshot.as_of).astimezone(UTC)


def _today(history: History, at: datetime) -> date:
    """Return the day that is not over yet: that of the newest thing, or the one after the last that was made final."""
    newest = history.finals[-1].day if history.finals else date.min
    return newest + DAY if newest > at.date() else at.date()


def _written(sheet: Sheet, wanted: SheetRequest, *, simulated: bool) -> bytes:
    sections = _sections(sheet, wanted, simulated=simulated)
    if wanted.private:
        sections = without_amounts(sections)
    revisions = sheet.snapshot.revisions
    text = (
        _environment()
        .get_template("tearsheet/tearsheet.html")
        .render(
            frame=_Frame(wanted.private),
            style=_style(),
            policy=policy(),
            position=f"{revisions.ledger}.{revisions.prices}",
            at=moment_text(sheet.at),
            first=str(sheet.series.days[0].day) if sheet.series.days else None,
            last=str(sheet.series.days[-1].day) if sheet.series.days else None,
            days=wanted.days,
            benchmark=str(sheet.series.benchmark),
            simulated=simulated,
            convention=CONVENTION,
            sections=sections,
            definitions=DEFINITIONS,
        )
    )
    return text.encode()


def _sections(sheet: Sheet, wanted: SheetRequest, *, simulated: bool) -> list[Section]:
    series, state = sheet.series, sheet.state
    return [
        identity(state.valuation, private=wanted.private),
        *performance_sections(series),
        value_at_risk(state, wanted.days),
        contributions(sheet.frame),
        weights(state),
        correlation(state),
        costs(series),
        trades(sheet.trades, are_all=sheet.are_all_trades),
        data_quality(series, state, simulated=simulated, restated=sheet.is_restated),
    ]


class _Frame(msgspec.Struct, frozen=True):
    """What the filters of the templates ask for."""

    private: bool


@cache
def _environment() -> Environment:
    return environment()


@cache
def _style() -> Markup:
    """Return the stylesheet, without what could end its element."""
    css = STYLESHEET + _environment().get_template("tearsheet/tearsheet.css").render()
    assert "<" not in css
    return Markup(css)  # noqa: S704  our own files


@cache
def policy() -> str:
    """Return what a browser may do with the file: use its own stylesheet, known by its digest, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
