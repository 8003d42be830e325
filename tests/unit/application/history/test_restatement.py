"""After a restatement average cost is that of trades booked in the order in which they were executed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.application.errors import BooksMoved
from portfolio.application.history import restatement as module
from portfolio.application.history.restatement import RestateBooks, compare
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.lots.journal import Entries, Journal, kept
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.postings import postings_of
from portfolio.domain.errors import DomainError, InsufficientQuantity
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.lots.methods import lots_of
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.restatement import restate
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.application.ledger.test_event_lots import ETH, OPERATIONS, do
from tests.unit.application.ledger.test_lots import held, moved
from tests.unit.examples import NOON, funded, money, units

BTC = Symbol("BTC")


def entries_of(booked: Booked, *, is_complete: bool = True) -> Entries:
    return Entries(revision=booked.portfolio.revision, moved=kept(booked.entries), is_complete=is_complete)


def restated(booked: Booked) -> Portfolio:
    """The portfolio with everything restated that can be."""
    portfolio = booked.portfolio
    for group in compare(entries_of(booked), portfolio).found:
        portfolio, transaction = restate(portfolio, group, NOON)
        [one] = group.positions
        assert (transaction.cash_delta, transaction.net_deposits_delta) == (Money.zero(), Money.zero())
        assert transaction.realized_delta == one.cost_basis_delta
    return portfolio


def figures(portfolio: Portfolio) -> tuple[Any, ...]:
    p = portfolio.position(BTC)
    return p.quantity, p.asset_cost, p.cost_basis, p.realized_pnl, p.avg_entry_price


def test_a_late_purchase_changes_what_the_earlier_sale_had_cost() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.sell("1", "150", day(5))
    booked.buy("1", "300", day(2), fees="2")
    found = compare(entries_of(booked), booked.portfolio)
    [[one]] = [group.positions for group in found.found]
    # in order: 2 cost 402, half of it is sold for 150
    assert (str(one.after.cost_basis), str(one.after.realized_pnl)) == ("201", "-51")
    assert (str(one.cost_basis_delta), str(one.realized_delta), str(one.asset_cost_delta)) == ("-101", "-101", "-100")
    assert (str(one.after.avg_entry_price), found.left_out) == ("200", {})
    after = restated(booked)
    assert (after.cash, str(after.realized_pnl), after.revision) == (booked.portfolio.cash, "-51", 4)


def test_books_that_were_booked_in_order_are_left_as_they_are() -> None:
    booked = Booked(held("4", "400"))
    booked.adopt(day(0))
    booked.buy("1", "200", day(1))
    booked.sell("2", "500", day(2))
    booked.buy("1", "300", day(3), symbol="ETH")
    found = compare(entries_of(booked), booked.portfolio)
    assert (found.found, found.left_out) == ([], {})


@given(OPERATIONS)
def test_any_events_that_were_booked_in_order_are_left_as_they_are_overrides_too(
    operations: list[tuple[str, int, int, int, int]],
) -> None:
    booked = Booked()
    for number, (deed, quantity, amount, percent, _) in enumerate(operations):
        symbols = (BTC, ETH) if number % 3 else (ETH, BTC)
        at = NOON + timedelta(minutes=number)
        if deed != "take out":
            with suppress(DomainError):
                do(booked, [], deed, symbols, quantity, amount, percent, at)
    assert not compare(entries_of(booked), booked.portfolio).found


def test_a_late_purchase_of_what_left_by_an_override_makes_the_books_of_the_order_of_effect() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.override(Kind.TRANSFER_OUT, day(5), symbol=BTC, quantity=units(2), value=money(400))
    left_out = compare(entries_of(booked), booked.portfolio).left_out
    assert left_out == {BTC: "impossible_in_order"}
    # 1 of 2 left short at 200; the purchase realizes 200 - 300, which in order left with the deposits: 400, and not 300
    booked.buy("1", "300", day(2))
    assert str(booked.portfolio.realized_pnl) == "-100"
    [group] = compare(entries_of(booked), booked.portfolio).found
    after, _ = restate(booked.portfolio, group, NOON)
    assert (str(after.realized_pnl), str(after.net_deposits), after.position(BTC).cost_basis) == (
        "0", "-400", Money.zero(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lambda b: b.adjust(moved("1", "0"), day(3)), "adjusted"),
        (lambda b: b.adopt(day(3), moved("2", None)), None),
    ],
)
def test_what_was_not_traded_alone_cannot_be_restated(happens: Any, why: str | None) -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    happens(booked)
    booked.buy("1", "100", day(1))
    found = compare(entries_of(booked), booked.portfolio)
    assert found.left_out == ({BTC: why} if why else {BTC: "cost_not_stated"})
    assert found.found == []


def test_each_reason_is_told() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    assert compare(entries_of(booked, is_complete=False), booked.portfolio).left_out == {BTC: "entries_missing"}
    position = replace(booked.portfolio.position(BTC), quantity=units("2"))
    foreign = replace(booked.portfolio, positions={BTC: position})
    assert compare(entries_of(booked), foreign).left_out == {BTC: "unreconciled"}
    position = replace(booked.portfolio.position(BTC), cost_basis=money("7"))
    foreign = replace(booked.portfolio, positions={BTC: position})
    assert compare(entries_of(booked), foreign).left_out == {BTC: "unexplained"}
    huge = Booked(funded("6e19"))
    huge.buy("1", "6e19", day(0))
    huge.sell("1", "6e19", day(5))
    huge.buy("1", "6e19", day(2))
    assert compare(entries_of(huge), huge.portfolio).left_out == {BTC: "out_of_range"}


def test_a_purchase_that_was_taken_back_but_for_a_rounding_is_left_out() -> None:
    booked = Booked()
    bought = booked.buy("10", "100", day(0))
    booked.sell("0.000000000001", "1", day(1))
    booked.reverse(bought, day(2))
    assert compare(entries_of(booked), booked.portfolio).left_out == {BTC: "reversed_in_part"}


def test_lots_know_nothing_of_a_restatement_and_average_has_it() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.sell("1", "150", day(5))
    booked.buy("1", "300", day(2))
    before = {method: booked.lots(method) for method in LotMethod}
    [one] = compare(entries_of(booked), booked.portfolio).found
    after, entry = module._entry(booked.portfolio, one, "admin", day(9))
    booked.portfolio, booked.entries = after, [*booked.entries, entry]
    for method in LotMethod:
        book = lots_of(postings_of(booked.entries, after), method)
        if method is LotMethod.AVERAGE:
            [lot] = book.lots
            assert (lot.basis, sum((each.gain for each in book.disposals), Money.zero())) == (money(200), money(-50))
        else:
            assert (book.lots, book.disposals) == (before[method].lots, before[method].disposals)
    assert compare(entries_of(booked), after).found == []


Traded = tuple[str, int, int, int, int]
TRADES = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell", "reversed"]),
        st.integers(1, 500),
        st.integers(1, 10**6),
        st.integers(0, 99),
        st.integers(0, 30),
    ),
    max_size=14,
)


def booked_in(order: Sequence[Traded]) -> Booked:
    booked = Booked()
    for kind, quantity, amount, fees, minute in order:
        book = booked.sell if kind == "sell" else booked.buy
        trade = book(
            f"{quantity / 100:.2f}", f"{amount / 7:.9f}", NOON + timedelta(minutes=minute), fees=str(fees / 10)
        )
        if kind == "reversed":
            with suppress(InsufficientQuantity):  # what it bought closed a short position: then it stands
                booked.reverse(trade, day(9))
    return booked


@given(TRADES, st.randoms(use_true_random=False))
@example([("buy", 1, 100, 0, 0), ("sell", 1, 700, 0, 5), ("buy", 3, 100, 0, 2)], random.Random(0))
def test_any_trades_in_any_order_are_restated_to_those_booked_in_order(
    trades: list[Traded], chance: random.Random
) -> None:
    shuffled = chance.sample(trades, len(trades))
    # of equal times the order of booking counts
    in_order = sorted(shuffled, key=lambda one: one[4])
    booked = booked_in(shuffled)
    if any(isinstance(one, Movement) and one.closes and one.side is Side.BUY for one in booked.entries):
        in_order = [one for one in in_order if one[0] != "reversed"]
        booked = booked_in([one for one in shuffled if one[0] != "reversed"])
    wanted = booked_in([one for one in in_order if one[0] != "reversed"])
    found = compare(entries_of(booked), booked.portfolio)
    after = restated(booked)
    if found.left_out:  # a reversal that could not give all of it back
        assert set(found.left_out.values()) <= {"reversed_in_part", "unexplained"}
        return
    assert figures(after) == figures(wanted.portfolio)
    assert after.realized_pnl == wanted.portfolio.realized_pnl
    assert after.cash == wanted.portfolio.cash


CAME = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "income", "transfer_in", "taken out"]),
        st.integers(1, 500),
        st.integers(0, 10**6),
        st.integers(0, 30),
    ),
    max_size=12,
)


def came_in(order: Sequence[tuple[str, int, int, int]]) -> Booked:
    """Books with enough of it from the start, in which the rest is booked in an order."""
    booked = Booked()
    booked.buy("1000", "70000", day(-1))
    for kind, quantity, amount, minute in order:
        at, size, worth = NOON + timedelta(minutes=minute), f"{quantity / 100:.2f}", f"{amount / 7:.9f}"
        if kind in {"buy", "sell"}:
            (booked.buy if kind == "buy" else booked.sell)(size, f"{amount / 7 + 1:.9f}", at)
            continue
        stated = {"symbol": BTC, "quantity": units(size), "value": money(worth)}
        if kind == "transfer_in":
            booked.happen(Kind.TRANSFER_IN, at, **stated, basis=money("12.5"))
            continue
        came = booked.happen(Kind.INCOME, at, **stated)
        if kind == "taken out":
            booked.take_out(came, day(9))
    return booked


@given(CAME, st.randoms(use_true_random=False))
@example([("income", 100, 700, 0), ("sell", 100, 7_000, 5), ("transfer_in", 300, 0, 2)], random.Random(0))
def test_what_comes_beside_trades_is_a_purchase_in_the_order_of_effect(
    came: list[tuple[str, int, int, int]], chance: random.Random
) -> None:
    shuffled = chance.sample(came, len(came))
    booked = came_in(shuffled)
    wanted = came_in([one for one in sorted(shuffled, key=lambda one: one[3]) if one[0] != "taken out"])
    assert compare(entries_of(booked), booked.portfolio).left_out == {}
    after = restated(booked)
    assert figures(after) == figures(wanted.portfolio)
    assert (after.realized_pnl, after.cash, after.net_deposits) == (
        wanted.portfolio.realized_pnl,
        wanted.portfolio.cash,
        wanted.portfolio.net_deposits,
    )


def test_what_takes_out_what_nobody_knows_is_left_out() -> None:
    booked = came_in([("taken out", 100, 700, 0)])
    del booked.entries[1]
    assert compare(entries_of(booked), booked.portfolio).left_out == {BTC: "moved_by_events"}


# --- the use case -----------------------------------------------------------------------------------------------------


class Scene:
    """A ledger that has other entries by the time that they are booked, as often as a test says."""

    def __init__(self) -> None:
        self.booked = Booked()
        self.booked.buy("1", "100", day(0))
        self.booked.sell("1", "150", day(5))
        self.booked.buy("1", "300", day(2))
        self.ahead = 0
        self.kept: list[CashEntry] = []
        self.restate = RestateBooks(cast("FakeLedger", self), cast("Journal", self), FakeClock())

    @property
    def portfolio(self) -> Portfolio:
        self.ahead -= 1
        return replace(self.booked.portfolio, revision=self.booked.portfolio.revision + (self.ahead >= 0))

    async def newest(self, _: int) -> Portfolio:
        return self.booked.portfolio

    async def read(self, _: Portfolio) -> Entries:
        return entries_of(self.booked)

    async def transact(self, _: int, work: Any, **__: Any) -> Any:
        return await work(self)

    async def add_cash_entry(self, entry: CashEntry) -> int:
        self.kept.append(entry)
        return len(self.kept)

    async def save(self, portfolio: Portfolio) -> None:
        self.booked.portfolio = portfolio
        self.booked.entries = [*self.booked.entries, *self.kept]


async def test_what_was_looked_at_is_booked_once() -> None:
    scene = Scene()
    looked = await scene.restate.look(1)
    assert ([str(one.realized_delta) for one in looked.found], looked.booked, looked.revision) == (["-100"], (), 3)
    with pytest.raises(BooksMoved):
        await scene.restate(1, owner="admin", revision=2)
    made = await scene.restate(1, owner="admin", revision=3)
    assert ([one.id for one in made.booked], made.revision) == ([1], 4)
    [entry] = scene.kept
    assert (entry.owner, entry.revision, entry.transaction.at) == ("admin", 4, FakeClock().now())
    assert (await scene.restate(1, owner="admin")).found == []
    assert len(scene.kept) == 1


async def test_books_that_move_on_are_compared_again() -> None:
    scene = Scene()
    scene.ahead = 2
    assert len((await scene.restate(1, owner="")).booked) == 1
    scene = Scene()
    scene.ahead = 99
    with pytest.raises(BooksMoved):
        await scene.restate(1, owner="")
    assert scene.kept == []
    assert isinstance(scene.booked.entries[0], Movement)
    assert scene.booked.portfolio.position(BTC).quantity == Quantity(units("1").value)
