"""Closes that are fetched while somebody waits: what was not to be had is not asked for again at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from portfolio.application.prices.fetched_closes import AGAIN_SECONDS, MOST_REMEMBERED, FetchCloses
from portfolio.application.prices.records import Close
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_prices import RecordingPrices


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


async def test_what_is_remembered_of_assets_without_closes_has_an_end() -> None:
    closes = NoCloses()
    fetch = FetchCloses(RecordingPrices(), closes, FakeClock(), 1.0)
    symbols = [Symbol(f"C{number}") for number in range(MOST_REMEMBERED + 1)]
    for symbol in symbols:
        await fetch(symbol)
    for symbol in (symbols[0], symbols[-1]):  # forgotten with all others; remembered
        await fetch(symbol)
    assert closes.asked[len(symbols) :] == [symbols[0]]
