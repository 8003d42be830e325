"""The tables of the books as files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final, Literal, cast

from litestar import Controller, Response, get
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from portfolio.application.errors import NotInstalled
from portfolio.application.exports.tables import DATED, PAST, Wanted, What
from portfolio.application.performance.records import Basis
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.entrypoints.exports.files import PARQUET, FileFormat, require, written
from portfolio.entrypoints.http.errors import kinds_of
from portfolio.entrypoints.http.event_streams import IS_HEAD, UNBUFFERED
from portfolio.entrypoints.http.ledger.csv_rows import CSV
from portfolio.entrypoints.http.ledger.lot_answers import MethodName
from portfolio.entrypoints.http.ledger.past_query import AsOfQuery, KnownAtQuery
from portfolio.entrypoints.http.performance.controller import BasisQuery, asked_past
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import MOMENT, FieldReader, parse_moment
from portfolio.entrypoints.http.shell.decimal_strings import wants_strings
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.responses import JSON, JSON_WITH_STRINGS
from portfolio.entrypoints.http.shell.use_cases import UseCases

WhatPath = Annotated[
    Literal["trades", "events", "positions", "gains", "performance", "closes"],
    PathParameter(description="trades, events, positions, gains, performance or closes."),
]
FileFormatQuery = Annotated[
    Literal["csv", "parquet", "json"],
    QueryParameter(name="format", description="parquet needs the extra `portfolio[parquet]` where the service runs."),
]
SinceQuery = Annotated[
    str | None,
    QueryParameter(
        description=f"From this moment on, by the time of execution, of the sale, or by the UTC day. {MOMENT}.",
        max_length=40,
    ),
]

GainsMethodQuery = Annotated[
    MethodName | None,
    QueryParameter(description="Of gains, which lot a sale takes, as in `/gains`; fifo where it is not said."),
]

_NOT_DATED: Final = "is for trades, events, gains, performance and closes: positions have no time of their own"
_NOT_PAST: Final = "is for positions, gains and performance: the others are lists of what was booked"
_NOT_TAKEN: Final = {
    "as_of": _NOT_PAST,
    "known_at": _NOT_PAST,
    "basis": "is for performance: nothing else is of days",
    "method": "is for gains: the others are of average cost, or of none",
}


class ExportController(Controller):
    """The route of exports."""

    tags = ["portfolio"]

    @get(
        "/exports/{what:str}",
        summary="The books as a file: CSV, Parquet or JSON",
        media_type=CSV,
        opt=access(Scope.READ, problems=kinds_of(NotInstalled, OutOfRange), also=(JSON, JSON_WITH_STRINGS, PARQUET)),
    )
    async def read_export(  # shape: each part of the query is an argument
        self,
        request: HttpRequest,
        cases: Injected[UseCases],
        what: WhatPath,
        format_: FileFormatQuery = "csv",
        since: SinceQuery = None,
        method: GainsMethodQuery = None,
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
        basis: BasisQuery = None,
    ) -> Response[str]:
        """Return all rows, oldest first, with every digit: as text in CSV, as decimal columns in Parquet.

        The first line of CSV begins with `# ` and says what the file is: the convention, as of when, the ledger
        revision. Parquet has the same in its metadata, JSON beside its rows. The decimals of JSON are numbers, or
        strings where `Accept` asks for them. The answer has no deadline once it has begun; a file that breaks off was
        not read to its end.

        Positions, gains and performance are as of a moment, and as far as was known then, as in their own routes.
        """
        kind, reading = FileFormat(format_), FieldReader()
        moment = reading.given("since", since, parse_moment)
        if moment is not None and What(what) not in DATED:
            reading.refuse("since", _NOT_DATED)
        for name, said, takes in (
            ("as_of", as_of, What(what) in PAST),
            ("known_at", known_at, What(what) in PAST),
            ("basis", basis, what == "performance"),
            ("method", method, what == "gains"),
        ):
            if said is not None and not takes:
                reading.refuse(name, _NOT_TAKEN[name])
        reading.finish()
        before, known = asked_past(as_of, known_at, basis) or (None, None)
        require(kind)
        wanted = Wanted(
            what=What(what),
            since=moment,
            method=LotMethod(method or "fifo"),
            as_of=before,
            known_at=known,
            basis=basis and Basis(basis),
        )
        table = await cases.performance.exports(wanted)
        strings = kind is FileFormat.JSON and wants_strings(request.scope)
        pieces = written(table, kind, strings=strings)
        first = await anext(pieces)
        headers = {
            # That of the handler would win over that of the answer.
            "Content-Type": JSON_WITH_STRINGS if strings else kind.media_type,
            "Content-Disposition": f'attachment; filename="portfolio-{what}.{kind}"',
            **UNBUFFERED,
            **({"Vary": "Accept"} if kind is FileFormat.JSON else {}),
        }
        content = _after(first, pieces, is_whole=not request.scope.get(IS_HEAD))
        return cast("Response[str]", Stream(content, headers=headers))


async def _after(first: bytes, pieces: AsyncIterator[bytes], *, is_whole: bool) -> AsyncIterator[bytes]:
    yield first
    if is_whole:
        async for piece in pieces:
            yield piece
