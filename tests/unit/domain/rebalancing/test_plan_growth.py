"""What a plan costs grows with the positions, not with their pairs: counted in calls, which no machine changes."""

import sys
from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial
from types import FrameType

import pytest

from portfolio.domain.rebalancing.plan import Plan
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.view import Holding, MarketView, Pair
from tests.support.rebalancing import plan_for


class Alike:
    """Coefficients that are the same for all pairs."""

    def __init__(self, symbols: Collection[str], coefficient: str) -> None:
        self._symbols = sorted(symbols)
        self._coefficient = Decimal(coefficient)

    def get(self, pair: Pair) -> Decimal:
        """The one coefficient."""
        return self._coefficient

    def above(self, bound: Decimal) -> dict[Pair, Decimal]:
        """All pairs or none."""
        names = self._symbols if self._coefficient > bound else []
        return {(one, other): self._coefficient for place, one in enumerate(names) for other in names[place + 1 :]}

    def partners(self, symbol: str, bound: Decimal) -> list[str]:
        """All others or none."""
        return [other for other in self._symbols if other != symbol] if self._coefficient > bound else []

    def of(self, symbols: Collection[str]) -> "Alike":
        """The same of fewer."""
        return Alike(symbols, str(self._coefficient))

    def summed(self) -> tuple[Decimal, int]:
        """The sum, and how many there are."""
        size = len(self._symbols) * (len(self._symbols) - 1) // 2
        return self._coefficient * size, size


def rising(n: int, *, category: str, coefficient: str) -> MarketView:
    """So many rising positions of different volatility, together a tenth of ten million dollars; the rest is cash."""
    value = Decimal(1_000_000) / n
    holdings = {
        f"A{number:04}": Holding(
            symbol=f"A{number:04}",
            quantity=value,
            value=value,
            price=Decimal(1),
            category=category,
            volatility=Decimal(200 + number % 397) / 500,
            momentum=Decimal("0.5"),
        )
        for number in range(n)
    }
    return MarketView(holdings=holdings, cash=Decimal(9_000_000), correlations=Alike(holdings, coefficient))


def calls_of(work: Callable[[], Plan]) -> int:
    """How many calls ``work`` makes, of functions in Python and in C, each step of a generator among them."""
    n_calls = 0

    def count(_frame: FrameType, event: str, _function: object) -> None:
        nonlocal n_calls
        n_calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        plan = work()
    finally:
        sys.setprofile(before)
    assert plan.recommendations
    return n_calls


def narrow(n: int) -> RebalancePolicy:
    """Limits of so many positions that each reaches its own before the cash is spent."""
    position = Decimal("0.6") / n
    return RebalancePolicy(
        position_limit=position, momentum_limit=position, pair_limit=2 * position, pair_floor=position / 5
    )


def default(_: int) -> RebalancePolicy:
    """The limits that nobody changed."""
    return RebalancePolicy()


@pytest.mark.parametrize(
    ("category", "coefficient", "policy_for"),
    [("x", "0.2", default), ("other", "0.9", default), ("other", "0.2", narrow)],
    ids=["one category", "all pairs correlated", "each up to its own limit"],
)
def test_twice_as_many_positions_cost_little_more_than_twice_as_much(
    category: str, coefficient: str, policy_for: Callable[[int], RebalancePolicy]
) -> None:
    few, many = 150, 300
    of_few, of_many = (
        calls_of(partial(plan_for, rising(n, category=category, coefficient=coefficient), policy_for(n)))
        for n in (few, many)
    )
    assert of_many < 3 * of_few
