"""The pages of positions."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get
from litestar.params import PathParameter, QueryParameter
from litestar.response import Template

from portfolio.application.errors import NotFound
from portfolio.domain.errors import InvalidSymbol
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.charts import Scale
from portfolio.entrypoints.http.ledger.position_views import position_view
from portfolio.entrypoints.http.pages.frame.page import PageController, Pages, is_private
from portfolio.entrypoints.http.pages.periods import Choice, PeriodQuery, ScaleQuery
from portfolio.entrypoints.http.pages.positions.content import (
    COLUMNS,
    OrderName,
    Sorting,
    SortName,
    beside_rows,
    closes_chart,
    position_figures,
    table_of,
)
from portfolio.entrypoints.http.portfolio.controller import PortfolioAnswers
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

SortQuery = Annotated[SortName | None, QueryParameter(name="sort")]
OrderQuery = Annotated[OrderName | None, QueryParameter(name="order")]
DustQuery = Annotated[Literal["folded", "all"] | None, QueryParameter(name="dust")]
SymbolPath = Annotated[str, PathParameter(description="The asset's symbol.")]

NEWEST_TRADES = 100


class PositionsPageController(PageController):
    """Routes of the positions as people look at them."""

    @get("/pages/positions")
    async def read_positions(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        portfolio_answers: Injected[PortfolioAnswers],
        sort: SortQuery = None,
        order: OrderQuery = None,
        dust: DustQuery = None,
    ) -> Template:
        """Return the table of what is held."""
        reading, private = await pages.reading(), is_private(request)
        views, sorting = portfolio_answers.view.positions(reading.valuation), Sorting.of(sort, order)
        rows, folded = table_of(reading.valuation, views, sorting, unfolded=dust == "all")
        columns = [column for column in COLUMNS if not (private and column.is_own)]
        return pages.page(
            request,
            "positions.html",
            "Positions",
            reading,
            rows=rows,
            dust=folded,
            unfolded=dust == "all",
            sorting=sorting,
            columns=columns,
            numbers=[(column.field, column.kind) for column in columns if column.kind],
            valuation=reading.valuation,
            beside=beside_rows(reading.valuation.portfolio),
        )

    @get("/pages/positions/{symbol:str}")
    async def read_position(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        cases: Injected[UseCases],
        symbol: SymbolPath,
        period: PeriodQuery = None,
        scale: ScaleQuery = None,
    ) -> Template:
        """Return one asset: its figures, its closes with the own trades on them, and the trades."""
        reading, choice = await pages.reading(), Choice.of(period, scale, None)
        days = choice.days(reading.at.date())
        history = await cases.prices.position_history(reading.snapshot, _known(symbol), days, reading.at)
        if not history.is_known:
            raise NotFound("position", f"in {symbol}")
        trades = history.trades
        return pages.page(
            request,
            "position.html",
            history.value.position.symbol.code,
            reading,
            figures=position_figures(view := position_view(history.value), reading.snapshot.as_of),
            position=view,
            mark=history.value.position.mark,
            chart=closes_chart(history, choice.scale, private=is_private(request)),
            trades=None if trades is None else [trade.entry for trade in trades[:NEWEST_TRADES]],
            is_cut=trades is not None and len(trades) > NEWEST_TRADES,
            choice=choice,
            scales=list(Scale),
            stale=history.stale,
        )


def _known(text: str) -> Symbol:
    """Return the symbol that a path names, in any case; raises NotFound where nothing goes by that name."""
    try:
        return Symbol(text.upper() if text.isascii() else text)
    except InvalidSymbol as error:
        raise NotFound("position", f"in {text[:40]!r}") from error
