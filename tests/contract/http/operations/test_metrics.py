"""What Prometheus is told: the service, its sources, its prices and its books, as they are when it asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from portfolio import __version__
from portfolio.entrypoints.connections import OVERDUE, REFUSED
from portfolio.entrypoints.http.errors import BOOKING_PROBLEMS
from portfolio.entrypoints.http.shell.metrics import METHODS
from tests.contract.http.shell.test_envelope import SlowLedger
from tests.support.services.http_service import BUY, KEYS, A, Service, is_problem, running


async def figures(service: Service, headers: dict[str, str] | None = None) -> dict[str, float]:
    """Return every figure, named with its labels."""
    text = (await service.http.get("/metrics", headers=headers)).text
    return {
        " ".join((sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items())))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_service_and_its_database_are_told(service: Service) -> None:
    told = await figures(service)
    assert told[f"portfolio_build_info schema=fake version={__version__}"] == 1
    assert (told["portfolio_ready"], told["portfolio_database_up"], told["portfolio_leader"]) == (1, 1, 0)
    assert told["portfolio_database_probe_seconds"] >= 0
    assert told["portfolio_refresh_interval_seconds"] == 60
    assert told["portfolio_bookings_waiting"] == 0
    assert told["portfolio_bookings_waiting_limit"] > 0
    assert told["process_resident_memory_bytes"] > 0
    assert told["process_open_fds"] > 0


async def test_how_the_rows_compare_with_the_entries_is_told(service: Service) -> None:
    for status in ("not_compared", "agree"):
        told = await figures(service)
        found = {name: value for name, value in told.items() if name.startswith("portfolio_books_comparison")}
        assert [name for name, value in found.items() if value] == [f"portfolio_books_comparison status={status}"]
        assert len(found) == 4
        await service.cases.health.compare()


async def test_with_the_database_away_it_is_told_and_the_last_books_are_still_shown(service: Service) -> None:
    await figures(service)
    service.ledger.away = True
    told = await figures(service)
    assert (told["portfolio_ready"], told["portfolio_database_up"]) == (0, 0)
    assert "portfolio_database_probe_seconds" not in told
    assert told["portfolio_cash_usd"] == 100_000


async def test_before_books_were_ever_seen_nothing_is_told_of_them() -> None:
    async with running(opened=False) as service:
        told = await figures(service)
    assert (told["portfolio_ready"], told["portfolio_database_up"]) == (0, 0)
    assert not [name for name in told if name.startswith(("portfolio_value", "portfolio_positions"))]


async def test_each_source_is_told_with_its_state(service: Service) -> None:
    told = await figures(service)
    states = {name: value for name, value in told.items() if name.startswith("portfolio_source_state")}
    assert {name for name, value in states.items() if value} == {
        "portfolio_source_state source=binance state=off",
        "portfolio_source_state source=coinbase state=never answered",
    }
    assert len(states) == 2 * 5


async def test_the_books_and_their_prices_are_told(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    service.feed.prices["BTC"] = "46000"
    await service.http.post("/portfolio/refresh")
    service.clock.advance(7)
    shown = (await service.http.get("/portfolio")).json()["portfolio"]
    told = await figures(service)
    amounts = {
        "value": "total_value", "cash": "cash_balance", "invested": "invested_amount", "cost_basis": "cost_basis",
        "net_deposits": "net_deposits", "realized_pnl": "realized_pnl", "unrealized_pnl": "unrealized_pnl",
        "fees_paid": "fees_paid", "unreconciled": "unreconciled",
    }  # fmt: skip
    assert {name: told[f"portfolio_{name}_usd"] for name in amounts} == {
        name: shown[field] for name, field in amounts.items()
    }
    assert told["portfolio_unrealized_pnl_usd"] == told["portfolio_invested_usd"] - told["portfolio_cost_basis_usd"] > 0
    assert (told["portfolio_oldest_price_age_seconds"], told["portfolio_live_price_share_ratio"]) == (7, 1)
    assert told["portfolio_prices result=refreshed"] == 1
    assert (told["portfolio_positions"], told["portfolio_ledger_revision"]) == (1, shown["revision"])
    service.clock.advance(300)
    assert (await figures(service))["portfolio_live_price_share_ratio"] == 0


async def test_no_figure_falls_below_nothing_where_the_clock_is_set_back(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    service.clock.set_wall_clock(service.clock.now() - timedelta(hours=3))
    told = await figures(service)
    assert told["portfolio_oldest_price_age_seconds"] == 0
    assert [name for name, value in told.items() if "_seconds" in name and value < 0] == []


async def test_what_is_refused_is_told(service: Service) -> None:
    await service.http.post("/holdings/update", json={**BUY, "side": "SELL"})
    told = await figures(service)
    assert told["portfolio_refused_bookings"] == 1
    assert told["portfolio_bookings_total kind=trade result=insufficient-quantity"] == 1


INTEREST = {"kind": "interest", "amount": 1}
LOSS = {"kind": "loss", "symbol": "BTC", "quantity": 1}


async def test_events_and_cash_transactions_are_counted_by_what_became_of_them(service: Service) -> None:
    for path, body in (
        ("/events", {**INTEREST, "client_event_id": "e"}),
        ("/events", {**INTEREST, "client_event_id": "e"}),
        ("/events", {**INTEREST, "amount": 2, "client_event_id": "e"}),
        ("/events", LOSS),
        ("/events/batch", {"events": [INTEREST, LOSS, {"kind": "interest"}]}),
        ("/events", {**LOSS, "dry_run": True}),
        ("/events", {**INTEREST, "dry_run": True}),
        ("/events/batch", {"events": [INTEREST, LOSS], "dry_run": True}),
        ("/cash/transactions", {"kind": "deposit", "amount": 1, "client_transaction_id": "c"}),
        ("/cash/transactions", {"kind": "deposit", "amount": 1, "client_transaction_id": "c"}),
        ("/cash/transactions", {"kind": "withdrawal", "amount": 10**9}),
        ("/cash/transactions", {"kind": "deposit", "amount": 1, "client_transaction_id": "e"}),
    ):
        await service.http.post(path, json=body)
    told = {name: value for name, value in (await figures(service)).items() if "bookings_total" in name and value}
    assert told == {
        "portfolio_bookings_total kind=event result=booked": 2,
        "portfolio_bookings_total kind=event result=replayed": 1,
        "portfolio_bookings_total kind=event result=key-reused": 1,
        "portfolio_bookings_total kind=event result=insufficient-quantity": 2,
        "portfolio_bookings_total kind=cash_transaction result=booked": 1,
        "portfolio_bookings_total kind=cash_transaction result=replayed": 1,
        "portfolio_bookings_total kind=cash_transaction result=insufficient-cash": 1,
        "portfolio_bookings_total kind=cash_transaction result=key-reused": 1,
    }


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/events", INTEREST, "event"),
        ("/events/batch", {"events": [INTEREST]}, "event"),
        ("/cash/transactions", {"kind": "deposit", "amount": 1}, "cash_transaction"),
    ],
)
async def test_an_event_or_a_cash_transaction_of_which_nobody_knows_is_counted(
    path: str, body: dict[str, object], kind: str
) -> None:
    ledger = SlowLedger()
    async with running(ledger=ledger, request_deadline_seconds=0.2) as service:
        ledger.go.clear()
        assert is_problem(await service.http.post(path, json=body), 503, "outcome-unknown")
        ledger.go.set()
        assert (await figures(service))[f"portfolio_bookings_total kind={kind} result=outcome-unknown"] == 1


async def test_each_result_that_bookings_may_have_is_counted_from_0_so_that_its_first_is_seen_as_an_increase(
    service: Service,
) -> None:
    operation = (await service.http.get("/openapi.json")).json()["paths"]["/holdings/update"]["post"]
    told = await figures(service)
    counted = {name for name in told if "bookings_total" in name}
    assert not any(told[name] for name in counted)
    of_route = {problem.slug for problem in BOOKING_PROBLEMS}
    assert counted == {
        f"portfolio_bookings_total kind={kind} result={result}"
        for kind in ("trade", "event", "cash_transaction")
        for result in {*of_route, "booked", "replayed", "internal-error"}
    }
    assert all(slug in str(operation["responses"]) for slug in of_route), "the document says what may become of one"


async def test_connections_that_are_cut_are_counted_from_0(service: Service) -> None:
    told = await figures(service)
    assert {f"portfolio_events_total event={name}" for name in (REFUSED, OVERDUE)} <= told.keys()


async def test_who_is_not_let_in_makes_no_figures_of_his_own() -> None:
    async with running(api_keys=KEYS) as service:
        paths = (await service.http.get("/openapi.json", headers=A)).json()["paths"]
        before = await figures(service, A)
        for path in paths:
            for method in (*METHODS, "BREW"):
                await service.http.request(method, path)
        told = await figures(service, A)
    of_requests = "portfolio_http_request_duration_seconds_count"
    counted = {name for name in told.keys() - before.keys() if name.startswith(of_requests)}
    assert f"{of_requests} method=POST route=(refused) status=401" in counted
    assert {name for name in counted if "status=4" in name and "route=(" not in name} == set()
    assert len(counted) < 40, "of what anybody may ask, and of what nobody may by method and status"


async def test_no_figure_says_when_it_was_made(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    assert not [name for name in await figures(service) if name.partition(" ")[0].endswith("_created")]
