"""How concentrated, and by how much over a limit."""

from decimal import Decimal

import pytest

from portfolio.domain.level import Level
from portfolio.domain.rebalancing.concentration import concentration_level, effective_positions, herfindahl
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding
from tests.support.rebalancing import FREE, asset, market_view, view_of


def test_the_check_figures_of_the_conventions() -> None:
    whole = Decimal("7019.14")
    held = Holding(symbol="A", quantity=whole * Decimal("0.285"), value=whole * Decimal("0.285"), price=Decimal(1))
    [over] = Summary.of(market_view([held], cash=whole * Decimal("0.715")), FREE).over
    assert (over.excess_allocation, over.excess_value) == (Decimal("3.5"), Decimal("245.6699"))
    assert round(over.excess_value, 2) == Decimal("245.67")
    shares = [Decimal(share) for share in ("0.3", "0.25", "0.2", "0.15", "0.1")]
    assert herfindahl(shares, Decimal(1)) == Decimal("0.225")


@pytest.mark.parametrize(
    ("hhi", "level"),
    [
        ("0.250001", Level.HIGH),
        ("0.25", Level.MEDIUM),
        ("0.150001", Level.MEDIUM),
        ("0.15", Level.LOW),
    ],
)
def test_the_level_changes_just_above_its_bounds(hhi: str, level: Level) -> None:
    assert concentration_level(Decimal(hhi)) is level


def test_of_nothing_or_with_a_short_position_the_index_is_undefined() -> None:
    assert herfindahl([], Decimal(0)) is None
    assert herfindahl([Decimal(2), Decimal(-1)], Decimal(1)) is None
    assert effective_positions(None) is None
    assert concentration_level(None) is None


def test_the_figures_of_a_view() -> None:
    figures = Summary.of(view_of(asset("A", "40"), asset("B", "40"), correlations={("A", "B"): "0.2"}), FREE)
    assert [figures.total_value, figures.cash, figures.cash_allocation] == [100_000, 20_000, 20]
    # 0.5^2 + 0.5^2, and 0.4^2 + 0.4^2 + 0.2^2.
    assert (figures.hhi, figures.hhi_with_cash) == (Decimal("0.5"), Decimal("0.36"))
    assert (figures.effective_positions, figures.concentration_level) == (Decimal(2), Level.HIGH)
    assert (figures.num_positions, figures.average_correlation) == (2, Decimal("0.2"))


def test_the_figures_of_nothing_are_undefined() -> None:
    figures = Summary.of(market_view([], cash=Decimal(0)), FREE)
    assert (figures.cash_allocation, figures.hhi, figures.hhi_with_cash) == (None, None, None)
    assert (figures.effective_positions, figures.concentration_level, figures.broken) == (None, None, ())
