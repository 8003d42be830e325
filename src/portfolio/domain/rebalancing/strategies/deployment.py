"""Rule 6: cash above the trigger buys held assets that rise, by inverse volatility, within their limits."""

from __future__ import annotations

from decimal import Decimal

from portfolio.domain.arithmetic import HUNDRED, ONE, ZERO, exact, total
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.strategies.targets import Proposal, Targets


@exact
def is_cash_idle(targets: Targets) -> bool:
    """Return whether the cash that the targets leave is over the trigger."""
    return targets.cash > targets.limits.policy.cash_trigger * targets.whole


@exact
def spend(targets: Targets) -> list[Proposal]:
    """Return the purchases that bring cash down to its target, whatever the trigger says.

    Money flows into all candidates at once, in proportion to 1 / volatility; one that meets a limit drops out and the
    others go on, until money or room ends.
    """
    rates = {symbol: rate for symbol in targets.values if (rate := _rate(targets, symbol)) is not None}
    if not rates:
        return []
    values = _Filling(targets, rates).run()
    return [
        Proposal(
            symbol=symbol,
            rule=Reason.CASH_DEPLOYMENT,
            change=values[symbol] - targets.values[symbol],
            figures=_evidence(targets, symbol),
        )
        for symbol in rates
        if values[symbol] > targets.values[symbol]
    ]


def _rate(targets: Targets, symbol: str) -> Decimal | None:
    """Return the inverse volatility of an asset that may be bought, None of one that may not.

    Not bought besides what the policy excludes, as their true size is not known: an asset of a category of which more
    than 5 % cannot be traded, and one that is correlated with a position over the pairs' floor that cannot.
    """
    holding, limits = targets.limits.view.holdings[symbol], targets.limits
    if not targets.can_move(symbol) or holding.category in limits.policy.stable_categories:
        return None
    if holding.momentum is None or holding.momentum <= 0 or holding.volatility is None or holding.volatility <= 0:
        return None
    floor = limits.policy.pair_floor * targets.whole
    partners = (limits.view.holdings[partner] for partner in limits.partners.get(symbol, ()))
    if any(partner.is_stuck and abs(partner.value) > floor for partner in partners):
        return None
    if limits.is_stuck(limits.categories.get(holding.category, ())):
        return None
    return ONE / holding.volatility


class _Filling:
    """Purchases that grow at fixed rates until each reaches its limit or the money is spent."""

    def __init__(self, targets: Targets, rates: dict[str, Decimal]) -> None:
        limits, policy = targets.limits, targets.limits.policy
        room = policy.sell_down_share * targets.whole
        self._limits = limits
        self._values = dict(targets.values)
        self._rates = dict(rates)
        self._money = targets.cash - policy.cash_target * targets.whole
        self._caps = {symbol: min(limits.positions[symbol].values()) * room for symbol in rates}
        self._category_cap = policy.category_limit * room
        self._pair_cap = policy.pair_limit * room
        self._categories = {
            name: members for name, members in limits.categories.items() if not rates.keys().isdisjoint(members)
        }

    def run(self) -> dict[str, Decimal]:
        """Return the values after filling."""
        while self._rates and self._money > 0:
            speed = total(self._rates.values())
            step, full = min(self._constraints(), key=lambda constraint: constraint[0])
            step = max(min(step, self._money / speed), ZERO)
            for symbol, rate in self._rates.items():
                self._values[symbol] += rate * step
            self._money -= speed * step
            # Where it was the money that ended, who stops here does not matter any more.
            self._rates = {symbol: rate for symbol, rate in self._rates.items() if symbol not in full}
        return self._values

    def _constraints(self) -> list[tuple[Decimal, tuple[str, ...]]]:
        """Return for each limit how far purchases can grow until it is reached, and which assets stop there."""
        found: list[tuple[Decimal, tuple[str, ...]]] = [
            ((self._caps[symbol] - self._values[symbol]) / rate, (symbol,)) for symbol, rate in self._rates.items()
        ]
        for members in self._categories.values():
            speed = total(self._rates[symbol] for symbol in members if symbol in self._rates)
            if speed:
                value = total(self._values[symbol] for symbol in members)
                found.append(((self._category_cap - value) / speed, members))
        # No pair is full before the first position is: only what would be large by then can fill one.
        horizon = max(min(step for step, _ in found), ZERO)
        horizon = min(horizon, self._money / total(self._rates.values()))
        ends = {symbol: value + self._rates.get(symbol, ZERO) * horizon for symbol, value in self._values.items()}
        for symbol, end in ends.items():
            if end * 2 >= self._pair_cap:
                found += [
                    self._pair(symbol, other)
                    for other in self._limits.partners.get(symbol, ())
                    if ends[other] + end >= self._pair_cap and (symbol in self._rates or other in self._rates)
                ]
        return found

    def _pair(self, one: str, other: str) -> tuple[Decimal, tuple[str, ...]]:
        speed = self._rates.get(one, ZERO) + self._rates.get(other, ZERO)
        return (self._pair_cap - self._values[one] - self._values[other]) / speed, (one, other)


def _evidence(targets: Targets, symbol: str) -> dict[str, Decimal | str]:
    holding, policy = targets.limits.view.holdings[symbol], targets.limits.policy
    assert holding.momentum is not None
    assert holding.volatility is not None
    return {
        "cash_allocation": targets.share(targets.cash),
        "cash_trigger_allocation": policy.cash_trigger * HUNDRED,
        "cash_target_allocation": policy.cash_target * HUNDRED,
        "position_allocation": targets.share(targets.values[symbol]),
        "momentum": holding.momentum,
        "volatility": holding.volatility,
    }
