"""Lots that somebody picked: worked examples, what is refused, and any picks against an independent model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.errors import NotFound
from portfolio.application.ledger.lots.journal import Entries, Journal, kept
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.picking import PickedSale, PickLots, picks_of
from portfolio.application.ledger.lots.reading import ReadLots
from portfolio.application.ledger.snapshots import Snapshots
from portfolio.domain.errors import DomainError, NotPickable
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.ledger.picks import Pick
from portfolio.domain.money import Quantity
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_picked_sales import FakePickedSales
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.application.ledger.lot_model import LotModel
from tests.unit.application.ledger.test_lots import ALL, OPERATIONS, balance, do, events_of, left, rows
from tests.unit.domain.ledger.ledger_model import exact
from tests.unit.examples import NOON, money, units

BTC, ETH = Symbol("BTC"), Symbol("ETH")


def pick(*pairs: tuple[int, str]) -> tuple[Pick, ...]:
    return tuple(Pick(entry=entry, quantity=units(quantity)) for entry, quantity in pairs)


@pytest.fixture
def three_lots() -> Booked:
    """One at 100, one at 300, one at 200; 1.5 are sold for 600, and then another half for 300."""
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.buy("1", "300", day(10))
    booked.buy("1", "200", day(20))
    booked.sell("1.5", "600", day(30))
    booked.sell("0.5", "300", day(40))
    return booked


def test_a_sale_takes_the_lots_that_were_picked_and_others_the_oldest(three_lots: Booked) -> None:
    book = three_lots.lots(LotMethod.PICKED, picks={4: pick((3, "1"), (2, "0.5"))})
    # 600 for 1.5: 400 of it for the lot of 200, 200 for half of that of 300; the next sale takes half of the first
    assert rows(book) == [("1", "400", "200", 10), ("0.5", "200", "150", 20), ("0.5", "300", "50", 40)]
    assert [one.is_picked for one in book.disposals] == [True, True, False]
    assert left(book) == [("0.5", "50"), ("0.5", "150")]
    assert {balance(three_lots.lots(method)) for method in ALL} == {balance(book)} == {money("300")}  # 900 - 600


def test_of_what_is_picked_and_not_there_the_oldest_lots_are_taken(three_lots: Booked) -> None:
    for picks in (pick((2, "9")), pick((2, "1"), (77, "0.5"), (4, "1"))):
        book = three_lots.lots(LotMethod.PICKED, picks={4: picks})
        assert rows(book)[:2] == [("1", "400", "300", 20), ("0.5", "200", "50", 30)]
        assert [one.is_picked for one in book.disposals] == [True, False, False]
    assert three_lots.lots(LotMethod.FIFO, picks={4: pick((3, "1"))}) == three_lots.lots(LotMethod.FIFO)


def test_of_what_is_picked_beyond_the_sale_nothing_is_taken(three_lots: Booked) -> None:
    book = three_lots.lots(LotMethod.PICKED, picks={5: pick((2, "0.5"), (2, "0.5"), (3, "1"))})
    assert rows(book) == [("1", "400", "100", 30), ("0.5", "200", "150", 20), ("0.5", "300", "150", 30)]
    assert left(book) == [("1", "200")]


def test_what_leaves_without_a_trade_takes_the_oldest_lot_whatever_trades_picked() -> None:
    booked = Booked()
    booked.sell("1", "900", day(20))  # the first trade, and the last that took effect
    booked.buy("1", "100", day(0))
    booked.buy("2", "600", day(1))
    booked.happen(Kind.LOSS, day(10), symbol=BTC, quantity=units("1"))
    book = booked.lots(LotMethod.PICKED, picks={1: pick((3, "1"))})
    assert [(str(one.basis), one.is_picked) for one in book.disposals] == [("100", False), ("300", True)]


def test_a_purchase_that_closes_a_short_lot_picks_nothing() -> None:
    booked = Booked()
    booked.sell("2", "500", day(0))
    booked.buy("3", "600", day(1))
    assert booked.lots(LotMethod.PICKED, picks={2: pick((1, "2"))}) == booked.lots(LotMethod.FIFO)


def test_a_lot_keeps_its_entry_when_it_becomes_another_asset() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.buy("1", "300", day(1))
    booked.happen(Kind.EXCHANGE, day(2), symbol=BTC, quantity=units("2"), to_symbol=ETH, to_quantity=units("20"))
    sale = booked.sell("10", "900", day(3), symbol="ETH")
    book = booked.lots(LotMethod.PICKED, picks={sale.id: pick((2, "10"))})
    assert rows(book) == [("10", "900", "300", 2)]
    assert [(lot.entry, str(lot.quantity)) for lot in book.lots] == [(1, "10")]


PICKS = st.lists(
    st.tuples(st.integers(0, 30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10**21)), max_size=4)),
    max_size=12,
)


@pytest.mark.unmeasured
@given(OPERATIONS, PICKS)
def test_any_picks_make_the_lots_of_the_model_and_the_sums_of_every_method(operations: Any, picked: Any) -> None:
    booked, standing = Booked(), list[Movement]()
    for kind, quantity, amount, fees, minute in operations:
        with suppress(DomainError):
            do(booked, standing, kind, quantity, amount, fees % 1_000, NOON + timedelta(minutes=minute))
    by_sale = dict(picked)
    picks = {
        sale: [Pick(entry=entry, quantity=Quantity(exact(size))) for entry, size in wanted]
        for sale, wanted in by_sale.items()
    }
    book = booked.lots(LotMethod.PICKED, picks=picks)
    model = LotModel.of(events_of(booked), "picked", by_sale)
    assert balance(book) == balance(booked.lots(LotMethod.AVERAGE))
    assert sorted((lot.entry, lot.quantity.value, lot.basis.value) for lot in book.lots) == sorted(
        (one.booked, exact(one.quantity), exact(one.basis)) for one in model.lots
    )
    assert [(one.quantity.value, one.proceeds.value, one.basis.value, one.is_picked) for one in book.disposals] == [
        (exact(one.quantity), exact(one.proceeds), exact(one.basis), one.picked) for one in model.sold
    ]


class Scene:
    """The use cases on the entries of a test."""

    def __init__(self, booked: Booked) -> None:
        self.booked, self.picked, self.clock = booked, FakePickedSales(), FakeClock(day(150))
        journal, snapshots = cast("Journal", self), cast("Snapshots", self)
        self.pick = PickLots(journal, snapshots, self.picked, self.clock)
        self.lots = ReadLots(journal, snapshots, self.picked, self.clock, long_term_days=365)

    async def newest(self) -> Any:
        return SimpleNamespace(portfolio=self.booked.portfolio)

    async def read(self, _: Any) -> Entries:
        return Entries(revision=self.booked.portfolio.revision, moved=kept(self.booked.entries), is_complete=True)

    async def fold(self, *told: Any) -> Any:
        return told[-1]()

    async def gained(self, **moments: Any) -> Sequence[str]:
        return [str(one.basis) for one in (await self.lots.gains(LotMethod.PICKED, **moments)).disposals]


async def test_what_is_picked_counts_from_then_on_and_the_latest_word_counts(three_lots: Booked) -> None:
    scene = Scene(three_lots)
    first = await scene.pick(1, 4, pick((3, "1"), (1, "0.5")), owner="ann")
    assert (first.replayed, str(first.symbol), first.picked.picked_by, first.picked.ledger_revision) == (
        False,
        "BTC",
        "ann",
        5,
    )
    assert await scene.gained() == ["200", "50", "50"]
    again = await scene.pick(1, 4, pick((3, "1"), (1, "0.5")), owner="bob")
    assert (again.replayed, again.picked, len(scene.picked.kept)) == (True, first.picked, 1)
    scene.clock.advance(60)
    await scene.pick(1, 4, pick((2, "1"), (3, "0.5")), owner="ann")
    assert await scene.gained() == ["300", "100", "50"]
    assert await scene.gained(known_at=day(150)) == ["200", "50", "50"]
    assert await scene.gained(known_at=4) == ["100", "150"]  # nothing was picked by then, nor the last one sold
    assert await scene.gained(as_of=day(35)) == ["300", "100"]
    await scene.pick(1, 4, (), owner="ann")
    assert await scene.gained() == ["100", "150", "150"]
    assert (await scene.lots.gains(LotMethod.PICKED)).unpicked == 3
    assert (await scene.lots.gains(LotMethod.FIFO)).unpicked is None


async def test_how_much_nobody_picked_is_told(three_lots: Booked) -> None:
    scene = Scene(three_lots)
    await scene.pick(1, 4, pick((3, "1"), (2, "0.5")), owner="ann")
    found = await scene.lots(LotMethod.PICKED)
    assert (found.unpicked, found.gain, found.cost_basis) == (1, money("500"), money("200"))
    assert (await scene.lots(LotMethod.FIFO)).unpicked is None


@pytest.mark.parametrize(
    ("trade_id", "lots", "reason"),
    [
        (4, pick((3, "1")), "it sold 1.5 BTC, and 1 is picked"),
        (4, pick((3, "1"), (2, "1")), "it sold 1.5 BTC, and 2 is picked"),
        (4, pick((3, "0.8"), (3, "0.7")), "of the lot of entry 3 it had 1 BTC to take, and 1.5 is picked"),
        (4, pick((9, "1.5")), "of the lot of entry 9 it had 0 BTC to take, and 1.5 is picked"),
        (4, pick((6, "1.5")), "of the lot of entry 6 it had 0 BTC to take, and 1.5 is picked"),  # of ETH
        (4, pick((7, "1.5")), "of the lot of entry 7 it had 0 BTC to take, and 1.5 is picked"),  # bought later
        (5, pick((1, "0.5")), "of the lot of entry 1 it had 0 BTC to take, and 0.5 is picked"),  # sold by then
        (1, pick((1, "1")), "it is no sale that stands"),
        (8, pick((1, "1")), "it is no sale that stands"),  # reversed
    ],
)
async def test_what_a_sale_could_not_take_is_refused(
    three_lots: Booked, trade_id: int, lots: tuple[Pick, ...], reason: str
) -> None:
    three_lots.buy("1.5", "100", day(5), symbol="ETH")
    three_lots.buy("9", "100", day(45))
    three_lots.reverse(three_lots.sell("1", "100", day(46)), day(47))
    scene = Scene(three_lots)
    with pytest.raises(NotPickable, match=f"trade {trade_id} cannot take these lots: {re.escape(reason)}$"):
        await scene.pick(1, trade_id, lots, owner="ann")
    assert not scene.picked.kept


async def test_a_trade_that_is_not_there_is_not_found(three_lots: Booked) -> None:
    with pytest.raises(NotFound):
        await Scene(three_lots).pick(1, 77, pick((1, "1")), owner="ann")


async def test_what_others_picked_before_is_no_longer_there(three_lots: Booked) -> None:
    scene = Scene(three_lots)
    await scene.pick(1, 4, pick((2, "1"), (3, "0.5")), owner="ann")
    with pytest.raises(NotPickable, match="entry 2"):
        await scene.pick(1, 5, pick((2, "0.5")), owner="ann")
    await scene.pick(1, 5, pick((3, "0.5")), owner="ann")
    assert await scene.gained() == ["300", "100", "100"]


def test_what_was_known_at_a_revision_or_a_moment_counts() -> None:
    def sale(trade_id: int, at: datetime, revision: int, lots: tuple[Pick, ...]) -> PickedSale:
        return PickedSale(trade_id=trade_id, lots=lots, picked_by="", picked_at=at, ledger_revision=revision)

    picked = [sale(4, day(1), 7, pick((1, "1"))), sale(5, day(2), 8, pick((2, "1"))), sale(4, day(3), 9, ())]
    assert picks_of(picked) == {4: (), 5: pick((2, "1"))}
    assert picks_of(picked, 8) == picks_of(picked, day(2)) == {4: pick((1, "1")), 5: pick((2, "1"))}
    assert picks_of(picked, 6) == {}
