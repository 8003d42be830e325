"""What is exported as events is imported into empty books, and makes the same books, to the last digit."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.exports.again import booking
from portfolio.application.exports.again.booking import BookAgain
from portfolio.application.exports.again.records import BookedAgain
from portfolio.application.exports.columns import HAPPENED
from portfolio.application.exports.happened import Happened, HappenedRow
from portfolio.application.exports.tables import rows_of
from portfolio.application.ledger.cash import UNITS_BEGIN_ANEW, MoveCash, MoveCashInOrOut
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.money import Money
from portfolio.entrypoints.exports.read_back import is_export, read_back
from tests.contract.http.exports.test_exports import file
from tests.contract.http.exports.test_way_back import live, post, sums
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.services.http_service import Service, running

__all__ = ["ports"]

DEAREST = {"symbol": "BTC", "side": "BUY", "quantity": "1", "price": 100, "net_amount": 100}


@pytest.fixture
async def lived() -> AsyncIterator[Service]:
    """Books with an entry of each kind, each booked at a moment of its own."""
    async with running(opened=False, allow_negative_cash=True) as service:
        await OpenBooks(service.ledger, service.clock, Money.zero())(1)
        await post(service, "/cash/transactions", {"kind": "deposit", "amount": "100000.123", "note": "=1+1"})
        service.http.event_hooks = {"request": [_let_time_pass(service)]}
        await live(service)
        await post(service, "/ledger/restate", {"dry_run": False})
        # What rules would refuse now was once accepted: fees of more than a tenth, and a sale of what was not there.
        for number, more in enumerate(({"fees": 50}, {"side": "SELL", "quantity": "90", "net_amount": 9000})):
            body = {**DEAREST, **more, "client_trade_id": f"odd-{number}"}
            assert (await service.http.post("/holdings/update", json=body)).status_code in {400, 409}
            await post(service, "/holdings/update", {**body, "override": True})
        wish = MoveCash(
            kind=CashTransactionKind.DEPOSIT,
            amount=Money.zero() + _money("3.5"),
            owner="import",
            note=UNITS_BEGIN_ANEW,
            effective_at=datetime(2024, 2, 3, tzinfo=UTC),
        )
        await MoveCashInOrOut(service.ledger, service.clock, BookingRules())(1, wish)
        service.http.event_hooks = {}
        yield service


def _let_time_pass(service: Service) -> Callable[[Any], Any]:
    async def later(request: Any) -> None:
        del request
        clock: Any = service.clock
        clock.advance(61.0)

    return later


def _money(text: str) -> Money:
    from decimal import Decimal

    return Money(Decimal(text))


async def kept(service: Service, folder: Path, kind: str = "csv") -> str:
    """Write the events of books to a file."""
    path = folder / f"events.{kind}"
    path.write_bytes(await file(service, "events", format=kind))
    return str(path)


async def held(ports: Ports) -> list[dict[str, Any]]:
    """The rows of events that are in books."""
    last = (await ports.ledger.revisions(1)).ledger
    made = rows_of(HAPPENED, Happened().rows(await ports.lookups.log(1, after=0, until=last)))
    names = [column.name for column in HAPPENED]
    return [dict(zip(names, row, strict=True)) for row in made]


def ports_in_memory() -> tuple[FakeLedger, FakeLookups]:
    ledger = FakeLedger()
    return ledger, FakeLookups(ledger)


@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_a_file_makes_the_same_books_on_every_database(
    lived: Service, ports: Ports, tmp_path: Path, kind: str
) -> None:
    path = await kept(lived, tmp_path, kind)
    assert is_export(path)
    again = BookAgain(ports.ledger, ports.lookups)
    planned = await again(1, read_back(path), dry_run=True)
    assert ([*planned.reported, *planned.known], len(planned.booked)) == ([], planned.rows)
    assert await ports.ledger.is_adopted(1) is None
    done = await again(1, read_back(path))
    assert (done.reported, len(done.known), len(done.booked)) == ([], 1, done.rows - 1)
    before, after = await lived.ledger.load(1), await ports.ledger.load(1)
    for name in ("cash", "net_deposits", "realized_pnl", "fees_paid", "revision", "unreconciled"):
        assert getattr(before, name) == getattr(after, name), name
    costs = [
        {s: (p.quantity, p.cost_basis, p.asset_cost, p.realized_pnl, p.avg_entry_price) for s, p in one.positions.items()}
        for one in (before, after)
    ]
    assert costs[0] == costs[1]
    original = Ports(**{**{n: None for n in Ports.__dataclass_fields__}, "ledger": lived.ledger, "lookups": lived.cases.lookups})
    rows = await held(original)
    for one, two in zip(rows, await held(ports), strict=True):
        assert {**two, "note": one["note"], "key": one["key"]} == one
        assert two["key"] == one["key"] or one["key"] is None
    assert {row["kind"] for row in rows} >= {"trade", "restatement", "swap", "split", "withdrawal", "exchange"}
    assert (await VerifyBooks(ports.ledger)(1)).holds
    twice = await again(1, read_back(path))
    assert (twice.reported, len(twice.known), twice.booked) == ([], twice.rows, [])
    assert await ports.ledger.load(1) == after
