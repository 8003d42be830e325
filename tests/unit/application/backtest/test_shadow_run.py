"""Shadow portfolios: the steps of a backtest from the books of a day, with what was paid in and out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import pytest

from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.run import advance, start
from portfolio.application.backtest.shadow_run import (
    DAYS_AT_ONCE,
    DO_NOTHING,
    POLICY,
    Shadow,
    ShadowQuestion,
    ShadowRun,
    in_units,
    rebased,
)
from portfolio.application.errors import NotBacktestable
from portfolio.application.performance.records import MeasuredDay
from portfolio.domain.money import Money
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from tests.support.backtests import FIRST, held, named, panel_from, panel_of, request_of, walk

BEGUN = 30
"""The row of the first day: 31 closes by then."""
STILL = RebalancePolicy(cash_trigger=Decimal(1))
"""Cash is never idle."""


def question(
    panel: Panel,
    quantities: Mapping[str, str],
    *,
    cash: str = "70000",
    flows: Mapping[int, str] | None = None,
    policy: RebalancePolicy = STILL,
) -> ShadowQuestion:
    """The books at the end of the first day, and flows by the days after it."""
    first = panel.day(BEGUN)
    return ShadowQuestion(
        first=first,
        last=panel.last,
        cash=Decimal(cash),
        quantities={symbol: Decimal(quantity) for symbol, quantity in quantities.items()},
        flows={first + timedelta(days=day): Decimal(flow) for day, flow in (flows or {}).items()},
        policy=policy,
    )


def shadows_of(asked: ShadowQuestion, panel: Panel) -> dict[str, Shadow]:
    """The shadows once they are done, by name."""
    run = ShadowRun(asked, panel)
    while not run.is_done:
        run.go_on()
    return {shadow.name: shadow for shadow in run.shadows}


def unit_values(shadow: Shadow) -> list[Decimal]:
    """The value of a unit by day."""
    return [day.unit_value for day in shadow.days]


def test_the_policy_and_its_rule_trade_and_doing_nothing_does_not() -> None:
    """A 200 at 150, B 200 at 50: of 110,000 A is over 25 %, and 31.34... of it are sold, see test_check_figures."""
    panel = panel_of({"A": [150.0] * 31 + [120.0], "B": [50.0] * 32})
    found = shadows_of(question(panel, {"A": "200", "B": "200"}), panel)
    assert list(found) == [DO_NOTHING, POLICY, *Reason]
    policy, nothing = found[POLICY], found[DO_NOTHING]
    assert nothing.days[-1].total_value == Money(Decimal(104_000))
    assert [nothing.trades, nothing.traded, nothing.cash] == [0, 0, 70_000]
    # Sold at 120 less 10 basis points of slippage: 31.34054... x 119.88 = 3,757.104134, a fee of 3.757104.
    assert (policy.trades, policy.traded, policy.fees) == (1, Decimal("3757.104134"), Decimal("3.757104"))
    # What it cost beside doing nothing: the fee, and 31.34054... x 0.12 = 3.760865 of slippage.
    assert policy.days[-1].total_value == Money(Decimal("104000") - Decimal("3.757104") - Decimal("3.760865"))
    assert round(policy.slippage, 6) == Decimal("3.760865")
    assert found[Reason.CONCENTRATION_RISK].days == policy.days
    for reason in set(Reason) - {Reason.CONCENTRATION_RISK}:
        assert (found[reason].days, found[reason].trades) == (nothing.days, 0)
    # A unit was worth 1 at 110,000.
    assert unit_values(nothing) == [1, Decimal("0.945454545454545455")]
    assert nothing.figures.total_return_percent == Decimal("-5.454545")
    assert nothing.figures.reasons["sharpe_ratio"] == "too_few_observations"


def test_a_deposit_goes_to_cash_and_moves_no_unit() -> None:
    panel = panel_of({"A": [100.0] * 31 + [110.0, 121.0]})
    asked = question(panel, {"A": "100"}, cash="90000", flows={1: "101000"})
    nothing = shadows_of(asked, panel)[DO_NOTHING]
    # 100,000; 11,000 + 90,000 and the deposit of as much again; 12,100 + 191,000.
    assert [day.total_value.value for day in nothing.days] == [100_000, 202_000, 203_100]
    assert unit_values(nothing) == [1, Decimal("1.01"), Decimal("1.0155")]
    assert (nothing.figures.total_return, nothing.cash) == (Decimal(2100), Decimal(191_000))


def test_a_withdrawal_of_more_than_the_cash_is_owed() -> None:
    panel = panel_of({"A": [100.0] * 31 + [100.0, 110.0], "B": [100.0] * 33})
    asked = question(panel, {"A": "300", "B": "100"}, cash="60000", flows={1: "-70000"})
    found = shadows_of(asked, panel)
    assert found[DO_NOTHING].cash == -10_000
    assert unit_values(found[DO_NOTHING]) == [1, 1, Decimal("1.1")]  # 30,000 are 33,000
    assert found[POLICY].trades == 3  # of A at first, and then of both: each is over 25 % of what is left


def test_a_shadow_is_a_backtest_of_its_rules_where_nothing_is_paid_in_or_out() -> None:
    panel = panel_from(walk(31 + 2 * DAYS_AT_ONCE + 5, 4), named(4), {"A00": "x", "A01": "x"})
    quantities = {symbol: str(round(20_000 / panel.closes[BEGUN, column], 6)) for column, symbol in enumerate(named(4))}
    policy = RebalancePolicy()
    found = shadows_of(question(panel, quantities, policy=policy), panel)
    request = request_of(panel, begins=BEGUN, policy=policy, slippage_bps=Decimal(10))
    tested = advance(start(request, panel, held(70_000, **quantities)), panel, panel.last)
    assert [day.total_value.value for day in found[POLICY].days] == [row.value for row in tested.equity]
    assert [day.total_value.value for day in found[DO_NOTHING].days] == [row.do_nothing for row in tested.equity]
    assert found[POLICY].trades == len(tested.fills) > 5


def test_equal_questions_have_one_key_and_others_another() -> None:
    panel = panel_of({"A": [100.0] * 32})
    asked = question(panel, {"A": "1"}, flows={1: "5"})
    assert asked.key == question(panel, {"A": "1"}, flows={1: "5"}).key
    others = (
        question(panel, {"A": "2"}, flows={1: "5"}),
        question(panel, {"A": "1"}, flows={1: "6"}),
        question(panel, {"A": "1"}, flows={1: "5"}, cash="1"),
        question(panel, {"A": "1"}, flows={1: "5"}, policy=RebalancePolicy()),
    )
    assert len({asked.key, *(other.key for other in others)}) == 5


def test_what_has_no_close_is_left_out_and_what_is_worth_nothing_has_no_shadow() -> None:
    panel = panel_of({"A": [100.0] * 32, "B": [None] * 32})
    assert ShadowRun(question(panel, {"A": "1", "B": "1"}), panel).left_out == ("B",)
    with pytest.raises(NotBacktestable):
        ShadowRun(question(panel, {"A": "1"}, cash="-100"), panel)


def test_flows_buy_units_at_the_value_of_their_close() -> None:
    days = [FIRST + timedelta(days=n) for n in range(4)]
    # 100, then 120 and 80 more, of which 100 + 66.67 units are made; a fall by a quarter; all of it taken out.
    found = in_units(days, [Decimal(n) for n in (100, 200, 150, 0)], {days[1]: Decimal(80), days[3]: Decimal(-150)})
    assert [day.unit_value for day in found] == [1, Decimal("1.2"), Decimal("0.9"), Decimal("0.9")]
    assert [day.net_deposits.value for day in found] == [0, 80, 80, -70]


def test_days_of_the_portfolio_begin_with_a_unit_of_one() -> None:
    first = date(2026, 3, 4)
    worth, paid = Money(Decimal(100)), Money.zero()
    days = [
        MeasuredDay(first + timedelta(days=n), worth, paid, Decimal(unit)) for n, unit in enumerate(("1", "1.5", "1.2"))
    ]
    assert [day.unit_value for day in rebased(days, days[1].day)] == [1, Decimal("0.8")]
