"""Restating average cost: looked at first, and booked when it was decided."""

from __future__ import annotations

from itertools import zip_longest
from typing import Annotated

import msgspec
from litestar import Controller, post
from litestar.params import JSONBody
from msgspec import Meta

from portfolio.application.errors import BooksMoved
from portfolio.application.history.restatement import Restatements
from portfolio.domain.decimal_text import counted
from portfolio.domain.money import Money
from portfolio.entrypoints.http.errors import PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.numbers import Number, number
from portfolio.entrypoints.http.shell.responses import Answer, SymbolCode
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view


class RestateBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether to book, and on which books."""

    dry_run: Annotated[bool, Meta(description="Only say what would be restated; false books it.")] = True
    revision: (
        Annotated[
            int,
            Meta(ge=0, description="The `revision` of a dry run: on any other nothing is booked, and 409 answered."),
        ]
        | None
    ) = None


class RestatementView(msgspec.Struct, kw_only=True):
    """A position whose cost is another one in the order of effect."""

    symbol: SymbolCode
    cost_basis: Number
    realized_pnl: Number
    avg_entry_price: Number | None
    cost_basis_delta: Number
    asset_cost_delta: Number
    realized_delta: Number
    transaction_id: int | None


class LeftOut(msgspec.Struct, kw_only=True):
    """A position that cannot be restated, and why."""

    symbol: SymbolCode
    reason: str


class RestateAnswer(Answer, kw_only=True):
    """What was restated, or would be."""

    message: str
    dry_run: bool
    revision: int
    restatements: list[RestatementView]
    net_deposits_delta: Number
    left_out: list[LeftOut]


class RestatementController(Controller):
    """The route of restatements."""

    tags = ["trades"]

    @post(
        "/ledger/restate",
        status_code=200,
        summary="Restate average cost in the order of effect",
        opt=access(Scope.ADMIN, problems=(PROBLEMS[BooksMoved], *WRITE_PROBLEMS)),
    )
    async def restate_books(
        self, request: HttpRequest, cases: Injected[UseCases], data: JSONBody[RestateBody | None] = None
    ) -> RestateAnswer:
        """Compare the books with those that the same trades and events make in the order in which they took effect,
        and, unless it is a dry run, book the difference: one entry an asset, which moves its cost and what it realized.
        Assets between which an exchange moved cost are one entry.

        A late purchase leaves the cost of earlier sales as it was booked. Afterwards the books are those booked in
        order, to the last digit. Asked again there is nothing left to do. Net deposits change by what transfers out
        took of the cost otherwise, and by nothing else.
        """
        wanted = data or RestateBody()
        if wanted.dry_run:
            found = await cases.performance.restate.look(cases.portfolio_id, revision=wanted.revision)
        else:
            owner = request.user.owner(None)
            found = await cases.uncancelled(
                cases.performance.restate(cases.portfolio_id, owner=owner, revision=wanted.revision)
            )
        positions = counted(sum(len(group.positions) for group in found.found), "position")
        return RestateAnswer(
            timestamp=cases.clock.now(),
            message=f"{positions} {'to be restated' if wanted.dry_run else 'restated'}",
            dry_run=wanted.dry_run,
            revision=found.revision,
            restatements=_views(found),
            net_deposits_delta=number(sum((group.net_deposits_delta for group in found.found), Money.zero())),
            left_out=[LeftOut(symbol=symbol.code, reason=why) for symbol, why in found.left_out.items()],
        )


def _views(found: Restatements) -> list[RestatementView]:
    return [
        view(RestatementView, one, one.after, transaction_id=booked.id if booked else None)
        for group, booked in zip_longest(found.found, found.booked)
        for one in group.positions
    ]
