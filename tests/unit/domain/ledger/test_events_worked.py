"""The worked table of the specification of events, line by line and digit by digit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.domain.errors import InsufficientQuantity, InvalidAmount, ValueUnknown
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.event_moves import reverse_event
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happened, Happening
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.examples import NOON, RULES, after, bought, funded, money, sold

BTC, BNB, ETH, SOL = map(Symbol, ("BTC", "BNB", "ETH", "SOL"))
MATIC, POL = Symbol("MATIC"), Symbol("POL")


def quantity(text: str | int) -> Quantity:
    return Quantity(Decimal(text))


def priced(books: Portfolio, **prices: str | int) -> Portfolio:
    marks = {Symbol(name): Mark(Price(Decimal(price)), "coinbase", NOON) for name, price in prices.items()}
    return books.marked(marks)


def beginning() -> Portfolio:
    """Cash 57,000, 1 BTC (cost 40,000, now 60,000), 10 BNB (cost 3,000, now 400 each), net deposits 100,000."""
    books = after(funded(100_000), bought("BTC", 1, 40_000), bought("BNB", 10, 300))
    books = priced(books, BTC=60_000, BNB=400)
    assert (books.cash, books.net_deposits, books.realized_pnl) == (money(57_000), money(100_000), Money.zero())
    return books


def done(books: Portfolio, kind: Kind, **stated: Any) -> Happened:
    return happen(books, Happening(kind=kind, effective_at=NOON, **stated), RULES, NOON)


def unit_value(books: Portfolio) -> Decimal:
    return books.units.value(books.total_value)


def assert_law(happened: Happened) -> None:
    """``cash + sum of basis = net_deposits + realized``, over the entry and over its trades."""
    moved = happened.transaction
    basis = sum((leg.basis_delta for leg in happened.legs), Money.zero())
    cash = sum((trade.cash_delta for trade in happened.trades), moved.cash_delta)
    realized = sum((trade.realized_pnl for trade in happened.trades), moved.realized_delta)
    assert cash + basis == moved.net_deposits_delta + realized
    assert not happened.after.unreconciled


def test_transfer_in_adds_its_cost_to_what_was_paid_in_and_leaves_the_unit_value_alone() -> None:
    books = beginning()
    happened = done(books, Kind.TRANSFER_IN, symbol=BTC, quantity=quantity(1), basis=money(30_000), value=money(60_000))
    assert happened.legs == (
        Leg(symbol=BTC, quantity_delta=quantity(1), basis_delta=money(30_000), asset_delta=money(30_000)),
    )
    assert happened.after.net_deposits == money(130_000)
    assert happened.after.unrealized_pnl - books.unrealized_pnl == money(30_000)
    assert unit_value(happened.after) == unit_value(books)
    assert happened.after.position(BTC).avg_entry_price == Price(Decimal(35_000))
    assert happened.transaction.event is not None
    assert not happened.transaction.event.is_basis_assumed
    assert_law(happened)


def test_what_nobody_knows_the_cost_of_cost_its_value_and_says_so() -> None:
    happened = done(beginning(), Kind.TRANSFER_IN, symbol=BTC, quantity=quantity(1), value=money(60_000))
    assert happened.after.net_deposits == money(160_000)
    assert happened.transaction.event is not None
    assert happened.transaction.event.is_basis_assumed


def test_income_is_realized_at_its_value() -> None:
    happened = done(beginning(), Kind.INCOME, symbol=SOL, quantity=quantity(2), value=money(300), label="staking")
    assert happened.transaction.realized_delta == happened.after.realized_pnl == money(300)
    assert happened.after.position(SOL).cost_basis == happened.after.position(SOL).market_value == money(300)
    assert happened.after.net_deposits == money(100_000)
    assert_law(happened)


def test_income_may_be_worth_nothing() -> None:
    happened = done(beginning(), Kind.INCOME, symbol=SOL, quantity=quantity(2), value=money(0), label="airdrop")
    assert (happened.after.realized_pnl, happened.after.position(SOL).cost_basis) == (money(0), money(0))
    assert happened.after.position(SOL).mark is None
    assert_law(happened)


def test_a_fee_in_another_asset_is_a_sale_of_it_and_then_the_trade_with_that_fee() -> None:
    books = beginning()
    books, fee = books.book(sold("BNB", "0.05", 400), RULES)
    assert fee.realized_pnl == money(5)
    books, trade = books.book(bought("BTC", "0.5", 60_000, fees=20), RULES)
    assert trade.basis_delta == money(30_020)
    assert fee.cash_delta + trade.cash_delta == money(-30_000)


def test_a_swap_is_a_sale_and_a_purchase_for_the_same_money() -> None:
    books = beginning()
    happened = done(books, Kind.SWAP, symbol=BTC, quantity=quantity(1), to_symbol=ETH, to_quantity=quantity(20))
    sale, purchase = happened.trades
    assert happened.after.cash == books.cash
    assert sale.realized_pnl == money(20_000)  # value 60,000 less basis 40,000
    assert (purchase.cash_delta, purchase.price) == (money(-60_000), Price(Decimal(3_000)))
    assert happened.after.position(ETH).cost_basis == money(60_000)
    assert happened.after.total_value == books.total_value
    assert happened.after.revision == books.revision + 3
    assert happened.transaction.event is not None
    assert happened.transaction.event.group == f"event-{books.revision + 1}"
    assert_law(happened)


def test_an_exchange_takes_the_cost_along() -> None:
    books = priced(after(funded(), bought("MATIC", 1_000, "0.5")), MATIC="0.8")
    happened = done(books, Kind.EXCHANGE, symbol=MATIC, quantity=quantity(1_000), to_symbol=POL, ratio=Decimal(1))
    assert [leg.basis_delta for leg in happened.legs] == [money(-500), money(500)]
    assert [leg.realized_delta for leg in happened.legs] == [money(0), money(0)]
    assert happened.after.position(POL).cost_basis == money(500)
    assert not happened.after.position(MATIC).is_open
    assert unit_value(happened.after) == unit_value(books)
    assert_law(happened)


def test_a_split_moves_the_quantity_alone() -> None:
    books = beginning()
    happened = done(books, Kind.SPLIT, symbol=BNB, ratio=Decimal(1_000))
    assert happened.legs == (Leg(symbol=BNB, quantity_delta=quantity(9_990)),)
    position = happened.after.position(BNB)
    assert (position.quantity, position.cost_basis) == (quantity(10_000), money(3_000))
    assert position.mark == Mark(Price(Decimal("0.4")), "coinbase", NOON)
    assert position.avg_entry_price == Price(Decimal("0.3"))
    assert unit_value(happened.after) == unit_value(books)
    assert_law(happened)


def test_a_price_newer_than_a_split_is_of_its_units_already() -> None:
    reported_late = Happening(kind=Kind.SPLIT, symbol=BNB, ratio=Decimal(1_000), effective_at=NOON - timedelta(hours=1))
    books = priced(beginning(), BNB="0.4")
    happened = happen(books, reported_late, RULES, NOON)
    assert happened.after.position(BNB).mark == Mark(Price(Decimal("0.4")), "coinbase", NOON)
    assert happened.after.position(BNB).market_value == money(4_000)
    taken_out = reverse_event(happened.after, happened.transaction, happened.legs, 1, NOON)
    assert taken_out.after.position(BNB).mark == books.position(BNB).mark


def test_a_split_that_is_taken_out_leaves_the_price_of_before_however_little_is_left() -> None:
    happened = done(beginning(), Kind.SPLIT, symbol=BNB, ratio=Decimal("1.005"))
    assert happened.after.position(BNB).quantity == quantity("10.05")
    books = after(happened.after, sold("BNB", 10, "398"))  # of 10.05, of which 0.05 came by the split
    with pytest.raises(InsufficientQuantity):
        reverse_event(books, happened.transaction, happened.legs, 1, NOON)
    books = after(happened.after, sold("BNB", "9.95", "398"))
    position = reverse_event(books, happened.transaction, happened.legs, 1, NOON).after.position(BNB)
    assert position.quantity == quantity("0.05")
    assert position.mark is not None
    assert round(position.mark.price.value, 15) == 400  # 400 / 1.005 and back, not twice that: half of the rest went


def test_transfer_out_takes_its_share_of_the_cost_and_leaves_the_unit_value_alone() -> None:
    books = done(
        beginning(), Kind.TRANSFER_IN, symbol=BTC, quantity=quantity(1), basis=money(30_000), value=money(60_000)
    ).after
    happened = done(books, Kind.TRANSFER_OUT, symbol=BTC, quantity=quantity(1))
    assert happened.legs[0].basis_delta == money(-35_000)
    assert happened.after.net_deposits == money(95_000)
    assert happened.transaction.flow == money(-60_000)
    assert unit_value(happened.after) == unit_value(books)
    assert happened.after.position(BTC).avg_entry_price == Price(Decimal(35_000))
    assert_law(happened)


def test_a_loss_realizes_its_share_of_the_cost() -> None:
    happened = done(beginning(), Kind.LOSS, symbol=BTC, quantity=quantity("0.25"))
    assert happened.transaction.realized_delta == happened.legs[0].realized_delta == money(-10_000)
    assert happened.after.position(BTC).cost_basis == money(30_000)
    assert_law(happened)


def test_interest_and_charges_are_results() -> None:
    happened = done(beginning(), Kind.INTEREST, amount=money(12))
    assert_law(happened)
    happened = done(happened.after, Kind.CHARGE, amount=money(5))
    assert (happened.after.cash, happened.after.realized_pnl) == (money(57_007), money(7))
    assert happened.after.net_deposits == money(100_000)
    assert happened.legs == ()
    assert_law(happened)


def test_all_of_it_one_after_the_other_explains_the_value_to_the_last_digit() -> None:
    books = beginning()
    for kind, stated in (
        (Kind.TRANSFER_IN, {"symbol": BTC, "quantity": quantity(1), "basis": money(30_000), "value": money(60_000)}),
        (Kind.INCOME, {"symbol": SOL, "quantity": quantity(2), "value": money(300), "label": "staking"}),
        (Kind.SWAP, {"symbol": BTC, "quantity": quantity(1), "to_symbol": ETH, "to_quantity": quantity(20)}),
        (Kind.EXCHANGE, {"symbol": SOL, "quantity": quantity(2), "to_symbol": POL, "to_quantity": quantity(3)}),
        (Kind.SPLIT, {"symbol": BNB, "ratio": Decimal(1_000)}),
        (Kind.TRANSFER_OUT, {"symbol": BTC, "quantity": quantity("0.5")}),
        (Kind.LOSS, {"symbol": ETH, "quantity": quantity(1)}),
        (Kind.INTEREST, {"amount": money(12)}),
        (Kind.CHARGE, {"amount": money(5)}),
    ):
        happened = done(books, kind, **stated)
        assert_law(happened)
        books = happened.after
    # Cost 35,000 a BTC: the swap realizes 25,000, half a BTC leaves with 17,500, an ETH is lost at 3,000.
    assert books.realized_pnl == money(300 + 25_000 - 3_000 + 12 - 5)
    assert books.net_deposits == money(130_000 - 17_500)
    assert books.cash == money(57_007)
    assert books.total_value == books.net_deposits + books.realized_pnl + books.unrealized_pnl
    assert replace(books, revision=0).unreconciled == Money.zero()


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "stated", "field"),
    [
        (Kind.LOSS, {"symbol": BTC, "quantity": quantity(0)}, "quantity"),
        (Kind.SPLIT, {"symbol": BTC, "ratio": Decimal(-1)}, "ratio"),
        (Kind.TRANSFER_IN, {"symbol": BTC, "quantity": quantity(1), "value": money(-1)}, "value"),
        (Kind.EXCHANGE, {"symbol": BTC, "quantity": quantity(1), "to_symbol": ETH}, "to_quantity"),
        (Kind.EXCHANGE, {"symbol": BTC, "quantity": quantity(1), "to_symbol": BTC, "ratio": Decimal(1)}, "to_symbol"),
        (
            Kind.EXCHANGE,
            {"symbol": BTC, "quantity": quantity(1), "to_symbol": ETH, "ratio": Decimal("1e-18") / 4},
            "ratio",
        ),
        (Kind.SPLIT, {"symbol": BNB, "ratio": Decimal("1e-20")}, "ratio"),
        (
            Kind.SWAP,
            {"symbol": BTC, "quantity": quantity(1), "to_symbol": ETH, "to_quantity": quantity(1), "value": money(0)},
            "value",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(kind: Kind, stated: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidAmount) as caught:
        done(beginning(), kind, **stated)
    assert caught.value.field == field


def test_nothing_but_a_purchase_comes_to_a_short_position() -> None:
    books = after(beginning(), sold("SOL", 1, 150), override=True)
    for kind, stated in (
        (Kind.TRANSFER_IN, {"symbol": SOL, "quantity": quantity(1), "value": money(1)}),
        (Kind.INCOME, {"symbol": SOL, "quantity": quantity(1), "value": money(1)}),
        (Kind.EXCHANGE, {"symbol": BTC, "quantity": quantity(1), "to_symbol": SOL, "ratio": Decimal(1)}),
    ):
        with pytest.raises(InsufficientQuantity, match="1 SOL cannot be moved: -1 is held"):
            done(books, kind, **stated)
    swapped = done(books, Kind.SWAP, symbol=BTC, quantity=quantity(1), to_symbol=SOL, to_quantity=quantity(400))
    assert swapped.after.position(SOL).quantity == quantity(399)


# --- overrides --------------------------------------------------------------------------------------------------------


def overridden(books: Portfolio, kind: Kind, **stated: object) -> Happened:
    what = Happening(kind=kind, effective_at=NOON, **stated)  # type: ignore[arg-type]  # fields by kind
    happened = happen(books, what, RULES, NOON, override=True)
    assert_law(happened)
    return happened


def test_what_leaves_by_an_override_and_is_not_held_is_short_at_its_value() -> None:
    """1 BTC that cost 40,000 leaves, and 2 that are not held at 60,000 each: net deposits 160,000 less."""
    before = beginning()
    happened = overridden(before, Kind.TRANSFER_OUT, symbol=BTC, quantity=quantity(3))
    position = happened.after.position(BTC)
    assert (position.quantity, position.cost_basis, position.avg_entry_price) == (
        quantity(-2), money(-120_000), Price(Decimal(60_000)),
    )  # fmt: skip
    assert happened.transaction.net_deposits_delta == money(-160_000)
    assert happened.transaction.realized_delta == Money.zero()
    assert unit_value(happened.after) == unit_value(before)
    more = overridden(happened.after, Kind.TRANSFER_OUT, symbol=BTC, quantity=quantity(1)).after.position(BTC)
    assert (more.quantity, more.cost_basis, more.avg_entry_price) == (
        quantity(-3), money(-180_000), Price(Decimal(60_000)),
    )  # fmt: skip


def test_what_was_lost_or_exchanged_by_an_override_and_is_not_held_is_short_at_no_cost() -> None:
    lost = overridden(beginning(), Kind.LOSS, symbol=BTC, quantity=quantity(3))
    position = lost.after.position(BTC)
    assert (position.quantity, position.cost_basis, position.avg_entry_price) == (quantity(-2), Money.zero(), None)
    assert lost.transaction.realized_delta == money(-40_000)
    never = overridden(beginning(), Kind.LOSS, symbol=SOL, quantity=quantity(3))
    assert (never.after.position(SOL).quantity, never.transaction.realized_delta) == (quantity(-3), Money.zero())
    renamed = overridden(
        beginning(), Kind.EXCHANGE, symbol=BTC, quantity=quantity(3), to_symbol=POL, to_quantity=quantity(30)
    )
    assert [(p.quantity, p.cost_basis) for p in map(renamed.after.position, (BTC, POL))] == [
        (quantity(-2), Money.zero()), (quantity(30), money(40_000)),
    ]  # fmt: skip


def test_an_override_asks_no_rule_of_a_swap_or_a_charge() -> None:
    swap = {"symbol": BTC, "quantity": quantity(3), "to_symbol": ETH, "to_quantity": quantity(60)}
    swapped = overridden(beginning(), Kind.SWAP, **swap)
    assert swapped.after.position(BTC).quantity == quantity(-2)
    charged = overridden(beginning(), Kind.CHARGE, amount=money(60_000))
    assert charged.after.cash == money(-3_000)


def test_a_transfer_by_an_override_covers_a_short_position_as_a_purchase_does() -> None:
    books = after(beginning(), sold("SOL", 2, 150), override=True)
    part = overridden(books, Kind.TRANSFER_IN, symbol=SOL, quantity=quantity(1), value=money(90), basis=money(100))
    position = part.after.position(SOL)
    assert (part.transaction.realized_delta, position.cost_basis, position.avg_entry_price) == (
        money(50), money(-150), Price(Decimal(150)),
    )  # fmt: skip
    stated = {"symbol": SOL, "quantity": quantity(3), "value": money(450), "basis": money(300)}
    came = overridden(books, Kind.TRANSFER_IN, **stated)
    # two of three, at 200, cover what was sold for 300
    assert (came.transaction.realized_delta, came.transaction.net_deposits_delta) == (money(100), money(300))
    assert (came.after.position(SOL).quantity, came.after.position(SOL).cost_basis) == (quantity(1), money(100))


def test_what_no_books_could_hold_no_override_books() -> None:
    books = after(beginning(), sold("SOL", 1, 150), override=True)
    for kind, stated in (
        (Kind.INCOME, {"symbol": SOL, "quantity": quantity(1), "value": money(1)}),
        (Kind.EXCHANGE, {"symbol": BTC, "quantity": quantity(1), "to_symbol": SOL, "ratio": Decimal(1)}),
        (Kind.SPLIT, {"symbol": ETH, "ratio": Decimal(2)}),
    ):
        with pytest.raises(InsufficientQuantity):
            overridden(books, kind, **stated)
    with pytest.raises(ValueUnknown):
        overridden(beginning(), Kind.TRANSFER_OUT, symbol=SOL, quantity=quantity(1))


def test_a_value_that_makes_no_price_leaves_the_price_alone() -> None:
    books = beginning()
    happened = done(books, Kind.TRANSFER_IN, symbol=BTC, quantity=quantity("0.000000000000000001"), value=money(1_000))
    assert happened.after.position(BTC).mark == books.position(BTC).mark


def test_an_exchange_for_a_stated_quantity_says_how_many_came_for_one() -> None:
    exchanged = {"symbol": BNB, "quantity": quantity(4), "to_symbol": POL, "to_quantity": quantity(10)}
    happened = done(beginning(), Kind.EXCHANGE, **exchanged)
    assert happened.transaction.event is not None
    assert happened.transaction.event.ratio == Decimal("2.5")  # 10 / 4


def test_a_ratio_that_the_ledger_cannot_hold_is_left_out() -> None:
    books = priced(after(funded(), bought("MATIC", "0.000000000000000001", 1, net="0.000000000000000001")), MATIC=1)
    happened = done(
        books,
        Kind.EXCHANGE,
        symbol=MATIC,
        quantity=quantity("0.000000000000000001"),
        to_symbol=POL,
        to_quantity=quantity(10**3),
    )
    assert happened.transaction.event is not None
    assert happened.transaction.event.ratio is None


def test_a_swap_is_worth_what_is_got_where_nobody_knows_what_was_given() -> None:
    books = done(beginning(), Kind.TRANSFER_IN, symbol=SOL, quantity=quantity(1), value=money(0), basis=money(0)).after
    stated = {"symbol": SOL, "quantity": quantity(1), "to_symbol": BTC, "to_quantity": quantity("0.01")}
    assert done(books, Kind.SWAP, **stated).transaction.realized_delta == money(0)
    assert done(books, Kind.SWAP, **stated).trades[0].realized_pnl == money(600)
    with pytest.raises(ValueUnknown):
        done(books, Kind.SWAP, **{**stated, "to_symbol": POL})


def test_an_entry_is_of_the_day_on_which_it_happened_unless_units_changed_with_it() -> None:
    before = NOON - timedelta(days=3)
    known: dict[str, Any] = {"value": money(1), "symbol": SOL, "quantity": quantity(1)}
    income = happen(beginning(), Happening(kind=Kind.INCOME, effective_at=before, **known), RULES, NOON)
    came = happen(beginning(), Happening(kind=Kind.TRANSFER_IN, effective_at=before, **known), RULES, NOON)
    assert (income.transaction.effective_at, income.transaction.day_at) == (before, before)
    assert (came.transaction.effective_at, came.transaction.day_at) == (before, NOON)
    _, deposit = funded().deposit(money(1), NOON)
    assert (deposit.effective_at, deposit.day_at) == (NOON, NOON)


def test_a_price_beyond_the_ledger_after_a_split_is_none() -> None:
    books = priced(after(funded(), bought("BTC", 1, 40_000)), BTC=10**19)
    happened = done(books, Kind.SPLIT, symbol=BTC, ratio=Decimal("0.01"))
    assert happened.after.position(BTC).mark is None
    assert happened.after.position(BTC).market_value == money(40_000)
