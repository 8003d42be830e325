"""What every implementation promises about the days of the performance history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, localcontext

import pytest

from portfolio.application.errors import PortfolioMissing
from portfolio.application.performance.daily_positions import positions_of
from portfolio.application.performance.records import DailyValue, FilledDay, PositionOnDay
from tests.contract.ledger.ledger_kinds import Ports, ports, ports_of
from tests.contract.prices.test_price_store_port import DAY, record
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.migrated import bring_up_to_date
from tests.support.database.old_database import execute
from tests.support.ledger_examples import AT, BTC, ETH, book_one, execution, money, open_books

__all__ = ["ports"]


def filled(offset: int, unit: str, *, positions: dict[object, PositionOnDay] | None = None) -> FilledDay:
    """A day of 100,000 units, all in cash."""
    value = DailyValue(
        day=DAY + timedelta(days=offset),
        total_value=money(str(Decimal(unit) * 100_000)),
        cash=money(str(Decimal(unit) * 100_000)),
        unit_value=Decimal(unit),
        net_deposits=money(100_000),
        realized_pnl=money(0),
    )
    return FilledDay(value=value, num_positions=0, positions=positions)  # type: ignore[arg-type]  # as it is given


async def test_what_was_held_is_kept_with_the_day_and_final_after_it(ports: Ports) -> None:
    await open_books(ports.ledger)
    await book_one(ports.ledger)
    await record(ports, AT, BTC="50000")
    await record(ports, AT + timedelta(hours=1), BTC="60000.000000000000000001")
    held = positions_of(await ports.ledger.load(1))
    await book_one(ports.ledger, execution(quantity="1", price="1000", fees="0", symbol=ETH))
    await record(ports, AT + timedelta(days=1), BTC="1")
    await record(ports, AT, BTC="2")  # late: the day is over
    found = await ports.days.positions(1, [DAY, DAY + timedelta(days=1), DAY + timedelta(days=9)])
    assert found[DAY] == held
    # 0.1 x 60000 at 18 decimals - 4522.5
    assert found[DAY][BTC].result == money("1477.5000000000000000")
    assert set(found) == {DAY, DAY + timedelta(days=1)}
    assert set(found[DAY + timedelta(days=1)]) == {BTC, ETH}
    assert not await ports.days.positions(1, [])


async def test_final_days_take_the_place_of_what_was_recorded(ports: Ports) -> None:
    with pytest.raises(PortfolioMissing):
        await ports.days.write(1, [filled(1, "1")])
    await open_books(ports.ledger)
    await record(ports, AT)
    await record(ports, AT + timedelta(days=3))
    before = await ports.ledger.revisions(1)
    positions = {
        BTC: PositionOnDay(
            quantity=execution().quantity, market_value=money("1.5"), cost_basis=money(1), realized_pnl=money(-2),
            is_priced=False,
        )
    }  # fmt: skip
    days = [filled(0, "7"), filled(1, "1.1", positions=positions), filled(2, "1.21")]  # type: ignore[arg-type]  # as it is given
    await ports.days.write(1, days)
    rows = await ports.days.values(1, since=DAY, today=DAY + timedelta(days=3))
    assert [row.unit_value for row in rows] == [Decimal(7), Decimal("1.1"), Decimal("1.21"), Decimal(1)]
    assert replace(rows[1], result=None) == days[1].value
    assert (await ports.days.positions(1, [DAY + timedelta(days=1)])) == {DAY + timedelta(days=1): positions}
    assert not await ports.days.positions(1, [DAY + timedelta(days=2)])
    assert await ports.ledger.revisions(1) == replace(before, prices=before.prices + 1)


async def test_a_row_of_tomorrow_by_another_program_keeps_no_row_of_today_from_being_written(
    database: DatabaseUnderTest,
) -> None:
    bring_up_to_date(database)
    opened = database.opened()
    try:
        on = ports_of(opened)
        await open_books(on.ledger)
        await book_one(on.ledger)
        tomorrow = DAY + timedelta(days=1)
        columns = "date, portfolio_value, cash_balance, invested_amount"
        execute(database, f"INSERT INTO mock_performance_history ({columns}) VALUES ('{tomorrow}', 1, 1, 0)")
        await record(on, AT, BTC="50000")
        await record(on, AT + timedelta(hours=1), BTC="60000")
        [today] = await on.days.values(1, since=DAY, today=DAY)
        # 95477.5 in cash and 0.1 x 60000
        assert today.total_value == money("101477.5")
        await record(on, AT + timedelta(days=1), BTC="70000")
        rows = await on.days.values(1, since=DAY, today=tomorrow)
        assert [row.total_value for row in rows] == [money("101477.5"), money("102477.5")]
    finally:
        await opened.close()


async def results(database: DatabaseUnderTest, gap: FilledDay) -> list[list[Decimal]]:
    """What three days brought, the one between filled in: money, percent, percent linked; and how many positions."""
    bring_up_to_date(database)
    opened = database.opened()
    try:
        on = ports_of(opened)
        await open_books(on.ledger)
        await record(on, AT)
        await record(on, AT + timedelta(days=2))
        await on.days.write(1, [gap])
    finally:
        await opened.close()
    columns = "daily_pnl, daily_return, cumulative_return, num_positions"
    rows = execute(database, f"SELECT {columns} FROM mock_performance_history ORDER BY date")
    return [[Decimal(str(cell)) for cell in row] for row in rows]


async def test_the_day_after_a_filled_gap_is_told_anew_what_it_brought(database: DatabaseUnderTest) -> None:
    found = await results(database, replace(filled(1, "1.25"), num_positions=2))
    # 100000 to 125000 and back to 100000
    wanted = [[0, 0, 0, 0], [25_000, 25, 25, 2], [-25_000, -20, 0, 0]]
    assert found == [[Decimal(cell) for cell in row] for row in wanted]


async def test_results_are_exact_whatever_the_precision_around_them(database: DatabaseUnderTest) -> None:
    gap = filled(1, "1.23456789")
    with localcontext() as coarse:
        coarse.prec = 4
        [_, of_gap, _] = await results(database, gap)
    assert of_gap == [Decimal("23456.789"), Decimal("23.456789"), Decimal("23.456789"), Decimal(0)]
