"""What is held and what it is worth, and whether its price can be believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.application.errors import FeedFailed, PricesUnavailable, SchemaUnknown
from portfolio.application.prices.valuation import PriceStatus, Valuation, aged, value_portfolio
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, percent_of
from portfolio.domain.prices.freshness import PriceDoubt
from portfolio.domain.symbol import Symbol
from tests.unit.examples import NOON, after, bought, funded, mark, money, sold, units

BTC, ETH, XYZ = Symbol("BTC"), Symbol("ETH"), Symbol("XYZ")
CATEGORIES = Categories({"BTC": "store_of_value"})


def valued(portfolio: Portfolio, seconds: float = 0) -> Valuation:
    now = NOON + timedelta(seconds=seconds)
    return value_portfolio(portfolio, now=now, max_age=timedelta(seconds=300), categories=CATEGORIES)


def test_allocations_are_of_the_total_value_cash_included() -> None:
    portfolio = after(funded(1_000), bought("BTC", 1, 200), bought("ETH", 1, 100))
    value = valued(portfolio.marked({BTC: mark(300)}))
    assert (value.total_value, value.invested, value.cost_basis) == (money(1_100), money(400), money(300))
    # 300 / 1100 and 100 / 1100
    assert [v.allocation_percent for v in value.positions] == [Decimal("27.272727"), Decimal("9.090909")]
    assert [v.unrealized_pnl_percent for v in value.positions] == [Decimal(50), Decimal(0)]
    assert [v.category for v in value.positions] == ["store_of_value", "other"]
    assert value.unrealized_pnl == value.total_pnl == money(100)
    assert value.total_pnl_percent == Decimal(10)


@pytest.mark.parametrize("seconds", [-1, 0, 0.9, 300, 300.1, 86_400])
def test_a_valuation_that_has_aged_is_as_one_made_anew(seconds: float) -> None:
    held = after(funded(1_000), bought("BTC", 1, 200), bought("ETH", 1, 100)).marked({BTC: mark(300)})
    eth = held.position(ETH)
    portfolio = replace(held, positions={**held.positions, ETH: replace(eth, mark=None)})
    later = aged(valued(portfolio), now=NOON + timedelta(seconds=seconds), max_age=timedelta(seconds=300))
    assert later == valued(portfolio, seconds)
    assert later.unreconciled == portfolio.unreconciled
    assert later.statuses[1] is PriceStatus.MISSING


def test_a_realized_result_is_part_of_the_total() -> None:
    portfolio = after(funded(1_000), bought("BTC", 2, 100), sold("BTC", 1, 150))
    value = valued(portfolio.marked({BTC: mark(90)}))
    assert value.total_pnl == money(50 - 10)
    assert value.portfolio.realized_pnl == money(50)


@pytest.mark.parametrize(
    ("seconds", "status", "age"),
    [(0, "live", 0), (300.9, "stale", 300), (300, "live", 300), (-300, "live", 0), (-300.9, "stale", 0)],
)
def test_a_price_from_further_off_than_the_limit_is_stale_before_and_after(
    seconds: float, status: str, age: int
) -> None:
    [value] = valued(after(funded(), bought("BTC", 1, 1)), seconds).positions
    assert (value.price_status, value.price_age_seconds) == (PriceStatus(status), age)


def test_a_position_without_a_price_is_missing_and_counts_as_unpriced() -> None:
    portfolio = after(funded(), bought("BTC", 3, 100))
    row = Position(symbol=XYZ, quantity=units(1), cost_basis=money(100))
    value = valued(replace(portfolio, positions={**portfolio.positions, XYZ: row}))
    assert [v.price_status for v in value.positions] == [PriceStatus.LIVE, PriceStatus.MISSING]
    assert value.positions[1].price_age_seconds is None
    assert value.priced_share_percent == Decimal(75)
    assert (value.is_stale, value.freshness.percent) == (True, Decimal(75))
    assert value.freshness.symbols(PriceDoubt.MISSING) == ["XYZ"]


def test_closed_positions_are_not_listed_and_money_left_in_them_is_no_value() -> None:
    portfolio = after(funded(), bought("BTC", 1, 1), sold("BTC", 1, 1))
    left = replace(portfolio.position(BTC), cost_basis=money(7))
    value = valued(replace(portfolio, positions={BTC: left}))
    assert not value.positions
    assert value.total_value == money(100_000)


def test_nothing_held_and_nothing_paid_in_have_no_percentages() -> None:
    value = valued(Portfolio(id=1))
    assert value.total_pnl_percent is value.priced_share_percent is None


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [
        ("1", "3", "33.333333"),
        ("2", "3", "66.666667"),
        ("1", "200000000", "0"),  # 0.0000005 is a tie: to even
        ("3", "200000000", "0.000002"),  # 0.0000015 as well
        ("-1", "4", "-25"),
        ("99999999999999999999", "0.000000000000000001", "9999999999999999999900000000000000000000"),
    ],
)
def test_a_percentage_has_six_decimals_half_even(part: str, whole: str, percent: str) -> None:
    assert percent_of(money(part), money(whole)) == Decimal(percent)


@pytest.mark.parametrize("whole", ["0", "-1"])
def test_there_is_no_percentage_of_nothing(whole: str) -> None:
    assert percent_of(money(1), money(whole)) is None
    assert percent_of(Money.zero(), money(whole)) is None


def test_errors_say_in_one_sentence_what_to_do() -> None:
    assert str(SchemaUnknown(None, "0007")).endswith("this version needs 0007: run `portfolio migrate`")
    assert "at schema revision 0009" in str(SchemaUnknown("0009", "0007"))
    assert "start the matching version" in str(SchemaUnknown("0009", "0007"))
    assert str(SchemaUnknown("0006", "0007")).endswith("this version needs 0007: run `portfolio migrate`")
    reasons = {f"S{i}": "gone" for i in range(9)}
    assert str(PricesUnavailable(reasons)).count("gone") == 5
    assert str(FeedFailed("binance", "429")) == "binance: 429"
