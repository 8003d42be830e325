"""Figures of history across a split and a rename, over HTTP: those of the same path without them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.contract.http.ledger.test_lots import ask
from tests.contract.http.risk.test_risk import buy, load, read, walks
from tests.support.services.http_service import Service, fields, is_problem, running, running_on_sqlite

DAYS, SPLIT_ROW, RENAME_ROW = 40, 25, 18


def ago(service: Service, row: int) -> date:
    """The day of a row of closes, of which the last is yesterday's."""
    today: date = service.clock.now().date()
    return today - timedelta(days=1 + DAYS - row)


async def happen(service: Service, on: date, **event: Any) -> Any:
    at = datetime.combine(on, time(9)).isoformat() + "Z"
    answer = await service.http.post("/events", json={**event, "effective_at": at})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def bought(service: Service, symbol: str, quantity: int, price: int) -> None:
    """Book a purchase of before all that happens: a split divides the prices that are older."""
    body = {"symbol": symbol, "side": "BUY", "quantity": quantity, "price": price, "net_amount": quantity * price}
    at = f"{ago(service, 1)}T12:00:00Z"
    answer = await service.http.post("/holdings/update", json={**body, "executed_at": at})
    assert answer.status_code == 200, answer.text


async def without_events(service: Service) -> None:
    await load(service, walks(DAYS, 2), ["AAA", "NEW"])
    await bought(service, "AAA", 10_000, 1)
    await bought(service, "NEW", 10_000, 1)


async def with_events(service: Service, label: dict[str, str]) -> list[Any]:
    """The same closes as exchanges have them, with a split of 1000 to 1 and another name."""
    table = walks(DAYS, 2)
    old, new = table[:, 1:].copy(), table[:, 1:].copy()
    old[RENAME_ROW:], new[:RENAME_ROW] = np.nan, np.nan
    split = table[:, :1] * np.where(np.arange(DAYS + 1) < SPLIT_ROW, 1000.0, 1.0)[:, None]
    await load(service, np.column_stack([split, old, new]), ["AAA", "OLD", "NEW"])
    await bought(service, "AAA", 10, 1000)
    await bought(service, "OLD", 10_000, 1)
    on = ago(service, RENAME_ROW), ago(service, SPLIT_ROW)
    await happen(service, on[0], kind="exchange", symbol="OLD", quantity=10_000, to_symbol="NEW", ratio=1, **label)
    return [await happen(service, on[1], kind="split", symbol="AAA", ratio=1000), *on]


FIGURES = (
    ("/risk/volatility-analysis", "volatility"),
    ("/risk/correlation-matrix", "correlation"),
    ("/risk/value-at-risk", "value_at_risk"),
)


@pytest.mark.parametrize("where", ["memory", "sqlite"])
async def test_figures_of_history_are_those_of_the_path_without_events(where: str, tmp_path: Path) -> None:
    found: list[list[dict[str, Any]]] = []
    for happens in (False, True):
        folder = tmp_path / str(happens)
        folder.mkdir()
        async with running() if where == "memory" else running_on_sqlite(folder) as service:
            if not happens:
                await without_events(service)
            else:
                await with_events(service, {"label": "rename"})
            found.append([(await read(service, path))[name] for path, name in FIGURES])
    for one, other in zip(*found, strict=True):
        assert one["joined_history"] == []
        assert [(join["symbol"], join["from_symbol"], join["ratio"]) for join in other["joined_history"]] == [
            ("NEW", "OLD", 1),
            ("AAA", "AAA", 1000),
        ]
        for name, figure in one.items():
            if name not in {"joined_history", "as_of", "revision"}:
                same = pytest.approx(figure, rel=1e-9) if isinstance(figure, float) else figure
                assert other[name] == same, name


async def test_the_page_and_the_report_say_it_in_words(service: Service) -> None:
    [_, *on] = await with_events(service, {})
    page = (await service.http.get("/pages/risk", headers={"Accept": "text/html"})).text
    assert f"joined across OLD becoming NEW on {on[0]}, the split of AAA on {on[1]}." in page
    report = (await service.http.get("/reports/tearsheet")).text
    assert f"Closes joined across a rename: OLD became NEW on {on[0]}, 1 for 1." in report
    assert f"Closes joined across a split: AAA on {on[1]}, 1000 for 1." in report


