"""The result of a period by engine, key, reason or symbol."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeAlias

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter
from msgspec import Meta

from portfolio.application.performance.tags.reading import TagKind
from portfolio.entrypoints.http.ledger.past_query import AsOfQuery, KnownAtQuery
from portfolio.entrypoints.http.performance.answers import BasisName
from portfolio.entrypoints.http.performance.controller import BasisQuery, asked_days
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import Days
from portfolio.entrypoints.http.shell.injection import Injected
from portfolio.entrypoints.http.shell.numbers import Number
from portfolio.entrypoints.http.shell.responses import Answer, Moment, Reasons
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

KindName: TypeAlias = Literal["engine", "key", "reason", "symbol"]
KindQuery = Annotated[
    KindName,
    QueryParameter(
        description="By the engine that reported a trade, the name of the API key that booked it (in an open service "
        "the engine), the reason of the signal that it carried out, or its asset."
    ),
]


class TagResultView(msgspec.Struct, kw_only=True):
    """What one tag brought: the cash that its trades moved, and how much more worth is what they made."""

    tag: str | None
    result: Number
    cash: Number
    value: Number
    trades: int


class AttributionAnswer(Answer, kw_only=True):
    """The results of all tags, which together are the portfolio's."""

    by: Annotated[KindName, Meta(description="What trades are told apart by.")]
    from_: date | None = msgspec.field(name="from")
    to: date | None
    rows: list[TagResultView] | None
    total: Number | None
    period_days: int
    complete: bool
    basis: BasisName
    as_of: Moment
    stale: bool
    reasons: Reasons


class AttributionController(Controller):
    """Routes of results by tag."""

    tags = ["portfolio"]

    @get("/attribution", summary="What each engine, key, reason or asset brought", opt=access(Scope.READ))
    async def read_attribution(
        self,
        cases: Injected[UseCases],
        by: KindQuery = "engine",
        days: Days = 30,
        basis: BasisQuery = None,
        as_of: AsOfQuery = None,
        known_at: KnownAtQuery = None,
    ) -> AttributionAnswer:
        """Return the result of each tag over the last completed days, the greatest first, and last of what has none.

        The result of a tag is the cash that its trades moved in the period, and by how much more the assets that they
        made are worth at the end than at the start. Deposits and withdrawals are no result. The rows add up to
        `total_return` of `/performance` to the last digit, on either basis: what has no tag, such as what the books
        were opened on and what other programs wrote, is the row with the tag null. On restated days a trade counts when
        it was executed. As of a past moment, or as far as was known, days are restated.
        """
        chosen, reads = await asked_days(cases.performance, basis, as_of, known_at)
        found = await reads.attribution(TagKind(by), days)
        return view(
            AttributionAnswer,
            found,
            timestamp=cases.clock.now(),
            from_=found.start,
            to=found.end,
            period_days=days,
            complete=found.is_complete,
            basis=chosen.value,
        )
