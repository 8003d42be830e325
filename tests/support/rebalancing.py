"""Portfolios of 100,000 dollars, written in percent."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, localcontext

from hypothesis import strategies as st

from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import EXACT
from portfolio.domain.rebalancing.limits import LimitName, Limits
from portfolio.domain.rebalancing.plan import Plan, make_plan
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.projection import ProjectedTrade
from portfolio.domain.rebalancing.strategies.deployment import is_cash_idle, spend
from portfolio.domain.rebalancing.strategies.targets import Proposal, Targets
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.rebalancing.view import Holding, MarketView, Pair, pair_of

TOTAL = Decimal(100_000)
FREE = RebalancePolicy(fee_bps=Decimal(0))


class Correlations(dict[Pair, Decimal]):
    """Coefficients as the rules ask for them."""

    def above(self, bound: Decimal) -> Mapping[Pair, Decimal]:
        """Those greater than the bound."""
        return {pair: value for pair, value in self.items() if value > bound}

    def partners(self, symbol: str, bound: Decimal) -> list[str]:
        """Those that the symbol makes such a pair with."""
        return sorted(one if one != symbol else other for one, other in self.above(bound) if symbol in {one, other})

    def of(self, symbols: Collection[str]) -> "Correlations":
        """Those of the pairs of these symbols."""
        return Correlations({pair: value for pair, value in self.items() if set(symbols).issuperset(pair)})

    def summed(self) -> tuple[Decimal, int]:
        """The sum, and how many there are."""
        with localcontext(EXACT):
            return sum(self.values(), Decimal(0)), len(self)


def market_view(
    holdings: Iterable[Holding], *, cash: Decimal, correlations: Mapping[Pair, Decimal] | None = None
) -> MarketView:
    """The view of these holdings; pairs may be given in either order."""
    named = Correlations({pair_of(*pair): value for pair, value in (correlations or {}).items()})
    return MarketView.of(holdings, cash, named)


def considered(
    view: MarketView,
    policy: RebalancePolicy,
    side: Side,
    symbol: str,
    quantity: Decimal,
    *,
    value: Decimal | None = None,
    fee: Decimal | None = None,
) -> ProjectedTrade:
    """A trade to be projected: for other money than at the view's price, or for another fee than the policy's."""
    holding = view.holdings.get(symbol)
    price = holding.price if holding is not None and holding.price is not None else Decimal(1)
    money = value if value is not None else EXACT.multiply(quantity, price)
    return ProjectedTrade(
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=price,
        trade_value=money,
        estimated_fee=fee if fee is not None else EXACT.multiply(money, policy.fee_rate),
    )


def asset(
    symbol: str,
    percent: str,
    *,
    category: str = "other",
    volatility: str | None = "0.5",
    momentum: str | None = "0",
    price: str | None = "100",
    tradable: bool = True,
) -> Holding:
    """A holding of so many percent of 100,000 dollars."""
    value = Decimal(percent) * TOTAL / 100
    return Holding(
        symbol=symbol,
        quantity=value / Decimal(price) if price else value,
        value=value,
        price=Decimal(price) if price else None,
        category=category,
        volatility=Decimal(volatility) if volatility else None,
        momentum=Decimal(momentum) if momentum else None,
        tradable=tradable,
    )


def view_of(*holdings: Holding, correlations: Mapping[Pair, str] | None = None, scale: str = "1") -> MarketView:
    """The holdings, and cash up to 100,000 dollars; ``scale`` makes everything so much larger."""
    named = {pair: Decimal(value) for pair, value in (correlations or {}).items()}
    factor = Decimal(scale)
    cash = TOTAL - sum((holding.value for holding in holdings), Decimal(0))
    scaled = [
        Holding(
            symbol=holding.symbol,
            quantity=holding.quantity * factor,
            value=holding.value * factor,
            price=holding.price,
            category=holding.category,
            volatility=holding.volatility,
            momentum=holding.momentum,
            tradable=holding.tradable,
        )
        for holding in holdings
    ]
    return market_view(scaled, cash=cash * factor, correlations=named)


def targets_of(view: MarketView, policy: RebalancePolicy = FREE, fixed: Iterable[str] = ()) -> Targets:
    """The targets that a first strategy finds."""
    limits = Limits.of(view, policy)
    return Targets(limits=limits, whole=view.total_value, values=view.values, fixed=frozenset(fixed))


def changes(proposals: Iterable[Proposal]) -> dict[str, Decimal]:
    """What the proposals come to, in percent of 100,000 dollars, rounded far below a cent."""
    found: dict[str, Decimal] = {}
    for proposal in proposals:
        found[proposal.symbol] = found.get(proposal.symbol, Decimal(0)) + proposal.change
    return {symbol: round(change * 100 / TOTAL, 15) for symbol, change in found.items()}


# --------------------------------------------------------------------------------------------------- random portfolios

# Shares are drawn in parts of a million, often next to a limit: that is where a plan's own costs matter.
_NEAR_LIMITS = [near + by for near in (50_000, 80_000, 150_000, 230_000, 250_000) for by in (-20, -1, 0, 1, 20)]
_SHARES = st.one_of(st.integers(100, 500_000), st.sampled_from(_NEAR_LIMITS))
_CASH = st.one_of(st.integers(0, 900_000), st.sampled_from([299_990, 300_000, 300_010]))
_VOLATILITIES = st.one_of(st.none(), st.sampled_from([80, 81]), st.integers(10, 300))
_MOMENTA = st.one_of(st.none(), st.sampled_from([-51, -50]), st.integers(-100, 100))
_CATEGORIES = st.sampled_from(["a", "a", "b", "c", "other", "stablecoin"])
_PRICES = st.sampled_from(["0.00001234", "0.7", "1", "37.77", "64123.45"])
_QUANTITY_STEP = Decimal(1).scaleb(-18)


@st.composite
def views(draw: st.DrawFn, *, least: int, most: int) -> MarketView:
    """Portfolios worth ``least`` to ``most`` dollars, of up to eight assets."""
    with localcontext(EXACT):
        return _drawn(draw, least, most)


def _drawn(draw: st.DrawFn, least: int, most: int) -> MarketView:
    cash = draw(_CASH)
    shares = draw(st.lists(_SHARES, max_size=8))
    whole = sum(shares) + cash
    worth = Decimal(draw(st.integers(least, most)))
    holdings = []
    for number, share in enumerate(shares):
        price = Decimal(draw(_PRICES))
        tradable = draw(st.integers(0, 9)) > 0
        quantity = (worth * share / whole / price).quantize(_QUANTITY_STEP)
        volatility, momentum = draw(_VOLATILITIES), draw(_MOMENTA)
        holdings.append(
            Holding(
                symbol=f"A{number}",
                quantity=quantity,
                value=quantity * price,
                price=price,
                category=draw(_CATEGORIES),
                volatility=None if volatility is None else Decimal(volatility) / 100,
                momentum=None if momentum is None else Decimal(momentum) / 100,
                tradable=tradable,
            )
        )
    pairs = [(f"A{one}", f"A{other}") for other in range(len(shares)) for one in range(other)]
    correlated = draw(st.lists(st.one_of(st.none(), st.integers(-20, 100)), min_size=len(pairs), max_size=len(pairs)))
    correlations = {pair: Decimal(n) / 100 for pair, n in zip(pairs, correlated, strict=True) if n is not None}
    invested = sum((holding.value for holding in holdings), Decimal(0))
    return market_view(holdings, cash=max(worth - invested, Decimal(0)) if whole else worth, correlations=correlations)


def broken_limits(view: MarketView, policy: RebalancePolicy) -> list[LimitName]:
    """The limits of a policy that a view breaks, in order."""
    with localcontext(EXACT):
        return list(Summary.of(view, policy).broken)


def plan_for(view: MarketView, policy: RebalancePolicy) -> Plan:
    """What a policy asks of a view."""
    return make_plan(Summary.of(view, policy))


def cash_deployment(targets: Targets) -> list[Proposal]:
    """What rule 6 asks for: nothing while cash is not over its trigger."""
    return spend(targets) if is_cash_idle(targets) else []
