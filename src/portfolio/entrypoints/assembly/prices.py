"""The parts of prices: what refreshes them, and reads the closes and the rules of exchanges."""

from __future__ import annotations

from portfolio.application.prices.closes import ReadCloses
from portfolio.application.prices.exchange_rules import ReadExchangeRules
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.prices.joined_closes import JoinedCloses
from portfolio.application.prices.joins import ReadJoins
from portfolio.application.prices.position_history import ReadPositionHistory
from portfolio.application.prices.refresh import RefreshPrices
from portfolio.domain.prices.quarantine import QuoteRules
from portfolio.entrypoints.assembly.foundation import CLOSES_SHARE, FETCH_SHARE, Foundation
from portfolio.entrypoints.kept_lease import KeptLease


class PriceParts:
    """The quotes in quarantine, the closes that are kept, and the lease of the instance that refreshes prices.

    ``joined`` closes are those of statistics, and those that ``follow`` have what the assets became as well. Analyses
    have a reader of closes of their own (``apart``): no long history of a chart keeps them waiting.
    """

    def __init__(self, base: Foundation) -> None:
        of, age = base.of, base.max_price_age
        seconds, simulated = base.seconds(CLOSES_SHARE), base.settings.is_simulated
        self.lease = KeptLease(of.leases, of.clock, holder=base.instance)
        self.refresh = RefreshPrices(
            of.ledger,
            of.prices,
            of.feed,
            of.clock,
            base.portfolio_id,
            cross_check=of.feed,
            rules=QuoteRules(max_age=age),
            announce=base.announce,
        )
        self.fetch_closes = FetchCloses(of.prices, of.closes, of.clock, base.seconds(FETCH_SHARE))
        self.joins = ReadJoins(of.lookups, base.portfolio_id)
        self.closes, apart = (
            ReadCloses(of.prices, of.clock, prefers_simulated=simulated, deadline_seconds=seconds) for _ in range(2)
        )
        self.joined, self.follow, self.apart = (
            JoinedCloses(closes, self.joins, deadline_seconds=seconds, follows=follows)
            for closes, follows in ((self.closes, False), (self.closes, True), (apart, False))
        )
        self.exchange_rules = ReadExchangeRules(of.exchange_rules, of.clock, list(of.rules), deadline_seconds=seconds)
        self.position_history = ReadPositionHistory(self.closes, of.lookups, of.categories, age)
