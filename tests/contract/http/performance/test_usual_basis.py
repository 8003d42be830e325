"""What is read on the usual basis beside performance: attribution, the figures in the portfolio, and shadows."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.prices.records import Close
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol
from tests.contract.http.ledger.test_lots import ask
from tests.contract.http.performance.test_attribution import book, day_ends, rows
from tests.contract.http.rebalancing.test_shadows import make_final
from tests.support.services.http_service import Service, fields, is_problem
from tests.support.services.waiting import until

BTC = Symbol("BTC")
MOMENT = {"as_of": "2025-06-15T09:00:00Z"}


@pytest.fixture
async def imported(service: Service) -> Service:
    """Trades of 5 to 10 June, booked with the opening on the 15th: 100,000 come in then, and BTC rises by 100 a day."""
    first = date(2025, 6, 4)
    await service.prices.add_closes(
        [
            Close(symbol=BTC, day=first + timedelta(days=n), price=Price(Decimal(1000 + 100 * n)), source="coinbase")
            for n in range(12)
        ]
    )
    event = {"kind": "transfer_in", "symbol": "BTC", "quantity": 2, "value": 2000, "basis": 500}
    answer = await service.http.post("/events", json={**event, "effective_at": "2025-06-04T00:00:00Z"})
    assert answer.status_code == 200, answer.text
    await book(service, "SELL", "1", "1150", engine="b", executed_at="2025-06-05T12:00:00Z")
    await book(service, "BUY", "0.5", "800", engine="a", executed_at="2025-06-10T12:00:00Z")
    await day_ends(service, BTC="2100")
    return service


async def attribution(service: Service, **params: Any) -> Any:
    return await ask(service, "/attribution", **params)


async def test_results_by_tag_reach_back_before_recording_began_and_add_up_on_either_basis(imported: Service) -> None:
    for basis in ("restated", "recorded"):
        for days in (1, 3, 8, 30):
            performance = (await ask(imported, "/performance", days=days, basis=basis))["performance"]
            for by in ("engine", "key", "reason", "symbol"):
                found = await attribution(imported, by=by, days=days, basis=basis)
                assert found["basis"] == basis
                assert sum(row["result"] for row in found["rows"]) == found["total"] == performance["total_return"]
                assert (found["from"], found["to"]) == (performance["first_day"], performance["last_day"])
    found = await attribution(imported, by="engine")
    assert (found["basis"], found["from"], found["to"]) == ("restated", "2025-06-03", "2025-06-15")
    # a: half a BTC for 800, at 2,100; b: sold at 1,150. 2 came in at 2,000, which is no result, and rose by 2,200.
    assert rows(found) == [("a", 250, -800, 1050, 1), ("b", -950, 1150, -2100, 1), (None, 2200, -2000, 4200, 0)]
    assert [(row["tag"], row["result"]) for row in (await attribution(imported, by="symbol"))["rows"]] == [
        ("BTC", 1500)
    ]


async def test_results_by_tag_are_told_as_of_a_past_moment_and_as_far_as_was_known(imported: Service) -> None:
    found = await attribution(imported, **MOMENT)
    assert (found["basis"], found["to"], found["as_of"]) == ("restated", "2025-06-14", MOMENT["as_of"])
    performance = (await ask(imported, "/performance", **MOMENT))["performance"]
    assert sum(row["result"] for row in found["rows"]) == found["total"] == performance["total_return"]
    # of the four entries that were booked the last is not known: a has bought nothing
    known = await attribution(imported, known_at="4")
    assert [row["tag"] for row in known["rows"]] == ["b", None]
    assert known["total"] == (await ask(imported, "/performance", known_at="4"))["performance"]["total_return"]
    refused = await imported.http.get("/attribution", params={**MOMENT, "basis": "recorded"})
    assert is_problem(refused, 400, "malformed-request")
    assert fields(refused) == {"basis"}


async def test_contributions_are_told_as_of_a_past_moment(imported: Service) -> None:
    whole = (await ask(imported, "/performance/timeframes", **MOMENT))["timeframes"]["all"]
    assert [one["symbol"] for one in whole["contributions"]] == ["BTC"]
    assert whole["contributions"][0]["money"] + whole["other_effects"] == whole["total_return"]


async def metrics(service: Service) -> Any:
    return (await ask(service, "/portfolio"))["portfolio"]["performance_metrics"]


async def test_the_figures_in_the_portfolio_are_of_the_usual_days_once_these_were_made(imported: Service) -> None:
    assert (await metrics(imported))["basis"] == "recorded"  # nobody has made the others yet
    await imported.cases.performance.usual.prepare()
    imported.clock.advance(1)
    await book(imported, "BUY", "0.1", "210")
    shown = await metrics(imported)
    assert shown["basis"] == "restated"
    assert shown == (await ask(imported, "/performance"))["performance"]
    assert shown["first_day"] == "2025-06-03"


async def test_the_days_that_were_made_meanwhile_count_at_the_next_read_which_is_another_version(
    imported: Service,
) -> None:
    before = await imported.http.get("/portfolio")
    await imported.cases.performance.usual.prepare()
    imported.clock.advance(1)
    assert (await metrics(imported))["basis"] == "restated"
    known = {"If-None-Match": before.headers["ETag"]}
    assert (await imported.http.get("/portfolio", headers=known)).status_code == 200


async def test_books_without_late_entries_have_recorded_figures_and_need_no_list_of_entries(service: Service) -> None:
    await book(service, "BUY", "1", "1000")
    await service.cases.performance.usual.prepare()
    assert (await metrics(service))["basis"] == "recorded"
    assert not service.cases.performance.usual.restate.has_begun


async def test_what_nobody_can_read_is_prepared_later(imported: Service) -> None:
    imported.ledger.away = True
    await imported.cases.performance.usual.prepare()
    assert not imported.cases.performance.usual.restate.has_begun
    imported.ledger.away = False
    await imported.cases.performance.usual.prepare()
    assert imported.cases.performance.usual.restate.has_begun


async def test_a_reading_that_was_given_up_goes_on_and_ends_with_the_service(imported: Service) -> None:
    restate = imported.cases.performance.usual.restate
    given_up = asyncio.create_task(imported.cases.performance.usual.prepare())
    await until(lambda: restate._uncancelled._tasks, pause_seconds=0)
    given_up.cancel()
    await asyncio.wait([given_up])
    await restate._uncancelled.close()
    assert restate.has_begun
    begun = asyncio.create_task(restate((await imported.cases.ledger.snapshots.newest()).portfolio, date(2025, 6, 1)))
    await asyncio.sleep(0)
    await restate.stop()
    with pytest.raises(asyncio.CancelledError):
        await begun


async def test_shadows_begin_with_the_books_of_restated_days_and_stand_beside_them(imported: Service) -> None:
    await make_final(imported)
    found = (await ask(imported, "/shadows"))["shadows"]
    assert (found["basis"], found["first_day"], found["last_day"]) == ("restated", "2025-06-04", "2025-06-15")
    nothing = found["shadows"][0]
    # 2 BTC at 2,100, and the 100,000 that came in
    assert (nothing["name"], nothing["value"]) == ("do_nothing", Decimal(104_200))
    assert [day["actual"] for day in found["days"]] == [
        day["unit_value"] for day in (await ask(imported, "/performance/history"))["history"]["days"][1:]
    ]
    recorded = (await ask(imported, "/shadows", basis="recorded"))["shadows"]
    assert (recorded["basis"], recorded["reasons"]) == ("recorded", {"shadows": "no_history"})


async def test_what_was_booked_meanwhile_is_in_a_newer_portfolio(imported: Service) -> None:
    old = await imported.cases.ledger.snapshots.newest()
    restated = imported.cases.performance.by_basis.restated.performance
    await restated.of(old, 30)
    await imported.http.post("/cash/transactions", json={"kind": "deposit", "amount": 5000})
    newest = await imported.cases.ledger.snapshots.newest()
    assert (await restated.of(newest, 30)).daily_return == Money.zero()
    # the deposit of today is known by now: what was there before it would have lost 5,000
    imported.clock.advance(86_400)
    await day_ends(imported, BTC="2100")
    measured = await restated.of(old, 30)
    assert (measured.daily_return, measured.as_of) == (
        Money.zero(),
        (await imported.cases.ledger.snapshots.newest()).as_of,
    )


async def test_of_a_day_that_is_not_over_nothing_is_known_to_have_been_held(imported: Service) -> None:
    today = imported.clock.now().date()
    assert await imported.cases.performance.past.positions.positions(1, {today}) == {}
