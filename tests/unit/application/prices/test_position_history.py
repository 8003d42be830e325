"""One asset over time: its closes day by day, and the own trades."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.records import BookedTrade, Page, TradeFilter
from portfolio.application.prices.position_history import PositionHistory, ReadPositionHistory
from portfolio.application.prices.records import Close
from portfolio.domain.categories import Categories
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.services.http_service import BUY, Service, running

BTC = Symbol("BTC")


class LostLookups:
    """Look-ups of a database that went away a moment ago."""

    async def trades(self, portfolio_id: int, wanted: TradeFilter) -> Page[BookedTrade]:
        raise LedgerUnavailable("gone")


async def read(service: Service, symbol: Symbol = BTC, days: int = 2) -> PositionHistory:
    """The asset at the newest snapshot."""
    snapshot = await service.cases.ledger.snapshots.newest()
    return await service.cases.prices.position_history(snapshot, symbol, days, service.clock.now())


async def test_it_has_every_day_also_those_without_a_close_and_ends_with_the_price_of_now() -> None:
    async with running() as service:
        assert (await service.http.post("/holdings/update", json=BUY)).status_code == 200
        today = service.clock.now().date()
        closes = [
            Close(symbol=BTC, day=today - timedelta(days=n), price=Price(Decimal(price)), source="coinbase")
            for n, price in ((3, "44000.5"), (1, "44500"))
        ]
        await service.prices.add_closes(closes)
        found = await read(service)
    assert found.closes == [
        (today - timedelta(days=3), Decimal("44000.5")),
        (today - timedelta(days=2), None),
        (today - timedelta(days=1), Decimal("44500")),
        (today, Decimal(45000)),
    ]
    assert found.trades is not None
    assert [trade.id for trade in found.trades] == [1]
    assert found.is_known
    assert not found.stale


async def test_what_never_was_in_the_books_is_not_known_but_where_nobody_can_tell() -> None:
    async with running() as service:
        assert not (await read(service, Symbol("DOGE"))).is_known
        whole: Any = service.cases.prices.position_history
        lost = ReadPositionHistory(whole.closes, LostLookups(), Categories(), timedelta(minutes=5))  # type: ignore[arg-type] # no more is asked
        snapshot = await service.cases.ledger.snapshots.newest()
        found = await lost(snapshot, Symbol("DOGE"), 3, service.clock.now())
        assert found.trades is None
        assert found.is_known
        service.ledger.away = True
        assert (await read(service)).trades is None
