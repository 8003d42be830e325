"""Rows of the rules of exchanges that others wrote: what cannot be read is unknown, and the rest is read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.adapters.database.database import open_database
from portfolio.application.prices.records import KeptRules
from portfolio.domain.prices.exchange_rules import ExchangeRules, UnknownRules
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.exchange_rules import rules
from tests.support.fakes.fake_prices import BTC, ETH
from tests.support.ledger_examples import AT


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("step = 'many'", "step: NaN is no number that can be"),
        ("step = '0'", "0: has to be above zero"),
        ("step = NULL", "step: is empty"),
        ("min_notional = '-1'", "-1: has to be above zero"),
        ("quote = x'ff'", "quote: "),
    ],
)
async def test_a_row_that_cannot_be_is_unknown_and_the_others_are_read(
    sqlite_database: DatabaseUnderTest, cell: str, reason: str
) -> None:
    bring_up_to_date(sqlite_database)
    database = open_database(sqlite_database.url)
    try:
        kept = KeptRules(venue="coinbase", fetched_at=AT, rules={BTC: rules(), ETH: rules(step="0.1")})
        await database.exchange_rules.keep(kept, None)
        table = "portfolio_exchange_rules"
        execute(sqlite_database, f"INSERT INTO {table} SELECT venue, 'no symbol', quote, step, tick, min_quantity,"
                f" min_notional, reason, fetched_at FROM {table} WHERE symbol = 'BTC'")  # fmt: skip
        execute(sqlite_database, f"UPDATE {table} SET {cell} WHERE symbol = 'BTC'")
        execute(sqlite_database, f"UPDATE {table} SET fetched_at = 'never' WHERE symbol = 'BTC'")
        [found] = await database.exchange_rules.read()
        assert set(found.rules) == {BTC, ETH}
        assert found.rules[ETH] == ExchangeRules(
            venue="coinbase",
            quote="USD",
            step=Decimal("0.1"),
            tick=Decimal("0.01"),
            min_quantity=Decimal(0),
            min_notional=Decimal(1),
        )
        unknown = found.rules[BTC]
        assert isinstance(unknown, UnknownRules)
        assert unknown.reason.startswith("coinbase: its row cannot be read: ")
        assert reason in unknown.reason
        assert found.fetched_at == AT
        await database.exchange_rules.keep(KeptRules(venue="coinbase", fetched_at=AT + timedelta(1), rules={}), None)
    finally:
        await database.close()
