"""Deposits and withdrawals."""

from __future__ import annotations

from litestar import Response, post

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.cash import CashReply
from portfolio.domain.errors import InsufficientCash, InvalidAmount, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.entrypoints.http.errors import PROBLEMS, WRITE_PROBLEMS
from portfolio.entrypoints.http.ledger import examples
from portfolio.entrypoints.http.ledger.answers import CashTransactionAnswer, CashTransactionView
from portfolio.entrypoints.http.ledger.bookings import REPLAYED
from portfolio.entrypoints.http.ledger.requests import CashTransactionBody, move_cash
from portfolio.entrypoints.http.shell.admission import caller_of
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import read_body
from portfolio.entrypoints.http.shell.idempotency import header_key
from portfolio.entrypoints.http.shell.numbers import number
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import answer
from portfolio.entrypoints.http.shell.use_cases import HttpRequest, use_cases_of


@post(
    "/cash/transactions",
    status_code=200,
    opt=declares(
        scope=Scope.ADMIN,
        summary="Deposit or withdraw cash",
        tag="cash",
        body=CashTransactionBody,
        body_examples=examples.TRANSACTIONS,
        headers={"Idempotency-Key": "The same as `client_transaction_id`; both and different is refused."},
        answer=CashTransactionAnswer,
        example=examples.MOVED,
        problems=(
            *(PROBLEMS[error] for error in (InvalidAmount, OutOfRange, InsufficientCash, KeyReused)),
            *WRITE_PROBLEMS,
        ),
    ),
)
async def create_transaction(request: HttpRequest) -> Response[bytes]:
    """Move cash in or out, so that returns can be told from contributions; with a key exactly once."""
    cases = use_cases_of(request)
    body = await read_body(request, CashTransactionBody)
    wish = move_cash(body, caller_of(request), header_key=header_key(request))
    reply = await cases.carry_through(cases.move_cash(wish))
    return answer(_moved(reply), headers={REPLAYED: "true"} if reply.replayed else None)


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
