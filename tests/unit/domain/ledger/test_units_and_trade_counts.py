"""Returns are told from contributions, and counts from noise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.ledger.units import LEAST_COUNT, Units, is_mostly_withdrawn
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.unit.domain.ledger.ledger_model import ONE, exact
from tests.unit.examples import NOON, RULES, after, bought, funded, mark, money, sold

BTC = Symbol("BTC")


def test_the_first_contribution_buys_units_at_one() -> None:
    assert Units().after_flow(Money.zero(), money(100_000)) == Units(count=Decimal(100_000))


def test_a_deposit_after_a_gain_does_not_change_the_return() -> None:
    # 100 grow to 150; 150 more buy 100 units at 1.5; all of it falls by a third: 1.5 x 2/3 = 1
    units = Units().after_flow(Money.zero(), money(100))
    assert units.value(money(150)) == Decimal("1.5")
    units = units.after_flow(money(150), money(150))
    assert (units.count, units.value(money(300))) == (Decimal(200), Decimal("1.5"))
    assert units.value(money(200)) == 1


def test_taking_everything_out_and_coming_back_goes_on_where_it_ended() -> None:
    units = Units().after_flow(Money.zero(), money(100)).after_flow(money(120), money(-120))
    assert (units.count, units.value(Money.zero())) == (Decimal(0), Decimal("1.2"))
    assert units.value(money(50)) == Decimal("1.2")  # without units there is no return
    back = units.after_flow(Money.zero(), money(60))
    assert back.count == 50
    assert back.value(money(66)) == Decimal("1.32")


def test_a_flow_of_nothing_changes_nothing() -> None:
    units = Units().after_flow(Money.zero(), money(3))
    assert units.after_flow(money("9.7"), Money.zero()) is units


@pytest.mark.parametrize("worth", ["0", "-5"])
def test_a_portfolio_worth_nothing_has_the_unit_value_of_its_last_flow(worth: str) -> None:
    units = Units().after_flow(Money.zero(), money(100))
    assert units.value(money(worth)) == 1


def test_a_unit_value_stays_above_zero_and_below_1e20() -> None:
    many = Units().after_flow(Money.zero(), money("9e19"))
    assert many.value(money("1e-18")) == 1  # 1e-38 a unit is nothing at 18 decimals
    few = Units(count=LEAST_COUNT)
    assert few.value(money("9e19")) == 1  # 9e28 a unit


def test_dust_left_behind_counts_as_no_units() -> None:
    units = Units().after_flow(Money.zero(), money(100))
    left = units.after_flow(money(70), money("-69.999999999999999999"))
    assert left.count == 0
    # without the rule 1e-18 / 0.7 would be rounded to one unit of 1e-18: worth 1 instead of 0.7
    assert left.after_flow(money("1e-18"), money(700)).value(money(700)) == Decimal("0.7")


def test_after_a_loss_of_nearly_everything_units_begin_anew() -> None:
    lost = Units(count=Decimal(100_000), last_value=Decimal(1))
    # 1e-12 left: 1e-17 a unit, of which 10,000 dollars would buy 1e21
    after_all = lost.after_flow(money("1e-12"), money(10_000))
    assert after_all == Units(count=Decimal("10000.000000000001"))
    assert after_all.value(money("11000.0000000000011")) == Decimal("1.1")
    assert after_all.begin_anew(lost, money("1e-12"))
    assert not after_all.after_flow(money(11_000), money(100)).begin_anew(after_all, money(11_000))


@given(st.integers(ONE, 10**12 * ONE), st.integers(ONE, 10**12 * ONE), st.integers(-(10**12) * ONE, 10**12 * ONE))
def test_a_flow_never_moves_the_unit_value(start: int, worth: int, flow: int) -> None:
    assume(worth + flow > ONE // 1_000)
    assume((worth + flow) * start < 10**20 * worth * ONE)  # of more units than 1e20 there are none, as shown above
    units = Units().after_flow(Money.zero(), Money(exact(start)))
    before, total = units.value(Money(exact(worth))), Money(exact(worth + flow))
    moved = units.after_flow(Money(exact(worth)), Money(exact(flow)))
    # counts and values have 18 decimals: of a unit value down to 1e-12 and a count from 1e-15 on, 9 digits are sure
    assert abs(moved.value(total) / before - 1) < Decimal("1e-5")


@given(st.lists(st.tuples(st.sampled_from(["flow", "growth"]), st.integers(-90, 900)), max_size=12))
def test_linked_returns_are_the_product_of_the_growths_between_flows(steps: list[tuple[str, int]]) -> None:
    worth, units, growth = Decimal(1000), Units().after_flow(Money.zero(), money(1000)), Decimal(1)
    for kind, percent in steps:
        change = worth * percent / 100
        if kind == "flow":
            units = units.after_flow(Money.rounded(worth), Money.rounded(change))
        else:
            growth *= 1 + Decimal(percent) / 100
        worth += change
        assume(Decimal("1e-3") < worth < Decimal("1e15"))
    assert abs(units.value(Money.rounded(worth)) / growth - 1) < Decimal("1e-6")


# --- trade_counts -----------------------------------------------------------------------------------------------------


def test_only_closing_trades_win_or_lose_and_zero_is_neither() -> None:
    portfolio = after(
        funded(),
        bought("BTC", 4, 100, fees=4),
        sold("BTC", 1, 111),  # 111 - 101 = 10
        sold("BTC", 1, 101),  # 0
        sold("BTC", 1, 101, fees=3),  # -3
        sold("BTC", 1, 106),  # 5
    )
    assert portfolio.trade_counts == TradeCounts(
        trades=5, wins=2, losses=1, gross_profit=money(15), gross_loss=money(3)
    )
    assert portfolio.realized_pnl == portfolio.trade_counts.gross_profit - portfolio.trade_counts.gross_loss


def test_a_reversed_trade_is_taken_out_of_the_counts() -> None:
    before = after(funded(), bought("BTC", 2, 100))
    for close in (sold("BTC", 1, 150), sold("BTC", 1, 50), sold("BTC", 1, 100), bought("BTC", 1, 100)):
        moved, trade = before.book(close, RULES)
        assert moved.trade_counts.trades == 2
        back, _ = moved.reverse(trade, 2, NOON)
        assert back.trade_counts == before.trade_counts


def test_a_loss_is_counted_as_a_positive_amount() -> None:
    portfolio = after(funded(), bought("BTC", 1, 100), sold("BTC", 1, 60))
    assert (portfolio.trade_counts.losses, portfolio.trade_counts.gross_loss) == (1, money(40))


def test_sums_of_results_end_below_1e20_and_refuse_no_trade() -> None:
    full = replace(
        after(funded(), bought("BTC", 2, 100)), trade_counts=TradeCounts(gross_profit=money("99999999999999999999"))
    )
    counted = after(full, sold("BTC", 1, 150)).trade_counts
    assert (counted.wins, counted.gross_profit) == (1, money("99999999999999999999"))


def test_prices_do_not_count() -> None:
    portfolio = after(funded(), bought("BTC", 1, 100))
    assert replace(portfolio.marked({BTC: mark(1)})).trade_counts == portfolio.trade_counts


@pytest.mark.parametrize(("net", "mostly"), [("10000", False), ("9999.999999999999999999", True), ("-1", True)])
def test_under_a_tenth_of_all_deposits_a_portfolio_is_mostly_withdrawn(net: str, mostly: bool) -> None:
    assert is_mostly_withdrawn(money(100_000), money(net)) is mostly