async def test_what_was_wrapped_is_not_joined_and_what_is_taken_out_is_joined_no_more(service: Service) -> None:
    [split, *on] = await with_events(service, {"label": "wrap"})
    found = (await read(service, "/risk/volatility-analysis"))["volatility"]
    assert found["joined_history"] == [{"symbol": "AAA", "from_symbol": "AAA", "ratio": 1000, "on": on[1].isoformat()}]
    assert found["assets"][0]["daily_volatility"] < 0.1
    answer = await service.http.post(f"/events/{split['event_id']}/reverse")
    assert answer.status_code == 200, answer.text
    found = (await read(service, "/risk/volatility-analysis"))["volatility"]
    assert found["joined_history"] == []
    assert found["assets"][0]["daily_volatility"] > 0.15  # a fall by 99.9 % that never was


async def test_a_split_whose_closes_were_restated_is_told_and_divides_nothing(service: Service) -> None:
    await without_events(service)
    before = (await read(service, "/risk/volatility-analysis"))["volatility"]
    on = ago(service, SPLIT_ROW)
    await happen(service, on, kind="split", symbol="AAA", ratio=1000)
    for path, name in FIGURES:
        found = (await read(service, path))[name]
        assert (found["joined_history"], found["unjoined_history"]) == (
            [],
            [{"symbol": "AAA", "from_symbol": "AAA", "ratio": 1000, "on": on.isoformat(), "reason": "no_jump"}],
        )
    after = (await read(service, "/risk/volatility-analysis"))["volatility"]
    assert after["assets"][0]["daily_volatility"] == before["assets"][0]["daily_volatility"]


