"""The rules of exchanges: fetched once a day, kept through failures, and known in the order of the exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from portfolio.application.errors import LeaseLost, LedgerUnavailable
from portfolio.application.prices.exchange_rules import NO_EXCHANGE, FetchExchangeRules, ReadExchangeRules, rule_book
from portfolio.application.prices.records import Fence, KeptRules
from portfolio.domain.prices.exchange_rules import Rules, UnknownRules
from portfolio.domain.symbol import Symbol
from tests.support.exchange_rules import rules
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_prices import BTC, ETH, SOL
from tests.support.fakes.fake_rules import FakeExchangeRules, ScriptedRules
from tests.support.fakes.fake_stores import FakeLeases

VENUES = ("coinbase", "binance")
COARSE = rules("binance", step="0.1")


def kept(venue: str, found: Mapping[Symbol, Rules], *, days_ago: float = 0) -> KeptRules:
    """Rules that were fetched so many days ago."""
    return KeptRules(venue=venue, fetched_at=NOON - timedelta(days=days_ago), rules=found)


# ------------------------------------------------------------------------------------------------------ what is known


def test_the_first_exchange_that_has_rules_of_an_asset_counts() -> None:
    book = rule_book(
        [
            kept("binance", {BTC: COARSE, ETH: COARSE}),
            kept("coinbase", {BTC: rules(), ETH: UnknownRules("coinbase: base_increment 0")}),
        ],
        VENUES,
        NOON,
    )
    assert book.of("BTC") == rules()
    assert book.of("ETH") == COARSE
    assert book.of("SOL") == UnknownRules("coinbase does not list it; binance does not list it")


def test_where_no_exchange_has_rules_the_reasons_of_all_are_told() -> None:
    found = [kept("coinbase", {BTC: UnknownRules("coinbase: base_increment 0"), SOL: rules()})]
    book = rule_book(found, VENUES, NOON)
    assert book.of("BTC") == UnknownRules("coinbase: base_increment 0; binance: its rules were never fetched")
    assert book.of("ETH") == UnknownRules("coinbase does not list it; binance: its rules were never fetched")
    assert rule_book([], (), NOON).of("BTC") == UnknownRules(NO_EXCHANGE)


@pytest.mark.parametrize(("days_ago", "is_known"), [(0, True), (7, True), (7.01, False), (-7, True), (-7.01, False)])
def test_rules_of_over_a_week_ago_are_known_no_more(days_ago: float, is_known: bool) -> None:
    book = rule_book([kept("coinbase", {BTC: rules()}, days_ago=days_ago)], ["coinbase"], NOON)
    at = (NOON - timedelta(days=days_ago)).date()
    assert book.of("BTC") == (rules() if is_known else UnknownRules(f"coinbase: its rules were last fetched on {at}"))


# --------------------------------------------------------------------------------------------------------------- read


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> FakeExchangeRules:
    return FakeExchangeRules()


async def test_what_is_kept_is_read_once_a_minute_and_stays_the_same_object_while_nothing_changes(
    clock: FakeClock, store: FakeExchangeRules
) -> None:
    read = ReadExchangeRules(store, clock, VENUES)
    first, _ = await asyncio.gather(read(), read())
    assert await read() is first
    assert store.reads == 1
    clock.advance(60)
    assert await read() is first
    await store.keep(kept("coinbase", {BTC: rules()}), None)
    assert await read() is first
    read.forget()
    assert (await read()).of("BTC") == rules()
    assert store.reads == 3


async def test_who_comes_while_the_rules_are_read_waits_for_them(clock: FakeClock, store: FakeExchangeRules) -> None:
    await store.keep(kept("coinbase", {BTC: rules()}), None)
    read = ReadExchangeRules(store, clock, VENUES)
    found = await asyncio.gather(read(), read(), read())
    assert [book.of("BTC") for book in found] == [rules()] * 3
    assert store.reads == 1


async def test_while_the_database_is_away_what_was_known_is_known(clock: FakeClock, store: FakeExchangeRules) -> None:
    await store.keep(kept("coinbase", {BTC: rules()}), None)
    read = ReadExchangeRules(store, clock, VENUES)
    assert (await read(asks=False)).of("BTC") == UnknownRules(
        "coinbase: its rules were never fetched; binance: its rules were never fetched"
    )
    assert store.reads == 0
    known = await read()
    store.is_away = True
    clock.advance(61)
    assert await read() is known


async def test_a_database_that_does_not_answer_is_waited_for_once_a_minute(clock: FakeClock) -> None:
    class Silent(FakeExchangeRules):
        async def read(self) -> Sequence[KeptRules]:
            self.reads += 1
            await asyncio.Event().wait()
            return ()

    store = Silent()
    read = ReadExchangeRules(store, clock, VENUES, deadline_seconds=0.01)
    assert await read() is await read()
    assert store.reads == 1


async def test_where_no_exchange_is_asked_the_database_is_neither(clock: FakeClock, store: FakeExchangeRules) -> None:
    assert (await ReadExchangeRules(store, clock, ())()).of("BTC") == UnknownRules(NO_EXCHANGE)
    assert store.reads == 0


# ------------------------------------------------------------------------------------------------------------- fetched


@pytest.fixture
def feeds() -> dict[str, ScriptedRules]:
    return {
        "coinbase": ScriptedRules("coinbase", {BTC: rules(), ETH: UnknownRules("why")}),
        "binance": ScriptedRules("binance", {BTC: COARSE}),
    }


async def test_each_exchange_is_asked_once_a_day(
    clock: FakeClock, store: FakeExchangeRules, feeds: dict[str, ScriptedRules]
) -> None:
    fetch = FetchExchangeRules(feeds, store, clock)
    report = await fetch(None)
    assert (report.fetched, report.failed) == ({"coinbase": (1, 1), "binance": (1, 0)}, {})
    assert store.kept["coinbase"] == kept("coinbase", feeds["coinbase"].found)
    clock.advance(86_399)
    assert (await fetch(None)).fetched == {}
    clock.advance(1)
    assert set((await fetch(None)).fetched) == {"coinbase", "binance"}
    assert [feed.asked for feed in feeds.values()] == [2, 2]


async def test_what_was_kept_in_the_future_is_fetched_anew(
    clock: FakeClock, store: FakeExchangeRules, feeds: dict[str, ScriptedRules]
) -> None:
    await store.keep(kept("coinbase", {}, days_ago=-1), None)
    assert "coinbase" in (await FetchExchangeRules(feeds, store, clock)(None)).fetched


async def test_an_exchange_that_fails_leaves_what_it_said_before_and_the_others_are_asked(
    clock: FakeClock, store: FakeExchangeRules, feeds: dict[str, ScriptedRules]
) -> None:
    fetch = FetchExchangeRules(feeds, store, clock)
    await fetch(None)
    feeds["coinbase"].failure = "answered html"
    clock.advance(86_400)
    report = await fetch(None)
    assert (set(report.fetched), report.failed) == ({"binance"}, {"coinbase": "answered html"})
    assert store.kept["coinbase"] == kept("coinbase", feeds["coinbase"].found)
    # It is asked again the next time, and the other one is not.
    feeds["coinbase"].failure = None
    assert set((await fetch(None)).fetched) == {"coinbase"}


async def test_who_has_lost_the_lease_keeps_nothing(clock: FakeClock, feeds: dict[str, ScriptedRules]) -> None:
    leases = FakeLeases()
    store = FakeExchangeRules(leases)
    with pytest.raises(LeaseLost):
        await FetchExchangeRules(feeds, store, clock)(Fence(name="prices", holder="a", token=1))
    assert store.kept == {}
    store.is_away = True
    with pytest.raises(LedgerUnavailable):
        await FetchExchangeRules(feeds, store, clock)(None)
