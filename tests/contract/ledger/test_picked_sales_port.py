"""What is picked for sales is kept in order, on every kind of books, and what others wrote is left out and named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolio.adapters.database.database import Database
from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.ledger.lots.picking import PickedSale, PickedSales
from portfolio.domain.ledger.picks import Pick
from portfolio.domain.money import Quantity
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_picked_sales import FakePickedSales
from tests.support.ledger_examples import open_books

pytestmark = pytest.mark.unmeasured

NOON = FakeClock().now()


def sale(trade_id: int, *lots: tuple[int, str], seconds: int = 0) -> PickedSale:
    return PickedSale(
        trade_id=trade_id,
        lots=tuple(Pick(entry=entry, quantity=Quantity(Decimal(quantity))) for entry, quantity in lots),
        picked_by="ann",
        picked_at=NOON + timedelta(seconds=seconds),
        ledger_revision=7,
    )


SALES = [
    sale(4, (3, "0.000000000000000001"), (2, "1.5"), (3, "99999999999999999999")),
    sale(2**40, (2**40, "1")),
    sale(4, seconds=1),
]


@pytest.fixture(params=["fake", "sqlite", "mysql"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[PickedSales]:
    if request.param == "fake":
        yield FakePickedSales()
        return
    opened = await _opened(request.getfixturevalue(f"{request.param}_database"))
    try:
        yield opened.picked_sales
    finally:
        await opened.close()


async def _opened(under_test: DatabaseUnderTest) -> Database:
    migrate(under_test.migration_url, under_test.prices_schema)
    opened = under_test.opened()
    await open_books(opened.ledger)
    return opened


async def test_what_was_picked_is_kept_in_order_to_the_last_digit(store: PickedSales) -> None:
    assert await store.all(1) == []
    for one in SALES:
        await store.add(1, one)
    assert await store.all(1) == SALES


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("lots", "'{'"),
        ("lots", "'[1]'"),
        ("lots", """'[[1, 2]]'"""),
        ("lots", """'[["1", "2"]]'"""),
        ("lots", """'[[true, "2"]]'"""),
        ("lots", """'[[1, "-2"]]'"""),
        ("lots", """'[[1, "0"]]'"""),
        ("lots", """'[[1, "NaN"]]'"""),
        ("lots", """'[[1, "1e30"]]'"""),
        ("lots", """'[[1, "2", 3]]'"""),
    ],
)
async def test_a_row_of_which_nothing_can_be_made_is_left_out_and_named(
    database: DatabaseUnderTest, column: str, value: str
) -> None:
    opened = await _opened(database)
    try:
        for one in SALES[:2]:
            await opened.picked_sales.add(1, one)
        execute(database, f"UPDATE portfolio_lot_picks SET {column} = {value} WHERE trade_id = 4")
        assert await opened.picked_sales.all(1) == SALES[1:2]
        assert [line.partition(":")[0] for line in await opened.probe.unreadable_rows(1)] == ["portfolio_lot_picks 1"]
    finally:
        await opened.close()
