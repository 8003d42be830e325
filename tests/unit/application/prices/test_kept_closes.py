"""Closes of statistics are read once, and kept until they change."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import date
from functools import partial
from typing import Any

from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.records import Close
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore

MANY = [f"C{n}" for n in range(1_500)]


class CountedStore(FakePriceStore):
    """Remembers whose closes it was asked for."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.asked: list[str] = []

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        self.asked += [symbol.code for symbol in symbols]
        return await super().closes(symbols, since=since, until=until)


class SlowStore(CountedStore):
    """Answers the first time at once, and then never."""

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        if self.asked:
            await asyncio.Event().wait()
        return await super().closes(symbols, since=since, until=until)


async def asked_for(*reads: Sequence[str]) -> list[str]:
    """Return whose closes the store was asked for in the last of some reads."""
    store = CountedStore(FakeLedger(Books()), FakeLeases())
    closes = ReadCloses(store, FakeClock())
    for symbols in reads:
        store.asked = []
        await closes(symbols, 30, today=NOON.date(), price_revision=0)
    return store.asked


async def test_many_positions_are_kept_beside_what_else_is_asked_for() -> None:
    assert await asked_for(MANY, ["BTC"], MANY) == []


async def test_what_else_is_asked_for_is_not_kept_for_ever() -> None:
    others = [[f"X{n}" for n in range(first, first + 100)] for first in range(0, 3_000, 100)]
    assert await asked_for(["BTC"], *others, ["BTC"]) == ["BTC"]


async def test_one_request_waits_once_for_a_database_that_is_too_slow() -> None:
    clock, store = FakeClock(), SlowStore(FakeLedger(Books()), FakeLeases())
    closes = ReadCloses(store, clock, deadline_seconds=0.05)
    read = partial(closes, MANY, 30, today=NOON.date(), price_revision=0)
    assert not (await read()).is_known, "it got a part of them"
    asked, store.asked = store.asked, []
    assert not (await read()).is_current
    assert store.asked == [], "the next read of the request does without"
    clock.advance(1)
    await read()
    assert store.asked, "and a later one goes on"
    assert not set(asked) & set(store.asked)
