"""The page of trades, and its file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.response import Stream, Template

from portfolio.application.ledger.ports import Lookups
from portfolio.application.ledger.records import BookedTrade, Page, TradeFilter
from portfolio.domain.days import day_of
from portfolio.entrypoints.http.errors import MALFORMED, PRIVATE_MODE, RequestError
from portfolio.entrypoints.http.ledger.answers import TradeView
from portfolio.entrypoints.http.ledger.csv_rows import header_of, rows_of
from portfolio.entrypoints.http.ledger.trades import trade_views
from portfolio.entrypoints.http.pages.frame.page import Look, PageController, Pages, is_private
from portfolio.entrypoints.http.pages.trades.content import Refusals, trades_content
from portfolio.entrypoints.http.pages.trades.form import TradesForm
from portfolio.entrypoints.http.shell.bodies import cursor_query, read_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

RefusedCursor = Annotated[str | None, cursor_query("r")]
RefusedEventCursor = Annotated[str | None, cursor_query("u")]

CSV: Final = "text/csv; header=present"  # the framework adds the charset to texts
REFUSALS_A_PAGE: Final = 20
ROWS_AT_ONCE: Final = 1_000


class TradesPageController(PageController):
    """Routes of the trades as people look at them."""

    dependencies = {"form": Provide(TradesForm, sync_to_thread=False)}

    @get("/pages/trades")
    async def read_trades(
        self,
        request: HttpRequest,
        pages: Injected[Pages],
        form: NamedDependency[TradesForm],
        cases: Injected[UseCases],
        refused: RefusedCursor = None,
        refused_events: RefusedEventCursor = None,
    ) -> Template:
        """Return the trades that the form asks for, newest first, and the refused bookings and events."""
        wanted, errors = form.read()
        reading, before, before_event = await pages.reading(), read_cursor(refused), read_cursor(refused_events)
        look = Look(reading, cases.read_deadline_seconds)
        trades = Page((), None) if errors else await look(lambda: cases.lookups.trades(cases.portfolio_id, wanted))
        page = await look(lambda: cases.lookups.refusals(cases.portfolio_id, before=before, limit=REFUSALS_A_PAGE))
        events = await look(
            lambda: cases.lookups.cash_refusals(cases.portfolio_id, before=before_event, limit=REFUSALS_A_PAGE)
        )
        refusals = Refusals(page=page, at=refused, events=events, events_at=refused_events)
        content = trades_content(form, errors, reading, trades, refusals)
        return pages.page(request, "trades.html", "Trades", reading, content=content)

    @get("/pages/trades.csv")
    async def read_trades_as_csv(
        self, request: HttpRequest, form: NamedDependency[TradesForm], cases: Injected[UseCases]
    ) -> Stream:
        """Return all the trades that the form asks for, newest first, as a file; its size of a page does not matter.

        Raises:
            RequestError: a field is wrong, or the browser is in privacy mode: all that makes a trade is an amount.
        """
        if is_private(request):
            raise RequestError(PRIVATE_MODE, "the file is made of amounts: switch privacy mode off to download it")
        wanted, errors = form.unpaged().read()
        if errors:
            detail = "; ".join(f"{error.field} {error.message}" for error in errors)
            raise RequestError(MALFORMED, detail, errors=errors)
        wanted = replace(wanted, limit=ROWS_AT_ONCE)
        first = await cases.lookups.trades(cases.portfolio_id, wanted)
        name = f"trades-{day_of(cases.clock.now())}.csv"
        return Stream(
            _csv_of(first, cases.lookups, cases.portfolio_id, wanted),
            media_type=CSV,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


async def _csv_of(
    first: Page[BookedTrade], lookups: Lookups, portfolio_id: int, wanted: TradeFilter
) -> AsyncIterator[str]:
    """Yield the file of the trades ``wanted``, newest first, a thousand at a time; ``first`` are the first of them.

    What is booked meanwhile is not in it: the ids only grow.
    """
    yield header_of(TradeView)
    page = first
    while True:
        yield rows_of(trade_views(page))
        if page.next_before is None:
            return
        page = await lookups.trades(portfolio_id, replace(wanted, before=page.next_before))
