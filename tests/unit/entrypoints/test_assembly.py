"""The service as it is put together: every change that it commits is told, and a failing listener is logged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from structlog.testing import capture_logs

from portfolio.application.announcer import Event
from portfolio.application.ledger.events import CashMoved, TradeBooked
from portfolio.application.prices.refresh import PricesRefreshed
from portfolio.application.rebalancing.records import SignalChanged
from portfolio.domain.categories import Categories
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.entrypoints.assembly import Adapters, assemble
from portfolio.settings import Settings
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeDays, FakeLeases, FakeLedger, FakePriceStore, FakeSignals
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_prices import BTC, ScriptedCloses, ScriptedFeed
from tests.support.fakes.fake_probe import FakeProbe

BUY = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 30000, "net_amount": 30000}


class Heard:
    """A listener that remembers, and can be told to fail; ``opened`` is set by the second entry of new books."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.opened = asyncio.Event()
        self.fails = False

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) == 2:
            self.opened.set()
        if self.fails:
            raise ZeroDivisionError

    def take(self) -> list[str]:
        """What was heard since it was last asked."""
        taken, self.events = self.events, []
        return [_word(event) for event in taken if not isinstance(event, PricesRefreshed)]


def _word(event: Event) -> str:
    match event:
        case TradeBooked(entry=entry) | CashMoved(entry=entry):
            return f"{type(event).__name__} {entry.revision}"
        case SignalChanged(signal=signal):
            return signal.status.value
    raise AssertionError(event)


@asynccontextmanager
async def started(heard: Heard) -> AsyncIterator[httpx.AsyncClient]:
    """The service of new books, once they are opened."""
    clock, ledger, leases = FakeClock(), FakeLedger(), FakeLeases()

    rim = Adapters(
        clock=clock,
        ledger=ledger,
        lookups=FakeLookups(ledger),
        probe=FakeProbe(ledger),
        prices=FakePriceStore(ledger, leases),
        days=FakeDays(ledger),
        leases=leases,
        signals=FakeSignals(ledger),
        feed=ScriptedFeed(clock, {BTC: "30000"}),
        closes=ScriptedCloses(),
        categories=Categories({}),
        policy=RebalancePolicy(),
        least_interval_seconds=lambda _symbols: 0.0,
        close=(),
    )
    app = assemble(rim, Settings(log_file=""), portfolio_id=1, listeners=[heard])
    transport = httpx.ASGITransport(app=app)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://localhost:8026") as http:
        await heard.opened.wait()
        yield http


async def post(http: httpx.AsyncClient, path: str, body: Any = None) -> Any:
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_kind_of_change_is_told_and_a_booking_marks_its_signal() -> None:
    heard = Heard()
    async with started(heard) as http:
        assert heard.take() == ["CashMoved 1", "CashMoved 2"]
        await post(http, "/holdings/update", BUY)
        booked = await post(http, "/holdings/update", BUY)
        await post(http, f"/trades/{booked['trade_id']}/reverse")
        await post(http, "/cash/transactions", {"kind": "deposit", "amount": 1})
        assert heard.take() == ["TradeBooked 3", "TradeBooked 4", "TradeBooked 5", "CashMoved 6"]
        await post(http, "/portfolio/refresh")
        assert any(isinstance(event, PricesRefreshed) for event in heard.events)
        heard.take()
        [signal] = (await post(http, "/rebalance/generate-signals"))["signals"]
        await post(http, f"/rebalance/signals/{signal['id']}/acknowledge")
        sell = {**BUY, "side": "SELL", "quantity": 0.1, "net_amount": 3000, "signal_id": signal["id"]}
        await post(http, "/holdings/update", sell)
        assert heard.take() == ["open", "acknowledged", "TradeBooked 7", "executed"]


async def test_a_listener_that_fails_is_logged_and_the_booking_is_answered() -> None:
    heard = Heard()
    async with started(heard) as http:
        heard.fails = True
        with capture_logs() as logs:
            await post(http, "/holdings/update", BUY)
    failed = [entry for entry in logs if entry["event"] == "event.listener_failed"]
    assert [entry["event_type"] for entry in failed if entry["event_type"] != "PricesRefreshed"] == ["TradeBooked"]
    assert {type(entry["exc_info"]) for entry in failed} == {ZeroDivisionError}
