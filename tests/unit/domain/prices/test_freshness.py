"""Prices are judged by the share of the value that they are of, never by the number of positions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.domain.ledger.position import Position
from portfolio.domain.mark import ASSUMED_RATE, Mark
from portfolio.domain.money import Price, Quantity
from portfolio.domain.prices.freshness import Freshness, PriceDoubt, freshness_of, is_small_rest
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON
from tests.unit.examples import money

MAX_AGE = timedelta(minutes=5)
FRESH = Mark(Price(Decimal(1)), "coinbase", NOON)
STALE = replace(FRESH, at=NOON - timedelta(minutes=6))
ASSUMED = replace(FRESH, source=f"binance{ASSUMED_RATE}")


def held(symbol: str, value: str, mark: Mark | None = FRESH) -> Position:
    """Return a position worth so much: at a price of a dollar, or at its cost."""
    return Position(
        symbol=Symbol(symbol),
        quantity=Quantity(Decimal(value)),
        cost_basis=money(value),
        mark=mark,
    )


def freshness(*positions: Position, trusts_assumed_rates: bool = False) -> Freshness:
    return freshness_of(positions, NOON, MAX_AGE, trusts_assumed_rates=trusts_assumed_rates)


@pytest.mark.parametrize(
    ("rest", "percent", "is_enough"),
    [("0.0000000000000001", "100", True), ("5", "95", True), ("5.000001", "94.999999", False), ("95", "5", False)],
)
@pytest.mark.parametrize("mark", [STALE, None, ASSUMED])
def test_what_is_fresh_counts_by_its_share_of_the_value(
    mark: Mark | None, rest: str, percent: str, is_enough: bool
) -> None:
    fresh = Decimal(100) - Decimal(rest) if rest != "0.0000000000000001" else Decimal(100)
    found = freshness(held("BTC", str(fresh)), held("REST", rest, mark))
    assert (found.percent, found.is_enough) == (Decimal(percent), is_enough)
    assert list(found.doubts) == ["REST"]


def test_many_small_rests_count_as_one_of_their_size() -> None:
    rests = [held(f"R{number}", "1", STALE) for number in range(5)]
    assert freshness(held("BTC", "95"), *rests).is_enough
    assert not freshness(held("BTC", "95"), *rests, held("R5", "1", None)).is_enough


def test_a_short_position_counts_by_its_size() -> None:
    # 100 of 110 dollars: 90.909091 %
    assert freshness(held("BTC", "100"), held("ETH", "-10", STALE)).percent == Decimal("90.909091")


def test_an_assumed_rate_is_good_enough_to_show_a_value_by() -> None:
    found = freshness(held("BTC", "100", ASSUMED), trusts_assumed_rates=True)
    assert (found.percent, found.doubts) == (Decimal(100), {})


@pytest.mark.parametrize("positions", [[], [held("BTC", "0")]])
def test_where_nothing_of_any_value_is_held_nothing_is_in_doubt(positions: list[Position]) -> None:
    found = freshness(*positions)
    assert (found.percent, found.is_enough) == (None, True)


def test_the_largest_doubt_is_the_one_that_most_of_the_value_has() -> None:
    found = freshness(held("A", "1", STALE), held("B", "3", None), held("C", "2", STALE), held("D", "2", ASSUMED))
    # 3 dollars are stale and 3 have no price: of a tie the first.
    assert found.largest is PriceDoubt.STALE
    assert found.symbols(PriceDoubt.STALE) == ["A", "C"]
    assert freshness(held("A", "1", STALE), held("B", "3", None)).largest is PriceDoubt.MISSING


@pytest.mark.parametrize(
    ("lacking", "value", "is_small"),
    [
        ("5", "100", True),
        ("5.000000000000000001", "100", False),
        ("0", "0", False),
        ("0", "-1", False),
        ("0", "1", True),
    ],
)
def test_a_rest_without_a_price_is_small_up_to_5_percent_of_what_is_above_zero(
    lacking: str, value: str, is_small: bool
) -> None:
    assert is_small_rest(money(lacking), money(value)) is is_small
