"""Lots through events: dates that go on and begin anew, shares, losses, and any sequence of all kinds."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.ledger.cash_records import CashEntry
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.lots.records import LotBook, LotMethod
from portfolio.domain.ledger.picks import Pick
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.domain.ledger.ledger_model import ONE, exact
from tests.unit.examples import NOON, money, units

BTC, ETH = Symbol("BTC"), Symbol("ETH")
ALL = list(LotMethod)
BY_LOTS = [method for method in LotMethod if method is not LotMethod.AVERAGE]


def lots(book: LotBook) -> list[tuple[str, str, str, int | None]]:
    """What is left: asset, quantity, basis, and the number of the day on which it was acquired."""
    return [
        (lot.symbol.code, str(lot.quantity), str(lot.basis), (at - NOON).days if (at := lot.acquired_at) else None)
        for lot in book.lots
    ]


def gains(book: LotBook) -> list[tuple[str, str, str, str]]:
    """What was realized: asset, quantity, proceeds, basis."""
    return [(one.symbol.code, str(one.quantity), str(one.proceeds), str(one.basis)) for one in book.disposals]


@pytest.fixture
def two_lots() -> Booked:
    """One bought for 100 and one for 300, ten days later."""
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.buy("1", "300", day(10))
    return booked


def test_what_was_renamed_keeps_its_dates(two_lots: Booked) -> None:
    two_lots.happen(Kind.EXCHANGE, day(20), symbol=BTC, quantity=units(2), to_symbol=ETH, ratio=Decimal(10))
    for method in BY_LOTS:
        book = two_lots.lots(method)
        assert (lots(book), gains(book)) == ([("ETH", "10", "100", 0), ("ETH", "10", "300", 10)], [])
    assert lots(two_lots.lots(LotMethod.AVERAGE)) == [("ETH", "20", "400", None)]
    two_lots.sell("10", "500", day(30), symbol="ETH")
    assert gains(two_lots.lots(LotMethod.FIFO)) == [("ETH", "10", "500", "100")]
    assert gains(two_lots.lots(LotMethod.LIFO)) == [("ETH", "10", "500", "300")]


def test_a_part_that_is_exchanged_is_a_share_of_each_lot(two_lots: Booked) -> None:
    two_lots.buy("7", "70", day(15), symbol="ETH")
    two_lots.happen(Kind.EXCHANGE, day(20), symbol=BTC, quantity=units(1), to_symbol=ETH, to_quantity=units(3))
    assert lots(two_lots.lots(LotMethod.FIFO)) == [
        ("BTC", "0.5", "50", 0),
        ("BTC", "0.5", "150", 10),
        ("ETH", "1.5", "50", 0),
        ("ETH", "1.5", "150", 10),
        ("ETH", "7", "70", 15),
    ]


def test_the_same_lot_may_be_exchanged_twice(two_lots: Booked) -> None:
    for number in (20, 21):
        two_lots.happen(Kind.EXCHANGE, day(number), symbol=BTC, quantity=units("0.5"), to_symbol=ETH, ratio=Decimal(2))
    for method in BY_LOTS:
        book = two_lots.lots(method)
        assert [one[3] for one in lots(book) if one[0] == "ETH"] == [0, 0, 10, 10]


@pytest.mark.parametrize("method", BY_LOTS)
def test_a_sale_in_two_halves_takes_of_two_shares_of_one_lot_what_a_whole_one_takes(method: LotMethod) -> None:
    """Half of a lot went to another asset and came back as a quarter: two shares of one day, at 100 and at 200."""

    def realized(*sold: str) -> tuple[Money, list[tuple[str, str, str, int | None]]]:
        booked = Booked()
        booked.buy("1", "100", day(0))
        booked.happen(Kind.EXCHANGE, day(1), symbol=BTC, quantity=units("0.5"), to_symbol=ETH, to_quantity=units(10))
        booked.happen(Kind.EXCHANGE, day(2), symbol=ETH, quantity=units(10), to_symbol=BTC, to_quantity=units("0.25"))
        entry = next(lot.entry for lot in booked.lots(method).lots)
        assert entry is not None
        sales = [booked.sell(quantity, "1", day(3)) for quantity in sold]
        picks = {sale.id: (Pick(entry=entry, quantity=sale.quantity),) for sale in sales}
        book = booked.lots(method, picks=picks)
        return sum((one.basis for one in book.disposals), Money.zero()), lots(book)

    assert realized("0.2", "0.2") == realized("0.4")
    if method is not LotMethod.HIFO:
        assert realized("0.2", "0.2")[0] == money(40)


def test_a_split_gives_each_lot_its_part(two_lots: Booked) -> None:
    two_lots.happen(Kind.SPLIT, day(20), symbol=BTC, ratio=Decimal(1_000))
    for method in BY_LOTS:
        assert lots(two_lots.lots(method)) == [("BTC", "1000", "100", 0), ("BTC", "1000", "300", 10)]


def test_a_swap_begins_anew(two_lots: Booked) -> None:
    two_lots.happen(
        Kind.SWAP, day(20), symbol=BTC, quantity=units(1), to_symbol=ETH, to_quantity=units(20), value=money(500)
    )
    book = two_lots.lots(LotMethod.FIFO)
    assert lots(book) == [("BTC", "1", "300", 10), ("ETH", "20", "500", 20)]
    assert gains(book) == [("BTC", "1", "500", "100")]


def test_income_is_a_gain_and_a_lot_of_its_value(two_lots: Booked) -> None:
    two_lots.happen(Kind.INCOME, day(20), symbol=BTC, quantity=units("0.1"), value=money(50), label="mining")
    for method in ALL:
        assert gains(two_lots.lots(method)) == [("BTC", "0", "50", "0")]
    assert lots(two_lots.lots(LotMethod.FIFO))[-1] == ("BTC", "0.1", "50", 20)


def test_of_equal_costs_the_older_lot_is_sold_first_though_a_part_of_it_was_transferred() -> None:
    booked = Booked()
    for at in range(2):
        booked.buy("3", "2", day(at))
    booked.happen(Kind.TRANSFER_OUT, day(2), symbol=BTC, quantity=units(1), value=money(1))
    booked.sell("1", "1", day(3))
    assert [one.acquired_at for one in booked.lots(LotMethod.HIFO).disposals] == [day(0)]


@pytest.mark.parametrize("quantities", [("2", "1"), ("1", "2"), ("4", "3")])
@pytest.mark.parametrize("is_split", [True, False])
def test_of_equal_costs_the_older_lot_is_sold_first_though_parts_of_a_unit_were_rounded(
    quantities: tuple[str, str], is_split: bool
) -> None:
    """Three become one, of two lots at 100 a unit: 0.666666666666666667 for 200, and 0.333333333333333333 for 100."""
    booked = Booked()
    for at, quantity in enumerate(quantities):
        booked.buy(quantity, str(int(quantity) * 100), day(at))
    if is_split:
        booked.happen(Kind.SPLIT, day(2), symbol=BTC, ratio=Decimal(1) / 3)
    else:
        all_of_it = units(sum(map(int, quantities)))
        booked.happen(Kind.EXCHANGE, day(2), symbol=BTC, quantity=all_of_it, to_symbol=ETH, ratio=Decimal(1) / 3)
    booked.sell("0.1", "1", day(3), symbol="BTC" if is_split else "ETH")
    assert [one.acquired_at for one in booked.lots(LotMethod.HIFO).disposals] == [day(0)]


def test_what_is_transferred_leaves_and_comes_without_any_gain(two_lots: Booked) -> None:
    two_lots.happen(Kind.TRANSFER_OUT, day(20), symbol=BTC, quantity=units(1), value=money(500))
    two_lots.happen(Kind.TRANSFER_IN, day(30), symbol=BTC, quantity=units(1), value=money(600))
    for method in BY_LOTS:
        book = two_lots.lots(method)
        assert gains(book) == []
        assert lots(book) == [("BTC", "0.5", "50", 0), ("BTC", "0.5", "150", 10), ("BTC", "1", "600", 30)]
        assert book.moved_out == money(200)
        assert [lot.is_assumed for lot in book.lots] == [False, False, True]
    assert two_lots.lots(LotMethod.AVERAGE).moved_out == money(200)


@pytest.mark.parametrize(("method", "basis"), [("fifo", "100"), ("lifo", "300"), ("hifo", "300"), ("average", "200")])
def test_a_loss_is_a_sale_for_nothing(two_lots: Booked, method: str, basis: str) -> None:
    two_lots.happen(Kind.LOSS, day(20), symbol=BTC, quantity=units(1))
    assert gains(two_lots.lots(LotMethod(method))) == [("BTC", "1", "0", basis)]


def test_money_alone_is_no_lot(two_lots: Booked) -> None:
    before = two_lots.lots(LotMethod.FIFO)
    two_lots.happen(Kind.INTEREST, day(20), amount=money(12))
    after = two_lots.lots(LotMethod.FIFO)
    assert (after.lots, after.disposals) == (before.lots, before.disposals)


@pytest.mark.parametrize("method", ALL)
def test_what_was_taken_out_never_happened(two_lots: Booked, method: LotMethod) -> None:
    before = two_lots.lots(method)
    for kind, stated in (
        (Kind.EXCHANGE, {"symbol": BTC, "quantity": units(1), "to_symbol": ETH, "ratio": Decimal(3)}),
        (Kind.SPLIT, {"symbol": BTC, "ratio": Decimal(3)}),
        (Kind.TRANSFER_OUT, {"symbol": BTC, "quantity": units(1), "value": money(5)}),
        (Kind.INCOME, {"symbol": ETH, "quantity": units(1), "value": money(5), "label": "airdrop"}),
    ):
        two_lots.take_out(two_lots.happen(kind, day(20), **stated), day(21))
    after = two_lots.lots(method)
    assert (after.lots, after.disposals, after.moved_out) == (before.lots, before.disposals, money(0))


def test_an_income_that_was_taken_out_after_others_came_is_gone_from_each_lot(two_lots: Booked) -> None:
    income = two_lots.happen(Kind.INCOME, day(20), symbol=BTC, quantity=units(1), value=money(50), label="mining")
    two_lots.buy("1", "30", day(21))
    two_lots.sell("1", "500", day(22))
    two_lots.take_out(income, day(23))
    book = two_lots.lots(LotMethod.FIFO)
    assert (gains(book), lots(book)) == (
        [("BTC", "1", "500", "100")],
        [("BTC", "1", "300", 10), ("BTC", "1", "30", 21)],
    )


def test_what_is_booked_later_than_it_left_stands_short_meanwhile() -> None:
    booked = Booked()
    booked.buy("3", "300", day(10))
    booked.happen(Kind.EXCHANGE, day(5), symbol=BTC, quantity=units(1), to_symbol=ETH, ratio=Decimal(2))
    booked.happen(Kind.SPLIT, day(6), symbol=ETH, ratio=Decimal(5))
    booked.happen(Kind.SPLIT, day(7), symbol=BTC, ratio=Decimal(2))
    for method in BY_LOTS:
        # The split adds 2 to the 2 of the ledger: they cover what had left too early, and what is over cost nothing.
        assert lots(booked.lots(method)) == [("BTC", "1", "0", 7), ("BTC", "3", "300", 10), ("ETH", "10", "100", 5)]
    booked = Booked()
    booked.buy("1", "10", day(0))
    booked.buy("1", "10", day(10))
    booked.happen(Kind.EXCHANGE, day(5), symbol=BTC, quantity=units("1.5"), to_symbol=ETH, ratio=Decimal(2))
    book = booked.lots(LotMethod.FIFO)
    assert lots(book) == [("BTC", "0.5", "5", 10), ("ETH", "2", "10", 0), ("ETH", "1", "5", 5)]


def test_what_comes_where_something_was_sold_too_early_closes_that() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    booked.buy("5", "50", day(9), symbol="ETH")
    booked.sell("2", "30", day(1), symbol="ETH")
    booked.happen(Kind.EXCHANGE, day(3), symbol=BTC, quantity=units(1), to_symbol=ETH, ratio=Decimal(1))
    book = booked.lots(LotMethod.FIFO)
    assert gains(book)[0] == ("ETH", "1", "15", "100")


def test_a_lot_that_becomes_nothing_leaves_its_cost_to_the_next() -> None:
    least = "0.000000000000000001"
    booked = Booked()
    for number, cost in enumerate(("1", "2", "4")):
        booked.buy(least, cost, day(number))
    held = units("0.000000000000000003")
    booked.happen(Kind.EXCHANGE, day(5), symbol=BTC, quantity=held, to_symbol=ETH, to_quantity=units(least))
    for method in BY_LOTS:
        [(symbol, quantity, basis, _)] = lots(booked.lots(method))
        assert (symbol, quantity, basis) == ("ETH", least, "7")
    last = Booked()
    last.buy("1", "100", day(0))
    last.buy(least, "5", day(1))
    last.buy("1", "104", day(2))
    last.sell("1", "104", day(3))
    last.happen(Kind.SPLIT, day(5), symbol=BTC, ratio=Decimal("0.1"))
    assert lots(last.lots(LotMethod.LIFO)) == [("BTC", "0.1", "105", 0)]  # the last leaves it to the one before


# --- any sequence -----------------------------------------------------------------------------------------------------

AMOUNTS = st.one_of(st.integers(1, 9), st.integers(1, 10**6 * ONE), st.integers(1, 500).map(lambda n: n * ONE // 100))
DEEDS = st.sampled_from(["buy", "buy", "sell", "in", "out", "income", "swap", "exchange", "split", "loss", "take out"])
PARTS = st.one_of(st.integers(0, 100), st.integers(0, 100), st.integers(101, 400))
OPERATIONS = st.lists(st.tuples(DEEDS, AMOUNTS, AMOUNTS, PARTS, st.integers(0, 9)), max_size=25)


@pytest.mark.unmeasured
@given(OPERATIONS)
def test_any_events_leave_what_the_ledger_holds_and_realize_the_same_by_each_method(
    operations: list[tuple[str, int, int, int, int]],
) -> None:
    booked, standing = Booked(), list[CashEntry]()
    for number, (deed, quantity, amount, percent, minute) in enumerate(operations):
        symbol, other = (BTC, ETH) if number % 3 else (ETH, BTC)
        with suppress(DomainError):
            do(booked, standing, deed, (symbol, other), quantity, amount, percent, NOON + timedelta(minutes=minute))
    held: dict[str, Quantity] = defaultdict(Quantity.zero)
    sums = set[Money]()
    for method in ALL:
        book = booked.lots(method)
        held.clear()
        for lot in book.lots:
            held[lot.symbol.code] = held[lot.symbol.code] + lot.quantity
        for symbol in (BTC, ETH):
            assert held[symbol.code] == booked.portfolio.position(symbol).quantity
        gained = sum((one.gain for one in book.disposals), Money.zero())
        left = sum((lot.basis for lot in book.lots), Money.zero())
        sums.add(gained - left - book.moved_out)
        if method is LotMethod.AVERAGE:
            cost = (position.cost_basis for position in booked.portfolio.positions.values())
            assert left == sum(cost, Money.zero())
            assert gained == booked.portfolio.realized_pnl
    assert len(sums) == 1


def do(  # shape: an operation
    booked: Booked,
    standing: list[CashEntry],
    deed: str,
    symbols: tuple[Symbol, Symbol],
    quantity: int,
    amount: int,
    percent: int,
    at: datetime,
) -> None:
    """Do one of the deeds; what moves more than is held is an override."""
    symbol, other = symbols
    held = int(booked.portfolio.position(symbol).quantity.value.scaleb(18)) * percent // 100
    part, value, all_of_it = Quantity(exact(max(held, 1))), Money(exact(amount)), Quantity(exact(quantity))
    match deed:
        case "buy":
            booked.buy(str(all_of_it), str(value), at, symbol=symbol.code)
        case "sell":
            booked.sell(str(part), str(value), at, symbol=symbol.code)
        case "take out":
            if standing:
                booked.take_out(standing.pop(quantity % len(standing)), at)
        case _:
            stated: dict[str, tuple[Kind, dict[str, Any]]] = {
                "in": (Kind.TRANSFER_IN, {"quantity": all_of_it, "value": value}),
                "out": (Kind.TRANSFER_OUT, {"quantity": part, "value": value}),
                "income": (Kind.INCOME, {"quantity": all_of_it, "value": value, "label": "airdrop"}),
                "swap": (Kind.SWAP, {"quantity": part, "to_symbol": other, "to_quantity": all_of_it, "value": value}),
                "exchange": (Kind.EXCHANGE, {"quantity": part, "to_symbol": other, "to_quantity": all_of_it}),
                "split": (Kind.SPLIT, {"ratio": exact(quantity)}),
                "loss": (Kind.LOSS, {"quantity": part}),
            }
            kind, fields = stated[deed]
            happen = booked.override if percent > 100 else booked.happen
            entry = happen(kind, at, symbol=symbol, **fields)
            if kind is not Kind.SWAP:
                standing.append(entry)
