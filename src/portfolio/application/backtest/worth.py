"""What a simulated portfolio is worth day after day while nothing is traded: exact, and in floats for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from operator import mul

from portfolio.analytics.backtest.known import MOST_DECIMALS
from portfolio.analytics.estimate import Vector, vector
from portfolio.application.backtest.panel import Panel
from portfolio.domain.backtest.fills import Wallet
from portfolio.domain.money import EXACT


class Worth:
    """The value of what a wallet holds, by sums of integers: ten times as fast as by decimals, and as exact."""

    def __init__(self, wallet: Wallet, panel: Panel) -> None:
        decimals = panel.marks_on(0).decimals
        self._scale = max(decimals, default=0)
        self._units = [0] * len(decimals)
        held = [0.0] * len(decimals)
        for symbol, quantity in wallet.quantities.items():
            column = panel.columns[symbol]
            units = EXACT.scaleb(quantity, MOST_DECIMALS)
            assert units == int(units), "quantities have 18 decimals"
            self._units[column] = int(units) * 10 ** (self._scale - decimals[column])
            held[column] = float(quantity)
        self._held = vector(held)
        self._cash = wallet.cash

    def at(self, units: Sequence[int]) -> Decimal:
        """Return cash plus the value of what is held, at the integers of ``Marks``."""
        invested = Decimal(sum(map(mul, self._units, units)))
        return EXACT.add(self._cash, EXACT.scaleb(invested, -self._scale - MOST_DECIMALS))

    def near(self, newest: Vector) -> Vector:
        """Return about what each asset of the panel is worth, ``(n_assets,)``, at these prices."""
        worth: Vector = self._held * newest
        return worth
