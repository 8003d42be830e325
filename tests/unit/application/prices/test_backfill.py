import asyncio
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.prices.backfill import AT_ONCE, Backfill
from portfolio.domain.ledger.position import Position
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_prices import BTC, ETH, LoadedLedger, RecordingPrices, ScriptedCloses, holding


def backfill(ledger: LoadedLedger, prices: RecordingPrices, closes: ScriptedCloses) -> Any:
    return partial(Backfill(ledger.as_port(), prices, closes, FakeClock()), 1)


async def test_the_last_completed_days_and_the_one_before_are_fetched_and_never_today() -> None:
    prices, closes = RecordingPrices(), ScriptedCloses()
    report = await backfill(LoadedLedger(holding({BTC: "1"}, NOON)), prices, closes)(30)
    # It is the 15th of June: 30 returns end with the 14th and need 31 closes, back to the 15th of May.
    assert closes.asked == [(BTC, date(2025, 5, 15), date(2025, 6, 14))]
    assert (report.since, report.until) == (date(2025, 5, 15), date(2025, 6, 14))
    assert max(close.day for close in prices.kept) == date(2025, 6, 14)
    assert report.closes == len(prices.kept) == 31
    assert report.symbols == [BTC]


async def test_a_symbol_that_fails_is_named_and_the_others_are_kept() -> None:
    prices = RecordingPrices()
    ledger = LoadedLedger(holding({BTC: "1", ETH: "1"}, NOON))
    report = await backfill(ledger, prices, ScriptedCloses(failing={ETH}))(7)
    assert report.stored == {BTC: 8}
    assert report.failed == {ETH: "scripted: none"}
    assert {close.symbol for close in prices.kept} == {BTC}


async def test_progress_is_told_after_each_symbol_also_a_failed_one() -> None:
    told: list[tuple[int, int]] = []
    ledger = LoadedLedger(holding({BTC: "1", ETH: "1"}, NOON))
    fetch = backfill(ledger, RecordingPrices(), ScriptedCloses(failing={ETH}))
    await fetch(7, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


async def test_only_so_many_are_fetched_at_once() -> None:
    symbols = [Symbol(f"C{n}") for n in range(20)]
    closes = ScriptedCloses()
    await backfill(LoadedLedger(holding(dict.fromkeys(symbols, "1"), NOON)), RecordingPrices(), closes)(1)
    assert len(closes.asked) == 20
    assert closes.most_at_once == AT_ONCE


async def test_the_benchmark_is_fetched_with_what_is_held_and_once() -> None:
    for held, asked in (({BTC: "1"}, [BTC, ETH]), ({BTC: "1", ETH: "1"}, [BTC, ETH]), ({}, [ETH])):
        closes, ledger = ScriptedCloses(), LoadedLedger(holding(held, NOON))
        await Backfill(ledger.as_port(), RecordingPrices(), closes, FakeClock(), ETH)(1, 1)
        assert [symbol for symbol, *_ in closes.asked] == asked


async def test_what_was_sold_is_fetched_after_what_is_held() -> None:
    sold, closes = Symbol("AAA"), ScriptedCloses()
    books = holding({ETH: "1"}, NOON)
    books = replace(books, positions={**books.positions, sold: Position(symbol=sold)})
    await backfill(LoadedLedger(books), RecordingPrices(), closes)(1)
    assert [symbol for symbol, *_ in closes.asked] == [ETH, sold]


async def test_nothing_held_is_nothing_fetched() -> None:
    closes = ScriptedCloses()
    report = await backfill(LoadedLedger(holding({}, NOON)), RecordingPrices(), closes)(30)
    assert closes.asked == []
    assert not report.stored
    assert not report.failed


async def test_a_database_that_is_away_ends_it_with_its_own_error() -> None:
    prices = RecordingPrices()
    prices.error = LedgerUnavailable("away")
    before = asyncio.all_tasks()
    with pytest.raises(LedgerUnavailable):
        await backfill(LoadedLedger(holding({BTC: "1", ETH: "1"}, NOON)), prices, ScriptedCloses())(30)
    assert asyncio.all_tasks() == before  # nothing goes on behind the caller's back
