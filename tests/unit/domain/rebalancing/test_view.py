"""What the rules look at is well formed, or it is the caller's mistake."""

from decimal import Decimal, localcontext

import pytest

from portfolio.domain.rebalancing.view import Holding, pair_of
from tests.support.rebalancing import asset, market_view


def test_a_pair_has_one_name() -> None:
    assert pair_of("B", "A") == pair_of("A", "B") == ("A", "B")


def test_sums_are_exact_whatever_the_callers_context() -> None:
    fine = Holding(symbol="A", quantity=Decimal(1), value=Decimal("0.000000000000000001"), price=Decimal(1))
    with localcontext(prec=5):
        view = market_view([fine], cash=Decimal("99999999999999999999"))
        assert view.total_value == Decimal("99999999999999999999.000000000000000001")


def test_a_holding_is_of_finite_decimals() -> None:
    for wrong in (Decimal("NaN"), float("1.5")):
        with pytest.raises(AssertionError):
            Holding(symbol="A", quantity=Decimal(1), value=wrong, price=Decimal(1))  # type: ignore[arg-type]  # refused


def test_what_is_traded_has_a_price_above_zero() -> None:
    for price in (None, Decimal(0)):
        with pytest.raises(AssertionError):
            Holding(symbol="A", quantity=Decimal(1), value=Decimal(1), price=price)


@pytest.mark.parametrize(
    ("holding", "held", "movable", "stuck"),
    [
        (asset("A", "1"), True, True, False),
        (asset("A", "1", tradable=False), True, False, True),
        (asset("A", "-1"), True, False, True),
        (asset("A", "0"), False, False, False),
    ],
    ids=["live", "stale", "short", "nothing"],
)
def test_a_long_position_with_a_live_price_is_movable(holding: Holding, held: bool, movable: bool, stuck: bool) -> None:
    assert (holding.is_held, holding.is_movable, holding.is_stuck) == (held, movable, stuck)


def test_a_change_of_value_moves_the_quantity_at_the_price_and_none_where_there_is_no_price() -> None:
    held = Holding(symbol="A", quantity=Decimal(3), value=Decimal(12), price=Decimal(4))
    moved = held.moved_by(Decimal(-2))
    assert (moved.value, moved.quantity) == (Decimal(10), Decimal("2.5"))  # 3 - 2 / 4
    unpriced = Holding(symbol="A", quantity=Decimal(3), value=Decimal(12), price=None, tradable=False)
    assert unpriced.moved_by(Decimal(-2)).quantity == Decimal(3)
