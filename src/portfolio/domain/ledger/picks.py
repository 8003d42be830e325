"""Which lots a sale takes, where somebody picked them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import NotPickable
from portfolio.domain.money import Quantity
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """What a sale takes of the lot that an entry opened; ``entry`` is its ledger revision."""

    entry: int
    quantity: Quantity


Picks: TypeAlias = Mapping[int, Sequence[Pick]]
"""By the id of a sale, what it takes of which lots, in order."""


def require_pickable(
    trade_id: int, symbol: Symbol, sold: Quantity, held: Iterable[tuple[int | None, Quantity]], picks: Sequence[Pick]
) -> None:
    """Refuse picks that the lots do not allow that were ``held`` when so much was ``sold``, by their entries.

    No picks at all are always allowed: then nobody picked.

    Raises:
        NotPickable: it is no sale that stands, a lot was not there or had less, or the quantities do not add up.
    """
    if sold.value <= 0:
        raise NotPickable(trade_id, "it is no sale that stands")
    if not picks:
        return
    open_lots, total = defaultdict[int | None, Quantity](Quantity.zero), Quantity.zero()
    for entry, quantity in held:
        open_lots[entry] = open_lots[entry] + quantity
    picked = defaultdict[int, Quantity](Quantity.zero)
    for pick in picks:
        total = total + pick.quantity
        picked[pick.entry] = picked[pick.entry] + pick.quantity
    for entry, quantity in picked.items():
        if quantity > open_lots[entry]:
            there = plain(open_lots[entry].value)
            raise NotPickable(
                trade_id, f"of the lot of entry {entry} it had {there} {symbol} to take, and {quantity} is picked"
            )
    if total != sold:
        raise NotPickable(trade_id, f"it sold {sold} {symbol}, and {total} is picked")
