"""Rules of exchanges in one line, and at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from portfolio.domain.prices.exchange_rules import ExchangeRules, Rules
from portfolio.domain.rebalancing.view import MarketView


def rules(venue: str = "coinbase", **changed: str) -> ExchangeRules:
    """Rules of a pair in dollars: a thousandth is the step, a dollar the least order."""
    numbers = {"step": "0.001", "tick": "0.01", "min_quantity": "0", "min_notional": "1", **changed}
    return ExchangeRules(venue=venue, quote="USD", **{name: Decimal(text) for name, text in numbers.items()})


def rules_of_exchanges() -> st.SearchStrategy[ExchangeRules]:
    """Rules as exchanges have them, and coarser ones."""
    steps = st.sampled_from(["0.000000000000000001", "0.00000001", "0.00001", "0.0007", "0.1", "1", "25", "1000"])
    least = st.sampled_from(["0", "0.00001", "0.5", "30"])
    orders = st.sampled_from(["0.01", "1", "4.9975", "10", "250"])
    return st.builds(
        rules, st.sampled_from(["coinbase", "binance"]), step=steps, min_quantity=least, min_notional=orders
    )


def ruled(view: MarketView, found: Mapping[str, Rules]) -> MarketView:
    """The view with these rules of its assets."""
    holdings = {
        symbol: replace(holding, rules=found.get(symbol, holding.rules)) for symbol, holding in view.holdings.items()
    }
    return replace(view, holdings=holdings)
