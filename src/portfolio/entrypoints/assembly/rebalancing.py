"""The parts of risk and rebalancing, and of what is computed ahead: weights and backtests."""

from __future__ import annotations

from datetime import timedelta

from portfolio.application.backtest.jobs.asking import AskBacktest
from portfolio.application.backtest.jobs.cancelling import CancelBacktest
from portfolio.application.backtest.jobs.computing import ComputeBacktests
from portfolio.application.backtest.jobs.reading import ReadBacktest
from portfolio.application.optimisation.optimise import Optimise
from portfolio.application.rebalancing.planning import ReadPlan, WhatIf
from portfolio.application.rebalancing.pretrade import CheckTrade
from portfolio.application.rebalancing.scorecard import ReadScorecard
from portfolio.application.rebalancing.signal_rules import SignalRules
from portfolio.application.rebalancing.signals import AcknowledgeSignal, GenerateSignals, ListSignals, LockedPlan
from portfolio.application.risk.state import ReadMarket
from portfolio.entrypoints.assembly.foundation import ASK_SHARE, COMPUTE_SHARE, PLAN_SHARE, Foundation
from portfolio.entrypoints.assembly.ledger import LedgerParts
from portfolio.entrypoints.assembly.prices import PriceParts


class RebalancingParts:
    """The state that risk is read of, the plan of trades, checks, signals and their scorecard, and optimal weights."""

    def __init__(self, base: Foundation, ledger: LedgerParts, prices: PriceParts) -> None:
        of, settings = base.of, base.settings
        self.market = ReadMarket(
            ledger.snapshots,
            prices.apart,
            of.clock,
            categories=of.categories,
            policy=of.policy,
            max_price_age=base.max_price_age,
            rules=prices.exchange_rules,
        )
        self.plan = ReadPlan(self.market)
        self.what_if = WhatIf(self.market, base.rules)
        self.check_trade = CheckTrade(self.market, prices.fetch_closes, base.rules)
        rules = SignalRules(
            ttl=timedelta(seconds=settings.signal_ttl_seconds),
            max_price_age=base.max_price_age,
            plan_seconds=base.seconds(PLAN_SHARE),
        )
        locked_plan = LockedPlan(
            of.ledger, of.signals, self.plan, of.clock, rules, portfolio_id=base.portfolio_id, announce=base.announce
        )
        self.generate_signals = GenerateSignals(locked_plan)
        self.acknowledge_signal = AcknowledgeSignal(locked_plan)
        self.list_signals = ListSignals(of.signals, of.clock)
        self.read_scorecard = ReadScorecard(
            of.signals, of.lookups, of.prices, prices.follow, ledger.snapshots, of.clock
        )
        self.optimise = Optimise(
            self.market,
            prices.fetch_closes,
            of.compute,
            of.clock,
            seconds=base.seconds(COMPUTE_SHARE),
            risk_free_rate=settings.risk_free_rate,
        )


class BacktestParts:
    """What takes backtests as jobs, computes, reads and cancels them."""

    def __init__(self, base: Foundation, market: ReadMarket, prices: PriceParts) -> None:
        of = base.of
        self.stored = of.backtests
        self.ask = AskBacktest(
            of.backtests,
            of.compute_slices,
            market,
            prices.fetch_closes,
            of.clock,
            portfolio_id=base.portfolio_id,
            seconds=base.seconds(ASK_SHARE),
            risk_free_rate=base.settings.risk_free_rate,
        )
        self.read = ReadBacktest(of.backtests)
        self.compute = ComputeBacktests(of.backtests, of.compute_slices, of.clock, holder=base.instance)
        self.cancel = CancelBacktest(of.backtests, self.compute, of.clock)
