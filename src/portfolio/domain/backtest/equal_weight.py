"""Equal weights: as much of each asset, the yardstick of every strategy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import ROUND_DOWN, Decimal

from portfolio.domain.arithmetic import ZERO, exact, total
from portfolio.domain.backtest.fills import Order, Wallet
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import STEP

EQUAL_WEIGHT = "equal_weight"


@exact
def equal_weight_orders(
    wallet: Wallet, marks: Mapping[str, Decimal], assets: Collection[str], decided: date
) -> list[Order]:
    """Return the orders that bring each of ``assets``, which have a price, to the same value, and use all cash.

    What is held of others stays as it is.
    """
    kept = total(quantity * marks[symbol] for symbol, quantity in wallet.quantities.items() if symbol not in assets)
    free = wallet.value(marks) - kept
    if not assets or free <= 0:
        return []
    orders = []
    for symbol in sorted(assets):
        goal = (free / len(assets) / marks[symbol]).quantize(STEP, rounding=ROUND_DOWN)
        change = goal - wallet.quantities.get(symbol, ZERO)
        if change:
            orders.append(
                Order(
                    decided=decided,
                    symbol=symbol,
                    side=Side.BUY if change > 0 else Side.SELL,
                    quantity=abs(change),
                    rule=EQUAL_WEIGHT,
                )
            )
    return orders
