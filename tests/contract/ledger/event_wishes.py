"""Events as tests of the ledger's contract ask for them, and the use case that books them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.records import BookEvent, EventResult
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.money import Quantity
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.ledger_kinds import Ports
from tests.support.fakes.clock import FakeClock

CLOCK, RULES = FakeClock(), BookingRules()
SOL, POL = Symbol("SOL"), Symbol("POL")


def units(text: str | int) -> Quantity:
    return Quantity(Decimal(text))


def wish(kind: Kind, key: str | None = None, *, owner: str = "ann", **stated: Any) -> BookEvent:
    what = Happening(kind=kind, effective_at=CLOCK.now(), **stated)
    return BookEvent(what=what, owner=owner, client_event_id=key)


async def book(ports: Ports, *wishes: BookEvent, dry_run: bool = False) -> list[EventResult]:
    return await BookEvents(ports.ledger, CLOCK, RULES)(1, wishes, dry_run=dry_run)
