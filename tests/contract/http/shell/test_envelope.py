"""What every request gets: an id, a deadline, a line in the log, a problem when something is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_unit import FakeUnit
from tests.support.services.http_service import BUY, KEYS, A, Service, is_problem, running


class SlowLedger(FakeLedger):
    """Commits when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()
        self.begun = asyncio.Event()

    async def transact(self, portfolio_id: int, work: Callable[[FakeUnit], Awaitable[Any]], **hints: Any) -> Any:
        self.begun.set()
        await self.go.wait()
        return await super().transact(portfolio_id, work, **hints)


async def test_a_decent_request_id_is_echoed_and_any_other_replaced(service: Service) -> None:
    given = await service.http.get("/portfolio", headers={"X-Request-ID": "abc-1"})
    assert given.headers["X-Request-ID"] == "abc-1"
    for bad in ("", "x" * 65, "a b", "<script>"):
        made = (await service.http.get("/portfolio", headers={"X-Request-ID": bad})).headers["X-Request-ID"]
        assert made != bad
        assert len(made) == 32


async def test_every_request_is_one_line_in_the_log_by_template_and_caller() -> None:
    async with running(api_keys=KEYS) as service:
        with capture_logs() as logs:
            await service.http.get("/bookings/secret-key-name", headers=A)
            await service.http.get("/nowhere")
    lines = [(e["route"], e["status"], e["caller"]) for e in logs if e["event"] == "request.served"]
    assert lines == [("/bookings/{client_trade_id}", 404, "engine-a"), ("(unmatched)", 404, None)]


async def test_a_request_that_the_service_could_not_serve_is_a_warning(service: Service) -> None:
    with capture_logs() as logs:
        await service.http.get("/portfolio")
        service.ledger.away = True
        answer = await service.http.post("/holdings/update", json=BUY)
    lines = [(e["status"], e["log_level"]) for e in logs if e["event"] == "request.served"]
    assert lines == [(200, "info"), (503, "warning")]
    [told] = [(entry["problem"], entry["reason"]) for entry in logs if entry.get("status") == 503]
    assert told == ("ledger-unavailable", answer.json()["detail"])


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/docs/../../etc/passwd", 404, "not-found"),
        ("DELETE", "/portfolio", 405, "method-not-allowed"),
        ("GET", "/holdings/update", 405, "method-not-allowed"),
        ("GET", "/risk/nothing", 404, "not-found"),
        ("BREW", "/portfolio", 405, "method-not-allowed"),
        ("PUT", "//portfolio//", 405, "method-not-allowed"),
    ],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    service: Service, method: str, path: str, status: int, slug: str
) -> None:
    answer = await service.http.request(method, f"http://localhost{path}")
    assert is_problem(answer, status, slug)
    assert bool(answer.headers.get("allow")) is (status == 405)


async def test_what_nobody_foresaw_is_a_500_that_tells_nothing(service: Service) -> None:
    async def transact(portfolio_id: int, work: object, **_hints: object) -> None:
        raise RuntimeError("password=hunter2")

    service.ledger.transact = transact
    with capture_logs() as logs:
        answer = await service.http.post("/holdings/update", json=BUY)
    assert is_problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text
    assert [e["event"] for e in logs] == ["request.failed", "request.served"]


async def test_a_booking_past_its_deadline_is_outcome_unknown_and_goes_on() -> None:
    ledger = SlowLedger()
    async with running(ledger=ledger, request_deadline_seconds=0.2) as service:
        ledger.go.clear()
        keyed = {**BUY, "client_trade_id": "k"}
        late = await service.http.post("/holdings/update", json=keyed)
        ledger.go.set()
        again = await service.http.post("/holdings/update", json=keyed)
        told = (await service.http.get("/metrics")).text
    assert is_problem(late, 503, "outcome-unknown")
    assert 'portfolio_bookings_total{kind="trade",result="outcome-unknown"} 1.0' in told
    assert late.headers["Retry-After"] == "1"
    assert (again.status_code, again.json()["replayed"]) == (200, True)
    assert len(ledger.books.trades) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("/cash/transactions", {"kind": "deposit", "amount": 5}), ("/trades/1/reverse", {}), ("/holdings/update", BUY)],
)
async def test_a_caller_who_goes_away_does_not_stop_a_write(path: str, body: dict[str, Any]) -> None:
    ledger = SlowLedger()
    async with running(ledger=ledger) as service:
        await service.http.post("/holdings/update", json=BUY)
        before = ledger.books.portfolio
        assert before is not None
        ledger.go.clear()
        ledger.begun.clear()
        request = asyncio.create_task(service.http.post(path, json=body))
        await asyncio.wait_for(ledger.begun.wait(), 10)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        ledger.go.set()
    # leaving the block waits for what was begun
    after = ledger.books.portfolio
    assert after is not None
    assert after.revision == before.revision + 1


