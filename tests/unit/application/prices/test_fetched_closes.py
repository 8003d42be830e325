"""Closes that are fetched while somebody waits: what was not to be had is not asked for again at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from portfolio.application.announcer import Announcement
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.announcements import TradeBooked
from portfolio.application.ledger.records import TradeEntry, TradeRequest
from portfolio.application.prices.fetched_closes import (
    AGAIN_SECONDS,
    AT_ONCE,
    MOST_REMEMBERED,
    MOST_WAITING,
    FetchCloses,
)
from portfolio.application.prices.records import Close
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_prices import RecordingPrices, ScriptedCloses
from tests.unit.examples import RULES, bought, funded


class NoCloses:
    """An exchange that lists everything and has traded nothing."""

    def __init__(self) -> None:
        self.asked: list[Symbol] = []

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        self.asked.append(symbol)
        return []


async def test_an_exchange_without_a_single_close_is_asked_again_after_a_minute() -> None:
    closes, clock = NoCloses(), FakeClock()
    fetch = FetchCloses(RecordingPrices(), closes, clock, 1.0)
    for _ in range(2):
        assert await fetch(Symbol("SOL")) is False
    assert len(closes.asked) == 1
    clock.advance(AGAIN_SECONDS)
    await fetch(Symbol("SOL"))
    assert len(closes.asked) == 2


async def test_who_looked_before_closes_came_and_asks_after_is_told_that_they_came() -> None:
    closes, clock = ScriptedCloses(at=1000), FakeClock()
    fetch = FetchCloses(RecordingPrices(), closes, clock, 1.0)
    for _ in range(2):
        assert await fetch(Symbol("SOL")) is True
    assert len(closes.asked) == 1
    clock.advance(AGAIN_SECONDS)
    await fetch(Symbol("SOL"))
    assert len(closes.asked) == 2


async def test_what_is_remembered_of_assets_without_closes_has_an_end() -> None:
    closes = NoCloses()
    fetch = FetchCloses(RecordingPrices(), closes, FakeClock(), 1.0)
    symbols = [Symbol(f"C{number}") for number in range(MOST_REMEMBERED + 1)]
    for symbol in symbols:
        await fetch(symbol)
    for symbol in (symbols[0], symbols[-1]):  # forgotten with all others; remembered
        await fetch(symbol)
    assert closes.asked[len(symbols) :] == [symbols[0]]


def booked(code: str) -> TradeBooked:
    """The event of a purchase."""
    _, trade = funded().book(bought(code, 1, 1), RULES)
    entry = TradeEntry(trade=trade, request=TradeRequest(owner=""), portfolio_id=1, revision=2, booked_at=NOON)
    return TradeBooked(1, entry)


async def settled(fetch: FetchCloses) -> None:
    """Wait until nothing is at work after a booking."""
    while fetch._after_booking:
        await asyncio.wait(list(fetch._after_booking.values()))


async def test_the_closes_of_what_is_booked_first_are_fetched_behind_it_once() -> None:
    prices, closes = RecordingPrices(), ScriptedCloses()
    fetch = FetchCloses(prices, closes, FakeClock(), 1.0)
    fetch.take_notice(Announcement())
    for _ in range(2):
        for _ in range(2):
            fetch.take_notice(booked("SOL"))
        assert closes.asked == [] or len(closes.asked) == 1  # whoever books has been answered by then
        await settled(fetch)
    assert [symbol.code for symbol, _, _ in closes.asked] == ["SOL"]
    assert len(prices.kept) == 366


async def test_nobody_is_asked_for_closes_that_are_there() -> None:
    prices, closes = RecordingPrices(), ScriptedCloses()
    yesterday = NOON.date() - timedelta(days=1)
    await prices.add_closes(await ScriptedCloses().daily_closes(Symbol("SOL"), yesterday, yesterday))
    fetch = FetchCloses(prices, closes, FakeClock(), 1.0)
    fetch.take_notice(booked("SOL"))
    await settled(fetch)
    assert closes.asked == []


async def test_an_asset_that_nobody_lists_is_asked_for_again_after_a_minute_however_often_it_is_booked() -> None:
    closes, clock = NoCloses(), FakeClock()
    fetch = FetchCloses(RecordingPrices(), closes, clock, 1.0)
    for _ in range(5):
        fetch.take_notice(booked("RUG"))
        await settled(fetch)
    assert len(closes.asked) == 1
    clock.advance(AGAIN_SECONDS)
    fetch.take_notice(booked("RUG"))
    await settled(fetch)
    assert len(closes.asked) == 2


async def test_a_database_that_is_away_is_asked_again_with_the_next_booking(monkeypatch: pytest.MonkeyPatch) -> None:
    prices, closes = RecordingPrices(), ScriptedCloses()
    fetch = FetchCloses(prices, closes, FakeClock(), 1.0)

    async def away(*_: object, **__: object) -> Sequence[Close]:
        raise LedgerUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(prices, "closes", away)
        fetch.take_notice(booked("SOL"))
        await settled(fetch)
    assert closes.asked == []
    fetch.take_notice(booked("SOL"))
    await settled(fetch)
    assert len(closes.asked) == 1


async def test_few_are_fetched_at_once_and_no_more_wait_than_may() -> None:
    codes = [f"C{number}" for number in range(MOST_WAITING + 10)]
    closes = ScriptedCloses(failing={Symbol(code) for code in codes})
    fetch = FetchCloses(RecordingPrices(), closes, FakeClock(), 1.0)
    for code in codes:
        fetch.take_notice(booked(code))
    await settled(fetch)
    assert len(closes.asked) == MOST_WAITING
    assert closes.most_at_once == AT_ONCE


async def test_a_stop_ends_what_is_at_work() -> None:
    class Silent(NoCloses):
        async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
            was_asked.set()
            return await asyncio.Future()

    closes, was_asked = Silent(), asyncio.Event()
    fetch = FetchCloses(RecordingPrices(), closes, FakeClock(), 60.0)
    await fetch.close()
    fetch.take_notice(booked("SOL"))
    await was_asked.wait()
    await fetch.close()
    assert not fetch._after_booking
    assert not fetch._running
