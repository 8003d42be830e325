"""Bookings, deposits and quotes in one line, for tests of the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import (
    Acceptance,
    RecordedOutcome,
    Refusal,
    TradeEntry,
    TradeRequest,
)
from portfolio.domain.ledger.cash_transaction import CashTransaction
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Side, Terms
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

AT = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
BTC, ETH = Symbol("BTC"), Symbol("ETH")


def money(text: str | int) -> Money:
    """So many dollars."""
    return Money(Decimal(text))


def execution(
    side: Side = Side.BUY, quantity: str = "0.1", price: str = "45000", fees: str = "22.5", symbol: Symbol = BTC
) -> Execution:
    """An execution whose money is quantity x price."""
    return Execution(
        symbol=symbol,
        side=side,
        quantity=Quantity(Decimal(quantity)),
        price=Price(Decimal(price)),
        net_amount=Quantity(Decimal(quantity)).at(Price(Decimal(price))),
        fees=money(fees),
        executed_at=AT,
    )


async def open_books(ledger: Ledger, cash: str = "100000") -> Portfolio:
    """Make the portfolio, adopt it and deposit ``cash``: revisions 1 and 2."""
    await ledger.create(1)

    async def opening(unit: LedgerUnit) -> None:
        adopted, baseline = unit.portfolio.adopt(AT)
        await unit.add_cash_entry(cash_entry(adopted, baseline))
        after, deposit = adopted.deposit(money(cash), AT)
        await unit.add_cash_entry(cash_entry(after, deposit))
        await unit.save(after)

    await ledger.transact(1, opening)
    return await ledger.load(1)


def cash_entry(after: Portfolio, transaction: CashTransaction, **fields: Any) -> CashEntry:
    """The entry of a transaction that led to ``after``."""
    entry = CashEntry(
        transaction=transaction,
        portfolio_id=after.id,
        revision=after.revision,
        owner="service",
        cash_after=after.cash,
        net_deposits_after=after.net_deposits,
    )
    return replace(entry, **fields)


async def book(unit: LedgerUnit, wanted: Execution | None = None, **fields: Any) -> int:
    """Book one execution in an open unit and return the trade's id."""
    asked, before = wanted or execution(), unit.portfolio
    bought, trade = before.book(asked, BookingRules())
    entry = TradeEntry(
        trade=trade,
        request=TradeRequest(owner="engine"),
        portfolio_id=bought.id,
        revision=bought.revision,
        booked_at=AT,
    )
    of_the_entry = {name: fields.pop(name) for name in ("fingerprint", "booked_at") if name in fields}
    request = replace(entry.request, **fields)
    [trade_id] = await unit.add_trades([replace(entry, request=request, **of_the_entry)])
    await unit.save(bought)
    return trade_id


async def book_one(ledger: Ledger, wanted: Execution | None = None, **fields: Any) -> int:
    """Book one execution in a transaction of its own and return the trade's id."""
    symbols = {(wanted or execution()).symbol}
    return await ledger.transact(1, lambda unit: book(unit, wanted, **fields), symbols=symbols)


def terms(side: Side) -> Terms:
    """The terms of an execution, as they are stored."""
    asked = execution(side)
    return Terms(**{name: getattr(asked, name) for name in Terms.__dataclass_fields__})


def refused(client_trade_id: str | None = None, owner: str = "engine") -> RecordedOutcome:
    """The outcome of a booking that was refused."""
    return RecordedOutcome(
        request=TradeRequest(owner=owner, client_trade_id=client_trade_id, engine="momentum"),
        terms=terms(Side.SELL),
        fingerprint="f" * 64,
        result=Refusal(error="InsufficientQuantity", detail="0.1 BTC cannot be sold: 0 is held — «ñ»"),
        decided_at=AT,
    )


def accepted(after: Portfolio, client_trade_id: str, trade_id: int = 1) -> RecordedOutcome:
    """The outcome of a booking that was booked."""
    result = Acceptance(
        trade_id=trade_id,
        position=after.position(BTC),
        cash=after.cash,
        realized_pnl=money("0.000000000000000001"),
        allocation_percent=Decimal("4.500001"),
        over_concentrated=False,
        possible_duplicate_of=None,
    )
    return replace(refused(client_trade_id), result=result, terms=terms(Side.BUY))
