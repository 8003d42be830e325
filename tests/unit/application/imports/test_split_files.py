"""However a history is cut into overlapping files, in whatever order they come: the books are the same."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.application.imports.booking import BookImport, ImportWish
from portfolio.application.imports.entering import Allowed
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.records import Options
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.support.imports import FilesInMemory, StoppedClock
from tests.support.ledger_examples import open_books

HEADER = "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,Total,Fees,Notes\n"
START = datetime(2022, 3, 1, tzinfo=UTC)
RATES = {
    (START.date() + timedelta(days=n), symbol): Decimal(dollars)
    for n in range(40)
    for symbol, dollars in (("BTC", "40000"), ("ETH", "3000"))
}


def rows_of(seed: int, count: int) -> list[str]:
    """A history: purchases, sales, rewards and transfers, some of one second and some that say the same."""
    chance, rows, at = random.Random(seed), [], START
    for number in range(count):
        at += timedelta(seconds=chance.choice([0, 0, 1, 3600, 86_400]))
        kind = chance.choice(["Buy", "Buy", "Sell", "Staking Income", "Send", "Receive"])
        asset, price = chance.choice([("BTC", 40_000), ("ETH", 3_000)])
        quantity = Decimal(chance.randint(1, 3)) / 100
        money, sign = quantity * price, "-" if kind in {"Sell", "Send"} else ""
        total = money + 1 if kind == "Buy" else money - 1
        rows.append(f"id{number},{at:%Y-%m-%d %H:%M:%S} UTC,{kind},{asset},{sign}{quantity},USD,{money},{total},1,\n")
    return rows


class World:
    """Books in memory, into which files are imported."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()
        self.prices = FakePriceStore(self.ledger, FakeLeases())

    async def imported(self, files: dict[str, str]) -> list[Any]:
        """Import files with all that is missing implied."""
        preview = PreviewImport(FilesInMemory(files), StoppedClock())
        book = BookImport(preview, self.ledger, self.prices, StoppedClock(), BookingRules())
        allowed = Allowed(funding=True, opening=True)
        previews = await book(1, ImportWish(paths=list(files), options=Options(), allowed=allowed, rates=RATES))
        assert [one.reported for one in previews] == [[]] * len(files)
        return previews

    def state(self) -> tuple[Portfolio | None, list[Entry]]:
        """The books and what led to them; numbers of rows aside."""
        entries = [replace(e, fingerprint=None) for e in self.ledger.books.entries(0)]
        return self.ledger.books.portfolio, entries


def without_ids(text: str) -> str:
    return "".join(line.partition(",")[2] for line in text.splitlines(keepends=True))


async def one_and_parts(seed: int, count: int, cuts: list[tuple[int, int]], *, has_ids: bool) -> None:
    rows = rows_of(seed, count)
    whole = HEADER + "".join(rows)
    chance = random.Random(seed)
    together = {f"part{n}": HEADER + "".join(rows[min(cut) : max(cut)]) for n, cut in enumerate(cuts)}
    halves: tuple[list[str], list[str]] = ([], [])
    for row in rows:
        halves[chance.random() < 0.5].append(row)
    together |= {f"half{n}": HEADER + "".join(half) for n, half in enumerate(halves)}
    if not has_ids:
        # Those without an id are told apart by how many equal ones came before: a file that cuts such a row is another.
        together = {"first": without_ids(whole), "again": whole}
    names = list(together)
    chance.shuffle(names)
    alone, split = World(), World()
    for world in (alone, split):
        await open_books(world.ledger, cash="5000")
    await alone.imported({"whole": whole})
    await split.imported({name: together[name] for name in names})
    assert split.state() == alone.state()
    again = await split.imported({"whole": whole, "newest first": HEADER + "".join(reversed(rows))})
    assert [one.events for one in again] == [[], []]
    assert split.state() == alone.state()
    assert sum(isinstance(e, CashEntry) for e in split.ledger.books.entries(2)) <= 3 * count
    assert len(split.ledger.books.import_rows) == count


CUTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4)


@pytest.mark.unmeasured
@given(st.integers(0, 10_000), st.integers(1, 30), CUTS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_split_in_any_order_ends_in_the_same_books(
    seed: int,
    count: int,
    cuts: list[tuple[int, int]],
    has_ids: bool,
) -> None:
    asyncio.run(one_and_parts(seed, count, cuts, has_ids=has_ids))
