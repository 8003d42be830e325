"""What the service is put together from: the ports, and how to check and close what is behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from portfolio.application.backtest.jobs.ports import Backtests, ComputeKinds
from portfolio.application.clock import Clock
from portfolio.application.imports.kept.ports import Given, Imports
from portfolio.application.ledger.lots.picking import PickedSales
from portfolio.application.ledger.ports import Ledger, Lookups
from portfolio.application.operations.ports import Probe
from portfolio.application.optimisation.ports import Compute
from portfolio.application.performance.ports import Days
from portfolio.application.prices.ports import (
    CloseFeed,
    CrossCheck,
    ExchangeRulesFeed,
    ExchangeRulesStore,
    Leases,
    PriceFeed,
    PriceStore,
)
from portfolio.application.rebalancing.ports import Signals
from portfolio.domain.categories import Categories
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.entrypoints.lifecycle import Step


class CheckedFeed(PriceFeed, CrossCheck, Protocol):
    """A feed that can also ask another source for a second opinion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What the adapters give.

    ``rules`` are the exchanges that are asked for their rules, by name, the one to trade at first. ``import_ledger`` is
    the same ledger on connections of its own, on which a unit of work may take longer than a request has.
    """

    clock: Clock
    ledger: Ledger
    lookups: Lookups
    probe: Probe
    prices: PriceStore
    days: Days
    leases: Leases
    signals: Signals
    exchange_rules: ExchangeRulesStore
    backtests: Backtests
    imports: Imports
    import_ledger: Ledger
    read_given: Given
    picked_sales: PickedSales
    feed: CheckedFeed
    closes: CloseFeed
    rules: Mapping[str, ExchangeRulesFeed]
    compute: Compute
    compute_slices: ComputeKinds
    categories: Categories
    policy: RebalancePolicy
    least_interval_seconds: Callable[[int], float]
    close: Sequence[Step]
