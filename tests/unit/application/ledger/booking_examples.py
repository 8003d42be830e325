"""Books in memory with cash in them, and wishes to book."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.booking_batch import BookingResult
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.records import Acceptance, BookingReply, BookTrade, Refusal
from portfolio.domain.ledger.trade import Execution
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.unit.examples import RULES, money


async def opened(clock: FakeClock, cash: str = "100000") -> FakeLedger:
    """Return fresh books with ``cash`` deposited."""
    ledger = FakeLedger()
    await OpenBooks(ledger, clock, money(cash))(1)
    return ledger


Book = Callable[[Sequence[BookTrade]], Awaitable[list[BookingResult]]]


def booking(ledger: FakeLedger, clock: FakeClock) -> Book:
    return partial(BookTrades(ledger, clock, RULES), 1)


def wish(execution: Execution, key: str | None = None, *, owner: str = "engine", override: bool = False) -> BookTrade:
    return BookTrade(execution=execution, owner=owner, client_trade_id=key, override=override)


def accepted(result: BookingResult) -> Acceptance:
    assert isinstance(result, BookingReply)
    assert isinstance(result.outcome.result, Acceptance)
    return result.outcome.result


def refused(result: BookingResult) -> Refusal:
    assert isinstance(result, BookingReply)
    assert isinstance(result.outcome.result, Refusal)
    return result.outcome.result


def replayed(result: BookingResult) -> bool:
    assert isinstance(result, BookingReply)
    return result.replayed
