"""Sweeps over HTTP: every trial is listed, and the best is never said alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.histories import exact
from tests.support.services.http_service import Service, fields, is_problem

pytestmark = pytest.mark.unmeasured

LAST = date(2025, 6, 14)  # the day before that of the service's clock
DAYS = 100
GRID = {"position_limit": ["0.1", 0.2, "0.30"]}
ASKED: dict[str, Any] = {
    "from": str(LAST - timedelta(days=DAYS)),
    "to": str(LAST),
    "start": "weights",
    "weights": {"A": 0.5, "B": 0.25},
    "policy": {"cash_trigger": 1},
    "every_days": 20,
}

MALFORMED: Sequence[tuple[dict[str, Any], set[str]]] = [
    ({"sweep": {}}, {"sweep.grid"}),
    ({"sweep": {"grid": {}}}, {"sweep.grid"}),
    ({"sweep": {"grid": {"position_limit": []}}}, {"sweep.grid[...]"}),
    ({"sweep": {"grid": {"priorities": [1], "best": [1]}}}, {"sweep.grid.priorities", "sweep.grid.best"}),
    ({"sweep": {"grid": {"position_limit": [0.1, "much"]}}}, {"sweep.grid.position_limit[1]"}),
    ({"sweep": {"grid": {"position_limit": [0.1, "0.10"]}}}, {"sweep.grid.position_limit"}),
    ({"sweep": {"grid": {"position_limit": [0.1, 25, 0]}}}, {f"sweep.grid.position_limit[{n}]" for n in (1, 2)}),
    ({"sweep": {"grid": GRID, "samples": 1001}}, {"sweep.samples"}),
    ({"sweep": {"grid": GRID, "seed": -1}}, {"sweep.seed"}),
    ({"walk_forward": {}}, {"walk_forward"}),
    ({"sweep": {"grid": GRID}, "walk_forward": {"train_days": 0}}, {"walk_forward.train_days"}),
    ({"stability": "yes"}, {"stability"}),
]

NOT_BACKTESTABLE: Sequence[tuple[dict[str, Any], str]] = [
    (
        {"sweep": {"grid": {"position_limit": [n / 10_000 for n in range(1, 1_000)], "fee_bps": [1, 2]}}},
        "1998 policies are more than 1000: ask for samples",
    ),
    ({"sweep": {"grid": {"cash_target": [1]}}}, "no policy of the grid can be"),
    ({"sweep": {"grid": GRID}, "walk_forward": {}}, "to choose on 365 days there are too few"),
]


async def remember(service: Service) -> None:
    """Keep closes of two assets that go up and down, and of BTC."""
    for symbol, step, turn in (("A", 3, 17), ("B", 2, 11), ("BTC", 1, 7)):
        days = [LAST - timedelta(days=back) for back in range(DAYS + 60)]
        closes = [
            Close(
                symbol=Symbol(symbol),
                day=day,
                price=Price(Decimal(100 + step * (day.toordinal() % turn))),
                source="coinbase",
            )
            for day in days
        ]
        await service.prices.add_closes(closes)


async def done(service: Service, **body: Any) -> Any:
    """A backtest that was asked for and computed."""
    answer = await service.http.post("/backtests", json={**ASKED, **body})
    assert answer.status_code == 202, answer.text
    while await service.cases.backtests.compute() is not None:
        pass
    return exact(await service.http.get(answer.headers["Location"]))["backtest"]


async def test_a_sweep_lists_its_trials_and_what_may_be_chance(service: Service) -> None:
    await remember(service)
    found = await done(service, sweep={"grid": GRID}, walk_forward={"train_days": 70, "test_days": 20})
    assert found["request"]["sweep"] == {
        "grid": {"position_limit": [Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]},
        "samples": None,
        "seed": 0,
    }
    assert found["request"]["walk_forward"] == {"train_days": 70, "test_days": 20}
    said = found["result"]["sweep"]
    # Its own policy and the three.
    assert said["trials"] == 4
    assert said["highest"]["settings"].keys() == {"position_limit"}
    assert "returns" not in said["highest"]
    for name in ("best_by_chance", "deflated_sharpe_ratio", "probability_of_overfitting", "beat_do_nothing"):
        assert said[name] is not None
    folds = found["result"]["walk_forward"]["folds"]
    assert [fold["window"]["test_last"] for fold in folds] == [str(LAST - timedelta(days=10)), str(LAST)]
    assert found["result"]["stability"] is None
    url = f"/backtests/{found['id']}/sweep"
    whole = exact(await service.http.get(url))
    assert (whole["count"], whole["next_cursor"]) == (3, None)
    assert [(row["of"], row["settings"]) for row in whole["trials"]] == [
        ("sweep", {"position_limit": Decimal(limit)}) for limit in ("0.1", "0.2", "0.3")
    ]
    first = exact(await service.http.get(f"{url}?limit=2"))
    second = exact(await service.http.get(f"{url}?limit=2&cursor={first['next_cursor']}"))
    assert (first["trials"] + second["trials"], second["next_cursor"]) == (whole["trials"], None)
    assert is_problem(await service.http.get(f"{url}?cursor=f1"), 400, "malformed-request")


async def test_trials_of_others_on_the_same_closes_count(service: Service) -> None:
    await remember(service)
    first = await done(service, sweep={"grid": GRID})
    assert first["result"]["sweep"]["trials"] == 4
    await done(service, seed=1)  # one more
    shorter = str(LAST - timedelta(days=80))
    await done(service, sweep={"grid": GRID}, **{"from": shorter})  # of other days
    second = await done(service, sweep={"grid": {"cash_target": [0.1, 0.2]}})
    assert second["result"]["sweep"]["trials"] == 3 + 4 + 1
    again = await done(service, sweep={"grid": GRID})
    assert again["id"] == first["id"]
    assert again["result"]["sweep"]["trials"] == 8
    ratios = [one["result"]["sweep"]["deflated_sharpe_ratio"] for one in (first, again)]
    assert ratios[0] != ratios[1]


async def test_without_a_sweep_there_are_no_trials(service: Service) -> None:
    await remember(service)
    found = await done(service)
    assert [found["result"][name] for name in ("sweep", "stability", "walk_forward")] == [None, None, None]
    assert exact(await service.http.get(f"/backtests/{found['id']}/sweep"))["trials"] == []


async def test_a_sweep_is_another_question_and_its_order_is_none(service: Service) -> None:
    await remember(service)
    two = {"position_limit": [0.1, 0.2], "fee_bps": [1]}
    bodies: Sequence[dict[str, Any]] = [
        {"sweep": {"grid": two}},
        {"sweep": {"grid": dict(reversed(two.items()))}},
        {"sweep": {"grid": two, "samples": 1}},
        {"stability": True},
        {},
    ]
    ids = []
    for body in bodies:
        answer = await service.http.post("/backtests", json={**ASKED, **body})
        ids.append(exact(answer)["backtest"]["id"])
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


async def test_what_no_sweep_can_be_is_refused_by_the_field(service: Service) -> None:
    for body, named in MALFORMED:
        answer = await service.http.post("/backtests", json={**ASKED, **body})
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == named, answer.text


async def test_what_cannot_be_computed_is_refused_at_once(service: Service) -> None:
    await remember(service)
    for body, said in NOT_BACKTESTABLE:
        answer = await service.http.post("/backtests", json={**ASKED, **body})
        assert is_problem(answer, 422, "not-backtestable")
        assert answer.json()["detail"] == said


async def test_a_policy_is_looked_at_from_all_sides(service: Service) -> None:
    await remember(service)
    found = await done(service, stability=True, every_days=100)
    said = found["result"]["stability"]
    assert (said["joint_draws"], len(said["joint"])) == (100, 5)
    assert said["alone"][0].keys() == {"setting", "factor", "end_value", "difference", "sharpe_ratio"}
    rows = exact(await service.http.get(f"/backtests/{found['id']}/sweep?limit=1000"))["trials"]
    assert {row["of"] for row in rows} == {"stability"}
    assert len(rows) == len(said["alone"]) + 100
