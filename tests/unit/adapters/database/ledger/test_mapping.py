"""What is written is what is read, digit by digit, and nothing that others write makes a row unreadable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, localcontext
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.adapters.database.ledger.mapping import (
    counts_to_row,
    portfolio_to_row,
    read_portfolio,
    trade_from_row,
    trade_to_row,
)
from portfolio.adapters.database.ledger.mapping_positions import (
    EPOCH,
    LEGACY_SOURCE,
    position_from_row,
    position_to_row,
)
from portfolio.adapters.database.schema.fields import UnreadableRow
from portfolio.adapters.database.schema.types import from_any_moment, from_any_number
from portfolio.application.ledger.records import TradeEntry, TradeRequest
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.trade import Execution, Side, Trade
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity, bounded_percent
from tests.support.ledger_examples import AT, BTC, money

quantities = st.decimals("0.000000000000000001", "1e9", places=18).map(Quantity)
prices = st.decimals("0.000000000000000001", "1e6", places=18).map(Price)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the bounds have no zone, moments have


@st.composite
def settled(draw: st.DrawFn) -> tuple[Position, list[Trade]]:
    """A position that a row of executions led to, and the entries of the way there."""
    position, trades = Position(symbol=BTC), []
    for _ in range(draw(st.integers(1, 5))):
        quantity, price = draw(quantities), draw(prices)
        money_moved = Money.rounded(quantity.value * price.value)
        if money_moved.value <= 0:
            continue
        position, trade = position.settle(
            Execution(
                symbol=BTC,
                side=draw(st.sampled_from(Side)),
                quantity=quantity,
                price=price,
                net_amount=money_moved,
                fees=Money(Decimal(0)),
                executed_at=draw(moments),
            )
        )
        trades.append(trade)
    if draw(st.booleans()):
        position = position.marked(Mark(draw(prices), "coinbase", draw(moments)))
    return position, trades


@given(settled())
def test_a_position_comes_back_from_its_row(example: tuple[Position, list[Trade]]) -> None:
    position, _ = example
    assert position_from_row(SimpleNamespace(updated_at=None, **position_to_row(position))) == position


@given(settled(), st.text(max_size=20), st.none() | st.decimals(0, 1, places=6))
def test_an_entry_comes_back_from_its_row(
    example: tuple[Position, list[Trade]], text: str, confidence: Decimal | None
) -> None:
    for trade in example[1]:
        entry = TradeEntry(
            trade=trade,
            portfolio_id=1,
            revision=7,
            request=TradeRequest(owner=text, client_trade_id=text, recommendation_id=text, confidence=confidence),
            booked_at=AT,
        )
        assert trade_from_row(SimpleNamespace(id=3, reversed_by=None, **trade_to_row(entry))).entry == entry


@given(settled(), st.integers(0, 2**60))
def test_a_portfolio_comes_back_from_its_rows(example: tuple[Position, list[Trade]], revision: int) -> None:
    position, trades = example
    portfolio = Portfolio(id=5, revision=revision, cash=money("-1.5"), positions={BTC: position})
    for trade in trades:
        portfolio = replace(portfolio, trade_counts=portfolio.trade_counts.with_trade(trade))
    row = SimpleNamespace(id=5, updated_at=AT, **portfolio_to_row(portfolio))
    holding = SimpleNamespace(updated_at=None, **position_to_row(position))
    read = read_portfolio(row, [holding], position_from_row).portfolio
    assert replace(read, positions=dict(read.positions), updated_at=None) == portfolio


def row(**columns: Any) -> SimpleNamespace:
    """A row that an engine wrote: nothing of ours is in it."""
    nothing = dict.fromkeys(
        ("avg_entry_price", "total_invested", "realized_pnl", "asset_cost", "last_price", "price_source", "price_at")
    )
    empty = {"symbol": "BTC", "quantity": Decimal(0), "ledger_quantity": Decimal(0), "updated_at": None, **nothing}
    return SimpleNamespace(**{**empty, **columns})


def test_a_rewritten_row_has_the_cost_that_its_average_says() -> None:
    ours = {"quantity": Decimal(2), "avg_entry_price": Decimal(10), "asset_cost": Decimal(20)}
    theirs = {**ours, "quantity": Decimal(3), "avg_entry_price": Decimal(11), "total_invested": Decimal(33)}
    assert position_from_row(row(**ours)).asset_cost == money(20)
    assert position_from_row(row(**theirs)).asset_cost == money(33)


def test_without_an_average_the_cost_is_what_was_invested() -> None:
    assert position_from_row(row(quantity=Decimal(3), total_invested=Decimal(7))).asset_cost == money(7)


@pytest.mark.parametrize(("updated_at", "since"), [(AT, AT), (None, EPOCH)])
def test_a_price_that_nobody_signed_is_legacy(updated_at: datetime | None, since: datetime) -> None:
    read = position_from_row(row(quantity=Decimal(1), last_price=Decimal(9), updated_at=updated_at))
    assert read.mark == Mark(Price(Decimal(9)), LEGACY_SOURCE, since)
    assert position_from_row(row(quantity=Decimal(1), last_price=Decimal(0))).mark is None


@pytest.mark.parametrize(
    ("reference", "number"), [("17", 17), ("2147483648", None), ("x17", None), ("٣", None), ("-1", None), (None, None)]
)
def test_a_reference_that_fits_the_old_column_is_there_too(reference: str | None, number: int | None) -> None:
    position = Position(symbol=BTC)
    bought = Execution(
        symbol=BTC,
        side=Side.BUY,
        quantity=Quantity(Decimal(1)),
        price=Price(Decimal(1)),
        net_amount=money(1),
        fees=money(0),
        executed_at=AT,
    )
    entry = TradeEntry(
        trade=position.settle(bought)[1],
        portfolio_id=1,
        revision=1,
        request=TradeRequest(owner="o", recommendation_id=reference),
        booked_at=AT,
    )
    written = trade_to_row(entry)
    assert (written["recommendation_id"], written["recommendation_ref"]) == (number, reference)


def test_old_counters_move_with_the_trade_counts() -> None:
    old = SimpleNamespace(total_trades=10, winning_trades=None, losing_trades=2)
    after = TradeCounts(trades=4, wins=3, losses=1)
    # 10 + 3, 0 + 2, 2 + 1; two wins of five
    assert counts_to_row(old, TradeCounts(trades=1, wins=1), after) == {
        "total_trades": 13,
        "winning_trades": 2,
        "losing_trades": 3,
        "win_rate": Decimal("40.00"),
    }


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [("1", "3", "33.33333333"), ("1", "0", "0"), ("-1", "8", "-12.5"), ("1e19", "1e-18", "999999999999.99999999")],
)
def test_percentages_fit_their_column(part: str, whole: str, expected: str) -> None:
    assert bounded_percent(Decimal(part), Decimal(whole)) == Decimal(expected)


@pytest.mark.parametrize(
    ("stored", "read"), [("0.10", "0.1"), (0.1, "0.1"), (7, "7"), (1e-20, "0"), (None, None), ("1e-19", "0")]
)
def test_numbers_of_any_kind_are_read_from_sqlite(stored: str | float | None, read: str | None) -> None:
    assert from_any_number(stored) == (None if read is None else Decimal(read))


def read_rows(holdings: list[SimpleNamespace]) -> Portfolio:
    empty = SimpleNamespace(updated_at=AT, **portfolio_to_row(Portfolio(id=5)), id=5)
    return read_portfolio(empty, holdings, position_from_row).portfolio


def test_rows_that_name_no_asset_or_one_twice_count_for_nothing_and_are_named() -> None:
    bare = {"quantity": Decimal(1), "avg_entry_price": Decimal(2), "total_invested": Decimal(2)}
    rows = [row(id=1, symbol="BTC", **bare), row(id=2, symbol="BTC-EUR", **bare), row(id=3, symbol="btc", **bare)]
    portfolio = read_rows(rows)
    assert [position.symbol.code for position in portfolio.open_positions] == ["BTC"]
    assert portfolio.unreadable_rows == ("BTC-EUR", "btc")


def test_a_price_that_makes_the_value_too_large_counts_as_missing() -> None:
    absurd = {"quantity": Decimal(10) ** 19, "total_invested": Decimal(7), "price_source": "coinbase", "price_at": AT}
    assert position_from_row(row(last_price=Decimal(9), **absurd)).mark is not None
    assert position_from_row(row(last_price=Decimal(10), **absurd)).mark is None
    assert position_from_row(row(last_price=Decimal(10), **absurd)).market_value == money(7)


def test_an_absurd_product_of_quantity_and_average_leaves_the_stored_sum() -> None:
    absurd = {"quantity": Decimal(10) ** 12, "avg_entry_price": Decimal(10) ** 9, "total_invested": Decimal(7)}
    assert position_from_row(row(**absurd)).asset_cost == money(7)
    assert position_from_row(row(asset_cost=Decimal(8), **absurd)).asset_cost == money(8)


def test_a_row_that_would_make_a_sum_too_large_is_named_and_the_small_ones_count() -> None:
    bare = {"quantity": Decimal(1), "avg_entry_price": Decimal(2)}
    rows = [
        row(id=1, symbol="ADA", total_invested=Decimal("99999999999999999999.9"), **bare),
        row(id=2, symbol="BTC", total_invested=Decimal(5), **bare),
    ]
    portfolio = read_rows(rows)
    assert (portfolio.cost_basis, portfolio.unreadable_rows) == (money(5), ("ADA",))


@pytest.mark.parametrize("text", ["many", "NaN", "sNaN", "Infinity", "", "1e999999"])
def test_what_is_no_number_is_told_from_zero(text: str) -> None:
    found = from_any_number(text)
    assert found is not None
    assert not found.is_finite() or found > 10**20


@pytest.mark.parametrize("value", ["23/11/2026", "", "0000-00-00 00:00:00", 7, None, "9999-12-31T23:59:59-23:00"])
def test_what_is_no_moment_is_none(value: object) -> None:
    assert from_any_moment(value) is None


def test_rows_are_read_up_to_where_bookings_go_and_the_largest_is_left_out_beyond() -> None:
    books = SimpleNamespace(id=5, updated_at=AT, **portfolio_to_row(Portfolio(id=5, realized_pnl=money("6e19"))))
    rows = [
        row(symbol=code, id=1, quantity=Decimal(1), total_invested=Decimal(cost))
        for code, cost in (("A", "1e19"), ("B", "3e19"))
    ]
    assert read_portfolio(books, rows[:1], position_from_row).portfolio.unreadable_rows == ()
    assert read_portfolio(books, rows, position_from_row).portfolio.unreadable_rows == ("B",)  # 6e19 and 4e19 are 1e20


def test_sums_of_other_programs_that_no_books_have_are_no_portfolio() -> None:
    absurd = Portfolio(id=5, cash=money("9e19"), net_deposits=money("-9e19"))
    with pytest.raises(UnreadableRow):
        read_portfolio(SimpleNamespace(id=5, updated_at=AT, **portfolio_to_row(absurd)), [], position_from_row)


def test_a_cost_is_compared_to_its_last_digit_whatever_a_thread_rounds_to() -> None:
    held = {"quantity": Decimal(3), "avg_entry_price": Decimal("33333333333.333333333333333333")}
    ours = row(**held, asset_cost=Decimal("99999999999.999999999999999998"))
    with localcontext(Context(prec=3, traps=[Inexact])):
        assert position_from_row(ours).asset_cost.value == Decimal("99999999999.999999999999999998")
