"""Sums of more than 28 digits, which is where Python's own decimals begin to round, are kept to the last one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.records import BookEvent, EventReply, RecordedEvent
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.records import BookTrade
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Quantity
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import BTC, ETH, execution, money, open_books

__all__ = ["ports"]

CLOCK, RULES = FakeClock(), BookingRules()
# 37 digits each
CASH = "7123456789012345678.123456789012345677"
QUANTITY, PRICE = "1234567890123.123456789012345679", "1234.123456789012345679"
VALUE = money("123456789012345.123456789012345679")


async def test_every_entry_of_large_sums_is_kept_and_proved_to_the_last_digit(ports: Ports) -> None:
    await open_books(ports.ledger, CASH)
    book = BookTrades(ports.ledger, CLOCK, RULES)
    at = CLOCK.now() - timedelta(hours=1)
    bought = replace(execution(quantity=QUANTITY, price=PRICE, fees="12345678901.123456789012345679"), executed_at=at)
    sold = replace(bought, side=Side.SELL, quantity=Quantity(Decimal("1234567890123.000000000000000001")))
    await book(1, [BookTrade(owner="ann", execution=one) for one in (bought, sold, bought)])
    await MoveCashInOrOut(ports.ledger, CLOCK, RULES)(1, MoveCash(kind=Kind.WITHDRAWAL, amount=VALUE, owner="ann"))
    part = Quantity(Decimal("123456789012.123456789012345679"))
    stated = (
        {"kind": Kind.TRANSFER_IN, "symbol": Symbol("SOL"), "quantity": part, "value": VALUE},
        {"kind": Kind.INCOME, "symbol": BTC, "quantity": part, "value": VALUE, "label": "staking"},
        {"kind": Kind.SWAP, "symbol": BTC, "quantity": part, "to_symbol": ETH, "to_quantity": part, "value": VALUE},
        {"kind": Kind.EXCHANGE, "symbol": BTC, "quantity": part, "to_symbol": ETH, "ratio": Decimal("0.333")},
        {"kind": Kind.SPLIT, "symbol": ETH, "ratio": Decimal("1.7")},
        {"kind": Kind.TRANSFER_OUT, "symbol": ETH, "quantity": part, "value": VALUE},
        {"kind": Kind.LOSS, "symbol": ETH, "quantity": Quantity(Decimal("12345678901.123456789012345679"))},
        {"kind": Kind.INTEREST, "amount": VALUE},
        {"kind": Kind.CHARGE, "amount": VALUE},
    )
    wishes = [
        BookEvent(what=Happening(effective_at=at, **one), owner="ann")  # type: ignore[arg-type]  # values of many types
        for one in stated
    ]
    replies = await BookEvents(ports.ledger, CLOCK, RULES)(1, wishes)
    events = [one.event for one in replies if isinstance(one, EventReply) and isinstance(one.event, RecordedEvent)]
    assert len(events) == len(stated)
    interest = events[-2].id
    assert interest is not None
    await ReverseEvent(ports.ledger, CLOCK, RULES)(1, interest, owner="ann")
    await ReverseTrade(ports.ledger, CLOCK, RULES)(1, 2, owner="ann")
    found = await VerifyBooks(ports.ledger, page_size=4)(1)
    assert (found.differences, found.unreconciled) == ([], [])
    books = await ports.ledger.load(1)
    cost = sum((one.cost_basis for one in books.positions.values()), books.cash)
    assert cost == books.net_deposits + books.realized_pnl
