"""What was restated is kept, and made anew from the first day that an entry or a close changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.history import restating
from portfolio.application.history.restated import RestatedDay, restate
from portfolio.application.history.restating import RestateDays
from portfolio.application.ledger.lots.journal import Entries, Journal, kept
from portfolio.application.prices.ports import PriceStore
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.unit.application.history.test_restated import BTC, deposit, on, restated
from tests.unit.application.ledger.lot_examples import Booked, day


class Prices:
    """Closes that a test writes, and which were asked for."""

    def __init__(self) -> None:
        self.kept: dict[tuple[Symbol, date], Price] = {}
        self.changed: list[tuple[int, Symbol]] = []
        self.asked: list[tuple[str, int, int]] = []
        self.is_away = self.lacks = False

    def write(self, number: int, text: str, revision: int, symbol: Symbol = BTC) -> None:
        self.kept[symbol, on(number)] = Price(Decimal(text))
        self.changed.append((revision, symbol))

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        [symbol] = symbols
        if self.lacks:
            raise LedgerUnavailable("the database does not answer any more")
        self.asked.append((symbol.code, (since - on(0)).days, (until - on(0)).days))
        return [
            Close(symbol=one, day=at, price=price, source="test")
            for (one, at), price in sorted(self.kept.items())
            if one == symbol and since <= at <= until
        ]

    async def changed_closes(self, *, after: int) -> Collection[Symbol]:
        if self.is_away:
            raise LedgerUnavailable("the database does not answer")
        return {symbol for revision, symbol in self.changed if revision > after}


class Scene:
    """Books and prices of a test, and the days restated of them."""

    def __init__(self) -> None:
        self.booked, self.prices, self.revision = Booked(), Prices(), 1
        self.is_complete = True
        self.moved, self.read_before = kept(()), list[Any]()
        self.made: list[int] = []
        self.restate = RestateDays(cast("Journal", self), cast("PriceStore", self.prices))

    async def read(self, _: Any) -> Entries:
        entries, count = self.booked.entries, len(self.moved)
        if self.read_before != entries[:count]:
            self.moved, count = kept(()), 0
        self.moved += entries[count:]
        self.read_before = [*entries]
        return Entries(revision=len(entries), moved=self.moved[:], is_complete=self.is_complete)

    async def days(self, today: int, known: int | None = None) -> list[RestatedDay]:
        """Restate, and hold it against what is made all at once."""
        portfolio = replace(self.booked.portfolio, price_revision=self.revision)
        found = await self.restate(portfolio, on(today), known)
        closes: dict[Symbol, dict[date, Decimal]] = {}
        for (symbol, at), price in self.prices.kept.items():
            closes.setdefault(symbol, {})[at] = price.value
        _, whole = restated(self.booked.entries[:known], closes, on(today - 1))
        assert list(found.days) == whole
        assert found.is_complete is self.is_complete
        return list(found.days)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene()

    def noted(entries: Any, closes: Any, until: date, kept: Sequence[RestatedDay] = ()) -> list[RestatedDay]:
        found = restate(entries, closes, until, kept)
        scene.made.append(len(found) - len(kept))
        return found

    monkeypatch.setattr(f"{restating.__name__}.restate", noted)
    for number in range(-3, 20):
        scene.prices.write(number, str(100 + number), 1)
    deposit(scene.booked, "1000", day(0))
    scene.booked.buy("1", "100", day(3))
    return scene


async def test_what_was_made_is_kept_until_something_changes(scene: Scene) -> None:
    first = await scene.days(11)
    assert await scene.days(11) == first
    assert (len(first), scene.made) == (11, [11])
    assert scene.prices.asked == [("BTC", -7, 10)]


async def test_a_late_entry_changes_the_days_from_its_own_on(scene: Scene) -> None:
    first = await scene.days(11)
    scene.booked.buy("1", "100", day(8))
    second = await scene.days(11)
    assert second[:8] == first[:8]
    assert second[8] != first[8]
    assert scene.made == [11, 3]
    scene.booked.buy("1", "100", day(12), symbol="ETH")  # of a day to come
    await scene.days(11)
    assert scene.made == [11, 3]


async def test_days_that_a_late_entry_changed_are_made_anew_once_closes_can_be_read_again(scene: Scene) -> None:
    await scene.days(11)
    scene.booked.buy("1", "100", day(8))
    scene.revision, scene.prices.is_away = 2, True
    with pytest.raises(LedgerUnavailable):
        await scene.days(11)
    scene.prices.is_away = False
    await scene.days(11)
    assert scene.made == [11, 3]


async def test_positions_lack_no_close_while_others_than_before_cannot_be_read(scene: Scene) -> None:
    portfolio = replace(scene.booked.portfolio, price_revision=1)
    before = await scene.restate.positions(portfolio, [on(5)])
    found = await scene.restate(portfolio, on(11))
    scene.prices.write(5, "90", 2)
    scene.prices.lacks = True
    with pytest.raises(LedgerUnavailable):
        await scene.restate(replace(portfolio, price_revision=2), on(11))
    assert await scene.restate._positions(found.entries, [on(5)]) == before
    scene.prices.lacks, scene.revision = False, 2
    await scene.days(11)


async def test_a_new_day_is_added_with_its_closes(scene: Scene) -> None:
    await scene.days(11)
    await scene.days(13)
    assert scene.made == [11, 2]
    assert scene.prices.asked == [("BTC", -7, 10), ("BTC", 11, 12)]
    await scene.days(11)  # as of an earlier day
    await scene.days(13)
    assert scene.made == [11, 2]


async def test_a_close_that_is_written_later_is_read_again(scene: Scene) -> None:
    first = await scene.days(11)
    scene.prices.write(4, "500", 2)
    scene.revision = 2
    second = await scene.days(11)
    assert (str(first[4].value), str(second[4].value)) == ("1004", "1400")
    scene.revision = 3  # nothing of these
    await scene.days(11)
    assert scene.made == [11, 11]


async def test_an_entry_before_all_others_asks_for_older_closes(scene: Scene) -> None:
    await scene.days(11)
    deposit(scene.booked, "5", day(-2))
    found = await scene.days(11)
    assert (found[0].day, scene.made) == (on(-2), [11, 13])
    assert scene.prices.asked[-1] == ("BTC", -9, 10)


async def test_what_was_known_is_made_apart(scene: Scene) -> None:
    await scene.days(11)
    scene.booked.buy("1", "100", day(1))
    await scene.days(11)
    assert len(await scene.days(11, known=2)) == 11
    assert scene.made == [11, 10, 11]
    scene.is_complete, scene.revision = False, 2
    await scene.days(11)
    assert len(scene.made) == 3
    assert await scene.days(11, known=0) == []


async def test_entries_that_are_others_are_taken_in_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.days(11)
    scene.booked = Booked()
    for _ in range(3):
        deposit(scene.booked, "7", day(2))
    assert len(await scene.days(11)) == 9
    scene.booked = Booked()
    assert await scene.days(11) == []
    monkeypatch.setattr(restating, "AT_ONCE", 1)
    for number in range(3):
        deposit(scene.booked, "7", day(2 + number))
    assert len(await scene.days(11)) == 9


async def test_books_on_the_first_day_have_no_days(scene: Scene) -> None:
    assert await scene.days(0) == []
