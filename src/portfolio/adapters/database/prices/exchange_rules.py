"""The rules of exchanges in a database: one row for each asset at each exchange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.connections import Connections
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.prices.leases import check_fence
from portfolio.adapters.database.schema.fields import NOT_READABLE, Fields, UnreadableRow, Values
from portfolio.adapters.database.schema.tables import exchange_rules
from portfolio.application.prices.records import Fence, KeptRules
from portfolio.domain.prices.exchange_rules import ExchangeRules, Rules, UnknownRules
from portfolio.domain.symbol import Symbol

_RULES = Fields(ExchangeRules)
_NOTHING: Values = dict.fromkeys(name for name in _RULES.columns if name != "venue")
_NEVER = datetime.min.replace(tzinfo=UTC)
_ROWS = RowWriter(exchange_rules, key=["venue", "symbol"])

_columns = exchange_rules.c


class DatabaseExchangeRules:
    """The port ``ExchangeRulesStore`` on a database."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def keep(self, kept: KeptRules, fence: Fence | None) -> None:
        rows = [
            {"venue": kept.venue, "symbol": symbol.code, "fetched_at": kept.fetched_at, **_values(rules)}
            for symbol, rules in sorted(kept.rules.items())
        ]
        gone = update(exchange_rules).where(_columns.venue == kept.venue, _columns.fetched_at != kept.fetched_at)
        reason = f"{kept.venue} does not list it any more"

        async def write(session: Session) -> None:
            if fence is not None:
                await check_fence(session, fence)
            await session.execute(*_ROWS.on(session.dialect, rows))
            await session.run(gone.values(**_NOTHING, reason=reason, fetched_at=kept.fetched_at))

        await self._connections.write(write)

    async def read(self) -> Sequence[KeptRules]:
        """Return what is kept of each exchange; of a row that cannot be read the rules are unknown."""
        rows = await self._connections.rows(select(exchange_rules).order_by(_columns.venue, _columns.symbol))
        found: dict[str, dict[Symbol, Rules]] = {}
        fetched_at: dict[str, datetime] = {}
        for row in rows:
            try:
                symbol = Symbol(row.symbol)
            except NOT_READABLE:
                continue  # whatever it is, nobody asks for it
            found.setdefault(row.venue, {})[symbol] = _rules_of(row)
            fetched_at[row.venue] = max(row.fetched_at or _NEVER, fetched_at.get(row.venue, _NEVER))
        return [KeptRules(venue=venue, fetched_at=fetched_at[venue], rules=rules) for venue, rules in found.items()]


def _values(rules: Rules) -> Values:
    """Return the columns of one row, without those of its key."""
    if isinstance(rules, UnknownRules):
        return {**_NOTHING, "reason": rules.reason}
    values = _RULES.values(rules)
    return {**{name: values[name] for name in _NOTHING}, "reason": None}


def _rules_of(row: Any) -> Rules:
    if row.reason is not None:
        return UnknownRules(str(row.reason))
    try:
        return _RULES.record(row)
    except UnreadableRow as error:
        return UnknownRules(f"{row.venue}: its row cannot be read: {error}")
