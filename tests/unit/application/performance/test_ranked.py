"""The contributions that matter, with the rest put together."""

from __future__ import annotations

from decimal import Decimal

from portfolio.application.performance.daily_positions import Attribution, Contribution, ranked
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.unit.examples import money


def part(symbol: str, amount: int | None, percent: str | None = "1.5") -> Contribution:
    """What one position added."""
    return Contribution(
        symbol=Symbol(symbol),
        money=None if amount is None else money(amount),
        percent=None if percent is None else Decimal(percent),
        reasons={},
    )


def test_the_largest_either_way_come_from_gain_to_loss_and_the_others_are_one_sum() -> None:
    found = ranked(Attribution([part("A", 5), part("B", -90), part("C", 40), part("D", -7)], money(3)), most=2)
    assert [one.symbol.code for one in found.largest] == ["C", "B"]
    assert (found.count, found.rest, found.rest_percent, found.other) == (2, money(-2), Decimal("3.0"), money(3))


def test_what_has_no_amount_is_among_the_others_and_their_sum_of_percentages_is_not_known() -> None:
    found = ranked(Attribution([part("A", None, None), part("B", 1), part("C", 2)], Money.zero()), most=1)
    assert [one.symbol.code for one in found.largest] == ["C"]
    assert (found.count, found.rest, found.rest_percent) == (2, money(1), None)


def test_of_few_there_is_no_rest() -> None:
    found = ranked(Attribution([part("A", 5)], Money.zero()), most=3)
    assert (found.count, found.rest, found.rest_percent) == (0, Money.zero(), Decimal(0))
