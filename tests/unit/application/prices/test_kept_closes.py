"""Closes of statistics are read once, and kept until they change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
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
