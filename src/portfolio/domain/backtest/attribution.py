"""Where the difference to doing nothing comes from, exactly: trade by trade, rule by rule.

V - V(do nothing) = sum of dq (P_end - close at the fill) - fees - slippage. Both begin with the same holdings, and each
fill moves the cash by the negative of what it moves in assets at its close, less its costs; so the difference at the
end is what the prices did to the quantities that were traded, and those costs. An asset that was written down ends at
the price it was written down to, for the trades before that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.domain.arithmetic import ZERO, exact
from portfolio.domain.backtest.fills import WRITE_DOWN, Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteDown:
    """An asset that was turned into cash at ``price`` at the end of ``day``, in every portfolio that held it."""

    day: date
    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePart:
    """What the trades of one rule brought; the price effect less fees and slippage is ``total``."""

    rule: str
    trades: int
    price_effect: Decimal
    fees: Decimal
    slippage: Decimal

    @property
    @exact
    def total(self) -> Decimal:
        """Return what they brought in all."""
        return self.price_effect - self.fees - self.slippage


@exact
def attribute(
    fills: Sequence[Fill], write_downs: Iterable[WriteDown], end_prices: Mapping[str, Decimal]
) -> list[RulePart]:
    """Return the parts of the rules, by name; their totals sum to the difference to doing nothing, to the last digit.

    ``fills`` and ``write_downs`` are in the order of their days; ``end_prices`` has those of all assets traded.
    """
    ends = dict(end_prices)
    gone = list(write_downs)
    parts: dict[str, RulePart] = {}
    for fill in reversed(fills):
        while gone and gone[-1].day >= fill.filled:
            ends[gone[-1].symbol] = gone[-1].price
            gone.pop()
        if fill.rule == WRITE_DOWN:
            continue
        before = parts.get(fill.rule)
        parts[fill.rule] = RulePart(
            rule=fill.rule,
            trades=1 + (before.trades if before else 0),
            price_effect=fill.change * (ends[fill.symbol] - fill.close) + (before.price_effect if before else ZERO),
            fees=fill.fee + (before.fees if before else ZERO),
            slippage=fill.slippage + (before.slippage if before else ZERO),
        )
    return [parts[rule] for rule in sorted(parts)]
