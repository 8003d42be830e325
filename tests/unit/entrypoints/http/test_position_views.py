"""Views of positions are kept while the positions stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from portfolio.application.prices.valuation import Valuation, value_portfolio
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.ledger.position_views import PositionViews
from tests.unit.examples import NOON, after, bought, funded, sold


def valued(portfolio: Portfolio) -> Valuation:
    return value_portfolio(portfolio, now=NOON, max_age=timedelta(seconds=300), categories=Categories())


def test_after_views_that_failed_what_has_changed_meanwhile_is_shown() -> None:
    two = valued(after(funded(1_000), bought("BTC", 2, 100)))
    one = valued(after(funded(1_000), bought("BTC", 2, 100), sold("BTC", 1, 150)))
    [value] = one.positions
    broken = replace(value.position, symbol=Symbol("ETH"), mark=cast("Any", "no mark"))
    views = PositionViews()
    assert quantities(views, two) == ["2"]
    with pytest.raises(AttributeError, match="price"):
        views(replace(one, positions=[value, replace(value, position=broken)]))
    assert quantities(views, one) == ["1"]


def quantities(views: PositionViews, valuation: Valuation) -> list[str]:
    return [bytes(view.quantity).decode() for view in views(valuation)]
