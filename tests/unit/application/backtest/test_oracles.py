"""Other libraries run our trades to our values, and find our figures in them; ``make oracles`` asks them anew."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

from portfolio.analytics.benchmark import beta
from portfolio.analytics.tail_risk import historical_loss, worst_first
from portfolio.application.backtest.result import figures_of
from portfolio.domain.backtest.fills import WRITE_DOWN
from portfolio.domain.ledger.trade import Side
from tests.oracles.questions import FILE, Case, cases

EXPECTED = json.loads(FILE.with_name("expected_backtests.json").read_text())["cases"]
NAMES = [one["name"] for one in EXPECTED]


@cache
def computed() -> dict[str, Case]:
    """The backtests, by name."""
    return {case.name: case for case in cases()}


def answer_to(name: str) -> dict[str, Any]:
    """What the libraries have answered."""
    found: dict[str, Any] = next(one for one in EXPECTED if one["name"] == name)
    return found


def values_of(case: Case) -> list[float]:
    """The value of each day."""
    return [float(row.value) for row in case.state.equity]


def test_the_questions_are_those_of_today_s_rules() -> None:
    asked = json.loads(FILE.read_text())
    assert [one["name"] for one in asked] == NAMES == list(computed())
    for question, case in zip(asked, computed().values(), strict=True):
        today = json.loads(json.dumps(case.question()))
        (then, sizes), (now, own_sizes) = apart(question), apart(today)
        assert then == now, "the trades are others: run `make oracles`"
        assert own_sizes == pytest.approx(sizes, rel=1e-13, abs=0)  # weights are floats, whose last digit may differ


def apart(question: dict[str, Any]) -> tuple[dict[str, Any], list[float]]:
    """A question without the quantities of its trades, and those."""
    trades = question["trades"]
    rest = {**question, "trades": [[*trade[:2], *trade[3:]] for trade in trades]}
    return rest, [float(trade[2]) for trade in trades]


def test_the_questions_have_in_them_what_may_go_wrong() -> None:
    fills = [fill for case in computed().values() for fill in case.state.fills]
    assert {fill.side for fill in fills} == set(Side)
    assert WRITE_DOWN in {fill.rule for fill in fills}
    assert len({fill.rule for fill in fills}) >= 5
    assert any(np.isnan(case.panel.closes).any() and not case.state.write_downs for case in computed().values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("library", ["vectorbt", "bt"])
def test_our_trades_come_to_our_values(library: str, name: str) -> None:
    # Each day's value, to 1e-12 of it: 0.0001 of 100,000,000 dollars.
    assert values_of(computed()[name]) == pytest.approx(answer_to(name)[library], rel=1e-12, abs=0)


def test_equal_weights_that_another_library_decides_come_to_our_values() -> None:
    [decided] = [one for one in EXPECTED if one["bt_decides"] is not None]
    ours = values_of(computed()[decided["name"]])
    assert ours == pytest.approx(decided["bt_decides"], rel=1e-12, abs=0)
    assert max(ours) / min(ours) > 1.2, "they move"


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_are_those_of_other_libraries(name: str) -> None:
    case, said = computed()[name], answer_to(name)["statistics"]
    rows = case.state.equity  # as the libraries': a result begins before the trades of the first day, not after them
    figures = figures_of([row.day for row in rows], [row.value for row in rows], Decimal(0))
    values, closes = np.array(values_of(case)), case.panel.closes[case.panel.place(case.request.first) :, 0]
    daily = values[1:] / values[:-1] - 1
    loss = historical_loss(worst_first(-daily), Decimal("0.95"))
    ours: dict[str, Any] = {
        "beta": beta(daily, closes[1:] / closes[:-1] - 1),
        "value_at_risk": loss.value_at_risk.value,
        "conditional_value_at_risk": loss.conditional_value_at_risk.value,
    }
    compared = 0
    for library, by_name in said.items():
        for figure, value in by_name.items():
            found = ours.get(figure, getattr(figures, figure, None))
            assert found is not None, (library, figure)
            assert float(found) == pytest.approx(value, rel=1e-9, abs=0), (library, figure)
            compared += 1
    assert compared == 17
