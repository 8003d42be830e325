"""An old database becomes this service's without losing anything, and stays usable for those who knew it before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from portfolio.adapters.database.database import Database
from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.opening import OpenBooks, Opening
from portfolio.application.ledger.records import TradeFilter
from portfolio.application.ledger.verification import ReconcileBooks, VerifyBooks
from portfolio.application.prices.records import PriceUpdate
from portfolio.domain.mark import Mark
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.old_database import execute, make_old
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import AT, BTC, ETH, book_one, execution, money

pytestmark = pytest.mark.unmeasured

OLD_COLUMNS = {
    "mock_holdings": "id, symbol, quantity, avg_entry_price, total_invested, realized_pnl, last_price, updated_at",
    "mock_trades": "id, symbol, side, quantity, price, amount, fee, net_amount, execution_time, notes, status",
    "mock_portfolio": "id, cash_balance, total_trades, winning_trades, losing_trades, updated_at",
    "mock_performance_history": "id, date, portfolio_value, cash_balance, invested_amount, cumulative_return",
}


def old_rows(database: DatabaseUnderTest) -> dict[str, list[tuple[object, ...]]]:
    """What the old columns of the four tables hold, numbers as numbers."""

    def plain(value: object) -> object:
        try:
            return Decimal(str(value)).normalize()
        except ArithmeticError:
            return str(value)

    return {
        table: [tuple(map(plain, row)) for row in execute(database, f"SELECT {columns} FROM {table} ORDER BY id")]
        for table, columns in OLD_COLUMNS.items()
    }


@pytest.fixture
def old_database(database: DatabaseUnderTest) -> DatabaseUnderTest:
    make_old(database)
    return database


@pytest.fixture
async def adopted(old_database: DatabaseUnderTest) -> AsyncIterator[Database]:
    migrate(old_database.migration_url, old_database.prices_schema)
    opened = old_database.opened()
    try:
        assert await OpenBooks(opened.ledger, FakeClock(), money(100_000))(1) is Opening.ADOPTED
        yield opened
    finally:
        await opened.close()


def test_every_old_row_is_still_there(old_database: DatabaseUnderTest) -> None:
    before = old_rows(old_database)
    migrate(old_database.migration_url, old_database.prices_schema)
    assert old_rows(old_database) == before
    assert len(before["mock_holdings"]) == 3


async def test_the_newest_row_is_adopted_with_what_it_holds(adopted: Database) -> None:
    portfolio = await adopted.ledger.load(1)
    assert portfolio.id == 2
    # cash + cost - realized: 88000.25 + (5555.5551 + 6001) - (120.5 - 42)
    assert portfolio.net_deposits == money("99478.3051")
    assert portfolio.realized_pnl == money("78.5")
    assert portfolio.cash == portfolio.ledger_cash == money("88000.25")
    assert not portfolio.unreconciled
    assert portfolio.unreconciled_positions == []
    bitcoin, ether, solana = (portfolio.position(Symbol(code)) for code in ("BTC", "ETH", "SOL"))
    assert bitcoin.mark is not None
    assert (bitcoin.mark.price, bitcoin.mark.source) == (Price(Decimal(50000)), "legacy")
    # No average makes 6001 of 3: quantity x average as it was stored
    assert (ether.mark, ether.asset_cost, ether.cost_basis) == (None, money("6000.99999999"), money(6001))
    assert (solana.is_open, solana.avg_entry_price, solana.realized_pnl) == (False, None, money(-42))


async def test_trades_of_before_never_count(adopted: Database) -> None:
    assert not (await adopted.lookups.trades(1, TradeFilter())).items
    assert (await adopted.ledger.load(1)).trade_counts.trades == 0
    [baseline] = await adopted.ledger.entries(1, after=0, limit=10)
    assert isinstance(baseline, CashEntry)
    assert (await VerifyBooks(adopted.ledger)(1)).differences == []


async def test_the_old_counters_go_on_from_where_they_were(adopted: Database, old_database: DatabaseUnderTest) -> None:
    await book_one(adopted.ledger)
    counts = "SELECT total_trades, winning_trades, losing_trades, win_rate FROM mock_portfolio WHERE id = 2"
    [[trades, wins, losses, rate]] = execute(old_database, counts)
    # 9 of 15
    assert (trades, wins, losses, Decimal(str(rate))) == (18, 9, 6, Decimal(60))


async def test_an_engines_own_row_in_the_trades_is_taken_and_never_counted(
    adopted: Database, old_database: DatabaseUnderTest
) -> None:
    trade_id = await book_one(adopted.ledger)
    before = await adopted.ledger.load(1)
    execute(
        old_database,
        "INSERT INTO mock_trades (symbol, side, quantity, price, amount, fee, net_amount, status, execution_time,"
        " confidence) VALUES ('BTC', 'BUY', 0.1, 45000, 4500, 22.5, 4522.5, 'FILLED', '2026-03-04 05:06:07', 0.85)",
    )
    assert await adopted.ledger.load(1) == before
    assert [booked.id for booked in (await adopted.lookups.trades(1, TradeFilter())).items] == [trade_id]
    found = await adopted.ledger.transact(1, lambda unit: unit.trade(trade_id + 1))
    assert found is not None
    assert found.entry is None
    verdict = await VerifyBooks(adopted.ledger)(1)
    assert (verdict.holds, verdict.unreconciled, verdict.trades) == (True, [], 1)


async def test_an_engines_own_booking_is_seen_as_unreconciled_and_survives_ours(
    adopted: Database, old_database: DatabaseUnderTest
) -> None:
    execute(
        old_database,
        "UPDATE mock_holdings SET quantity = 4, avg_entry_price = 2000, total_invested = 8000 WHERE symbol = 'ETH'",
        "INSERT INTO mock_holdings (symbol, quantity, avg_entry_price, total_invested) VALUES ('ADA', 100, 0.5, 50)",
        "UPDATE mock_portfolio SET cash_balance = cash_balance - 2049, updated_at = CURRENT_TIMESTAMP WHERE id = 2",
    )
    seen = await adopted.ledger.load(1)
    # 1999 and 50 more cost, 2049 less cash: two real trades at cost move no value
    assert (seen.cash_unreconciled, seen.unreconciled) == (money(-2049), money(0))
    assert [(p.symbol.code, p.unreconciled.value) for p in seen.unreconciled_positions] == [
        ("ADA", Decimal(100)),
        ("ETH", Decimal(1)),
    ]
    assert (seen.position(ETH).asset_cost, seen.position(Symbol("ADA")).asset_cost) == (money(8000), money(50))
    await book_one(adopted.ledger, execution(quantity="1", price="3000", fees="0", symbol=ETH))
    after = await adopted.ledger.load(1)
    # theirs and ours: 4 + 1, 8000 + 3000; cash 88000.25 - 2049 - 3000
    assert (after.position(ETH).quantity.value, after.position(ETH).cost_basis) == (Decimal(5), money(11_000))
    assert (after.cash, after.cash_unreconciled) == (money("82951.25"), money(-2049))
    verdict = await VerifyBooks(adopted.ledger)(1)
    assert (verdict.holds, len(verdict.unreconciled)) == (True, 3)
    await ReconcileBooks(adopted.ledger, FakeClock())(1)
    verdict = await VerifyBooks(adopted.ledger)(1)
    assert (verdict.holds, verdict.unreconciled) == (True, [])


async def test_a_refresh_never_touches_what_others_say_is_held(
    adopted: Database, old_database: DatabaseUnderTest
) -> None:
    clock = FakeClock(AT)
    execute(old_database, "UPDATE mock_holdings SET quantity = 4, total_invested = 8000 WHERE symbol = 'ETH'")
    marks = {ETH: Mark(Price(Decimal(2500)), "coinbase", clock.now()), BTC: Mark(Price(Decimal(1)), "x", clock.now())}
    await adopted.prices.record(1, PriceUpdate(marks=marks, at=clock.now()), None)
    [row] = execute(
        old_database,
        "SELECT quantity, total_invested, last_price, position_value, unrealized_pnl FROM mock_holdings"
        " WHERE symbol = 'ETH'",
    )
    # 4 x 2500, less 8000
    assert [Decimal(str(value)) for value in row] == [4, 8000, 2500, 10_000, 2000]
    [[value, pnl, cumulative]] = execute(
        old_database,
        "SELECT portfolio_value, daily_pnl, cumulative_return FROM mock_performance_history ORDER BY date DESC LIMIT 1",
    )
    # 88000.25 + 10000 + 0.12345678, against 99000 on the last day that the engines recorded
    assert Decimal(str(value)) == Decimal("98000.37345678")
    assert Decimal(str(pnl)) == Decimal("-999.62654322")
    # 10 % before, then -999.62654322 / 99000: 1.1 x (1 - 0.0100972378) - 1
    assert Decimal(str(cumulative)).quantize(Decimal("0.000001")) == Decimal("8.889304")


async def test_rows_that_name_no_asset_do_not_make_the_rest_unreadable(
    adopted: Database, old_database: DatabaseUnderTest
) -> None:
    execute(old_database, "INSERT INTO mock_holdings (symbol, quantity) VALUES ('BTC-EUR', 1), ('doge', 7)")
    loaded = await adopted.ledger.load(1)
    assert loaded.position(Symbol("DOGE")).quantity.value == 7
    assert len(loaded.positions) == 4
