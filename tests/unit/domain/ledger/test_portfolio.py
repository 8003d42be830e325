"""What is refused, what every operation leaves behind, and what other programs' writes do to the books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain.errors import (
    AmountMismatch,
    DomainError,
    InsufficientCash,
    InsufficientQuantity,
    InvalidAmount,
    NotReversible,
    OutOfRange,
)
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Side, Trade
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.unit.domain.ledger.ledger_model import ONE, exact
from tests.unit.examples import NOON, RULES, after, bought, execution, funded, mark, money, sold, units

BTC, ETH = Symbol("BTC"), Symbol("ETH")


def identity(portfolio: Portfolio) -> Money:
    return portfolio.net_deposits + portfolio.realized_pnl + portfolio.unrealized_pnl + portfolio.unreconciled


def traded(portfolio: Portfolio, *rest: object) -> tuple[Portfolio, Trade]:
    return portfolio.book(bought("BTC", 1, 100, fees=1), RULES)


def test_the_contracts_example_leaves_the_cash_it_says() -> None:
    portfolio = after(funded(), bought("BTC", "0.1", 45_000, fees="22.5"))
    assert (portfolio.cash, portfolio.cost_basis) == (money("95477.5"), money("4522.5"))
    assert (portfolio.fees_paid, portfolio.realized_pnl) == (money("22.5"), Money.zero())
    assert portfolio.unrealized_pnl == money("-22.5")  # worth 4500 at its trade price
    assert portfolio.total_value == identity(portfolio) == money("99977.5")
    assert not portfolio.unreconciled


def test_every_change_is_one_revision() -> None:
    portfolio = funded()
    assert portfolio.revision == 2  # baseline, deposit
    portfolio, trade = traded(portfolio)
    assert portfolio.revision == 3
    portfolio, _ = portfolio.reverse(trade, 1, NOON)
    portfolio, _ = portfolio.withdraw(money(1), NOON)
    portfolio, _ = portfolio.reconcile(NOON, as_realized=False)
    assert portfolio.revision == 6


def test_a_sale_never_takes_more_than_is_held() -> None:
    portfolio = after(funded(), bought("BTC", 1, 100))
    with pytest.raises(InsufficientQuantity) as refusal:
        portfolio.book(sold("BTC", "1.000000000001000001", 100), RULES)
    assert (refusal.value.symbol, refusal.value.held) == ("BTC", units(1).value)
    assert refusal.value.requested == units("1.000000000001000001").value
    assert not after(portfolio, sold("BTC", 1, 100)).open_positions


@pytest.mark.parametrize(
    ("held", "reported"),
    [
        ("0.8", "0.7999999999999999"),
        ("0.8", "0.8000000000000004"),
        ("0.3", "0.30000000000000004"),  # 0.1 + 0.2, as doubles
        ("1", "1.000000000001"),  # exactly 1e-12 of it
        ("1", "0.999999999999"),
        ("123456789.123456789123456789", "123456789.12345679"),
    ],
)
@pytest.mark.parametrize("override", [True, False])
def test_a_sale_of_all_but_a_rounding_is_of_everything(held: str, reported: str, override: bool) -> None:
    portfolio = after(funded("1e12"), bought("BTC", held, 100))
    sale = sold("BTC", reported, 110)
    closed, trade = portfolio.book(sale, RULES, override=override)
    assert not closed.open_positions
    assert (trade.quantity, trade.reported_quantity) == (units(held), units(reported))
    # What was paid is a fact: the money is as it was reported, not computed from what was held.
    assert closed.cash == portfolio.cash + sale.notional
    assert trade.realized_pnl == sale.notional - portfolio.cost_basis
    back, entry = closed.reverse(trade, 1, NOON)
    assert back.position(BTC).quantity == units(held)
    assert (back.cash, back.cost_basis, entry.reported_quantity) == (portfolio.cash, portfolio.cost_basis, None)


def test_what_is_left_of_a_sale_is_held_where_it_is_more_than_a_rounding() -> None:
    portfolio, trade = after(funded(), bought("BTC", 1, 100)).book(sold("BTC", "0.999999999998999999", 100), RULES)
    assert portfolio.position(BTC).quantity == units("0.000000000001000001")
    assert trade.reported_quantity is None


def test_a_purchase_that_covers_a_short_position_but_for_a_rounding_closes_it() -> None:
    short, _ = funded().book(sold("BTC", "0.3", 100), RULES, override=True)
    covered, trade = short.book(bought("BTC", "0.30000000000000004", 100), RULES)
    assert not covered.open_positions
    assert (trade.quantity, trade.reported_quantity) == (units("0.3"), units("0.30000000000000004"))


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_what_adds_to_a_position_is_booked_as_reported_however_near_to_what_is_held(side: Side) -> None:
    held, _ = funded().book(execution(side, "BTC", "0.3", 100), RULES, override=True)
    more, trade = held.book(execution(side, "BTC", "0.30000000000000004", 100), RULES, override=True)
    assert abs(more.position(BTC).quantity) == units("0.60000000000000004")
    assert (trade.quantity, trade.reported_quantity) == (units("0.30000000000000004"), None)


def test_a_purchase_of_which_a_rounding_is_missing_can_be_reversed() -> None:
    first, _ = funded().book(bought("BTC", "0.2", 100), RULES)
    both, trade = first.book(bought("BTC", "0.1", 100), RULES)
    left, _ = both.book(sold("BTC", "0.2000000000000001", 100), RULES)
    closed, entry = left.reverse(trade, 2, NOON)
    assert not closed.open_positions
    assert (entry.quantity, entry.reported_quantity) == (units("0.0999999999999999"), units("0.1"))
    assert entry.cash_delta == -trade.cash_delta
    more, _ = both.book(sold("BTC", "0.20000000001", 100), RULES)
    with pytest.raises(InsufficientQuantity):
        more.reverse(trade, 2, NOON)


def test_a_purchase_never_costs_more_than_there_is_fees_included() -> None:
    with pytest.raises(InsufficientCash) as refusal:
        funded(100).book(bought("BTC", 1, 100, fees="0.000000000000000001"), RULES)
    assert refusal.value.available == money(100).value
    assert refusal.value.required == money("100.000000000000000001").value
    assert not after(funded(100), bought("BTC", 1, 100)).cash


def test_negative_cash_is_allowed_where_it_is_set_so() -> None:
    rules = BookingRules(allow_negative_cash=True)
    portfolio, _ = funded(100).book(bought("BTC", 2, 100), rules)
    assert portfolio.cash == money(-100)
    portfolio, _ = portfolio.withdraw(money(50), NOON, allow_negative_cash=True)
    assert portfolio.cash == money(-150)


def test_a_sale_is_booked_whatever_cash_there_is() -> None:
    portfolio = replace(after(funded(100), bought("BTC", 1, 100)), cash=money(-500))
    assert after(portfolio, sold("BTC", 1, 100)).cash == money(-400)


def test_a_slipped_decimal_point_is_refused() -> None:
    with pytest.raises(AmountMismatch):
        funded().book(bought("BTC", 1, 100, net=1_000), RULES)
    exact_only = BookingRules(amount_tolerance_percent=money(0).value)
    with pytest.raises(AmountMismatch):
        funded().book(bought("BTC", 1, 100, net="100.000000000000000001"), exact_only)


def test_an_override_asks_no_rule() -> None:
    portfolio = after(
        funded(100), sold("BTC", 1, 50), bought("ETH", 1, 1_000), bought("ETH", 1, 1, net=9), override=True
    )
    assert portfolio.position(BTC).quantity == units(-1)
    assert portfolio.cash == money(100 + 50 - 1_000 - 9)
    assert portfolio.total_value == identity(portfolio)


def test_an_override_does_not_leave_the_range() -> None:
    portfolio = funded("9e19")
    with pytest.raises(OutOfRange):
        portfolio.book(sold("BTC", 1, "2e19"), RULES, override=True)


@pytest.mark.parametrize(
    "refused",
    [
        lambda p: p.book(bought("BTC", 10**6, 100), RULES),
        lambda p: p.book(sold("BTC", 2, 100), RULES),
        lambda p: p.book(sold("ETH", 1, 100), RULES),
        lambda p: p.book(bought("BTC", 1, 100, net=1), RULES),
        lambda p: p.withdraw(money(10**6), NOON),
        lambda p: p.withdraw(money(0), NOON),
        lambda p: p.deposit(money(-1), NOON),
        lambda p: p.deposit(money("99999999999999999999"), NOON),
    ],
    ids=["overdraft", "oversell", "never held", "mismatch", "withdraw too much", "withdraw 0", "deposit -1", "1e20"],
)
def test_what_is_refused_leaves_everything_as_it_was(refused: Callable[[Portfolio], object]) -> None:
    portfolio, _ = traded(funded())
    before, positions = replace(portfolio), dict(portfolio.positions)
    with pytest.raises(DomainError):
        refused(portfolio)
    assert portfolio == before
    assert dict(portfolio.positions) == positions


# --- cash -------------------------------------------------------------------------------------------------------------


def test_deposits_and_withdrawals_are_contributions_and_not_results() -> None:
    portfolio, deposit = funded(100).deposit(money("0.5"), NOON)
    portfolio, withdrawal = portfolio.withdraw(money("100.5"), NOON)
    assert not portfolio.cash
    assert not portfolio.net_deposits
    assert not portfolio.realized_pnl
    assert (deposit.kind, withdrawal.kind) == (CashTransactionKind.DEPOSIT, CashTransactionKind.WITHDRAWAL)
    assert (deposit.value_before, withdrawal.value_before) == (money(100), money("100.5"))
    assert withdrawal.cash_delta == withdrawal.net_deposits_delta == money("-100.5")


def test_no_more_is_withdrawn_than_there_is() -> None:
    with pytest.raises(InsufficientCash):
        funded(100).withdraw(money("100.000000000000000001"), NOON)


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_a_movement_is_above_zero(amount: str) -> None:
    for move in (funded().deposit, funded().withdraw):
        with pytest.raises(InvalidAmount) as refusal:
            move(money(amount), NOON)
        assert refusal.value.field == "amount"


# --- reversals --------------------------------------------------------------------------------------------------------


def test_a_reversal_takes_the_trade_out_of_every_sum() -> None:
    before = after(funded(), bought("BTC", 3, "33.4", net=100, fees="0.1"), sold("BTC", 1, 50))
    before = before.marked({BTC: mark(60)})  # which a trade does not touch
    for one in (bought("ETH", 1, 10, fees=1), sold("BTC", 1, 70, fees=2), bought("BTC", 1, 9)):
        moved, trade = before.book(one, RULES)
        back, _ = moved.reverse(trade, 9, NOON)
        for name in ("cash", "realized_pnl", "fees_paid", "cost_basis", "trade_counts", "net_deposits", "total_value"):
            assert getattr(back, name) == getattr(before, name), name


def test_a_reversal_is_not_reversed() -> None:
    portfolio, trade = traded(funded())
    portfolio, opposite = portfolio.reverse(trade, 1, NOON)
    with pytest.raises(NotReversible, match="trade 2 cannot be reversed"):
        portfolio.reverse(opposite, 2, NOON)


def test_what_was_bought_and_sold_again_is_not_taken_back() -> None:
    portfolio, trade = traded(funded())
    with pytest.raises(InsufficientQuantity):
        after(portfolio, sold("BTC", "0.1", 100)).reverse(trade, 1, NOON)


def test_what_a_sale_brought_has_to_be_there_to_be_given_back() -> None:
    portfolio, _ = traded(funded(101))
    portfolio, sale = portfolio.book(sold("BTC", 1, 200), RULES)
    portfolio, _ = portfolio.withdraw(money(150), NOON)
    with pytest.raises(InsufficientCash) as refusal:
        portfolio.reverse(sale, 2, NOON)
    assert (refusal.value.available, refusal.value.required) == (money(50).value, money(200).value)
    allowed, _ = portfolio.reverse(sale, 2, NOON, allow_negative_cash=True)
    assert allowed.cash == money(-150)


def test_a_purchase_is_taken_back_even_when_cash_is_below_zero() -> None:
    portfolio, trade = traded(funded(101))
    back, _ = replace(portfolio, cash=money(-500)).reverse(trade, 1, NOON)
    assert back.cash == money(-399)


# --- other programs ---------------------------------------------------------------------------------------------------


def foreign(portfolio: Portfolio, **fields: Any) -> Portfolio:
    """Another program wrote into the BTC row."""
    position = replace(portfolio.position(BTC), **fields)
    return replace(portfolio, positions={**portfolio.positions, BTC: position})


def test_what_others_wrote_is_unreconciled_and_a_term_of_its_own() -> None:
    portfolio, _ = traded(funded())
    moved = replace(foreign(portfolio, quantity=units(3), cost_basis=money(301)), cash=portfolio.cash - money(200))
    assert moved.cash_unreconciled == money(-200)
    assert [p.unreconciled for p in moved.unreconciled_positions] == [units(2)]
    assert moved.unreconciled == Money.zero()  # 200 left cash, 200 came into the basis: the other program traded
    assert moved.total_value == identity(moved)
    lost = replace(portfolio, cash=portfolio.cash - money(7))
    assert lost.unreconciled == money(-7)
    assert lost.total_value == identity(lost)


def test_bookings_on_top_of_unreconciled_leave_it_as_it_is() -> None:
    portfolio, _ = traded(funded())
    moved = foreign(replace(portfolio, cash=portfolio.cash + money(5)), quantity=units(4))
    later = after(moved, sold("BTC", 2, 90), bought("ETH", 1, 7))
    assert (later.unreconciled, later.cash_unreconciled) == (money(5), money(5))
    assert later.position(BTC).unreconciled == units(3)


@pytest.mark.parametrize("as_realized", [True, False])
def test_reconciling_books_the_unreconciled_as_result_or_contribution(as_realized: bool) -> None:
    portfolio, _ = traded(funded())
    moved = foreign(replace(portfolio, cash=portfolio.cash + money(5)), quantity=units(4), cost_basis=money(161))
    after_, transaction = moved.reconcile(NOON, as_realized=as_realized)
    unreconciled = money(65)  # 5 of cash and 161 - 101 = 60 of basis
    assert transaction.realized_delta == (unreconciled if as_realized else Money.zero())
    assert transaction.net_deposits_delta == (Money.zero() if as_realized else unreconciled)
    assert transaction.cash_delta == money(5)
    assert transaction.value_before == (moved.total_value if as_realized else moved.total_value - unreconciled)
    assert not after_.unreconciled
    assert not after_.cash_unreconciled
    assert not after_.unreconciled_positions
    assert after_.total_value == moved.total_value == identity(after_)


def test_a_reconciled_contribution_is_no_return_but_a_reconciled_result_is() -> None:
    moved = replace(funded(100), cash=money(150))
    contribution, _ = moved.reconcile(NOON, as_realized=False)
    result, _ = moved.reconcile(NOON, as_realized=True)
    assert contribution.units.value(contribution.total_value) == 1
    assert result.units.value(result.total_value) == money("1.5").value


def test_adoption_sets_net_deposits_so_that_the_identity_holds() -> None:
    rows = {
        BTC: Position(symbol=BTC, quantity=units(2), cost_basis=money(150), realized_pnl=money(30), mark=mark(90)),
        ETH: Position(symbol=ETH, realized_pnl=money(-5)),
    }
    adopted, baseline = Portfolio(id=1, cash=money(1_000), positions=rows).adopt(NOON)
    assert adopted.net_deposits == money(1_000 + 150 - 25)
    assert adopted.realized_pnl == money(25)
    assert not adopted.unreconciled
    assert not adopted.unreconciled_positions
    assert not adopted.cash_unreconciled
    assert adopted.total_value == identity(adopted) == money(1_180)
    assert (baseline.kind, baseline.cash_delta) == (CashTransactionKind.BASELINE, money(1_000))
    assert adopted.units.value(adopted.total_value) == 1


# --- prices -----------------------------------------------------------------------------------------------------------


def test_marks_value_what_is_there_and_open_nothing() -> None:
    portfolio, _ = traded(funded())
    valued = portfolio.marked({BTC: mark(150), ETH: mark(10)})
    assert (valued.invested, valued.unrealized_pnl) == (money(150), money(49))
    assert list(valued.positions) == [BTC]
    assert valued.revision == portfolio.revision


def test_open_positions_are_listed_by_symbol() -> None:
    portfolio = after(funded(), bought("ETH", 1, 1), bought("BTC", 1, 1), bought("ADA", 1, 1), sold("ADA", 1, 1))
    assert [p.symbol.code for p in portfolio.open_positions] == ["BTC", "ETH"]
    assert portfolio.position(Symbol("XRP")) == Position(symbol=Symbol("XRP"))


@given(st.integers(2 * ONE, 10**9 * ONE), st.integers(1, 10**6 * ONE), st.integers(0, ONE // 11))
def test_a_round_trip_at_one_price_loses_the_fees_and_nothing_else(quantity: int, at: int, fee_share: int) -> None:
    notional = units(str(exact(quantity))).at(mark(str(exact(at))).price)
    fees = money(str(exact(int(notional.value * ONE) * fee_share // ONE)))
    if not notional:
        return
    start = funded("9e19")
    buy = bought("BTC", str(exact(quantity)), str(exact(at)), fees=str(fees))
    sale = sold("BTC", str(exact(quantity)), str(exact(at)), fees=str(fees))
    try:
        end = after(start, buy, sale)
    except (AmountMismatch, OutOfRange):  # dust, rounded to 18 decimals, or an average beyond 1e20
        return
    assert end.realized_pnl == -(fees + fees)
    assert end.cash == start.cash - fees - fees
    assert not end.cost_basis


def rich() -> Portfolio:
    """One BTC at 5e19 that cost 3e19, 2e19 of cash and 1e19 that another sale had brought: 8e19 of 1e20 are reached."""
    books = funded("4e19")
    books = after(books, bought("BTC", 1, "1e19"), sold("BTC", 1, "2e19"), bought("BTC", 1, "3e19"))
    return books.marked({BTC: mark("5e19")})


OVER: dict[str, Callable[[Portfolio], object]] = {
    "deposit": lambda books: books.deposit(money("2e19"), NOON),
    "sale": lambda books: books.book(sold("BTC", 1, "9e19"), RULES),
    "purchase": lambda books: books.book(bought("ETH", 1, "5e19"), RULES, override=True),
    "short sale": lambda books: books.book(sold("ETH", 1, "2e19"), RULES, override=True),
    "withdrawal": lambda books: books.withdraw(money("6e19"), NOON, allow_negative_cash=True),
    "result of others": lambda books: replace(books, realized_pnl=money("4e19"), net_deposits=Money.zero()).reconcile(
        NOON, as_realized=True
    ),
}


def test_how_large_a_sum_can_be_is_told_of_all_parts_without_their_signs() -> None:
    books = rich()
    assert (books.total_value, books.realized_pnl) == (money("7e19"), money("1e19"))
    assert books.reach == 8 * 10**19
    assert (
        after(books, sold("ETH", 1, "1e18"), override=True).reach == 8 * 10**19 + 2 * 10**18
    )  # owed, and the cash of it
    assert books.in_range() is books
    alone = replace(books, cash=Money.zero(), realized_pnl=money("4.9e19"))  # of money that no position brought
    assert alone.reach == 5 * 10**19 + 49 * 10**18


@pytest.mark.parametrize("what", OVER)
def test_what_would_make_a_sum_that_cannot_be_read_again_is_not_booked(what: str) -> None:
    with pytest.raises(OutOfRange):
        OVER[what](rich())


def test_what_others_moved_is_added_up_in_one_step() -> None:
    books = Portfolio(id=1, cash=money("5e19"), net_deposits=money("-9e19"), realized_pnl=money("9e19"))
    assert books.unreconciled == money("5e19")  # 5e19 + 9e19 alone would be out of range