async def test_a_read_past_its_deadline_says_that_nothing_changed() -> None:
    ledger = FakeLedger()
    async with running(ledger=ledger, request_deadline_seconds=0.1) as service:

        async def trades(portfolio_id: int, wanted: object) -> None:
            await asyncio.Event().wait()

        lookups: Any = service.cases.lookups
        lookups.trades = trades
        answer = await service.http.get("/trades")
        page = await service.http.get("/pages/trades.csv", headers={"Accept": "text/html"})
    assert is_problem(answer, 503, "deadline-exceeded")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "There was no answer in time" in page.text


async def test_answers_are_not_cached_nor_sniffed(service: Service) -> None:
    answer = await service.http.get("/positions")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_metrics_count_by_template_and_by_result(service: Service) -> None:
    await service.http.post("/holdings/update", json={**BUY, "client_trade_id": "k"})
    await service.http.post("/holdings/update", json={**BUY, "client_trade_id": "k"})
    await service.http.post("/holdings/update", json={**BUY, "client_trade_id": "k", "fees": 0})
    await service.http.post("/holdings/update", json={**BUY, "side": "SELL", "quantity": 1, "net_amount": 45000})
    await service.http.get("/bookings/k")
    await service.http.request("BREW", "/a-path-of-the-clients-making")
    await service.http.head("/positions")
    text = (await service.http.get("/metrics")).text
    assert 'portfolio_bookings_total{kind="trade",result="booked"} 1.0' in text
    assert 'portfolio_bookings_total{kind="trade",result="replayed"} 1.0' in text
    assert 'portfolio_bookings_total{kind="trade",result="key-reused"} 1.0' in text
    assert 'portfolio_bookings_total{kind="trade",result="insufficient-quantity"} 1.0' in text
    assert 'route="/bookings/{client_trade_id}",status="200"} 1.0' in text
    assert "portfolio_bookings_waiting 0.0" in text
    assert "portfolio_positions 1.0" in text or "portfolio_positions" not in text
    assert 'count{method="HEAD",route="/positions",status="200"} 1.0' in text
    assert 'method="GET",route="/positions"' not in text
    assert "clients-making" not in text
    assert "BREW" not in text


async def test_the_pages_work_without_a_network_and_without_inline_scripts(service: Service) -> None:
    page = await service.http.get("/docs")
    assert "http" not in page.text.replace("<!DOCTYPE html>", "").replace("<html", "").replace("</html", "")
    assert "<script>" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    for part in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "start.js", "openapi.json"):
        answer = await service.http.get(f"/docs/{part}")
        assert answer.status_code == 200, part
        assert part in page.text or part == "openapi.json"
    # the packaged Swagger UI does not show 3.1
    assert (await service.http.get("/docs/openapi.json")).json()["openapi"] == "3.0.3"
    assert (await service.http.get("/openapi.json")).json()["openapi"] == "3.1.0"
    assert is_problem(await service.http.get("/docs/oauth2-redirect.html"), 404, "not-found")


async def test_every_page_says_what_a_browser_may_do_with_it(service: Service) -> None:
    for part in ("", "/swagger-ui.css", "/swagger-ui-bundle.js", "/favicon-32x32.png", "/start.js", "/openapi.json"):
        headers = (await service.http.get(f"/docs{part}")).headers
        directives = dict(one.strip().split(" ", 1) for one in headers["Content-Security-Policy"].split(";"))
        assert directives["default-src"] == directives["frame-ancestors"] == directives["base-uri"] == "'none'", part
        # nothing but this service: no other origin, and no script that is not a file of its own
        sources = {word for value in directives.values() for word in value.split()}
        assert sources == {"'none'", "'self'", "'unsafe-inline'", "data:"}
        assert directives["script-src"] == directives["connect-src"] == "'self'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_no_answer_says_what_serves_it_or_lets_other_pages_in(service: Service) -> None:
    for path in ("/portfolio", "/nowhere", "/metrics", "/docs"):
        headers = (await service.http.get(path, headers={"Origin": "http://localhost:8026"})).headers
        assert not [name for name in headers if name in {"server", "x-powered-by"} or name.startswith("access-control")]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("text", ["a\r\nX-Forged: 1", "a\nb", "\x1b[31m", "\u2028", "\ufeff"])
async def test_what_a_client_sends_is_in_no_header_of_the_answer(service: Service, text: str) -> None:
    quoted = quote(text)
    answers = [
        await service.http.get(f"/bookings/{quoted}"),
        await service.http.get(f"/nowhere/{quoted}"),
        await service.http.get("/trades", params={"symbol": text, text: "1"}),
        await service.http.post("/holdings/update", json={**BUY, "symbol": text, "client_trade_id": text}),
        await service.http.get("/portfolio", headers={b"X-Request-ID": text.encode(), b"If-None-Match": text.encode()}),
    ]
    for answer in answers:
        assert answer.status_code < 500
        for name, value in answer.headers.items():
            assert name != "x-forged"
            assert value.isascii()
            assert value.isprintable()
