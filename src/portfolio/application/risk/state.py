"""The input of rules and risk figures: the portfolio at its prices, with the statistics of its assets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Final, TypeVar

from portfolio.analytics.conventions import CONVENTION, DAYS_PER_YEAR
from portfolio.analytics.statistics import Statistics, asset_statistics
from portfolio.application.clock import Clock
from portfolio.application.derived import Derived
from portfolio.application.in_thread import computed
from portfolio.application.ledger.snapshots import Snapshot, Snapshots
from portfolio.application.prices.closes import Closes
from portfolio.application.prices.exchange_rules import ReadExchangeRules, RuleBook
from portfolio.application.prices.joined_closes import JoinedCloses
from portfolio.application.prices.valuation import PositionValue, PriceStatus, Valuation, aged, value_portfolio
from portfolio.domain.arithmetic import ZERO
from portfolio.domain.categories import Categories
from portfolio.domain.money import Price
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.remedies import WayToTarget, way_to_target
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView
from portfolio.domain.symbol import Symbol

DEFAULT_DAYS: Final = 30

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketState:
    """The portfolio and its market at one moment, whole: every figure of an answer is made of this alone.

    ``view`` is what the rules look at; its total value is the valuation's. ``closes`` are the prices behind
    ``statistics``, over ``lookback_days`` completed days. ``stale`` says that under 95 % of the value has a live price,
    or that the database could not be asked since ``as_of``. ``figures`` are those that were asked for, see ``figure``;
    they do not change with the moment.
    """

    snapshot: Snapshot
    valuation: Valuation
    view: MarketView
    policy: RebalancePolicy
    lookback_days: int
    closes: Closes
    statistics: Statistics
    at: datetime
    figures: Derived = field(default_factory=Derived, repr=False)

    @property
    def convention(self) -> str:
        """Return the conventions of its figures."""
        return CONVENTION

    @property
    def revision(self) -> int:
        """Return the ledger's revision."""
        return self.snapshot.revisions.ledger

    @property
    def as_of(self) -> datetime:
        """Return when the books were read."""
        return self.snapshot.as_of

    @property
    def stale(self) -> bool:
        """Return whether a part of it may be out of date."""
        return self.snapshot.database_away or not self.closes.is_current or self.valuation.is_stale

    def imagined(self, summary: Summary) -> MarketState:
        """Return the state with other holdings, or held to another policy."""
        figures = Derived()
        figures.once(summary_of, lambda: summary)
        return replace(self, view=summary.view, policy=summary.limits.policy, figures=figures)


def figure(compute: Callable[[MarketState], T]) -> Callable[[MarketState], T]:
    """Return ``compute`` as a figure of a state: it is computed when it is first asked for, and kept with the state."""

    @wraps(compute)
    def kept(state: MarketState) -> T:
        return state.figures.once(kept, lambda: compute(state))

    return kept


@figure
def weights_of(state: MarketState) -> Sequence[float]:
    """Return the share of the total value of each column of the statistics; zeros without a total value."""
    whole = state.view.total_value
    values = [state.view.holdings[symbol].value for symbol in state.statistics.history.symbols]
    return [float(value / whole) if whole > 0 else 0.0 for value in values]


@figure
def summary_of(state: MarketState) -> Summary:
    """Return what the portfolio amounts to under its policy."""
    return Summary.of(state.view, state.policy)


@figure
def way_to_target_of(state: MarketState) -> WayToTarget:
    """Return the cheapest trades that raise the score of the portfolio to its target."""
    return way_to_target(summary_of(state))


