"""Lots and gains: which purchases are left, and what each sale brought, by any method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal, cast

from litestar import Controller, Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from portfolio.application.clock import Clock
from portfolio.application.ledger.lots.reading import Gains, ReadLots
from portfolio.domain.ledger.lots import LotMethod
from portfolio.entrypoints.http.ledger.csv_rows import CSV, header_of, rows_of
from portfolio.entrypoints.http.ledger.lot_answers import (
    GainsAnswer,
    GainView,
    LotsAnswer,
    MethodName,
    gain_views,
    gains_answer,
    lots_answer,
)
from portfolio.entrypoints.http.ledger.past_query import AsOfQuery, KnownAtQuery, read_past
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import (
    PageSize,
    cursor_query,
    read_cursor,
    write_cursor,
)
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.responses import JsonResponse

ROWS_AT_ONCE: Final = 500

MethodQuery = Annotated[
    MethodName,
    QueryParameter(
        description="Which lot a sale takes: the oldest (fifo), the newest (lifo), that of the highest cost, of equal "
        "ones the older (hifo), or of all of them a part at the ledger's own cost (average)."
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


class LotController(Controller):
    """Routes of lots and gains."""

    tags = ["trades"]

    @get("/lots", summary="What is left of each purchase", opt=access(Scope.READ))
    async def list_lots(  # shape: each part of the query is an argument
        self,
        read_lots: Injected[ReadLots],
        clock: Injected[Clock],
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
        found = await read_lots(LotMethod(method), *read_past(as_of, known_at))
        start = read_cursor(cursor) or 0
        shown, following = slice(start, start + limit), _following("l", start + limit, len(found.lots))
        return lots_answer(found, clock.now(), read_lots.long_term_days, shown, following)

    @get("/gains", summary="What each sale brought", opt=access(Scope.READ, also=(CSV,)))
    async def list_gains(  # shape: each part of the query is an argument
        self,
        read_lots: Injected[ReadLots],
        clock: Injected[Clock],
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
        found = await read_lots.gains(LotMethod(method), year, *read_past(as_of, known_at))
        if format_ == "csv":
            return cast("Response[GainsAnswer]", _file_of(found))
        start = read_cursor(cursor) or 0
        shown, following = slice(start, start + limit), _following("g", start + limit, len(found.disposals))
        return JsonResponse(gains_answer(found, clock.now(), shown, following))


def _following(kind: str, start: int, count: int) -> str | None:
    return write_cursor(kind, start if start < count else None)


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
