"""Events by the day they are of: what they moved, in quantity, cost and result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from portfolio.application.ledger.happenings.booking import BookEvents
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_lookups import FakeLookups
from tests.unit.application.ledger.booking_examples import opened
from tests.unit.examples import RULES, money, units

SOL = Symbol("SOL")


async def test_an_event_is_of_its_own_day_and_what_changed_units_of_that_of_its_booking() -> None:
    clock = FakeClock()
    ledger = await opened(clock)
    clock.advance(5 * 86_400)
    then, today = clock.now() - timedelta(days=2), clock.now().date()

    async def happened(**stated: Any) -> None:
        what = Happening(effective_at=then, **stated)
        await BookEvents(ledger, clock, RULES)(1, [BookEvent(what=what, owner="ann")])

    await happened(kind=Kind.TRANSFER_IN, symbol=SOL, quantity=units(1), value=money(50), basis=money(20))
    await happened(kind=Kind.INCOME, symbol=SOL, quantity=units(2), value=money(100), label="staking")
    await happened(kind=Kind.LOSS, symbol=SOL, quantity=units(3))
    await happened(kind=Kind.INTEREST, amount=money(7))
    days = LedgerDays(ledger, FakeLookups(ledger))
    await days.read(1, 100)
    earlier, booked = days.days[then.date()], days.days[today]
    change = earlier.changes[SOL]
    assert (change.quantity, change.cost_basis, change.realized_pnl) == (units(-1), money(-20), money(-20))
    assert (earlier.cash, earlier.realized_pnl, earlier.net_deposits) == (money(7), money(-13), money(0))
    assert (booked.changes[SOL].quantity, booked.net_deposits) == (units(1), money(20))
    assert (booked.changes[SOL].trades, earlier.trades) == (0, set())
    assert (days.missing(100), days.is_read) == ([*range(7, 17)], True)
