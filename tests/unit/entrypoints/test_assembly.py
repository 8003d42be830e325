"""The service as it is put together: every change that it commits is told, and a failing listener is logged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import httpx
from structlog.testing import capture_logs

from portfolio.adapters.files.imports import GivenFiles
from portfolio.application.announcer import Announcement
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.prices.ports import ExchangeRulesFeed
from portfolio.application.prices.records import Close
from portfolio.application.prices.refresh import PricesRefreshed
from portfolio.application.rebalancing.records import SignalChanged
from portfolio.domain.categories import Categories
from portfolio.domain.prices.exchange_rules import Rules
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.assembly.adapters import Adapters
from portfolio.entrypoints.assembly.application import assemble
from portfolio.settings import Settings
from tests.support.exchange_rules import rules
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.compute import InThisProcess, SlicesInThisProcess
from tests.support.fakes.fake_backtests import FakeBacktests
from tests.support.fakes.fake_imports import FakeImports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_picked_sales import FakePickedSales
from tests.support.fakes.fake_prices import BTC, ScriptedCloses, ScriptedFeed
from tests.support.fakes.fake_probe import FakeProbe
from tests.support.fakes.fake_rules import FakeExchangeRules, ScriptedRules
from tests.support.fakes.fake_stores import FakeDays, FakeLeases, FakePriceStore, FakeSignals

BUY = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 30000, "net_amount": 30000}


class Heard:
    """A listener that remembers, and can be told to fail; ``opened`` is set by the second entry of new books."""

    def __init__(self) -> None:
        self.events: list[Announcement] = []
        self.opened = asyncio.Event()
        self.fails = False

    def __call__(self, event: Announcement) -> None:
        self.events.append(event)
        if len(self.events) == 2:
            self.opened.set()
        if self.fails:
            raise ZeroDivisionError

    def take(self) -> list[str]:
        """What was heard since it was last asked."""
        taken, self.events = self.events, []
        return [_word(event) for event in taken if not isinstance(event, PricesRefreshed)]


def _word(event: Announcement) -> str:
    match event:
        case TradeBooked(entry=entry) | CashMoved(entry=entry):
            return f"{type(event).__name__} {entry.revision}"
        case SignalChanged(signal=signal):
            return signal.status.value
    raise AssertionError(event)


@asynccontextmanager
async def started(
    heard: Heard, closes: ScriptedCloses | None = None, rules: Mapping[str, ExchangeRulesFeed] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
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
        exchange_rules=FakeExchangeRules(leases),
        rules=rules or {},
        feed=ScriptedFeed(clock, {BTC: "30000"}),
        closes=closes or ScriptedCloses(),
        compute=InThisProcess(),
        compute_slices=SlicesInThisProcess(),
        backtests=FakeBacktests(),
        imports=FakeImports(ledger),
        import_ledger=ledger,
        read_given=GivenFiles,
        picked_sales=FakePickedSales(),
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


class SilentCloses(ScriptedCloses):
    """Exchanges that are asked and do not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.was_asked = asyncio.Event()

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        if end - start >= timedelta(days=365):
            self.was_asked.set()
        return await asyncio.Future()


async def test_the_closes_of_what_is_booked_are_fetched_behind_it_and_neither_it_nor_the_stop_waits_for_them() -> None:
    closes = SilentCloses()
    async with asyncio.timeout(60), started(Heard(), closes) as http:
        await post(http, "/holdings/update", BUY)
        await closes.was_asked.wait()
    assert not [task for task in asyncio.all_tasks() if "closes" in task.get_name()]


async def test_a_listener_that_fails_is_logged_and_the_booking_is_answered() -> None:
    heard = Heard()
    async with started(heard) as http:
        heard.fails = True
        with capture_logs() as logs:
            await post(http, "/holdings/update", BUY)
    failed = [entry for entry in logs if entry["event"] == "event.listener_failed"]
    assert [entry["event_type"] for entry in failed if entry["event_type"] != "PricesRefreshed"] == ["TradeBooked"]
    assert {type(entry["exc_info"]) for entry in failed} == {ZeroDivisionError}


class SilentRules(ScriptedRules):
    """An exchange that answers prices, and of its rules nothing until it is told to."""

    def __init__(self, found: Mapping[Symbol, Rules]) -> None:
        super().__init__("coinbase", found)
        self.was_asked, self.answers = asyncio.Event(), asyncio.Event()

    async def rules(self) -> Mapping[Symbol, Rules]:
        self.was_asked.set()
        await self.answers.wait()
        return await super().rules()


async def test_nothing_waits_for_the_rules_of_an_exchange_and_plans_know_them_once_they_are_there() -> None:
    heard, silent = Heard(), SilentRules({BTC: rules(step="0.01")})
    async with started(heard, rules={"coinbase": silent}) as http:
        await asyncio.wait_for(silent.was_asked.wait(), 5)
        await post(http, "/holdings/update", {**BUY, "quantity": 3, "net_amount": 90_000})
        assert (await post(http, "/portfolio/refresh"))["refreshed"] == ["BTC"]
        [trade] = (await http.get("/rebalance/recommendations")).json()["recommendations"]
        assert (trade["executable_quantity"], trade["executable_reason"]) == (
            None,
            "coinbase: its rules were never fetched",
        )
        silent.answers.set()
        async with asyncio.timeout(5):
            while trade["executable_quantity"] is None:
                [trade] = (await http.get("/rebalance/recommendations")).json()["recommendations"]
        assert (trade["executable_quantity"], trade["venue"]) == (2.23, "coinbase")
    # It is left while an exchange does not answer, too.
    heard, silent = Heard(), SilentRules({})
    async with started(heard, rules={"coinbase": silent}):
        await asyncio.wait_for(silent.was_asked.wait(), 5)
