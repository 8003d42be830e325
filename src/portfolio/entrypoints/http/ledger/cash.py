"""Deposits and withdrawals."""

from __future__ import annotations

from litestar import Controller, Response, post
from litestar.params import JSONBody

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.cash import CashReply, MoveCashInOrOut
from portfolio.domain.errors import InsufficientCash, InvalidAmount, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.entrypoints.http.errors import PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger.answers import CashTransactionAnswer, CashTransactionView
from portfolio.entrypoints.http.ledger.requests import CashTransactionBody
from portfolio.entrypoints.http.ledger.requests import move_cash as read_wish
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.idempotency import REPLAYED, header_key
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.numbers import number
from portfolio.entrypoints.http.shell.responses import JsonResponse
from portfolio.entrypoints.http.shell.uncancelled import Uncancelled

_PROBLEMS = tuple(PROBLEMS[error] for error in (InvalidAmount, OutOfRange, InsufficientCash, KeyReused))


class CashController(Controller):
    """Routes of cash transactions."""

    tags = ["cash"]

    @post(
        "/cash/transactions",
        status_code=200,
        summary="Deposit or withdraw cash",
        opt=access(Scope.ADMIN, problems=(*_PROBLEMS, *WRITE_PROBLEMS)),
    )
    async def create_transaction(
        self,
        request: HttpRequest,
        data: JSONBody[CashTransactionBody],
        move_cash: Injected[MoveCashInOrOut],
        uncancelled: Injected[Uncancelled],
    ) -> Response[CashTransactionAnswer]:
        """Move cash in or out, so that returns can be told from contributions; with a key exactly once."""
        wish = read_wish(data, request.user, header_key=header_key(request))
        reply = await uncancelled(move_cash(wish))
        return JsonResponse(_moved(reply), headers={REPLAYED: "true"} if reply.replayed else None)


def _moved(reply: CashReply) -> CashTransactionAnswer:
    entry, transaction = reply.transaction.entry, reply.transaction.entry.transaction
    deposited = transaction.kind is CashTransactionKind.DEPOSIT
    return CashTransactionAnswer(
        timestamp=transaction.at,
        message="Cash deposited" if deposited else "Cash withdrawn",
        transaction=CashTransactionView(
            id=reply.transaction.id,
            kind="deposit" if deposited else "withdrawal",
            amount=number(abs(transaction.cash_delta)),
            owner=entry.owner,
            client_transaction_id=entry.client_transaction_id,
            note=entry.note,
            moved_at=transaction.at,
            revision=entry.revision,
        ),
        cash_balance=number(entry.cash_after),
        net_deposits=number(entry.net_deposits_after),
        replayed=reply.replayed,
    )
