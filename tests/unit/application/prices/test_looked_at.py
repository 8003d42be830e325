"""What the total value is made of, and the positions too small to look at one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from portfolio.application.prices.identity import identity_of, realized_beside
from portfolio.application.prices.small_positions import sift
from portfolio.application.prices.valuation import Valuation, value_portfolio
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol
from tests.unit.examples import NOON, after, bought, funded, mark, money, sold


def valued(portfolio: Portfolio) -> Valuation:
    return value_portfolio(portfolio, now=NOON, max_age=timedelta(seconds=300), categories=Categories())


def test_the_parts_of_the_identity_add_up_to_the_total_value() -> None:
    portfolio = after(funded(1_000), bought("BTC", 2, 100), sold("BTC", 1, 150)).marked({Symbol("BTC"): mark(90)})
    identity = identity_of(valued(portfolio))
    # 1000 paid in, 50 won by the sale, 10 lost on the rest: 1040
    assert {part.name: part.amount for part in identity.parts} == {
        "net_deposits": money(1_000),
        "realized_pnl": money(50),
        "unrealized_pnl": money(-10),
        "unreconciled": money(0),
    }
    assert identity.total == money(1_040)
    # 1000 / 1040, 50 / 1040, -10 / 1040
    assert [part.percent for part in identity.parts] == [
        Decimal("96.153846"),
        Decimal("4.807692"),
        Decimal("-0.961538"),
        Decimal(0),
    ]


def test_of_nothing_there_are_no_shares() -> None:
    assert {part.percent for part in identity_of(valued(Portfolio(id=1))).parts} == {None}


def test_positions_under_a_ten_thousandth_of_the_total_are_put_together() -> None:
    portfolio = after(funded(1_000), bought("BTC", 1, 500), bought("LTC", 1, "0.06"), bought("XRP", 1, "0.03"))
    sifted = sift(valued(portfolio.marked({Symbol("LTC"): mark("0.05")})))
    assert [value.position.symbol.code for value in sifted.positions] == ["BTC"]
    assert sifted.small is not None
    assert [value.position.symbol.code for value in sifted.small.positions] == ["LTC", "XRP"]
    assert (sifted.small.market_value, sifted.small.cost_basis) == (money("0.08"), money("0.09"))
    assert sifted.small.unrealized_pnl == money("-0.01")
    assert sifted.small.realized_pnl == money(0)
    # 0.08 / 999.99
    assert sifted.small.allocation_percent == Decimal("0.008000")


def test_a_small_position_alone_stays_as_it_is() -> None:
    sifted = sift(valued(after(funded(1_000), bought("BTC", 1, 500), bought("LTC", 1, "0.06"))))
    assert (len(sifted.positions), sifted.small) == (2, None)


def test_a_position_of_exactly_the_least_share_is_no_dust() -> None:
    portfolio = after(funded(1_000), bought("LTC", 1, "0.1"), bought("XRP", 1, "0.1"))
    assert sift(valued(portfolio)).small is None


def test_what_no_held_position_realized_is_of_closed_ones_and_of_adjustments() -> None:
    booked = after(funded(1_000), bought("BTC", 2, 100), sold("BTC", 1, 150), bought("LTC", 1, 50), sold("LTC", 1, 43))
    portfolio = replace(booked, realized_pnl=booked.realized_pnl + money(3))
    beside = realized_beside(portfolio)
    assert (beside.closed_count, beside.closed, beside.adjustments) == (1, money(-7), money(3))
    assert money(50) + beside.closed + beside.adjustments == portfolio.realized_pnl
