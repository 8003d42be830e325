"""What can be read: exact, complete, and still there when the database is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.performance.records import DailyValue
from portfolio.application.prices.records import Close
from portfolio.domain.symbol import Symbol
from tests.support.fakes.fake_stores import FakeDays
from tests.support.services.http_service import BUY, Service, SilentLedger, is_problem, running

PORTFOLIO_FIELDS = {
    "total_value", "cash_balance", "invested_amount", "cost_basis", "unrealized_pnl", "realized_pnl", "total_pnl",
    "total_pnl_percent", "fees_paid", "net_deposits", "unreconciled", "num_positions", "positions",
    "performance_metrics", "risk_metrics", "priced_share_percent", "stale", "as_of", "revision", "last_updated",
}  # fmt: skip
RISK_FIELDS = {
    "health_score", "hhi", "concentration_level", "average_correlation", "portfolio_volatility", "portfolio_heat",
    "value_at_risk_95",
}  # fmt: skip
POSITION_FIELDS = {
    "symbol", "quantity", "avg_entry_price", "break_even_price", "current_price", "market_value", "cost_basis",
    "unrealized_pnl", "unrealized_pnl_percent", "realized_pnl", "allocation_percent", "category", "price_source",
    "price_age_seconds", "price_status", "last_updated",
}  # fmt: skip
PERFORMANCE_FIELDS = {
    "total_return", "total_return_percent", "daily_return", "daily_return_percent", "win_rate", "profit_factor",
    "sharpe_ratio", "max_drawdown", "num_trades", "period_days",
}  # fmt: skip


async def test_the_portfolio_has_every_field_and_its_identity_holds(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    text = (await service.http.get("/portfolio")).text
    portfolio = json.loads(text, parse_float=Decimal, parse_int=Decimal)["portfolio"]
    assert set(portfolio) >= PORTFOLIO_FIELDS
    assert set(portfolio["risk_metrics"]) >= RISK_FIELDS
    assert set(portfolio["positions"][0]) >= POSITION_FIELDS
    assert portfolio["cash_balance"] + portfolio["invested_amount"] == portfolio["total_value"]
    parts = ("net_deposits", "realized_pnl", "unrealized_pnl", "unreconciled")
    assert portfolio["total_value"] == sum(portfolio[part] for part in parts)
    assert (portfolio["total_value"], portfolio["fees_paid"]) == (Decimal("99977.5"), Decimal("22.5"))
    # -22.5 of 100000
    assert portfolio["total_pnl_percent"] == Decimal("-0.0225")


async def test_whatever_is_null_has_a_reason(service: Service) -> None:
    body = (await service.http.get("/portfolio")).json()["portfolio"]
    for part in (body, body["risk_metrics"], body["performance_metrics"]):
        missing = {field for field, value in part.items() if value is None}
        assert missing <= set(part["reasons"]), missing
    # Nothing is held: there is no risk in it, and it is in perfect health.
    assert set(body["risk_metrics"]["reasons"]) == RISK_FIELDS - {"health_score"}
    assert body["risk_metrics"]["health_score"] == 100
    assert body["reasons"] == dict.fromkeys(("priced_share_percent", "fresh_share_percent"), "nothing_held")


async def test_without_deposits_there_is_no_percentage_of_them() -> None:
    async with running() as service:
        await service.http.post("/cash/transactions", json={"kind": "withdrawal", "amount": 100_000})
        body = (await service.http.get("/portfolio")).json()["portfolio"]
    assert (body["total_pnl_percent"], body["reasons"]["total_pnl_percent"]) == (None, "no_net_deposits")


async def test_positions_are_listed_by_symbol_and_counted(service: Service) -> None:
    for symbol in ("SOL", "BTC", "ETH"):
        await service.http.post("/holdings/update", json={**BUY, "symbol": symbol})
    body = (await service.http.get("/positions")).json()
    assert [p["symbol"] for p in body["positions"]] == ["BTC", "ETH", "SOL"]
    assert body["count"] == 3
    assert set(body["positions"][0]) >= POSITION_FIELDS
    assert [p["category"] for p in body["positions"]] == ["store_of_value", "smart_contracts", "other"]


async def test_an_old_price_makes_the_position_and_the_portfolio_stale(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    service.clock.advance(300)
    assert (await service.http.get("/portfolio")).json()["portfolio"]["stale"] is False
    service.clock.advance(1)
    body = (await service.http.get("/portfolio")).json()["portfolio"]
    assert body["stale"] is True
    assert (body["positions"][0]["price_status"], body["positions"][0]["price_age_seconds"]) == ("stale", 301)


async def bought_one(service: Service, price: str, **fields: str) -> None:
    """Buy one NEW."""
    body = {"symbol": "NEW", "side": "BUY", "quantity": "1", "price": price, "net_amount": price, **fields}
    assert (await service.http.post("/holdings/update", json=body)).status_code == 200


async def bought(service: Service, price: str, **fields: str) -> dict[str, Any]:
    """Buy one NEW and return the position as it is read then."""
    await bought_one(service, price, **fields)
    [position] = (await service.http.get("/positions")).json()["positions"]
    found: dict[str, Any] = position
    return found


async def test_an_asset_that_nobody_lists_is_worth_its_newest_execution_and_a_backdated_one_never_wins(
    service: Service,
) -> None:
    await bought(service, "10")
    began = service.clock.now()
    service.clock.advance(3600)
    assert is_problem(await service.http.post("/portfolio/refresh"), 503, "prices-unavailable")
    newest = await bought(service, "20")
    assert (newest["current_price"], newest["price_source"], newest["market_value"]) == (20, "trade", 40)
    backdated = await bought(service, "5", executed_at=(began + timedelta(minutes=1)).isoformat())
    assert (backdated["current_price"], backdated["price_source"], backdated["price_age_seconds"]) == (20, "trade", 0)


async def test_of_many_prices_that_cannot_be_refreshed_the_first_are_named_and_the_others_counted(
    service: Service,
) -> None:
    for n in range(7):
        booked = {"symbol": f"N{n}", "side": "BUY", "quantity": 1, "price": 10, "net_amount": 10}
        assert (await service.http.post("/holdings/update", json=booked)).is_success
    answer = await service.http.post("/portfolio/refresh")
    assert is_problem(answer, 503, "prices-unavailable")
    assert [f"N{n}:" in answer.json()["detail"] for n in range(7)] == [True] * 5 + [False] * 2
    assert answer.json()["detail"].endswith(" and 2 more)")


async def test_the_newest_execution_is_the_price_once_that_of_the_feed_is_stale(service: Service) -> None:
    await bought(service, "10")
    service.feed.prices["NEW"] = "11"
    assert (await service.http.post("/portfolio/refresh")).status_code == 200
    service.clock.advance(60)
    assert (await bought(service, "12"))["current_price"] == 11
    service.feed.prices.clear()
    service.clock.advance(240)
    assert is_problem(await service.http.post("/portfolio/refresh"), 503, "prices-unavailable")
    [fresh] = (await service.http.get("/positions")).json()["positions"]
    assert (fresh["current_price"], fresh["price_source"]) == (11, "coinbase")
    service.clock.advance(1)
    await service.http.post("/portfolio/refresh")
    [stale] = (await service.http.get("/positions")).json()["positions"]
    assert (stale["current_price"], stale["price_source"], stale["price_age_seconds"]) == (12, "trade", 241)
    portfolio = (await service.http.get("/portfolio")).json()["portfolio"]
    assert (portfolio["invested_amount"], portfolio["total_value"]) == (24, 100_002)
    # Once a feed has a price again, it is the newest thing known.
    service.feed.prices["NEW"] = "13"
    await service.http.post("/portfolio/refresh")
    [again] = (await service.http.get("/positions")).json()["positions"]
    assert (again["current_price"], again["price_source"]) == (13, "coinbase")


async def test_a_refresh_begun_before_something_was_held_is_not_shared_by_who_holds_it(service: Service) -> None:
    service.feed.prices.update(BTC="45000", NEW="11")
    await service.http.post("/holdings/update", json=BUY)
    service.feed.answers.clear()
    first = asyncio.create_task(service.http.post("/portfolio/refresh"))
    await service.feed.was_asked.wait()
    await bought_one(service, "10")
    second = asyncio.create_task(service.http.post("/portfolio/refresh"))
    service.feed.answers.set()
    assert (await second).json()["refreshed"] == ["BTC", "NEW"]
    # The first one, too: NEW is held by the time that it is answered.
    assert (await first).json()["failed"] == []


class LockedDays(FakeDays):
    """A history whose table another program has locked."""

    asked = 0
    locked = True

    async def values(self, portfolio_id: int, *, since: date, today: date) -> Sequence[DailyValue]:
        LockedDays.asked += 1
        if self.locked:
            await asyncio.Event().wait()
        return await super().values(portfolio_id, since=since, today=today)


async def test_a_locked_history_does_not_hold_up_every_read_of_the_portfolio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LockedDays, "asked", 0)
    monkeypatch.setattr(LockedDays, "locked", True)
    async with running(days=LockedDays, request_deadline_seconds=0.4) as service:
        for _ in range(3):
            await service.http.post("/holdings/update", json=BUY)
            body = (await service.http.get("/portfolio")).json()["portfolio"]
            assert (body["performance_metrics"], body["num_positions"]) == (None, 1)
            assert body["reasons"]["performance_metrics"] == "history_unavailable"
        assert LockedDays.asked == 1
        kept = {"If-None-Match": (await service.http.get("/portfolio")).headers["ETag"]}
        assert (await service.http.get("/portfolio", headers=kept)).status_code == 304
        monkeypatch.setattr(LockedDays, "locked", False)
        service.clock.advance(15)
        newer = await service.http.get("/portfolio", headers=kept)
        assert newer.json()["portfolio"]["performance_metrics"] is not None
        kept = {"If-None-Match": newer.headers["ETag"]}
        assert (await service.http.get("/portfolio", headers=kept)).status_code == 304


async def test_a_portfolio_whose_closes_could_not_be_read_is_another_version(service: Service) -> None:
    read = service.prices.closes

    async def closes(symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        if (until - since).days > 100:  # as figures of risk look back, and those of performance do not
            raise LedgerUnavailable("locked")
        return await read(symbols, since=since, until=until)

    await service.http.post("/holdings/update", json=BUY)
    service.prices.closes = closes  # type: ignore[method-assign]  # the database is locked for it alone
    first = await service.http.get("/portfolio")
    why = first.json()["portfolio"]["risk_metrics"]["reasons"]
    assert why["portfolio_volatility"] == "history_unavailable"
    service.prices.closes = read  # type: ignore[method-assign]  # and no longer
    service.clock.advance(15)
    later = await service.http.get("/portfolio", headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200
    why = later.json()["portfolio"]["risk_metrics"]["reasons"]
    assert why["portfolio_volatility"] == "too_few_observations"


@pytest.mark.parametrize("failing", ["of performance", "of risk"])
async def test_a_portfolio_one_of_whose_reads_of_closes_failed_is_another_version(
    service: Service, failing: str
) -> None:
    read, reads = service.prices.closes, iter(["of performance", "of risk"])

    async def closes(symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        if next(reads) == failing:
            raise LedgerUnavailable("locked")
        return await read(symbols, since=since, until=until)

    await service.http.post("/holdings/update", json=BUY)
    service.prices.closes = closes  # type: ignore[method-assign]  # a fake that is told what to do
    first = await service.http.get("/portfolio")
    service.prices.closes = read  # type: ignore[method-assign]  # a fake that is told what to do
    body = first.json()["portfolio"]
    missed = body["risk_metrics"]["reasons"]["portfolio_volatility"] == "history_unavailable"
    assert (body["performance_metrics"]["stale"], missed) == (failing == "of performance", failing == "of risk")
    service.clock.advance(15)
    later = await service.http.get("/portfolio", headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200
    kept = {"If-None-Match": later.headers["ETag"]}
    assert (await service.http.get("/portfolio", headers=kept)).status_code == 304


async def test_a_version_that_the_client_has_is_not_sent_again(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    first = await service.http.get("/portfolio")
    service.clock.advance(60)
    same = await service.http.get("/portfolio", headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == first.headers["ETag"]
    await service.http.post("/holdings/update", json=BUY)
    changed = await service.http.get("/portfolio", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize("field", ["quantity", "asset_cost", "cost_basis", "realized_pnl"])
async def test_what_another_program_writes_into_a_position_changes_the_version(service: Service, field: str) -> None:
    await service.http.post("/holdings/update", json=BUY)
    first = await service.http.get("/portfolio")
    portfolio = service.ledger.books.portfolio
    assert portfolio is not None
    position = portfolio.position(Symbol("BTC"))
    written: Any = {field: type(getattr(position, field))(Decimal("0.001"))}
    service.ledger.books.portfolio = replace(
        portfolio, positions={**portfolio.positions, position.symbol: replace(position, **written)}
    )
    service.clock.advance(5)
    later = await service.http.get("/portfolio", headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200


async def test_a_head_is_a_get_without_its_body(service: Service) -> None:
    for path in ("/portfolio", "/metrics", "/health/live", "/docs"):
        whole, head = await service.http.get(path), await service.http.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert (await service.http.head("/holdings/update")).status_code == 405


@pytest.mark.parametrize("path", ["/docs", "/docs/swagger-ui.css", "/docs/start.js", "/metrics"])
async def test_a_text_names_its_charset_once(service: Service, path: str) -> None:
    assert (await service.http.get(path)).headers["Content-Type"].count("charset=utf-8") == 1


async def test_metrics_are_of_the_books_as_they_are_now_though_nobody_reads_them(service: Service) -> None:
    assert "portfolio_positions 0.0" in (await service.http.get("/metrics")).text
    await service.http.post("/holdings/update", json=BUY)
    assert "portfolio_positions 1.0" in (await service.http.get("/metrics")).text
    service.ledger.away = True
    assert "portfolio_positions 1.0" in (await service.http.get("/metrics")).text


async def test_a_status_that_changes_with_time_changes_the_version(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    first = await service.http.get("/portfolio")
    service.clock.advance(301)
    later = await service.http.get("/portfolio", headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200


async def test_with_the_database_away_the_last_state_is_served_marked(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    before = (await service.http.get("/portfolio")).json()["portfolio"]
    service.ledger.away = True
    service.clock.advance(30)
    after = (await service.http.get("/portfolio")).json()["portfolio"]
    assert (before["stale"], after["stale"]) == (False, True)
    assert (after["as_of"], after["total_value"]) == (before["as_of"], before["total_value"])
    assert (await service.http.get("/positions")).json()["stale"] is True
    assert (await service.http.get("/performance")).json()["performance"]["stale"] is True


async def test_with_a_silent_database_the_last_state_is_served_within_the_deadline() -> None:
    ledger = SilentLedger()
    async with running(ledger=ledger, request_deadline_seconds=0.4) as service:
        await service.http.get("/portfolio")
        ledger.silent = True
        answer = await service.http.get("/portfolio")
        ledger.silent = False
        assert answer.status_code == 200
        assert answer.json()["portfolio"]["stale"] is True


async def test_with_nothing_to_serve_it_is_503(service: Service) -> None:
    service.ledger.away = True
    answer = await service.http.get("/portfolio")
    assert is_problem(answer, 503, "ledger-unavailable")
    assert answer.headers["Retry-After"] == "1"


async def test_before_the_books_are_open_it_is_503() -> None:
    async with running(opened=False) as service:
        assert is_problem(await service.http.get("/portfolio"), 503, "books-not-open")
        assert is_problem(await service.http.post("/holdings/update", json=BUY), 503, "books-not-open")


async def test_performance_has_every_field(service: Service) -> None:
    body = (await service.http.get("/performance?days=7")).json()
    assert set(body["performance"]) >= PERFORMANCE_FIELDS
    assert body["period_days"] == body["performance"]["period_days"] == 7
    assert (await service.http.get("/performance")).json()["period_days"] == 30


@pytest.mark.parametrize("query", ["days=0", "days=3651", "days=1.5", "days=x", "days=1&days=2", "day=1"])
async def test_days_are_1_to_3650(service: Service, query: str) -> None:
    assert is_problem(await service.http.get(f"/performance?{query}"), 400, "malformed-request")


async def test_a_refresh_says_what_came_and_what_did_not(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    await service.http.post("/holdings/update", json={**BUY, "symbol": "ETH"})
    service.feed.prices["BTC"] = "50000"
    body = (await service.http.post("/portfolio/refresh")).json()
    assert body["refreshed"] == ["BTC"]
    assert body["failed"] == [{"symbol": "ETH", "reason": "no source knows it"}]
    [btc, _] = body["portfolio"]["positions"]
    # 0.1 at 50000
    assert (btc["current_price"], btc["market_value"], btc["price_source"]) == (50000, 5000, "coinbase")


async def test_a_refresh_is_503_only_if_something_is_held_and_nothing_came(service: Service) -> None:
    empty = await service.http.post("/portfolio/refresh")
    await service.http.post("/holdings/update", json=BUY)
    fruitless = await service.http.post("/portfolio/refresh")
    assert (empty.status_code, empty.json()["refreshed"]) == (200, [])
    assert is_problem(fruitless, 503, "prices-unavailable")
    assert "Retry-After" in fruitless.headers


async def test_trades_are_filtered_and_paged(service: Service) -> None:
    for symbol, engine in (("BTC", "one"), ("ETH", "two"), ("BTC", "two")):
        await service.http.post("/holdings/update", json={**BUY, "symbol": symbol, "engine": engine})
        service.clock.advance(60)

    async def ids(**query: str | int) -> list[int]:
        answer = await service.http.get("/trades", params=query)
        assert answer.status_code == 200, answer.text
        return [trade["id"] for trade in answer.json()["trades"]]

    assert await ids() == [3, 2, 1]
    assert await ids(symbol="btc-usd") == [3, 1]
    assert await ids(engine="two", side="buy") == [3, 2]
    assert await ids(side="SELL") == []
    assert await ids(since="2025-06-15T12:01:00Z", until="2025-06-15T14:01:30+02:00") == [2]
    first = (await service.http.get("/trades", params={"limit": 2})).json()
    rest = (await service.http.get("/trades", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [t["id"] for t in first["trades"] + rest["trades"]] == [3, 2, 1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "symbol=BTCUSDT",
        "side=HOLD",
        "limit=0",
        "limit=1001",
        "cursor=x",
        "cursor=r1",
        "since=today",
        "until=2025-01-01",
        "sybmol=BTC",
    ],
)
async def test_a_wrong_filter_is_refused_rather_than_ignored(service: Service, query: str) -> None:
    assert is_problem(await service.http.get(f"/trades?{query}"), 400, "malformed-request")


async def test_a_trade_is_reversed_once(service: Service) -> None:
    await service.http.post("/holdings/update", json=BUY)
    reversed_ = await service.http.post("/trades/1/reverse", json={"notes": "mistake"})
    assert reversed_.json()["cash_balance"] == 100_000
    assert (reversed_.json()["reverses"], reversed_.json()["position"]["quantity"]) == (1, 0)
    again = await service.http.post("/trades/1/reverse")
    assert again.json() == {**reversed_.json(), "replayed": True}
    assert again.headers["Idempotency-Replayed"] == "true"
    newest, oldest = (await service.http.get("/trades")).json()["trades"]
    assert (newest["reverses"], newest["notes"], oldest["reversed_by"]) == (1, "mistake", newest["id"])


@pytest.mark.parametrize("trade_id", ["99", "0", "-1", "x", "1.0", "9" * 30, "%D9%A1", "%2B1"])
async def test_what_is_no_trade_cannot_be_reversed(service: Service, trade_id: str) -> None:
    await service.http.post("/holdings/update", json=BUY)
    assert is_problem(await service.http.post(f"/trades/{trade_id}/reverse"), 404, "not-found")


async def test_cash_moves_exactly_once_with_a_key(service: Service) -> None:
    body = {"kind": "deposit", "amount": "0.5", "client_transaction_id": "d1", "note": "bonus"}
    first = await service.http.post("/cash/transactions", json=body)
    again = await service.http.post("/cash/transactions", json=body)
    other = await service.http.post("/cash/transactions", json={**body, "amount": 1})
    assert (first.json()["cash_balance"], first.json()["net_deposits"]) == (100_000.5, 100_000.5)
    assert again.json() == {**first.json(), "replayed": True}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert is_problem(other, 422, "key-reused")


async def test_no_more_is_withdrawn_than_there_is(service: Service) -> None:
    answer = await service.http.post("/cash/transactions", json={"kind": "withdrawal", "amount": 100_001})
    assert is_problem(answer, 409, "insufficient-cash")
    assert is_problem(
        await service.http.post("/cash/transactions", json={"kind": "baseline", "amount": 1}), 400, "malformed-request"
    )


async def test_a_lost_database_is_503_for_every_write(service: Service) -> None:
    service.ledger.fail_next = LedgerUnavailable("gone", retry_after_seconds=7)
    answer = await service.http.post("/cash/transactions", json={"kind": "deposit", "amount": 1})
    assert is_problem(answer, 503, "ledger-unavailable")
    assert answer.headers["Retry-After"] == "7"


async def test_no_percentage_is_told_of_net_deposits_that_are_under_a_tenth_of_all_deposits(service: Service) -> None:
    # 100,000 were paid in. 10,000 left are a tenth; of a dollar less, a result of 22.5 would be told as a percentage
    # of next to nothing.
    await service.http.post("/holdings/update", json=BUY)
    for amount, percent, reason in (("90000", -0.225, None), ("1", None, "net_deposits_too_small")):
        body = {"kind": "withdrawal", "amount": amount}
        answer = await service.http.post("/cash/transactions", json=body)
        assert answer.status_code == 200, answer.text
        portfolio = (await service.http.get("/portfolio")).json()["portfolio"]
        assert (portfolio["total_pnl_percent"], portfolio["reasons"].get("total_pnl_percent")) == (percent, reason)
