"""How the portfolio did: which days count, what is undefined, and what is still answered without the database."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.closes import Join
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.history.recent import RecentPerformance
from portfolio.application.ledger.snapshots import RELOAD_SECONDS, Snapshot, Snapshots
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.history import History
from portfolio.application.performance.period import KeptFigures, Performance, final_figures
from portfolio.application.performance.records import DailyValue
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_stores import FakeDays
from tests.unit.application.performance.reading import reader
from tests.unit.examples import money

TODAY = NOON.date()
YESTERDAY = TODAY - timedelta(days=1)


def row(days_ago: int, unit: str | float, *, deposits: str = "1000") -> DailyValue:
    """Return a day with 1000 units: worth 1000 times the unit value."""
    value = Decimal(str(unit))
    return DailyValue(
        day=TODAY - timedelta(days=days_ago),
        total_value=Money.rounded(value * 1000),
        cash=money(0),
        unit_value=value,
        net_deposits=money(deposits),
        realized_pnl=money(0),
    )


def series(units: Sequence[str | float], *, until: int = 1) -> list[DailyValue]:
    """Return one row a day, the last one ``until`` days ago."""
    return [row(until + len(units) - 1 - i, unit) for i, unit in enumerate(units)]


def ledger_of(rows: Sequence[DailyValue], *, now: str = "1000") -> FakeLedger:
    portfolio = Portfolio(
        id=1,
        revision=1,
        cash=money(now),
        ledger_cash=money(now),
        net_deposits=money(1000),
        units=Units(count=Decimal(1000)),
    )
    return FakeLedger(Books(portfolio=portfolio, adopted=True, days={r.day: r for r in rows}))


async def performance(
    rows: Sequence[DailyValue], days: int, *, now: str = "1000", risk_free_rate: str = "0"
) -> Performance:
    return await reader(ledger_of(rows, now=now), FakeClock(), risk_free_rate=Decimal(risk_free_rate))(days)


def check(p: Performance) -> None:
    """Whatever is undefined is None and has a reason; whatever is not is finite and has none."""
    optional = {f.name for f in fields(p)} - {"reasons", "first_day", "last_day"}
    undefined = {name for name in optional if getattr(p, name) is None}
    assert undefined == set(p.reasons)
    for name in optional - undefined:
        value = getattr(p, name)
        assert not isinstance(value, float)
        assert not isinstance(value, Decimal) or value.is_finite()


# --- which days -------------------------------------------------------------------------------------------------------


async def test_n_days_are_n_returns_of_the_last_completed_days() -> None:
    # 9 days ago is too early for 3 days; today is not final
    p = await performance([row(9, 7), *series([1, "1.1", "1.21", "1.331"]), row(0, 99)], 3)
    assert (p.first_day, p.last_day) == (TODAY - timedelta(days=4), YESTERDAY)
    assert (p.period_days, p.days_covered, p.observations) == (3, 3, 3)
    assert p.total_return_percent == Decimal("33.1")
    assert p.total_return == money(331)
    check(p)


async def test_fewer_days_than_asked_are_used_as_they_are() -> None:
    p = await performance(series([1, "1.5"]), 3650)
    assert (p.period_days, p.days_covered, p.observations) == (3650, 1, 1)
    assert p.total_return_percent == Decimal(50)
    check(p)


async def test_a_gap_drops_its_returns_but_the_total_uses_the_ends() -> None:
    p = await performance([row(5, 1), row(4, 2), row(1, 3)], 30)
    assert (p.days_covered, p.observations) == (4, 1)
    assert p.total_return_percent == Decimal(200)
    check(p)


@pytest.mark.parametrize("rows", [[], [row(1, 1)], [row(0, 1)], [row(40, 1), row(39, 2)]])
async def test_without_two_days_there_is_no_history(rows: list[DailyValue]) -> None:
    p = await performance(rows, 30)
    for name in ("total_return", "total_return_percent", "max_drawdown", "max_drawdown_peak", "current_drawdown",
                 "current_drawdown_days", "worst_drawdowns", "beta", "excess_return_percent"):  # fmt: skip
        assert getattr(p, name) is None
        assert p.reasons[name] == "no_history"
    assert (p.days_covered, p.observations) == (0, 0)
    check(p)


async def test_days_without_a_recorded_result_do_not_count() -> None:
    old = DailyValue(day=TODAY - timedelta(days=3), total_value=money(5), cash=money(5))
    p = await performance([old, *series([1, 2])], 30)
    assert p.first_day == TODAY - timedelta(days=2)
    check(p)


@pytest.mark.parametrize("days", [0, -1, 3651])
async def test_a_period_is_1_to_3650_days(days: int) -> None:
    with pytest.raises(AssertionError):
        await performance([], days)


# --- money and percent ------------------------------------------------------------------------------------------------


async def test_a_deposit_is_no_return() -> None:
    # worth 1000, then 2500 of which 1000 came from outside: 500 gained
    paid_in = replace(row(1, "1.25", deposits="2000"), total_value=money(2_500))
    p = await performance([row(2, 1), paid_in], 1)
    assert p.total_return == money(500)
    assert p.total_return_percent == Decimal(25)  # by units, not 500 / 1000


async def test_today_shows_in_the_daily_return_alone() -> None:
    p = await performance([*series([1, "1.2"]), row(0, 9)], 30, now="1260")
    assert p.daily_return == money(60)  # 1260 now, 1200 yesterday
    assert p.daily_return_percent == Decimal(5)
    assert p.total_return_percent == Decimal(20)
    check(p)


async def test_without_a_row_of_yesterday_there_is_no_daily_return() -> None:
    for rows in ([], series([1, 2], until=2)):
        p = await performance(rows, 30)
        assert (p.daily_return, p.daily_return_percent) == (None, None)
        assert p.reasons["daily_return"] == p.reasons["daily_return_percent"] == "no_value_yesterday"


async def test_percentages_have_six_decimals_half_even() -> None:
    p = await performance(series([3, 4]), 1)
    assert p.total_return_percent == Decimal("33.333333")


async def test_what_cannot_be_written_is_out_of_range() -> None:
    p = await performance(series(["0.000000000000000001", "99999999999999999"]), 1)
    assert p.total_return_percent is None
    assert p.reasons["total_return_percent"] == "out_of_range"
    check(p)


# --- ratios -----------------------------------------------------------------------------------------------------------


def zigzag(days: int) -> list[DailyValue]:
    """Return up 10 % and down 5 %, in turn: ``days`` returns."""
    units = [Decimal(1)]
    for i in range(days):
        units.append((units[-1] * (Decimal("1.1") if i % 2 == 0 else Decimal("0.95"))).quantize(Decimal("1e-18")))
    return series([str(u) for u in units])


async def test_under_30_returns_there_are_no_ratios() -> None:
    p = await performance(zigzag(29), 30)
    for name in ("sharpe_ratio", "sortino_ratio", "annualized_volatility"):
        assert getattr(p, name) is None
        assert p.reasons[name] == "too_few_observations"
    check(p)


async def test_with_30_returns_there_are() -> None:
    p = await performance(zigzag(30), 30)
    # 15 x 0.1 and 15 x -0.05: mean 0.025, variance 30 x 0.075^2 / 29, downside sqrt(0.05^2 / 2)
    deviation = 0.075 * math.sqrt(30 / 29)
    assert float(p.sharpe_ratio or 0) == pytest.approx(0.025 / deviation * math.sqrt(365))
    assert float(p.sortino_ratio or 0) == pytest.approx(0.025 / (0.05 / math.sqrt(2)) * math.sqrt(365))
    assert float(p.annualized_volatility or 0) == pytest.approx(deviation * math.sqrt(365))
    check(p)


async def test_under_90_days_nothing_is_annualized() -> None:
    p = await performance(zigzag(89), 365)
    assert p.annualized_return is p.calmar_ratio is None
    assert p.reasons["annualized_return"] == p.reasons["calmar_ratio"] == "period_too_short"
    check(p)


async def test_from_90_days_on_it_is() -> None:
    p = await performance(zigzag(90), 90)
    yearly = (1.1 * 0.95) ** (45 * 365 / 90) - 1
    assert float(p.annualized_return or 0) == pytest.approx(yearly)
    assert p.max_drawdown == Decimal("-0.05")
    assert float(p.calmar_ratio or 0) == pytest.approx(yearly / 0.05)
    check(p)


async def test_a_yearly_rate_beyond_all_numbers_is_out_of_range() -> None:
    p = await performance([row(91, "0.000001"), row(1, "1000000")], 90)
    assert p.annualized_return is p.calmar_ratio is None
    assert p.reasons["annualized_return"] == p.reasons["calmar_ratio"] == "out_of_range"
    check(p)


async def test_a_portfolio_that_never_moved_has_no_ratios_but_a_volatility_of_zero() -> None:
    p = await performance(series([1] * 91), 90)
    assert (p.reasons["sharpe_ratio"], p.reasons["sortino_ratio"]) == ("no_variation", "no_losing_days")
    assert p.annualized_volatility == p.annualized_return == p.max_drawdown == 0
    assert p.reasons["calmar_ratio"] == p.reasons["max_drawdown_trough"] == "no_drawdown"
    check(p)


async def test_the_deepest_fall_has_its_days() -> None:
    p = await performance(series([1, "1.2", "0.9", "1.1", "1.3"]), 30)
    assert p.max_drawdown == Decimal("-0.25")
    assert p.max_drawdown_peak == TODAY - timedelta(days=4)
    assert p.max_drawdown_trough == TODAY - timedelta(days=3)
    assert p.max_drawdown_recovery == YESTERDAY
    check(p)
    p = await performance(series([1, "0.9"]), 30)  # the starting value is a peak
    assert (p.max_drawdown, p.max_drawdown_recovery) == (Decimal("-0.1"), None)
    assert p.reasons["max_drawdown_recovery"] == "not_recovered"
    check(p)


@given(
    st.lists(st.integers(-300, 400), min_size=1, max_size=120),
    st.sets(st.integers(1, 121), max_size=20),
    st.integers(1, 130),
)
async def test_figures_are_those_of_an_independent_computation(
    permille: list[int], missing: set[int], days: int
) -> None:
    units = [1.0]
    for change in permille:
        units.append(round(units[-1] * (1 + change / 1000), 15) or 1e-15)
    rows = [r for i, r in enumerate(series([f"{u:.18f}" for u in units])) if len(units) - i not in missing]
    p = await performance(rows, days)
    check(p)
    used = {r.day: float(r.unit_value or 0) for r in rows if r.day >= TODAY - timedelta(days=days + 1)}
    returns = [used[d] / used[d - timedelta(days=1)] - 1 for d in used if d - timedelta(days=1) in used]
    assert p.observations == len(returns)
    if len(used) < 2:
        return
    ordered = [used[d] for d in sorted(used)]
    assert p.days_covered == (max(used) - min(used)).days
    total = ordered[-1] / ordered[0] - 1
    assert float(p.total_return_percent or 0) == pytest.approx(total * 100, rel=1e-6, abs=1e-5)
    drawdown = min(b / a - 1 for i, a in enumerate(ordered) for b in ordered[i:])
    assert float(p.max_drawdown or 0) == pytest.approx(drawdown, abs=1e-9)
    if len(returns) >= 30:
        volatility = statistics.stdev(returns) * math.sqrt(365)
        assert float(p.annualized_volatility or 0) == pytest.approx(volatility, abs=1e-9)
        if volatility > 1e-6:
            assert float(p.sharpe_ratio or 0) == pytest.approx(statistics.fmean(returns) * 365 / volatility, abs=1e-5)


async def test_the_fall_that_lasts_has_its_depth_and_its_days_and_the_ten_deepest_are_listed() -> None:
    p = await performance(series([1, "1.2", "0.9", "1.3", "1.04", "1.17"]), 30)
    # The peak of 1.3 was three days before the end: 1.17 / 1.3 - 1. The deeper fall is from 1.2 to 0.9.
    assert (p.current_drawdown, p.current_drawdown_days) == (Decimal("-0.1"), 2)
    assert p.worst_drawdowns is not None
    assert [(fall.depth, fall.days, fall.recovery) for fall in p.worst_drawdowns] == [
        (Decimal("-0.25"), 2, TODAY - timedelta(days=3)),
        (Decimal("-0.2"), 2, None),
    ]
    p = await performance(series(["1", "1.1"]), 30)
    assert (p.current_drawdown, p.current_drawdown_days, p.worst_drawdowns) == (Decimal(0), 0, [])
    p = await performance(series([n for i in range(12, 0, -1) for n in (30, f"{30 - i}")] + [30]), 90)
    assert [fall.depth for fall in p.worst_drawdowns or ()] == [
        (Decimal(-i) / 30).quantize(Decimal("1e-12")) for i in range(12, 2, -1)
    ]


async def test_what_a_day_without_risk_brings_is_no_excess() -> None:
    units = [1.0]
    for i in range(60):
        units.append(round(units[-1] * (1.02 if i % 2 else 0.99), 12))
    p = await performance(series(units), 60, risk_free_rate="0.05")
    free = 1.05 ** (1 / 365) - 1
    mean, deviation = 0.005 - free, 0.015 * math.sqrt(60 / 59)
    assert float(p.sharpe_ratio or 0) == pytest.approx(mean / deviation * math.sqrt(365), rel=1e-6)
    # Half of the days fall short, by 1 % and what they should have brought.
    downside = math.sqrt((0.01 + free) ** 2 / 2)
    assert float(p.sortino_ratio or 0) == pytest.approx(mean / downside * math.sqrt(365), rel=1e-6)


async def test_the_standard_error_of_the_sharpe_ratio_is_that_of_lo() -> None:
    units = [1.0]
    for i in range(60):
        units.append(round(units[-1] * (1.02 if i % 2 else 0.99), 12))
    p = await performance(series(units), 60)
    # Daily returns of +2 % and -1 %: mean 0.005, deviation (n - 1) 0.015 x sqrt(60 / 59); s = 0.330550
    daily = 0.005 / (0.015 * math.sqrt(60 / 59))
    assert float(p.sharpe_ratio or 0) == pytest.approx(daily * math.sqrt(365), rel=1e-6)
    error = math.sqrt((1 + daily * daily / 2) / 60) * math.sqrt(365)
    assert float(p.sharpe_standard_error or 0) == pytest.approx(error, rel=1e-6)


async def test_the_money_weighted_return_weighs_each_deposit_by_its_time() -> None:
    # 1,000 for 100 days, and 1,000 more for the last 50: the rate r with 1000 (1 + r)^(100/365) + 1000 (1 + r)^(50/365)
    # = 2100. With x = (1 + r)^(50/365): x x + x = 2.1, so x = (sqrt(9.4) - 1) / 2 = 1.0329711...
    rows = [row(101 - i, 1, deposits="1000" if i < 50 else "2000") for i in range(101)]
    rows = [replace(r, total_value=money(1000 if i < 50 else 2000)) for i, r in enumerate(rows)]
    rows[-1] = replace(rows[-1], total_value=money(2100), unit_value=Decimal("1.05"))
    p = await performance(rows, 100)
    x = (math.sqrt(9.4) - 1) / 2
    assert float(p.money_weighted_return_percent or 0) == pytest.approx((x * x - 1) * 100, abs=1e-5)
    assert float(p.money_weighted_return or 0) == pytest.approx(x ** (365 / 50) - 1, rel=1e-6)
    assert p.total_return_percent == Decimal(5)  # time-weighted: what the deposit has nothing to do with
    p = await performance(series([1, "1.1"]), 30)
    assert (p.money_weighted_return_percent, p.money_weighted_return) == (Decimal(10), None)
    assert p.reasons["money_weighted_return"] == "period_too_short"
    check(p)


async def paid(payments: Mapping[int, int], values: Sequence[int]) -> Performance:
    """The figures of days with these values at their ends, and what was paid in on some of them, by their place."""
    deposits = [sum(amount for place, amount in payments.items() if place <= i) for i in range(len(values))]
    of = zip(values, deposits, strict=True)
    rows = [row(len(values) - i, 1, deposits=str(given)) for i, (_, given) in enumerate(of)]
    rows = [replace(r, total_value=money(value)) for r, value in zip(rows, values, strict=True)]
    return await performance(rows, len(values))


@pytest.mark.parametrize(
    ("payments", "values", "percent"),
    [
        ({}, [100, 1338], 1238),  # a day: of a year it is beyond all numbers
        ({}, [100, *[60] * 20, 2], -98),
        # x (100 x + 270) = 103 after halves of the period: x = (sqrt(270^2 + 4 x 100 x 103) - 270) / 200
        ({5: 270}, [100, *[100] * 4, *[370] * 5, 103], 100 * (((270**2 + 41_200) ** 0.5 - 270) / 200) ** 2 - 100),
        ({1: -100}, [100, 100, 100], 161.803399),  # (1 + sqrt(5)) / 2 squared, less one
    ],
)
async def test_the_money_weighted_return_of_a_few_days_is_known(
    payments: Mapping[int, int], values: Sequence[int], percent: float
) -> None:
    p = await paid(payments, values)
    assert float(p.money_weighted_return_percent or 0) == pytest.approx(percent, abs=1e-5)
    assert p.reasons["money_weighted_return"] == "period_too_short"


async def test_a_loss_of_nearly_all_has_its_money_weighted_return() -> None:
    p = await paid({}, [1_000_000, *[500_000] * 89, 1000])
    assert p.money_weighted_return_percent == Decimal("-99.9")
    assert p.money_weighted_return == Decimal("-0.999999999999")  # 0.001 ^ (365 / 90) = 7e-13


@pytest.mark.parametrize(
    ("payments", "values", "why"),
    [
        # (g - 1)(g - 1.1)(g - 1.4) = g^3 - 3.5 g^2 + 4.04 g - 1.54 for the growth g of a day
        ({1: -350, 2: 404}, [100, 50, 454, 154], "several_rates"),
        ({2: 300}, [100, 100, 200], "no_rate"),
    ],
)
async def test_where_not_one_rate_explains_the_payments_none_is_told(
    payments: Mapping[int, int], values: Sequence[int], why: str
) -> None:
    p = await paid(payments, values)
    assert (p.money_weighted_return_percent, p.reasons["money_weighted_return_percent"]) == (None, why)
    check(p)


async def test_a_year_of_falls_as_of_the_last_day_is_told_as_it_is_of_eight_years() -> None:
    """Next to what was paid in on the last day but one, of which 5 % were lost, what was there before is nothing."""
    p = await paid({2919: 10**12}, [*[1] * 2919, 10**12 + 1, 95 * 10**10])
    assert p.money_weighted_return_percent == Decimal(-100)
    assert float(p.money_weighted_return or 0) == pytest.approx(0.95**365 - 1, abs=1e-12)


async def test_a_rate_of_a_year_beyond_all_numbers_is_out_of_range() -> None:
    p = await paid({}, [1, *[10**6] * 89, 10**6])
    assert p.money_weighted_return_percent == Decimal("99999900")
    assert (p.money_weighted_return, p.reasons["money_weighted_return"]) == (None, "out_of_range")


# --- without the database ---------------------------------------------------------------------------------------------


async def test_with_the_database_away_the_days_last_seen_are_used_and_marked() -> None:
    ledger, clock = ledger_of([*series([1, "1.1", "1.2"]), row(0, 5)]), FakeClock()
    read = reader(ledger, clock)
    fresh = await read(30)
    assert not fresh.stale
    await read(1)  # a shorter period does not make it forget the longer
    ledger.away = True
    clock.advance(86_400)
    stale = await read(30)
    assert replace(stale, stale=False) == fresh  # all of it as of then: what was today is not final
    assert (await read(2)).total_return_percent == Decimal("20")
    with pytest.raises(LedgerUnavailable):
        await reader(ledger, clock)(30)


async def test_days_never_read_are_not_made_up() -> None:
    ledger, clock = ledger_of(series([1] * 9)), FakeClock()
    read = reader(ledger, clock)
    await read(3)
    ledger.away = True
    with pytest.raises(LedgerUnavailable):
        await read(8)
    assert (await read(2)).stale


async def test_figures_are_not_made_of_entries_of_which_not_all_were_ever_read() -> None:
    ledger, clock = ledger_of(series([1] * 9)), FakeClock()
    entries = LedgerDays(ledger, FakeLookups(ledger))
    read = reader(ledger, clock, entries=entries)
    await read(8)
    await entries.forget()  # as where the ledger was put back to an earlier state
    ledger.away = True
    with pytest.raises(LedgerUnavailable):
        await read(8)
    ledger.away = False
    assert not (await read(8)).stale


async def test_days_read_after_the_portfolio_could_not_be_are_marked_as_stale_too() -> None:
    rows = series([1] * 9)
    ledger, clock = ledger_of(rows), FakeClock()
    read = reader(ledger, clock, days=FakeDays(ledger_of(rows)))
    await read(3)
    ledger.away = True
    found = await read(8)
    assert (found.stale, found.days_covered) == (True, 8)


async def test_a_day_seen_before_is_seen_as_it_is_now() -> None:
    ledger, clock = ledger_of(series([1, 2])), FakeClock()
    read = reader(ledger, clock)
    await read(1)
    ledger.books.days[YESTERDAY] = row(1, 3)
    clock.advance(RELOAD_SECONDS)
    await read(1)
    ledger.away = True
    assert (await read(1)).total_return_percent == Decimal(200)


async def test_days_are_read_again_with_a_new_price_revision_and_not_after_a_booking_alone() -> None:
    ledger, clock = ledger_of(series([1, 2])), FakeClock()
    snapshots = Snapshots(ledger, clock, 1)
    read = reader(ledger, clock, snapshots=snapshots)
    await read(1)
    ledger.books.days[YESTERDAY] = row(1, 3)
    portfolio = await ledger.load(1)
    ledger.books.portfolio = portfolio = replace(portfolio, revision=portfolio.revision + 1)
    assert (await read(1)).total_return_percent == Decimal(100)
    ledger.books.portfolio = replace(portfolio, price_revision=portfolio.price_revision + 1)
    assert (await read(1)).total_return_percent == Decimal(200)


def test_the_convention_is_named() -> None:
    assert Performance.__dataclass_fields__["convention"].default == "crypto-365-v1"


class LostDays(FakeDays):
    """A history that cannot be read, while the ledger can."""

    is_lost = True

    async def values(self, portfolio_id: int, *, since: date, today: date) -> Sequence[DailyValue]:
        if self.is_lost:
            raise LedgerUnavailable("the table of days is not there")
        return await super().values(portfolio_id, since=since, today=today)


async def test_a_history_that_says_at_once_that_it_cannot_be_read_is_asked_by_the_next_reader() -> None:
    ledger, clock = ledger_of(series([1, 1.1])), FakeClock()
    days = LostDays(ledger)
    snapshots = Snapshots(ledger, clock, 1)
    recent = RecentPerformance(reader(ledger, clock, snapshots=snapshots, days=days), clock, 1)
    snapshot = await snapshots.newest()
    assert await recent(snapshot, clock.now()) is None
    days.is_lost = False
    measured = await recent(snapshot, clock.now())
    assert measured is not None
    assert not measured.stale


async def test_what_was_measured_last_is_stale_once_the_database_is_away() -> None:
    ledger, clock = ledger_of(series([1, 1.1])), FakeClock()
    snapshots = Snapshots(ledger, clock, 1)
    recent = RecentPerformance(reader(ledger, clock, snapshots=snapshots), clock, 1)
    snapshot = await snapshots.newest()
    measured = await recent(snapshot, clock.now())
    assert measured is not None
    assert await recent(snapshot, clock.now()) is measured
    later = replace(snapshot, as_of=snapshot.as_of + timedelta(seconds=1), database_away=True)
    assert await recent(later, clock.now()) == replace(measured, stale=True)


class OutOfRangeDays:
    """Days that cannot be added up in the order of effect."""

    async def of(self, snapshot: Snapshot, days: int) -> Performance:
        raise OutOfRange(Decimal("1e20"))


async def test_a_past_that_cannot_be_added_up_holds_up_nothing() -> None:
    ledger, clock = ledger_of(series([1, 1.1])), FakeClock()
    recent = RecentPerformance(OutOfRangeDays(), clock, 1)
    assert await recent(await Snapshots(ledger, clock, 1).newest(), clock.now()) is None


# --- what is kept -----------------------------------------------------------------------------------------------------


JOIN = Join("BTC", "XBT", Decimal(1), date(2026, 1, 1))


async def history_of(*units: str) -> History:
    history = await reader(ledger_of(series(units)), FakeClock()).history()
    beside = replace(history.benchmark, closes={day.day: 100.0 for day in history.finals}, is_known=True)
    return replace(history, benchmark=beside)


async def test_what_is_booked_today_makes_no_figure_of_final_days_anew() -> None:
    kept, before, after = KeptFigures(), await history_of("1", "1.1", "1.2"), await history_of("1", "1.1", "1.2")
    today = {before.today: 120.0}
    after = replace(after, benchmark=replace(after.benchmark, closes={**after.benchmark.closes, **today}))
    assert after.finals is not before.finals
    assert kept(after, after.finals) is kept(before, before.finals)
    assert kept(after, after.finals) == final_figures(after, after.finals)


def _with_benchmark(**changes: Any) -> Callable[[History], History]:
    return lambda history: replace(history, benchmark=replace(history.benchmark, **changes))


def _with_other_value(history: History) -> History:
    [*others, last] = history.finals
    return replace(history, finals=[*others, replace(last, total_value=last.total_value + Money(Decimal(1)))])


def _with_other_close(history: History) -> History:
    day = history.finals[0].day
    return _with_benchmark(closes={**history.benchmark.closes, day: 50.0})(history)


OTHERS = {
    "value": _with_other_value,
    "close": _with_other_close,
    "benchmark": _with_benchmark(symbol=Symbol("ETH")),
    "closes unread": _with_benchmark(closes={}, is_known=False),
    "joined": _with_benchmark(joined_history=(JOIN,)),
    "not joined": _with_benchmark(unjoined_history=(JOIN,)),
    "fewer days": lambda history: replace(history, finals=history.finals[1:]),
}


@pytest.mark.parametrize("changed", OTHERS.values(), ids=OTHERS)
async def test_another_day_or_another_close_makes_the_figures_anew(changed: Callable[[History], History]) -> None:
    history = await history_of("1", "1.1", "1.2")
    kept, other = KeptFigures(), changed(history)
    assert kept(history, history.finals) == final_figures(history, history.finals)
    assert kept(other, other.finals) == final_figures(other, other.finals)
    assert kept(other, other.finals) != final_figures(history, history.finals)


async def test_the_same_days_without_known_closes_are_other_figures() -> None:
    history = _with_benchmark(closes={})(await history_of("1", "1.1"))
    kept, unknown = KeptFigures(), _with_benchmark(closes={}, is_known=False)(history)
    _, reasons = kept(history, history.finals)
    _, unread = kept(unknown, unknown.finals)
    assert (reasons["beta"], unread["beta"]) == ("no_benchmark_closes", "history_unavailable")


async def test_a_read_of_other_days_is_of_those() -> None:
    performance = reader(ledger_of(series(["1", "1.1", "1.2"])), FakeClock())
    assert [(await performance(days)).observations for days in (2, 1, 2)] == [2, 1, 2]
    assert (await performance(2)).first_day == (await performance(1)).first_day - timedelta(days=1)  # type: ignore[operator]  # None without days
