"""Backtests over HTTP: asked for once, computed beside the service, looked at, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.adapters.compute.backtester import SpawnedBacktester
from portfolio.adapters.compute.workers import Workers
from portfolio.application.backtest.jobs.asking import MOST_WAITING
from portfolio.application.backtest.request import Kind
from portfolio.application.errors import NotInstalled
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.histories import exact
from tests.support.services.http_service import Service, fields, is_problem, running

LAST = date(2025, 6, 14)  # the day before that of the service's clock
FIRST = LAST - timedelta(days=1)
SPAN = {"from": str(FIRST), "to": str(LAST)}
ASKED = {**SPAN, "policy": {"cash_trigger": 1}, "slippage_bps": 0}
WEIGHTS = {"A": 0.5, "B": 0.25}


MALFORMED: Sequence[tuple[dict[str, Any], set[str]]] = [
    ({"from": None}, {"from"}),
    ({"to": "2025-06-15"}, {"to"}),
    ({"from": str(LAST)}, {"from"}),
    ({"from": "June"}, {"from"}),
    ({"kind": "targets"}, {"optimise"}),
    ({"optimise": {"objective": "hrp"}}, {"optimise"}),
    ({"kind": "targets", "optimise": {"objective": "hrp", "symbols": ["A/EUR"]}}, {"optimise.symbols[0]"}),
    ({"kind": "targets", "optimise": {"objective": "hrp", "confidence": 2}}, {"optimise.confidence"}),
    ({"start": "weights"}, {"weights"}),
    ({"weights": WEIGHTS}, {"weights"}),
    ({"start": "weights", "weights": {"A": 0.7, "B": 0.4}}, {"weights"}),
    ({"start": "weights", "weights": {"A": 0.1, "a": 0.1}}, {"weights.a"}),
    ({"start": "weights", "weights": {"A": "half", "B/EUR": 2}}, {"weights.A", "weights.B/EUR"}),
    ({"initial_value": 5}, {"initial_value"}),
    ({"start": "cash", "initial_value": 0}, {"initial_value"}),
    (
        {"fee_bps": -1, "slippage_bps": 1001, "recovery_percent": "all"},
        {"fee_bps", "slippage_bps", "recovery_percent"},
    ),
    ({"every_days": 0}, {"every_days"}),
    ({"fill": "open"}, {"fill"}),
    ({"best": True}, {"best"}),
]

INVALID_POLICIES: Sequence[tuple[dict[str, Any], set[str]]] = [
    ({"policy": {"position_limit": 25}}, {"policy.position_limit"}),
    (
        {"kind": "targets", "optimise": {"objective": "hrp", "limits": {"pair_limit": 0}}},
        {"optimise.limits.pair_limit"},
    ),
]

TOO_EARLY = "no close on the first day of A: begin later, or fetch older ones: portfolio backfill"
NOT_BACKTESTABLE: Sequence[tuple[dict[str, Any], str]] = [
    ({"from": "2000-01-01"}, "it may begin on 2015-08-16, not earlier"),
    ({"start": "weights", "weights": {"A": 1}, "from": "2024-05-01"}, TOO_EARLY),
    (
        {
            "kind": "targets",
            "optimise": {"objective": "hrp", "days": 60, "symbols": [f"A{place}" for place in range(250)]},
            "from": "2015-08-16",
        },
        "it is of more than 750,000 closes: ask for fewer days or assets",
    ),
]


async def remember(service: Service, symbol: str, closes: Sequence[str | int]) -> None:
    """Keep closes, of the days up to ``LAST``."""
    days = [LAST - timedelta(days=back) for back in reversed(range(len(closes)))]
    kept = [
        Close(symbol=Symbol(symbol), day=day, price=Price(Decimal(close)), source="coinbase")
        for day, close in zip(days, closes, strict=True)
    ]
    await service.prices.add_closes(kept)


async def hold_a_fall(service: Service) -> None:
    """A 200 at 150, B 200 at 50, cash 70,000; on the last day A falls to 120."""
    bookings: list[tuple[str, dict[str, Any]]] = [
        ("/cash/transactions", {"kind": "deposit", "amount": 10_000}),
        ("/holdings/update", {"symbol": "A", "side": "BUY", "quantity": 200, "price": 150, "net_amount": 30_000}),
        ("/holdings/update", {"symbol": "B", "side": "BUY", "quantity": 200, "price": 50, "net_amount": 10_000}),
    ]
    for path, body in bookings:
        assert (await service.http.post(path, json=body)).status_code == 200
    await remember(service, "A", [150] * 31 + [120])
    await remember(service, "B", [50] * 32)


async def ask(service: Service, **body: Any) -> Any:
    """What is answered to who asks for a backtest."""
    answer = await service.http.post("/backtests", json={**ASKED, **body})
    assert answer.status_code == 202, answer.text
    found = exact(answer)
    assert answer.headers["Location"] == f"/backtests/{found['backtest']['id']}"
    return found


async def compute(service: Service) -> None:
    """Compute all that waits."""
    while await service.cases.backtests.compute() is not None:
        pass


async def test_a_backtest_is_queued_computed_and_there(service: Service) -> None:
    await hold_a_fall(service)
    asked = (await ask(service))["backtest"]
    assert (asked["state"], asked["progress"], asked["result"], asked["error"]) == ("queued", 0, None, None)
    url = f"/backtests/{asked['id']}"
    for part in ("equity", "trades", "sweep"):
        assert is_problem(await service.http.get(f"{url}/{part}"), 409, "backtest-not-done")
    await compute(service)
    found = exact(await service.http.get(url))["backtest"]
    assert (found["state"], found["progress"]) == ("done", 1)
    # The check figures of backtest.md, section 6.
    assert found["result"]["end_value"] == Decimal("103996.239135")
    assert found["result"]["remarks"] == ["hindsight"]
    assert found["result"]["figures"]["reasons"]["sharpe_ratio"] == "too_few_observations"
    equity = exact(await service.http.get(f"{url}/equity"))
    assert (equity["count"], [row["day"] for row in equity["equity"]]) == (2, [str(FIRST), str(LAST)])
    assert equity["equity"][1]["value"] == Decimal("103996.239135")
    # The exchange has 1,000 for every day of an asset of which no close is kept.
    assert equity["equity"][1]["btc"] == 110_000
    [trade] = exact(await service.http.get(f"{url}/trades"))["trades"]
    assert (trade["symbol"], trade["side"], trade["rule"]) == ("A", "SELL", "concentration_risk")
    assert (trade["decided"], trade["filled"], trade["price"]) == (str(FIRST), str(LAST), 120)
    assert str(trade["quantity"])[:20] == "31.34054165791618739"


async def test_at_the_same_close_the_first_day_s_costs_are_in_the_figures(service: Service) -> None:
    await hold_a_fall(service)
    url = f"/backtests/{(await ask(service, fill='same_close'))['backtest']['id']}"
    await compute(service)
    found = exact(await service.http.get(url))["backtest"]["result"]
    [first, last] = exact(await service.http.get(f"{url}/equity"))["equity"]
    # The sale of 4,701.08 costs a fee of 4.701081 on the day it is decided: its row is after that.
    assert (first["value"], first["do_nothing"]) == (Decimal("109995.298919"), 110_000)
    assert (found["start_value"], found["end_value"]) == (110_000, last["value"])
    assert found["figures"]["total_return"] == Decimal("104935.515169") - 110_000


async def test_what_was_asked_is_answered_complete(service: Service) -> None:
    await hold_a_fall(service)
    request = (await ask(service))["backtest"]["request"]
    assert (request["from"], request["to"], request["every_days"]) == (str(FIRST), str(LAST), 1)
    assert (request["policy"]["cash_trigger"], request["policy"]["position_limit"]) == (1, Decimal("0.25"))
    assert (request["fee_bps"], request["slippage_bps"], request["fill"]) == (10, 0, "next_close")
    assert (request["kind"], request["optimise"], request["start"]) == ("policy", None, "holdings")


async def test_the_risk_free_rate_of_the_service_is_in_what_was_asked_and_in_its_ratios() -> None:
    found = []
    for rate in ("0", "0.050"):
        async with running(risk_free_rate=Decimal(rate)) as service:
            for symbol in ("A", "B"):
                await remember(service, symbol, [100 + day % 7 for day in range(100)])
            given = {"start": "weights", "weights": WEIGHTS, "from": str(LAST - timedelta(days=39))}
            url = f"/backtests/{(await ask(service, **given))['backtest']['id']}"
            await compute(service)
            found.append(exact(await service.http.get(url))["backtest"])
    assert [one["request"]["risk_free_rate"] for one in found] == [0, Decimal("0.05")]
    assert found[0]["fingerprint"] != found[1]["fingerprint"]
    free, over = (one["result"]["figures"] for one in found)
    # less by the rate of a day, times 365, over the volatility
    less = 365 * (1.05 ** (1 / 365) - 1) / float(free["annualized_volatility"])
    assert float(free["sharpe_ratio"] - over["sharpe_ratio"]) == pytest.approx(less, abs=1e-9)


async def test_the_same_request_on_the_same_closes_is_the_stored_one(service: Service) -> None:
    await hold_a_fall(service)
    first = await ask(service)
    again = await ask(service, fill="next_close", start="holdings")
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["backtest"]["id"] == first["backtest"]["id"]
    await compute(service)
    done = await ask(service)
    assert (done["backtest"]["state"], done["replayed"]) == ("done", True)
    assert done["backtest"]["result"]["end_value"] == Decimal("103996.239135")
    others = [
        (await ask(service, seed=1))["backtest"],
        (await ask(service, policy={"cash_trigger": 1, "position_limit": "0.26"}))["backtest"],
        (await ask(service, fill="same_close"))["backtest"],
        (await ask(service, every_days=2, recovery_percent="50"))["backtest"],
    ]
    await remember(service, "B", [51])
    others.append((await ask(service))["backtest"])
    seen = [first["backtest"], *others]
    assert len({one["id"] for one in seen}) == len({one["fingerprint"] for one in seen}) == 6


async def test_the_same_request_is_the_same_however_its_numbers_are_written(service: Service) -> None:
    for symbol in ("A", "B"):
        await remember(service, symbol, [100 + day % 7 for day in range(100)])
    plainly = {"start": "weights", "weights": WEIGHTS, "policy": {"fee_bps": 20}, "slippage_bps": 5}
    fully = plainly | {
        "weights": {"b": "0.250", "A": 0.50},
        "initial_value": "100000.00",
        "fee_bps": 20.0,
        "slippage_bps": "5.0",
        "recovery_percent": 0.0,
        "every_days": 1,
        "seed": 0,
    }
    optimise = {"objective": "equal_weight", "symbols": ["A", "B"], "half_life_days": 60, "confidence": 0.9}
    aimed = {
        "kind": "targets",
        "start": "cash",
        "optimise": {**optimise, "cash_percent": 5, "max_turnover_percent": 90},
    }
    longer = {"half_life_days": "60.0", "confidence": "0.900", "cash_percent": 5.0, "max_turnover_percent": 90.0}
    for first, second in (
        (plainly, fully),
        (aimed, {**aimed, "optimise": {**optimise, **longer}, "every_days": 30, "fee_bps": 10}),
    ):
        asked = (await ask(service, **first))["backtest"]
        again = await ask(service, **second)
        assert (again["backtest"]["fingerprint"], again["replayed"]) == (asked["fingerprint"], True)


async def test_another_holding_is_another_question(service: Service) -> None:
    await hold_a_fall(service)
    first = (await ask(service))["backtest"]["id"]
    body = {"symbol": "B", "side": "SELL", "quantity": 1, "price": 50, "net_amount": 50}
    assert (await service.http.post("/holdings/update", json=body)).status_code == 200
    assert (await ask(service))["backtest"]["id"] != first


async def test_cash_and_weights_need_no_holdings(service: Service) -> None:
    await hold_a_fall(service)
    cash = (await ask(service, start="cash"))["backtest"]
    held = (await ask(service, start="weights", weights=WEIGHTS, initial_value=40_000))["backtest"]
    assert held["request"]["weights"] == {"A": Decimal("0.5"), "B": Decimal("0.25")}
    await compute(service)
    found = [exact(await service.http.get(f"/backtests/{one['id']}"))["backtest"]["result"] for one in (cash, held)]
    assert (found[0]["end_value"], found[0]["remarks"]) == (100_000, ["nothing_held"])
    # Doing nothing: 20,000 / 150 x 120 + 30,000, half of which is B and the rest cash; 133.333333333333333333 units.
    assert found[1]["do_nothing"]["total_return"] == pytest.approx(Decimal(-4000), abs=Decimal("0.000001"))


async def test_weights_to_reach_are_taken_from_the_optimiser(service: Service) -> None:
    for symbol, step in (("A", 2), ("B", 3)):
        await remember(service, symbol, [100 + (day % 7) * step for day in range(100)])
    asked = await ask(
        service,
        kind="targets",
        start="cash",
        optimise={"objective": "equal_weight", "symbols": ["b", "A-USD"], "days": 61, "limits": {"position_limit": 1}},
    )
    request = asked["backtest"]["request"]
    assert (request["every_days"], request["optimise"]["symbols"]) == (30, ["A", "B"])
    assert request["policy"]["position_limit"] == 1
    await compute(service)
    trades = exact(await service.http.get(f"/backtests/{asked['backtest']['id']}/trades"))["trades"]
    assert [(trade["symbol"], trade["side"], trade["rule"]) for trade in trades] == [
        ("A", "BUY", "targets"),
        ("B", "BUY", "targets"),
    ]


async def test_closes_of_assets_that_were_never_held_are_fetched(service: Service) -> None:
    asked = await ask(service, start="weights", weights={"NEW": 1})
    await compute(service)
    found = exact(await service.http.get(f"/backtests/{asked['backtest']['id']}"))["backtest"]
    assert found["result"]["do_nothing"]["total_return"] == 0
    assert found["result"]["btc"]["total_return"] == 0


async def test_pages_go_on_where_the_last_one_ended(service: Service) -> None:
    await hold_a_fall(service)
    ids = [(await ask(service, seed=seed))["backtest"]["id"] for seed in range(3)]
    first = exact(await service.http.get("/backtests?limit=2"))
    assert ([one["id"] for one in first["backtests"]], first["count"]) == (ids[:0:-1], 2)
    assert "result" not in first["backtests"][0]
    second = exact(await service.http.get(f"/backtests?limit=2&cursor={first['next_cursor']}"))
    assert ([one["id"] for one in second["backtests"]], second["next_cursor"]) == (ids[:1], None)
    assert is_problem(await service.http.get("/backtests?cursor=s1"), 400, "malformed-request")


async def test_trades_are_paged_too(service: Service) -> None:
    await hold_a_fall(service)
    body = {"position_limit": "0.05", "cash_trigger": 1}
    url = f"/backtests/{(await ask(service, policy=body))['backtest']['id']}/trades"
    await compute(service)
    whole = exact(await service.http.get(url))
    assert (whole["count"], whole["next_cursor"]) == (2, None)
    first = exact(await service.http.get(f"{url}?limit=1"))
    second = exact(await service.http.get(f"{url}?limit=1&cursor={first['next_cursor']}"))
    assert (first["trades"] + second["trades"], second["next_cursor"]) == (whole["trades"], None)


async def test_a_backtest_that_waits_is_cancelled_and_asked_anew(service: Service) -> None:
    await hold_a_fall(service)
    first = (await ask(service))["backtest"]["id"]
    cancelled = exact(await service.http.delete(f"/backtests/{first}"))["backtest"]
    assert (cancelled["state"], cancelled["finished_at"]) == ("cancelled", "2025-06-15T12:00:00Z")
    assert await service.cases.backtests.compute() is None
    again = await ask(service)
    assert (again["replayed"], again["backtest"]["id"] != first) == (False, True)


async def test_what_is_done_is_not_cancelled(service: Service) -> None:
    await hold_a_fall(service)
    url = f"/backtests/{(await ask(service))['backtest']['id']}"
    await compute(service)
    done = exact(await service.http.get(url))["backtest"]
    assert exact(await service.http.delete(url))["backtest"] == done
    assert exact(await service.http.get(url))["backtest"] == done


async def test_what_is_not_there_is_not_found(service: Service) -> None:
    for path in ("", "/equity", "/trades", "/sweep"):
        assert is_problem(await service.http.get(f"/backtests/bt-none{path}"), 404, "not-found")
    assert is_problem(await service.http.delete("/backtests/bt-none"), 404, "not-found")


async def test_what_cannot_be_asked_is_refused_by_the_field(service: Service) -> None:
    for body, named in MALFORMED:
        given = {name: value for name, value in {**ASKED, **body}.items() if value is not None}
        answer = await service.http.post("/backtests", json=given)
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == named, answer.text


async def test_a_policy_that_cannot_be_is_refused_by_its_setting(service: Service) -> None:
    for body, named in INVALID_POLICIES:
        answer = await service.http.post("/backtests", json={**ASKED, **body})
        assert is_problem(answer, 400, "invalid-policy")
        assert fields(answer) == named


async def test_what_there_are_no_closes_for_is_refused_at_once(service: Service) -> None:
    await hold_a_fall(service)
    for body, said in NOT_BACKTESTABLE:
        answer = await service.http.post("/backtests", json={**ASKED, **body})
        assert is_problem(answer, 422, "not-backtestable")
        assert answer.json()["detail"] == said


async def test_weights_of_nothing_are_refused_at_once(service: Service) -> None:
    # The books hold cash alone: there is nothing that might get a weight, and every decision would be left out.
    for start in ("holdings", "cash"):
        body = {"kind": "targets", "start": start, "optimise": {"objective": "equal_weight"}}
        answer = await service.http.post("/backtests", json={**ASKED, **body})
        assert is_problem(answer, 422, "not-backtestable")
        assert answer.json()["detail"].endswith("name assets in optimise.symbols")
    named = {"objective": "equal_weight", "symbols": ["B"]}
    assert (await ask(service, kind="targets", optimise=named))["replayed"] is False


async def test_without_the_libraries_weights_are_refused_at_once_as_by_the_optimiser(service: Service) -> None:
    await hold_a_fall(service)
    lacking = SpawnedBacktester(Workers(), libraries=("scipy", "no_such_solver"))
    service.slices.failure = service.compute.failure = refusal_of(lacking)
    aims = {"objective": "equal_weight", "symbols": ["A", "B"]}
    for path, body in (("/backtests", {**ASKED, "kind": "targets", "optimise": aims}), ("/optimise", aims)):
        answer = await service.http.post(path, json=body)
        assert is_problem(answer, 501, "not-installed"), answer.text
        assert answer.json()["detail"].endswith("install the extra portfolio[optimise]")
    assert (await service.http.get("/backtests")).json()["count"] == 0
    assert (await ask(service))["backtest"]["state"] == "queued"  # the policy takes none of it


def refusal_of(lacking: SpawnedBacktester) -> Exception:
    """What is raised where a library is not there."""
    lacking.check(Kind.POLICY)
    with pytest.raises(NotInstalled) as refused:
        lacking.check(Kind.TARGETS)
    return refused.value


async def test_closes_that_are_still_on_their_way_are_waited_for_and_those_that_are_not_to_be_had_are_named() -> None:
    class Gated(ScriptedCloses):
        """Gives closes of NEW when it is told to."""

        def __init__(self) -> None:
            super().__init__([Symbol("GONE")], at=1000)
            self.opens = asyncio.Event()

        async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
            if symbol.code == "NEW":
                await self.opens.wait()
            return await super().daily_closes(symbol, start, end)

    exchange = Gated()
    async with running(closes=exchange, request_deadline_seconds=1.0) as service:
        body = {**ASKED, "start": "weights", "weights": {"NEW": "0.5", "GONE": "0.5"}}
        answer = await service.http.post("/backtests", json=body)
        assert is_problem(answer, 503, "closes-pending")
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["detail"] == "the closes of NEW are still being fetched: ask again in a few seconds"
        exchange.opens.set()
        await service.cases.backtests.ask.fetch_closes(Symbol("NEW"))
        answer = await service.http.post("/backtests", json=body)
        assert is_problem(answer, 422, "not-backtestable")
        assert answer.json()["detail"].startswith("no exchange has just given closes of GONE: ask again in a minute")
        assert (await ask(service, start="weights", weights={"NEW": 1}))["replayed"] is False


async def test_no_more_wait_than_may(service: Service) -> None:
    for seed in range(MOST_WAITING):
        await ask(service, start="cash", seed=seed)
    answer = await service.http.post("/backtests", json={**ASKED, "start": "cash", "seed": MOST_WAITING})
    assert is_problem(answer, 429, "too-many-backtests")
    assert answer.headers["Retry-After"] == "30"


async def test_numbers_may_be_strings_in_answers(service: Service) -> None:
    await hold_a_fall(service)
    url = f"/backtests/{(await ask(service))['backtest']['id']}/equity"
    await compute(service)
    answer = await service.http.get(url, headers={"Accept": "application/json;IEEE754Compatible=true"})
    assert answer.json()["equity"][1]["value"] == "103996.239135"


async def test_who_may_only_read_asks_for_none() -> None:
    async with running(api_keys="reader:read:" + "r" * 16) as service:
        headers = {"X-TRADING-API-KEY": "r" * 16}
        assert is_problem(await service.http.post("/backtests", json=ASKED, headers=headers), 403, "forbidden")
        assert is_problem(await service.http.delete("/backtests/bt-1", headers=headers), 403, "forbidden")
        assert (await service.http.get("/backtests", headers=headers)).status_code == 200
