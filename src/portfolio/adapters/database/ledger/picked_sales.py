"""Which lots sales take, in a database: a row each time that somebody picked some."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.ledger.portfolio_row import PortfolioRow
from portfolio.adapters.database.schema.fields import Fields, reading
from portfolio.adapters.database.schema.tables import lot_picks
from portfolio.adapters.database.schema.unreadable import Rows
from portfolio.application.ledger.lots.picking import PickedSale
from portfolio.domain.ledger.picks import Pick
from portfolio.domain.money import Quantity

_SALE = Fields(PickedSale, apart=["lots"])


class DatabasePickedSales:
    """The port ``PickedSales`` on a database."""

    def __init__(self, connections: Connections, row: PortfolioRow) -> None:
        self._connections = connections
        self._row = row

    async def add(self, portfolio_id: int, picked: PickedSale) -> None:
        self._row.id_for(portfolio_id)
        lots = json.dumps([[pick.entry, str(pick.quantity)] for pick in picked.lots])
        values = {**_SALE.values(picked), "portfolio_id": portfolio_id, "lots": lots}

        async def write(session: Session) -> None:
            await session.run(insert(lot_picks), values)

        await self._connections.write(write)

    async def all(self, portfolio_id: int) -> Sequence[PickedSale]:
        """Return all that was picked, in that order; a row that cannot be read is left out, and named."""
        self._row.id_for(portfolio_id)
        wanted = select(lot_picks).where(lot_picks.c.portfolio_id == portfolio_id).order_by(lot_picks.c.id)
        return self._row.unreadable.readable(_ROWS, await self._connections.rows(wanted))


def _read(row: Any) -> PickedSale:
    with reading("lots"):
        lots = tuple(_pick(*pair) for pair in json.loads(row.lots))
    return _SALE.record(row, lots=lots)


def _pick(entry: object, quantity: object) -> Pick:
    if type(entry) is not int or type(quantity) is not str or not (taken := Quantity(Decimal(quantity))).value > 0:
        raise ValueError(f"{entry!r}, {quantity!r} is no lot and no quantity of it")
    return Pick(entry=entry, quantity=taken)


_ROWS = Rows.of(lot_picks.c.id, _read)
