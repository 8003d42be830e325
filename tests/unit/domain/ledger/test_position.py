"""Average cost with fees in the basis, and what a price says about a position."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Execution, Side, Trade
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.unit.examples import NOON, bought, execution, mark, money, price, sold, units

EMPTY = Position(symbol=Symbol("BTC"))


def settled(*executions: Execution, position: Position = EMPTY) -> Position:
    for one in executions:
        position, _ = position.settle(one)
    return position


def entry_of(one: Execution, position: Position = EMPTY) -> Trade:
    return position.settle(one)[1]


def test_the_contracts_example_is_booked_to_the_digit() -> None:
    held = settled(bought("BTC", "0.1", 45_000, fees="22.5"))
    assert (held.quantity, held.avg_entry_price) == (units("0.1"), price(45_000))
    assert (held.asset_cost, held.cost_basis) == (money(4_500), money("4522.5"))
    assert held.break_even_price == price(45_225)  # 4522.5 / 0.1


def test_a_second_purchase_averages_by_money_and_not_by_price() -> None:
    # (1 x 100 + 3 x 200) / 4 = 175, fees 1 + 3: (700 + 4) / 4 = 176 to break even
    held = settled(bought("BTC", 1, 100, fees=1), bought("BTC", 3, 200, fees=3))
    assert (held.avg_entry_price, held.break_even_price) == (price(175), price(176))


def test_an_average_is_rounded_half_even_but_the_sums_are_kept() -> None:
    held = settled(bought("BTC", 3, 100, net="100", fees=0))
    assert held.avg_entry_price == price("33.333333333333333333")
    assert (held.asset_cost, held.cost_basis) == (money(100), money(100))


def test_a_sale_takes_its_share_of_the_basis_half_even_and_the_rest_stays_by_subtraction() -> None:
    held = settled(bought("BTC", 3, 100, net=100))
    rest, entry = held.settle(sold("BTC", 1, 50))
    assert entry.cost_basis_sold == money("33.333333333333333333")  # 100 / 3
    assert rest.cost_basis == money("66.666666666666666667")  # by subtraction: twice the third would end in 6
    assert entry.realized_pnl == money("16.666666666666666667")  # 50 - 33.3...


def test_a_tie_goes_to_the_even_neighbour() -> None:
    held = replace(EMPTY, quantity=units(2), cost_basis=money("0.000000000000000003"))
    assert entry_of(sold("BTC", 1, 1), held).cost_basis_sold == money("0.000000000000000002")  # 1.5 units of 1e-18
    held = replace(held, cost_basis=money("0.000000000000000005"))
    assert entry_of(sold("BTC", 1, 1), held).cost_basis_sold == money("0.000000000000000002")  # 2.5


def test_a_sale_leaves_the_average_unchanged() -> None:
    held = settled(bought("BTC", 3, 100, net=100))
    for quantity in ("1", "0.123456789012345678", "0.000000000000000001"):
        held = settled(sold("BTC", quantity, 90), position=held)
        assert held.avg_entry_price == price("33.333333333333333333")


def test_a_full_close_takes_all_of_the_basis_and_leaves_no_average() -> None:
    held = settled(bought("BTC", 3, 100, net=100, fees=1), sold("BTC", "0.1", 100))
    closed, entry = held.settle(sold("BTC", "2.9", 100, fees=2))
    assert closed.quantity == units(0)
    assert not closed.is_open
    assert (closed.cost_basis, closed.asset_cost) == (Money.zero(), Money.zero())
    assert closed.avg_entry_price is closed.break_even_price is None
    # 10 and 290 came in, 2 went in fees, 101 had been paid
    assert entry.closes
    assert closed.realized_pnl == money(10 + 290 - 2 - 101)


def test_a_close_net_of_fees_is_realized_from_the_basis_with_fees() -> None:
    held = settled(bought("BTC", 1, 100, fees=1))
    assert entry_of(sold("BTC", 1, 110, fees=2), held).realized_pnl == money(110 - 2 - 101)


def test_a_new_position_after_a_close_starts_afresh() -> None:
    held = settled(bought("BTC", 1, 100), sold("BTC", 1, 90), bought("BTC", 2, 50))
    assert (held.avg_entry_price, held.cost_basis, held.realized_pnl) == (price(50), money(100), money(-10))


# --- beyond what is held ----------------------------------------------------------------------------------------------


def test_an_overridden_sale_of_more_than_is_held_opens_a_short_with_the_rest() -> None:
    short, entry = settled(bought("BTC", 1, 100, fees=1)).settle(sold("BTC", 3, 150, fees=3))
    # a third of the proceeds of 450 - 3 closes: 149 - 101 = 48; two thirds open the short
    assert entry.realized_pnl == money(48)
    assert (short.quantity, short.cost_basis, short.asset_cost) == (units(-2), money(-298), money(-300))
    assert (short.avg_entry_price, short.break_even_price) == (price(150), price(149))


def test_a_short_grows_by_a_sale_and_closes_by_a_purchase() -> None:
    short = settled(sold("BTC", 1, 100), sold("BTC", 1, 200))
    assert (short.avg_entry_price, short.cost_basis) == (price(150), money(-300))
    covered, entry = short.settle(bought("BTC", 1, 120, fees=2))
    assert entry.realized_pnl == money(150 - 122)
    assert covered.avg_entry_price == price(150)
    assert settled(bought("BTC", 1, 120), position=covered).avg_entry_price is None


def test_a_purchase_beyond_a_short_opens_a_long_with_the_rest() -> None:
    held, entry = settled(sold("BTC", 1, 100)).settle(bought("BTC", 4, 80))
    assert entry.realized_pnl == money(20)
    assert (held.quantity, held.cost_basis, held.avg_entry_price) == (units(3), money(240), price(80))


def test_cost_and_quantity_of_different_signs_make_no_price() -> None:
    odd = replace(EMPTY, quantity=units(1), cost_basis=money(-5), asset_cost=money(-5))
    assert odd.break_even_price is None
    assert settled(bought("BTC", 1, 1), position=odd).avg_entry_price is None


def test_dust_beside_a_cost_does_not_make_a_position_unreadable() -> None:
    dust = replace(EMPTY, quantity=units("1e-18"), cost_basis=money(1_000), asset_cost=money(1_000))
    assert dust.break_even_price is None  # 1e21 a unit
    assert settled(bought("BTC", "1e-18", "9.9e19", net=103), position=dust).avg_entry_price is None


# --- prices -----------------------------------------------------------------------------------------------------------


def test_a_new_position_is_worth_its_trade_price_until_a_newer_one() -> None:
    held = settled(bought("BTC", 2, 100))
    assert held.mark == Mark(price(100), TRADE_SOURCE, NOON)
    refreshed = held.marked(mark(110))
    assert (refreshed.market_value, refreshed.unrealized_pnl) == (money(220), money(20))


def test_a_position_reopened_later_is_worth_its_new_trade_price() -> None:
    closed = settled(bought("BTC", 1, 100), sold("BTC", 1, 100)).marked(mark(70, NOON))
    later, earlier = NOON + timedelta(hours=1), NOON - timedelta(hours=1)
    reopened = settled(execution(Side.BUY, "BTC", 1, 90, executed_at=later), position=closed)
    assert reopened.mark == Mark(price(90), TRADE_SOURCE, later)
    # reported late: the price seen since is the better one
    assert settled(execution(Side.BUY, "BTC", 1, 90, executed_at=earlier), position=closed).mark == closed.mark


def test_without_a_feed_the_newest_execution_is_the_price_and_a_backdated_one_never_wins() -> None:
    held = settled(bought("BTC", 2, 100))
    later, between, earlier = (NOON + timedelta(hours=hours) for hours in (2, 1, -1))
    sale = settled(execution(Side.SELL, "BTC", 1, 300, executed_at=later), position=held)
    assert sale.mark == Mark(price(300), TRADE_SOURCE, later)
    for backdated in (earlier, between):
        bought_before = execution(Side.BUY, "BTC", 1, 90, executed_at=backdated)
        assert settled(bought_before, position=sale).mark == sale.mark
    # Of two at the same time it is the one booked last.
    assert settled(execution(Side.BUY, "BTC", 1, 310, executed_at=later), position=sale).mark == Mark(
        price(310), TRADE_SOURCE, later
    )


@pytest.mark.parametrize(("minutes", "wins"), [(-1, False), (0, False), (5, False), (6, True)])
def test_an_execution_is_the_price_only_where_that_of_the_feed_was_stale_by_then(minutes: int, wins: bool) -> None:
    known = mark(100, NOON)
    at = NOON + timedelta(minutes=minutes)
    held = settled(bought("BTC", 2, 100)).marked(known)
    after, _ = held.settle(execution(Side.BUY, "BTC", 1, 130, executed_at=at), timedelta(minutes=5))
    assert after.mark == (Mark(price(130), TRADE_SOURCE, at) if wins else known)


def test_closing_does_not_touch_the_price() -> None:
    held = settled(bought("BTC", 1, 100)).marked(mark(120))
    assert settled(sold("BTC", 1, 110), position=held).mark == mark(120)


def test_a_position_without_a_price_is_carried_at_cost() -> None:
    adopted = replace(EMPTY, quantity=units(2), cost_basis=money(50))
    assert (adopted.market_value, adopted.unrealized_pnl) == (money(50), Money.zero())


def test_money_that_a_foreign_write_left_in_a_closed_row_is_no_value() -> None:
    left = replace(EMPTY, cost_basis=money(7), asset_cost=money(6), mark=mark(100))
    assert left.market_value == left.cost_basis == left.asset_cost == money(0)
    bought_again, _ = left.settle(bought("BTC", 1, 2000, fees=1))
    assert bought_again.cost_basis == money(2001)


# --- reversals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [bought("BTC", "0.7", 31, fees="0.01"), sold("BTC", "0.3", 47, fees="0.02")])
def test_undoing_the_last_trade_restores_every_sum(one: Execution) -> None:
    held = settled(bought("BTC", 3, 100, net=100, fees="0.333333333333333333")).marked(mark(100))
    moved, entry = held.settle(one)
    back, opposite = moved.undo(entry, 7, NOON)
    assert replace(back, avg_entry_price=held.avg_entry_price) == held
    assert (opposite.side, opposite.reverses, opposite.closes) == (one.side.opposite, 7, False)
    assert opposite.realized_pnl == -entry.realized_pnl
    assert (opposite.fees_delta, entry.fees_delta) == (-one.fees, one.fees)


def test_undoing_the_only_purchase_after_a_sale_realizes_what_is_left_of_the_cost() -> None:
    # 1 @ 100 and 1 @ 300 average 200; one sold; the other is undone as if it had cost 300
    first, entry = settled(bought("BTC", 1, 100)).settle(bought("BTC", 1, 300))
    rest = settled(sold("BTC", 1, 250), position=first)
    empty, opposite = rest.undo(entry, 2, NOON)
    assert (empty.quantity, empty.cost_basis, empty.asset_cost) == (units(0), Money.zero(), Money.zero())
    assert opposite.realized_pnl == money(300 - 200)
    # what is left is as if only 1 @ 100 had been bought, and sold at 250
    assert empty.realized_pnl == money(150)


def test_undoing_never_leaves_a_cost_of_the_wrong_sign() -> None:
    first, entry = settled(bought("BTC", 10, 1)).settle(bought("BTC", 1, 1_000))
    rest = settled(sold("BTC", 9, 100), position=first)
    back, opposite = rest.undo(entry, 2, NOON)
    assert (back.quantity, back.cost_basis, back.asset_cost) == (units(1), Money.zero(), Money.zero())
    assert opposite.cash_delta + opposite.basis_delta == opposite.realized_pnl
    assert back.avg_entry_price is None  # zero means none, in the column that other programs read


def test_undoing_keeps_the_two_sums_apart() -> None:
    """Of asset money and basis one can run out before the other: fees differ from trade to trade."""
    first, entry = settled(bought("BTC", 1, 100, fees=10)).settle(bought("BTC", 1, 150))
    rest = settled(sold("BTC", "0.8", 100), position=first)  # 60 % stay: asset 150, basis 156
    back, _ = rest.undo(entry, 2, NOON)
    assert (back.quantity, back.cost_basis, back.asset_cost) == (units("0.2"), money(6), money(0))


def test_undoing_a_sale_that_opened_a_short_mirrors_a_purchase() -> None:
    first, entry = settled(sold("BTC", 10, 1)).settle(sold("BTC", 1, 1_000))
    rest = settled(bought("BTC", 9, 100), position=first)
    back, _ = rest.undo(entry, 2, NOON)
    assert (back.quantity, back.cost_basis) == (units(-1), Money.zero())
