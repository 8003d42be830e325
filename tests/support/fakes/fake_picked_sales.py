"""The port of picked lots, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.ledger.lots.picking import PickedSale


class FakePickedSales:
    """The port ``PickedSales``."""

    def __init__(self) -> None:
        self.kept: list[PickedSale] = []

    async def add(self, portfolio_id: int, picked: PickedSale) -> None:
        assert portfolio_id == 1
        self.kept.append(picked)

    async def all(self, portfolio_id: int) -> Sequence[PickedSale]:
        assert portfolio_id == 1
        return [*self.kept]
