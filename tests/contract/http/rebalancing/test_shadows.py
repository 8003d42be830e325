"""Shadow portfolios: what would have become of the books."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.backtest.shadows import ReadShadows
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.performance.days.ledger_days import LedgerDays
from portfolio.application.performance.final_days import MakeFinal
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_prices import ScriptedCloses
from tests.support.fakes.fake_stores import FakeDays
from tests.support.histories import booking, exact
from tests.support.services.http_service import CATEGORIES, Service, fields, is_problem, running
from tests.support.services.waiting import until

DAY = 86_400.0
NAMES = ("do_nothing", "policy", *Reason)


async def post(service: Service, path: str, body: Any) -> None:
    """Post, and see that it was taken."""
    answer = await service.http.post(path, json=body)
    assert answer.status_code == 200, answer.text


async def shadows(service: Service, **params: Any) -> Any:
    """The answer, its numbers as decimals."""
    return exact(await service.http.get("/shadows", params=params))["shadows"]


async def add_closes(service: Service, first: date, prices: list[int], symbol: str = "BTC") -> None:
    """Closes of an asset from a day on."""
    await service.prices.add_closes(
        [
            Close(symbol=Symbol(symbol), day=first + timedelta(days=n), price=Price(Decimal(price)), source="coinbase")
            for n, price in enumerate(prices)
        ]
    )


async def make_final(service: Service) -> None:
    """Make the days final that are over."""
    ledger = service.ledger
    entries = LedgerDays(ledger, service.cases.lookups)
    await MakeFinal(ledger, entries, FakeDays(ledger), service.prices, ScriptedCloses(), service.clock)(1)


@pytest.fixture
async def held(service: Service) -> Service:
    """Books of 70,000 in cash and 30 BTC that were bought at 1,000, three days ago.

    On the day after, 10 were sold and 5,000 paid in; the closes since are 1,000, 1,100 and 990.
    """
    opened = service.clock.now().date()
    await add_closes(service, opened - timedelta(days=40), [1000] * 41 + [1100, 990])
    await post(service, "/holdings/update", booking("BTC", Decimal(30)))
    service.clock.advance(DAY)
    await post(service, "/holdings/update", booking("BTC", Decimal(10), side="SELL"))
    await post(service, "/cash/transactions", {"kind": "deposit", "amount": 5000})
    service.clock.advance(2 * DAY)
    await make_final(service)
    return service


async def test_the_shadows_begin_with_the_books_of_the_first_day(held: Service) -> None:
    found = await shadows(held)
    first = held.clock.now().date() - timedelta(days=3)
    assert (found["first_day"], found["last_day"]) == (str(first), str(first + timedelta(days=2)))
    assert [one["name"] for one in found["shadows"]] == list(NAMES)
    nothing, policy, *_ = found["shadows"]
    # 30 BTC at 990, 70,000 and the deposit of 5,000.
    assert (nothing["value"], nothing["cash"], nothing["trades"]) == (Decimal(104_700), Decimal(75_000), 0)
    # 30 % is over 25 %: 7.00... BTC are sold at 1,100 on the day after, and no more on the day that is not over.
    assert (policy["trades"], policy["name"]) == (1, "policy")
    assert policy["value"] > nothing["value"]
    # The portfolio itself sold 10 at 1,000: 20 at 990, 80,000 and 5,000.
    assert found["actual"]["value"] == Decimal(104_800)
    assert found["actual"]["reasons"]["sharpe_ratio"] == "too_few_observations"
    assert (found["left_out"], found["stale"], found["reasons"]) == ([], False, {})


@pytest.mark.parametrize("long_known", [False, True])
async def test_across_a_split_and_a_rename_they_go_on_in_new_units(held: Service, *, long_known: bool) -> None:
    before = await shadows(held)
    first = held.clock.now().date() - timedelta(days=3)
    # In the middle of it BTC was split 10:1, and on the last day it became BTCN; BTC is another asset by then.
    await add_closes(held, first + timedelta(days=1), [110, 500])
    # Where BTCN has had closes for long, none has to be joined.
    closes = {day: {1: 110, 2: 99}.get(day, 100) for day in range(-100 if long_known else 2, 3)}
    await add_closes(held, first + timedelta(days=min(closes)), list(closes.values()), "BTCN")
    for day, event in (
        (1, {"kind": "split", "symbol": "BTC", "ratio": 10}),
        (2, {"kind": "exchange", "symbol": "BTC", "quantity": 200, "to_symbol": "BTCN", "ratio": 1}),
    ):
        await post(held, "/events", {**event, "effective_at": f"{first + timedelta(days=day)}T00:00:00Z"})
    after = await shadows(held)
    for one, other in zip(before["shadows"], after["shadows"], strict=True):
        assert {**one, "figures": None} == {**other, "figures": None}
    assert [day["do_nothing"] for day in before["days"]] == [day["do_nothing"] for day in after["days"]]
    told = [(one["from_symbol"], one["symbol"]) for one in after["joined_history"]]
    assert told == [("BTC", "BTC"), *([] if long_known else [("BTC", "BTCN")])]
    assert (before["joined_history"], after["unjoined_history"]) == ([], [])


async def test_what_was_renamed_is_worth_the_same_whatever_it_is_called(held: Service) -> None:
    first = held.clock.now().date() - timedelta(days=3)
    before = await shadows(held)
    # The new name stands before the old one.
    await add_closes(held, first, [3000, 3300, 2970], "ABTC")
    event = {"kind": "exchange", "symbol": "BTC", "quantity": 20, "to_symbol": "ABTC", "ratio": "0.333333333333333333"}
    await post(held, "/events", {**event, "effective_at": f"{first + timedelta(days=2)}T00:00:00Z"})
    after = await shadows(held)
    for one, other in zip(before["shadows"], after["shadows"], strict=True):
        assert round(one["value"], 2) == round(other["value"], 2)


async def test_a_split_that_the_closes_do_not_show_is_told(held: Service) -> None:
    at = held.clock.now().date() - timedelta(days=2)
    await post(held, "/events", {"kind": "split", "symbol": "BTC", "ratio": 10, "effective_at": f"{at}T00:00:00Z"})
    found = await shadows(held)
    assert found["joined_history"] == []
    assert found["unjoined_history"] == [
        {"symbol": "BTC", "from_symbol": "BTC", "ratio": 10, "on": str(at), "reason": "no_jump"}
    ]
    page = (await held.http.get("/pages/scorecard", headers={"Accept": "text/html"})).text
    assert f"Closes are not joined across the split of BTC on {at} (the closes do not move by its ratio)." in page


async def test_each_day_is_there_in_units(held: Service) -> None:
    days = (await shadows(held))["days"]
    assert [set(day) for day in days] == [{"day", "actual", *NAMES}] * 3
    assert {value for name, value in days[0].items() if name != "day"} == {1}
    # 103,000 without the deposit; then 108,000 become 104,700.
    assert [day["do_nothing"] for day in days[1:]] == [
        Decimal("1.03"),
        round(Decimal("1.03") * Decimal(104_700) / Decimal(108_000), 18),
    ]
    assert {day["high_volatility"] for day in days} == {day["do_nothing"] for day in days}


async def test_a_day_that_is_not_final_has_no_value_of_the_portfolio(held: Service) -> None:
    ledger: FakeLedger = held.ledger
    del ledger.books.days[held.clock.now().date() - timedelta(days=2)]
    days = (await shadows(held))["days"]
    assert [day["actual"] is None for day in days] == [False, True, False]
    assert days[1]["do_nothing"] == Decimal("1.03")


async def test_the_period_is_asked_for(held: Service) -> None:
    found = await shadows(held, days=1)
    assert len(found["days"]) == 2
    # The books of the day after: 20 BTC are under every limit, and rise beside idle cash.
    assert {one["name"] for one in found["shadows"] if one["trades"]} == {"policy", "cash_deployment"}
    assert found["shadows"][0]["value"] == found["actual"]["value"]
    for days in ("0", "3651", "x"):
        answer = await held.http.get("/shadows", params={"days": days})
        assert is_problem(answer, 400, "malformed-request")
        assert fields(answer) == {"days"}


async def test_they_are_the_same_again_and_others_once_a_close_was_mended(held: Service) -> None:
    before = await shadows(held)
    assert await shadows(held) == before
    await add_closes(held, held.clock.now().date() - timedelta(days=1), [995])
    after = await shadows(held)
    assert after["shadows"][0]["value"] == before["shadows"][0]["value"] + 30 * 5


async def test_what_was_opened_today_has_no_history(service: Service) -> None:
    found = await shadows(service)
    assert (found["shadows"], found["days"], found["actual"], found["reasons"]) == (
        [],
        [],
        None,
        {"shadows": "no_history"},
    )


async def test_without_an_entry_there_is_no_history() -> None:
    async with running(opened=False) as service:
        await service.ledger.create(1)
        assert (await shadows(service))["reasons"] == {"shadows": "no_history"}


async def test_where_nothing_was_held_there_is_nothing_to_follow(service: Service) -> None:
    service.clock.advance(3 * DAY)
    await make_final(service)
    assert (await shadows(service))["reasons"] == {"shadows": "nothing_held"}


async def test_what_has_no_close_is_worth_nothing_to_a_shadow(service: Service) -> None:
    await post(service, "/holdings/update", booking("BTC", Decimal(100)))
    service.clock.advance(3 * DAY)
    ledger: FakeLedger = service.ledger
    await add_closes(service, service.clock.now().date() - timedelta(days=3), [1000] * 3)
    await make_final(service)
    ledger.books.closes.clear()
    assert (await shadows(service))["reasons"] == {"shadows": "value_not_positive"}


async def test_with_the_database_away_they_are_the_last_ones_seen(held: Service) -> None:
    before = await shadows(held)
    held.ledger.away = True
    assert await shadows(held) == {**before, "stale": True}


async def test_with_the_database_away_closes_that_were_never_seen_are_missed(service: Service) -> None:
    await post(service, "/holdings/update", booking("ETH", Decimal(30)))
    service.clock.advance(3 * DAY)
    opened = service.clock.now().date() - timedelta(days=3)
    for n in range(3):
        close = Close(
            symbol=Symbol("ETH"), day=opened + timedelta(days=n), price=Price(Decimal(1000)), source="coinbase"
        )
        await service.prices.add_closes([close])
    await make_final(service)
    assert (await service.http.get("/performance?days=90")).status_code == 200
    service.ledger.away = True
    assert is_problem(await service.http.get("/shadows"), 503, "ledger-unavailable")


async def test_books_that_never_stand_still_are_told(held: Service) -> None:
    read = held.cases.performance.by_basis.recorded.shadows
    await read(90)
    old = await held.cases.ledger.snapshots.newest()
    await post(held, "/holdings/update", booking("BTC", Decimal(1)))
    await read(90)

    class Still:
        portfolio_id = 1

        async def newest(self) -> Any:
            return old

    late = ReadShadows(read.history, Still(), read.closes, categories=CATEGORIES, policy=RebalancePolicy())  # type: ignore[arg-type]  # a snapshot of before
    with pytest.raises(LedgerUnavailable, match="faster"):
        await late(90)


async def test_a_request_that_was_given_up_leaves_what_it_began(held: Service) -> None:
    read = held.cases.performance.by_basis.recorded.shadows
    given_up = asyncio.create_task(read(90))
    await until(lambda: read._uncancelled._tasks, pause_seconds=0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    await read._uncancelled.close()  # it goes on without it
    [run] = read._runs._results.values()
    assert run.is_done
    await read.stop()
    assert [one["trades"] for one in (await shadows(held))["shadows"][:2]] == [0, 1]


async def test_at_closes_at_which_no_books_ever_were_there_are_no_shadows(service: Service) -> None:
    """200,000,000,000,000,000 BTC at 1 dollar, while the closes are 1,000."""
    await add_closes(service, service.clock.now().date() - timedelta(days=40), [1000] * 43)
    await post(service, "/cash/transactions", {"kind": "deposit", "amount": "3e17"})
    await post(
        service, "/holdings/update", {**booking("BTC", Decimal(2 * 10**17)), "price": 1, "net_amount": 2 * 10**17}
    )
    for _ in range(3):
        service.feed.prices = {"BTC": "1"}
        await post(service, "/portfolio/refresh", {})
        service.clock.advance(DAY)
    assert (await shadows(service))["reasons"] == {"shadows": "out_of_range"}
