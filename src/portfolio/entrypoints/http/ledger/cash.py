"""Deposits and withdrawals."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import JSONBody

from portfolio.application.errors import KeyReused, OwnerAmbiguous
from portfolio.application.ledger.cash_records import RecordedCashEntry, RefusedCashEntry
from portfolio.domain.errors import InsufficientCash, InvalidAmount, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.entrypoints.http.errors import WRITE_PROBLEMS, kinds_of
from portfolio.entrypoints.http.ledger.answers import CashTransactionAnswer, CashTransactionsAnswer, CashTransactionView
from portfolio.entrypoints.http.ledger.idempotency import header_key
from portfolio.entrypoints.http.ledger.replies import replied
from portfolio.entrypoints.http.ledger.requests import CashCursor, CashTransactionBody
from portfolio.entrypoints.http.ledger.requests import move_cash as read_wish
from portfolio.entrypoints.http.ledger.views import refused_problem
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import PageSize, read_cursor, write_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.metrics import Metrics
from portfolio.entrypoints.http.shell.use_cases import UseCases
from portfolio.entrypoints.http.views import view

_PROBLEMS = kinds_of(InvalidAmount, OutOfRange, InsufficientCash, KeyReused, OwnerAmbiguous)


class CashController(Controller):
    """Routes of cash transactions."""

    tags = ["cash"]

    @post(
        "/cash/transactions",
        status_code=200,
        summary="Deposit or withdraw cash",
        opt=access(Scope.ADMIN, problems=(*_PROBLEMS, *WRITE_PROBLEMS), takes_key=True),
    )
    async def create_transaction(
        self,
        request: HttpRequest,
        data: JSONBody[CashTransactionBody],
        cases: Injected[UseCases],
        metrics: Injected[Metrics],
    ) -> Response[CashTransactionAnswer]:
        """Move cash in or out, so that returns can be told from contributions; with a key exactly once.

        A refusal is kept like an acceptance: the same request again is answered the same, also when there is enough
        cash by then, and `GET /events?status=refused` lists it. What was withdrawn all the same is booked with
        `override: true` and its key: cash may be below zero then. Where several owners have that key, `owner` says
        whose.
        """
        wish = read_wish(data, request.user, header_key=header_key(request))
        with metrics.counting("cash_transaction") as counted:
            reply = await cases.uncancelled(cases.ledger.move_cash(cases.portfolio_id, wish))
            counted.append(reply)
        decided, replayed = reply.transaction, reply.replayed
        if isinstance(decided, RefusedCashEntry):
            path = request.url.path
            refused = refused_problem(decided.refusal, decided.decided_at, replayed=replayed, path=path)
            return replied(refused, replayed=replayed)
        return replied(_answer(decided, replayed=replayed), replayed=replayed)

    @get("/cash/transactions", summary="Cash transactions, newest first", opt=access(Scope.READ))
    async def list_transactions(
        self, cases: Injected[UseCases], limit: PageSize = 100, cursor: CashCursor = None
    ) -> CashTransactionsAnswer:
        """Return deposits and withdrawals, and the entries that opened the books or booked what others wrote."""
        page = await cases.lookups.cash_transactions(cases.portfolio_id, before=read_cursor(cursor), limit=limit)
        views = [cash_view(recorded) for recorded in page.items]
        following = write_cursor("c", page.next_before)
        return CashTransactionsAnswer(
            timestamp=cases.clock.now(), transactions=views, count=len(views), next_cursor=following
        )


def _answer(recorded: RecordedCashEntry, *, replayed: bool) -> CashTransactionAnswer:
    entry, transaction = recorded.entry, recorded.entry.transaction
    return view(
        CashTransactionAnswer,
        timestamp=transaction.at,
        message="Cash deposited" if transaction.kind is CashTransactionKind.DEPOSIT else "Cash withdrawn",
        transaction=cash_view(recorded),
        cash_balance=entry.cash_after,
        net_deposits=entry.net_deposits_after,
        replayed=replayed,
    )


def cash_view(recorded: RecordedCashEntry) -> CashTransactionView:
    """Return a cash transaction, or another entry that is no trade, as it is shown."""
    moved = recorded.entry.transaction
    return view(CashTransactionView, recorded, recorded.entry, moved, amount=abs(moved.cash_delta), moved_at=moved.at)
