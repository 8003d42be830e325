"""Lots and gains: which purchases are left, and what each sale brought, by any method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta

from portfolio.application.ledger.lots.reading import Gains
from portfolio.domain.errors import NotPickable
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.ledger.picks import Pick
from portfolio.domain.money import Quantity
from portfolio.entrypoints.http.errors import NOT_FOUND, PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger.csv_rows import CSV, header_of, rows_of
from portfolio.entrypoints.http.ledger.lot_answers import (
    GainsAnswer,
    GainView,
    LotsAnswer,
    MethodName,
    PicksAnswer,
    gain_views,
    gains_answer,
    lots_answer,
    picks_answer,
)
from portfolio.entrypoints.http.ledger.past_query import AsOfQuery, KnownAtQuery, read_past
from portfolio.entrypoints.http.ledger.trades import LARGEST_ID, TradeId, read_id
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import FieldReader, PageSize, PositiveFigure, cursor_query, page_of
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.responses import JsonResponse
from portfolio.entrypoints.http.shell.use_cases import UseCases

ROWS_AT_ONCE: Final = 500
MOST_PICKS: Final = 1_000

MethodQuery = Annotated[
    MethodName,
    QueryParameter(
        description="Which lot a sale takes: the oldest (fifo), the newest (lifo), that of the highest cost, of equal "
        "ones the older (hifo), of all of them a part at the ledger's own cost (average), or the one that was picked "
        "for it (picked; what was not is taken as by fifo)."
    ),
]
YearQuery = Annotated[
    int | None, QueryParameter(description="Realized in this UTC year; none: ever.", ge=1970, le=9998)
]
FormatQuery = Annotated[
    Literal["json", "csv"], QueryParameter(name="format", description="csv has all rows in one file, without the sums.")
]
LotsCursor = Annotated[str | None, cursor_query("l")]
GainsCursor = Annotated[str | None, cursor_query("g")]


class PickBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is taken of a lot."""

    entry: Annotated[int, Meta(ge=1, le=LARGEST_ID, description="The `entry` of the lot.")]
    quantity: PositiveFigure


class PicksBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The lots that a sale takes."""

    lots: Annotated[list[PickBody], Meta(max_length=MOST_PICKS)]


class LotController(Controller):
    """Routes of lots and gains."""

    tags = ["trades"]

    @get("/lots", summary="What is left of each purchase", opt=access(Scope.READ))
    async def list_lots(
        self,
        cases: Injected[UseCases],
        method: MethodQuery = "fifo",
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
        limit: PageSize = 1000,
        cursor: LotsCursor = None,
    ) -> LotsAnswer:
        """Return the lots by asset, in the order they were acquired.

        Trades count by the time of their execution, whenever they were booked, and a trade that was reversed does not
        count at all. What is realized less what is left of the basis is the same for every method. Where `revision` is
        another one than on the page before, lots may have moved from page to page.
        """
        found = await cases.ledger.read_lots(LotMethod(method), *read_past(as_of, known_at))
        shown, following = page_of("l", cursor, limit, len(found.lots))
        return lots_answer(found, cases.clock.now(), cases.ledger.read_lots.long_term_days, shown, following)

    @get("/gains", summary="What each sale brought", opt=access(Scope.READ, also=(CSV,)))
    async def list_gains(
        self,
        cases: Injected[UseCases],
        method: MethodQuery = "fifo",
        year: YearQuery = None,
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
        format_: FormatQuery = "json",
        limit: PageSize = 1000,
        cursor: GainsCursor = None,
    ) -> Response[GainsAnswer]:
        """Return what was realized, oldest first: a row for each lot that a sale took something of.

        Proceeds and basis are net of fees. These are the figures that a tax program takes; no country's rules are in
        them. Where `revision` is another one than on the page before, rows may have moved from page to page.
        """
        found = await cases.ledger.read_lots.gains(LotMethod(method), year, *read_past(as_of, known_at))
        if format_ == "csv":
            return cast("Response[GainsAnswer]", _file_of(found))
        shown, following = page_of("g", cursor, limit, len(found.disposals))
        return JsonResponse(gains_answer(found, cases.clock.now(), shown, following))

    @post(
        "/trades/{trade_id:str}/lots",
        status_code=200,
        summary="Pick the lots that a sale takes",
        opt=access(Scope.TRADE, problems=(NOT_FOUND, PROBLEMS[NotPickable], *WRITE_PROBLEMS)),
    )
    async def pick_lots(
        self, request: HttpRequest, data: JSONBody[PicksBody], trade_id: TradeId, cases: Injected[UseCases]
    ) -> PicksAnswer:
        """Keep which lots a sale takes, for the method `picked` of lots and gains: the latest word counts.

        A lot is named by `entry`, as `GET /lots` tells it as of the moment before the sale. The lots have to be of the
        asset that was sold, and open then; their quantities add up to what was sold. Without any lots nobody picks any.
        Nothing of the books changes. Where lots are no longer there, since a purchase was reversed or another sale took
        them, fifo takes others.
        """
        reading = FieldReader()
        lots = [
            Pick(entry=one.entry, quantity=reading.amount(Quantity, f"lots[{place}].quantity", one.quantity))
            for place, one in enumerate(data.lots)
        ]
        reading.finish()
        picking = cases.ledger.pick_lots(
            cases.portfolio_id, read_id(trade_id, "trade"), lots, owner=request.user.owner(None)
        )
        return picks_answer(await cases.uncancelled(picking), cases.clock.now())


def _file_of(found: Gains) -> Response[Any]:
    name = f"gains-{found.year or 'all'}-{found.method}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(_csv_of(found), media_type=CSV, headers=headers)


async def _csv_of(found: Gains) -> AsyncIterator[str]:
    """Yield the file, some rows at a time: others have their turn between."""
    yield header_of(GainView)
    for start in range(0, len(found.disposals), ROWS_AT_ONCE):
        yield rows_of(gain_views(found.disposals[start : start + ROWS_AT_ONCE], found.long_term_days))
        await asyncio.sleep(0)
