"""Trades come to stand on the total value that they leave, even where no value fits exactly."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from portfolio.domain.money import EXACT, STEP
from portfolio.domain.rebalancing.limits import Limits
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.settlement import settle
from portfolio.domain.rebalancing.strategies.targets import Proposal, Targets
from portfolio.domain.rebalancing.view import Holding, MarketView
from tests.support.rebalancing import asset, market_view, plan_for, view_of

PRICE, SAFE = Decimal("0.00001234"), Decimal("115741083.792280380046776807")
LIMITS = Limits.of(view_of(asset("A", "50")), RebalancePolicy())


def _sale(change: str) -> list[Proposal]:
    return [Proposal(symbol="A", rule=Reason.CONCENTRATION_RISK, change=Decimal(change), figures={})]


def test_where_costs_run_in_a_circle_the_lowest_total_value_is_taken() -> None:
    # Sold at 100,000, which leaves 99,990, at which nothing is sold, which leaves 100,000.
    def undecided(targets: Targets) -> Sequence[Proposal]:
        return _sale("-10000") if targets.whole > 99_995 else []

    settled = settle(LIMITS, [undecided], deploys=False)
    assert settled is not None
    assert not settled.changes
    assert settled.whole == 100_000


def test_costs_settle_where_a_lower_total_asks_for_more() -> None:
    # 1,000 are sold, and 5,000 more as soon as the total is under 100,000: the limit holds on what is left.
    def growing(targets: Targets) -> Sequence[Proposal]:
        return _sale("-6000") if targets.whole < 100_000 else _sale("-1000")

    settled = settle(LIMITS, [growing], deploys=False)
    assert settled is not None
    assert settled.changes == {"A": Decimal(-6000)}
    assert (settled.cost, settled.whole) == (Decimal(6), Decimal(99_994))


def test_noise_in_the_last_digits_is_no_trade() -> None:
    settled = settle(LIMITS, [lambda _: _sale("-1e-19")], deploys=False)
    assert settled is not None
    assert (settled.changes, settled.fixed) == ({}, frozenset())


def test_costs_that_grow_evenly_are_settled_by_the_third_round() -> None:
    # A is brought to 40 % of what is left, w, at a thousandth: w = 100,000 - 0.001 (50,000 - 0.4 w) - 1e-9.
    asked: list[Decimal] = []

    def evenly(targets: Targets) -> Sequence[Proposal]:
        asked.append(targets.whole)
        return _sale(str(EXACT.subtract(EXACT.multiply(Decimal("0.4"), targets.whole), Decimal(50_000))))

    settled = settle(LIMITS, [evenly], deploys=False)
    assert settled is not None
    assert len(asked) == 3
    wanted = EXACT.divide(Decimal("99950") - Decimal("1e-9"), Decimal("0.9996"))
    assert abs(asked[-1] - wanted) < Decimal("1e-60")
    assert abs(settled.whole - wanted - Decimal("1e-9")) < Decimal("1e-18")


def test_a_purchase_of_next_to_nothing_puts_no_other_position_over_its_limit() -> None:
    # As a plan leaves them: FALLS at its limit of 8 %, RISES at 25 % x 0.92, of what is a billionth of a dollar less.
    falls = asset("FALLS", "7.99999999999992", momentum="-0.51", volatility="2.3", category="a")
    rises = asset("RISES", "22.99999999999977", momentum="0.01", volatility="0.8", category="a")
    assert plan_for(view_of(falls, rises), RebalancePolicy(fee_bps=Decimal(10))).recommendations == ()


def test_of_a_pair_without_momentum_the_other_one_is_not_asked_for_next_by_the_last_digit_of_a_value() -> None:
    """The books round values at 18 decimals, so what was sold down to the pairs' floor is worth a digit more."""

    def books(cash: Decimal, tiny: Decimal) -> MarketView:
        held = [
            ("A", Decimal("660.307603597210055333"), Decimal("0.7")),
            ("B", tiny, PRICE),
            ("S", SAFE, PRICE),
        ]
        holdings = [
            Holding(
                symbol=symbol,
                quantity=quantity,
                value=EXACT.multiply(quantity, price).quantize(STEP),
                price=price,
                category="stablecoin" if symbol == "S" else "other",
            )
            for symbol, quantity, price in held
        ]
        return market_view(holdings, cash=cash, correlations={("A", "B"): Decimal("0.8")})

    policy = RebalancePolicy(fee_bps=Decimal(0), pair_limit=Decimal("0.1"))
    tiny, cash = Decimal("182064965.439485226155207364"), Decimal("1862.858029961965380734")
    [sale] = plan_for(books(cash, tiny), policy).recommendations
    assert sale.symbol == "B"
    assert sale.target_allocation == pytest.approx(5)
    left = tiny - sale.trade_quantity
    paid = EXACT.add(cash, EXACT.multiply(sale.trade_quantity, PRICE))
    assert plan_for(books(paid, left), policy).recommendations == ()