@dataclass(frozen=True, slots=True, eq=False)
class ReadMarket:
    """Reads the market state. All that it is made of is kept with the snapshot and with the closes."""

    snapshots: Snapshots
    closes: JoinedCloses
    clock: Clock
    _: KW_ONLY
    categories: Categories
    policy: RebalancePolicy
    max_price_age: timedelta
    rules: ReadExchangeRules

    async def __call__(self, days: int = DEFAULT_DAYS) -> MarketState:
        """Return the newest state with statistics over the last ``days`` completed days, 1 to 3650; the last one seen,
        marked stale, when the database does not answer in time.
        """
        return await self.of(await self.newest(), days)

    async def newest(self) -> Snapshot:
        """Return the newest snapshot, to be read by ``of``; errors as above."""
        return await self.snapshots.newest()

    async def of(
        self,
        snapshot: Snapshot,
        days: int = DEFAULT_DAYS,
        *,
        also: Mapping[Symbol, Price | None] | None = None,
        valuation: Valuation | None = None,
    ) -> MarketState:
        """Return the state of a snapshot read already. Without the database the closes are the last ones seen.

        ``also`` are assets, with their prices, that are to be in the view although nothing of them may be held. A
        snapshot that has no ``valuation`` yet is valued now.
        """
        valuation = valuation or self.valued(snapshot, self.clock.now())
        asks = not snapshot.database_away
        today = (valuation.at if asks else snapshot.as_of).date()
        held = [value.position.symbol for value in valuation.positions]
        others = {symbol: price for symbol, price in (also or {}).items() if symbol not in held}
        codes = sorted(symbol.code for symbol in (*held, *others))
        closes = await self.closes(
            codes, max(days, DAYS_PER_YEAR), today=today, revisions=snapshot.revisions, asks=asks
        )
        statistics = await _statistics(closes, days)
        rules = await self.rules(asks=asks)
        # Not the state itself: it has the snapshot, which would have itself then, and be freed by the collector alone.
        view, figures = snapshot.derived.once(
            (closes, days, valuation.statuses, rules, tuple(others.items())),
            lambda: (_view(valuation, statistics, self.categories, others, rules), Derived()),
        )
        return MarketState(
            snapshot=snapshot,
            valuation=valuation,
            view=view,
            policy=self.policy,
            lookback_days=days,
            closes=closes,
            statistics=statistics,
            at=valuation.at,
            figures=figures,
        )

    def valued(self, snapshot: Snapshot, now: datetime) -> Valuation:
        """Return the portfolio at its prices. It is valued once; then its prices grow older, and nothing else moves."""
        valuation = snapshot.derived.once(
            Valuation,
            lambda: value_portfolio(
                snapshot.portfolio, now=now, max_age=self.max_price_age, categories=self.categories
            ),
        )
        return aged(valuation, now=now, max_age=self.max_price_age)


async def _statistics(closes: Closes, days: int) -> Statistics:
    def made() -> Statistics:
        return closes.derived.once(days, lambda: asset_statistics(closes.history, days))

    return made() if days in closes.derived else await computed(len(closes.history.symbols), made)


def _view(
    valuation: Valuation,
    statistics: Statistics,
    categories: Categories,
    also: Mapping[Symbol, Price | None],
    rules: RuleBook,
) -> MarketView:
    held = [_held(value, statistics, rules) for value in valuation.positions]
    others = [
        Holding(
            symbol=symbol.code,
            quantity=ZERO,
            value=ZERO,
            price=price.value if price else None,
            category=categories.of(symbol),
            tradable=price is not None,
            volatility=statistics.volatilities.get(symbol.code),
            momentum=statistics.momenta.get(symbol.code),
            rules=rules.of(symbol.code),
        )
        for symbol, price in also.items()
    ]
    return MarketView.of([*held, *others], valuation.portfolio.cash.value, statistics.correlations)


def _held(value: PositionValue, statistics: Statistics, rules: RuleBook) -> Holding:
    position, mark, code = value.position, value.position.mark, value.position.symbol.code
    has_price = mark is not None and bool(mark.price)  # a split may leave nothing of one at 18 decimals
    return Holding(
        symbol=code,
        quantity=position.quantity.value,
        value=position.market_value.value,
        price=mark.price.value if mark is not None and has_price else None,
        category=value.category,
        tradable=has_price and value.price_status is PriceStatus.LIVE and not (mark and mark.has_assumed_rate),
        volatility=statistics.volatilities.get(code),
        momentum=statistics.momenta.get(code),
        rules=rules.of(code),
    )