async def told_everywhere(service: Service) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers that have figures of joined closes, and the pages that show the same, of books with a history."""
    early = {"symbol": "ZZZ", "side": "BUY", "quantity": 1, "price": 1, "net_amount": 1}
    at = f"{ago(service, 2)}T12:00:00Z"
    assert (await service.http.post("/holdings/update", json={**early, "executed_at": at})).status_code == 200
    for symbol in ("AAA", "NEW"):
        await buy(service, symbol, "1")  # a price of now
    wish = {"objective": "equal_weight", "days": 30}
    optimised = await service.http.post("/optimise", json=wish)
    span = {"from": str(ago(service, DAYS - 9)), "to": str(ago(service, DAYS))}
    asked = await service.http.post("/backtests", json={**span, "policy": {"cash_trigger": 1}})
    while await service.cases.backtests.compute() is not None:
        pass
    backtest = asked.json()["backtest"]["id"]
    beside = {"benchmark": "AAA", "basis": "restated"}
    frames = await ask(service, "/performance/timeframes", **beside)
    answers = {
        "optimise": optimised.json()["optimisation"],
        "backtest": (await read(service, f"/backtests/{backtest}"))["backtest"]["result"],
        "performance": (await ask(service, "/performance", days=30, **beside))["performance"],
        "history": (await ask(service, "/performance/history", days=30, **beside))["history"],
        "all": frames["timeframes"]["all"],
        "7d": frames["timeframes"]["7d"],
        "period": (await ask(service, "/performance/period", **{"from": str(ago(service, 5)), **beside}))["period"],
    }
    paths = {
        "optimise": "/pages/optimiser?objective=equal_weight&days=30",
        "backtest": f"/pages/backtests?backtest={backtest}",
        "performance": "/pages/performance?period=all&benchmark=AAA&basis=restated",
        "risk": "/pages/risk",
        "report": "/reports/tearsheet?benchmark=AAA",
    }
    html = {"Accept": "text/html"}
    return answers, {name: (await service.http.get(path, headers=html)).text for name, path in paths.items()}


async def test_answers_about_performance_weights_and_backtests_name_them_and_so_do_their_pages(
    service: Service,
) -> None:
    [_, renamed, split] = await with_events(service, {})
    await happen(service, split, kind="split", symbol="NEW", ratio=1000)  # its closes show nothing of it
    answers, pages = await told_everywhere(service)
    of_aaa = {"symbol": "AAA", "from_symbol": "AAA", "ratio": 1000, "on": split.isoformat()}
    of_new = {"symbol": "NEW", "from_symbol": "OLD", "ratio": 1, "on": renamed.isoformat()}
    not_of_new = {**of_aaa, "symbol": "NEW", "from_symbol": "NEW", "reason": "no_jump"}
    for name in ("optimise", "backtest"):
        assert answers[name]["joined_history"] == [of_new, of_aaa], name
        assert answers[name]["unjoined_history"] == [not_of_new], name
        assert f"joined across OLD becoming NEW on {renamed}, the split of AAA on {split}." in pages[name]
    for name in ("optimise", "backtest", "risk"):
        assert (
            f"Closes are not joined across the split of NEW on {split} (the closes do not move by its ratio)."
            in pages[name]
        ), name
    # performance is beside the benchmark alone, and a timeframe has the events of its own days
    for name in ("performance", "history", "all", "period", "7d"):
        assert answers[name]["joined_history"] == ([] if name == "7d" else [of_aaa]), name
        assert answers[name]["unjoined_history"] == [], name
    assert f"With closes joined across the split of AAA on {split}." in pages["performance"]
    assert f"Closes not joined across a split: NEW on {split}, 1000 for 1: the closes do not" in pages["report"]
    assert pages["report"].count(f"Closes joined across a split: AAA on {split}, 1000 for 1.") == 1


async def test_without_any_no_page_says_a_word_of_it(service: Service) -> None:
    await without_events(service)
    answers, pages = await told_everywhere(service)
    assert all(one["joined_history"] == one["unjoined_history"] == [] for one in answers.values())
    assert not any("joined across" in page for page in pages.values())


async def test_closes_are_told_and_exported_as_they_are(service: Service) -> None:
    await with_events(service, {})
    assert (await read(service, "/risk/volatility-analysis"))["volatility"]["joined_history"]
    answer = await service.http.get("/exports/closes", params={"format": "json"})
    kept = {(row["symbol"], row["day"]): float(row["close"]) for row in answer.json()["rows"]}
    before = ago(service, SPLIT_ROW - 1).isoformat()
    assert kept["AAA", before] == pytest.approx(1000 * walks(DAYS, 2)[SPLIT_ROW - 1, 0])
    assert ("NEW", ago(service, RENAME_ROW - 1).isoformat()) not in kept


async def test_a_past_day_is_worth_its_quantity_times_its_close(service: Service) -> None:
    first = service.clock.now().date() - timedelta(days=6)
    closes = [1000, 1100, 1200, 130, 140, 150]
    await service.prices.add_closes(
        [
            Close(symbol=Symbol("AAA"), day=first + timedelta(days=n), price=Price(Decimal(close)), source="coinbase")
            for n, close in enumerate(closes)
        ]
    )
    body = {"symbol": "AAA", "side": "BUY", "quantity": 3, "price": 1000, "net_amount": 3000}
    booked = await service.http.post("/holdings/update", json={**body, "executed_at": f"{first}T12:00:00Z"})
    assert booked.status_code == 200
    await happen(service, first + timedelta(days=3), kind="split", symbol="AAA", ratio=10)
    assert (await read(service, "/risk/volatility-analysis"))["volatility"]["joined_history"]
    # 3 at the closes of then, from the split on 30, less the 3,000 that they cost
    book = (await ask(service, "/portfolio", as_of=f"{first + timedelta(days=1)}T23:00:00Z"))["portfolio"]
    assert (book["invested_amount"], book["total_value"]) == (3300, 300)
    found = await ask(service, "/performance/history", days=10)
    assert found["basis"] == "restated"
    values = {day["day"]: day["value"] for day in found["history"]["days"]}
    assert [values[(first + timedelta(days=n)).isoformat()] for n in range(1, 5)] == [300, 600, 900, 1200]


async def test_a_label_is_of_its_kind(service: Service) -> None:
    event = {"kind": "exchange", "symbol": "A", "quantity": 1, "to_symbol": "B", "ratio": 1}
    answer = await service.http.post("/events", json={**event, "label": "staking"})
    assert (is_problem(answer, 400, "malformed-request"), fields(answer)) == (True, {"label"})
    assert "rename, wrap or bridge" in answer.text
    event = {"kind": "income", "symbol": "A", "quantity": 1, "value": 1, "label": "rename"}
    answer = await service.http.post("/events", json=event)
    assert (is_problem(answer, 400, "malformed-request"), fields(answer)) == (True, {"label"})
    assert (await service.http.post("/events", json={"kind": "split", "symbol": "A", "label": "x"})).status_code == 400
