"""Who is let in, and who is not."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from portfolio.settings import SettingsError
from tests.support.services.http_service import BUY, KEYS, Service, is_problem, running

READER = "reader:read:rrrrrrrrrrrrrrrr"
ALL_KEYS = f"{KEYS},{READER}"


async def test_a_key_may_come_as_a_header_or_as_a_bearer_but_not_two_of_them() -> None:
    async with running(api_keys=ALL_KEYS) as service:
        cases: list[tuple[dict[str, str], int]] = [
            ({"X-TRADING-API-KEY": "a" * 16}, 200),
            ({"Authorization": "bearer " + "a" * 16}, 200),
            ({"X-TRADING-API-KEY": "a" * 16, "Authorization": "Bearer " + "a" * 16}, 200),
            ({"X-TRADING-API-KEY": "a" * 16, "Authorization": "Bearer " + "b" * 16}, 401),
            ({"Authorization": "Basic " + "a" * 16}, 401),
            ({"X-TRADING-API-KEY": "a" * 16, "Authorization": "Basic dXNlcjpwYXNz"}, 200),
            ({"X-TRADING-API-KEY": "a" * 16, "Authorization": "Negotiate abc=="}, 200),
            ({"X-TRADING-API-KEY": "a" * 16, "Authorization": ""}, 200),
            ({"X-TRADING-API-KEY": "", "Authorization": "Bearer " + "a" * 16}, 200),
            ({"X-TRADING-API-KEY": "~" * 16, "Authorization": "Basic dXNlcjpwYXNz"}, 401),
            ({"Authorization": "Bearer"}, 401),
            ({"X-TRADING-API-KEY": ""}, 401),
            ({"X-TRADING-API-KEY": "~" * 16}, 401),
        ]
        for headers, status in cases:
            answer = await service.http.get("/portfolio", headers=headers)
            assert answer.status_code == status, headers


async def test_scopes_do_not_include_each_other() -> None:
    async with running(api_keys="only-admin:admin:dddddddddddddddd") as service:
        answer = await service.http.get("/portfolio", headers={"X-TRADING-API-KEY": "d" * 16})
    assert is_problem(answer, 403, "forbidden")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8026", "10.0.0.1", "["]
)
async def test_without_keys_the_host_has_to_be_this_machine(service: Service, host: str) -> None:
    answer = await service.http.get("/portfolio", headers={"Host": host})
    assert answer.status_code in {400, 403}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8026", "[::1]:8026", "[::1]"])
async def test_without_keys_this_machine_is_served_under_all_its_names(service: Service, host: str) -> None:
    assert (await service.http.get("/portfolio", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1:8026"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_without_keys_no_web_page_forges_a_trade(service: Service, headers: dict[str, str]) -> None:
    answer = await service.http.post("/holdings/update", json=BUY, headers=headers)
    assert is_problem(answer, 403, "foreign-origin")
    assert service.ledger.books.trades == {}


async def test_without_keys_the_own_pages_may_book(service: Service) -> None:
    headers = {"Origin": "http://localhost:8026", "Sec-Fetch-Site": "same-origin"}
    assert (await service.http.post("/holdings/update", json=BUY, headers=headers)).status_code == 200


async def test_open_to_others_any_host_is_served_but_no_foreign_page() -> None:
    async with running(host="0.0.0.0", allow_open=True) as service:  # noqa: S104  # what is said to it, not bound
        fine = await service.http.get("/portfolio", headers={"Host": "portfolio:8026"})
        own = await service.http.post(
            "/holdings/update", json=BUY, headers={"Host": "portfolio:8026", "Origin": "http://portfolio:8026"}
        )
        foreign = await service.http.post(
            "/holdings/update", json=BUY, headers={"Host": "portfolio:8026", "Origin": "http://localhost"}
        )
    assert (fine.status_code, own.status_code, foreign.status_code) == (200, 200, 403)


async def test_with_keys_host_and_origin_are_the_proxys_business() -> None:
    async with running(api_keys=ALL_KEYS) as service:
        headers = {"Host": "books.example", "Origin": "https://app.example", "X-TRADING-API-KEY": "a" * 16}
        assert (await service.http.get("/portfolio", headers=headers)).status_code == 200


async def test_a_preflight_is_never_granted(service: Service) -> None:
    answer = await service.http.options(
        "/holdings/update", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST"
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_requests_over_the_rate_wait_and_bookings_have_their_own() -> None:
    async with running(rate_limit_per_minute=2, rate_limit_bookings_per_minute=60) as service:
        statuses = [(await service.http.get("/portfolio")).status_code for _ in range(2)]
        limited = await service.http.get("/portfolio")
        booked = await service.http.post("/holdings/update", json=BUY)
        service.clock.advance(int(limited.headers["Retry-After"]))
        after = await service.http.get("/portfolio")
    assert statuses == [200, 200]
    assert is_problem(limited, 429, "rate-limited")
    assert limited.headers["Retry-After"] == "30"
    assert (booked.status_code, after.status_code) == (200, 200)


async def test_each_key_has_its_own_rate_and_guesses_use_up_nobodys() -> None:
    async with running(api_keys=ALL_KEYS, rate_limit_per_minute=2) as service:
        guesses = [
            (await service.http.get("/portfolio", headers={"X-TRADING-API-KEY": f"{n:016}"})).status_code
            for n in range(4)
        ]
        mine = await service.http.get("/portfolio", headers={"X-TRADING-API-KEY": "a" * 16})
        other = await service.http.get("/portfolio", headers={"X-TRADING-API-KEY": "b" * 16})
    assert guesses == [401, 401, 429, 429]
    assert (mine.status_code, other.status_code) == (200, 200)


async def test_a_key_with_too_small_a_scope_uses_up_its_rate_too() -> None:
    async with running(api_keys=ALL_KEYS, rate_limit_bookings_per_minute=2) as service:
        headers = {"X-TRADING-API-KEY": "r" * 16}
        answers = [await service.http.post("/holdings/update", json=BUY, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 429]


@pytest.mark.parametrize("keys", ["", ALL_KEYS])
async def test_a_flood_does_not_have_the_service_taken_for_dead(keys: str) -> None:
    async with running(api_keys=keys, rate_limit_per_minute=1) as service:
        for _ in range(3):
            await service.http.get("/portfolio")
        probed = [(await service.http.get(f"/health/{probe}")).status_code for probe in ("live", "ready") * 3]
    assert probed == [200] * 6


@pytest.mark.parametrize("keys", ["", ALL_KEYS])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Host", ("evil.example", "localhost")),
        ("Origin", ("http://evil.example", "http://localhost:8026")),
        ("Sec-Fetch-Site", ("cross-site", "same-origin")),
        ("Content-Type", ("text/plain", "application/json")),
        ("Content-Encoding", ("gzip", "identity")),
        ("Last-Event-ID", ("1.1.00000000", "2.1.00000000")),
    ],
)
async def test_a_header_that_decides_is_not_taken_with_two_values(
    keys: str, name: str, values: tuple[str, str]
) -> None:
    """Whatever stands before the service may have judged by the other one."""
    key = [("X-TRADING-API-KEY", "a" * 16)]
    async with running(api_keys=keys) as service:
        for pair in (values, values[::-1]):
            headers = [*((name, value) for value in pair), *key]
            headers += [] if name == "Content-Type" else [("Content-Type", "application/json")]
            for method, path in (("GET", "/positions"), ("POST", "/portfolio/refresh")):
                answer = await service.http.request(method, path, headers=headers, content=b"{}")
                assert is_problem(answer, 400, "malformed-request")
                assert "is given twice" in answer.json()["detail"]
        same = [(name, values[1]), (name, values[1])]
        assert not (await service.http.get("/positions", headers=[*same, *key])).is_error


async def test_a_forwarded_address_is_not_believed() -> None:
    async with running(api_keys=ALL_KEYS, rate_limit_per_minute=2) as service:
        statuses = []
        for n in range(3):
            headers: dict[str, Any] = {"X-Forwarded-For": f"10.0.0.{n}", "X-TRADING-API-KEY": "x" * 16}
            statuses.append((await service.http.get("/portfolio", headers=headers)).status_code)
    assert statuses == [401, 401, 429]


async def statuses_behind_proxies(trusted: str, forwarded: list[str]) -> list[int]:
    """The answers to guesses from 127.0.0.1, the second of one address being too many."""
    async with running(api_keys=ALL_KEYS, rate_limit_per_minute=1, trusted_proxies=trusted) as service:
        return [
            (
                await service.http.get("/portfolio", headers={"X-Forwarded-For": text, "X-TRADING-API-KEY": "x" * 16})
            ).status_code
            for text in forwarded
        ]


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.0/8, 10.9.0.0/16"])
async def test_a_trusted_proxy_tells_whose_request_it_is(trusted: str) -> None:
    assert await statuses_behind_proxies(trusted, ["192.0.2.1", "192.0.2.2", "192.0.2.1"]) == [401, 401, 429]


async def test_behind_a_proxy_nobody_makes_up_an_address_by_writing_it_first() -> None:
    forged = [f"198.51.100.{n}, 192.0.2.1, 10.9.0.1" for n in range(2)]
    assert await statuses_behind_proxies("127.0.0.1,10.9.0.0/16", forged) == [401, 429]
    unreadable = [f"198.51.100.{n}, nonsense" for n in range(2)]
    assert await statuses_behind_proxies("127.0.0.1", unreadable) == [401, 429]


async def test_another_peer_than_the_proxy_is_not_believed() -> None:
    assert await statuses_behind_proxies("10.9.0.0/16", ["192.0.2.1", "192.0.2.2"]) == [401, 429]


async def test_whoever_has_one_address_of_a_network_has_them_all() -> None:
    same = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "[2001:db8:0:1::3]:4711", "2001:db8:0:1::1%any-text"]
    assert await statuses_behind_proxies("127.0.0.1", same) == [401, 429, 429, 429]
    assert await statuses_behind_proxies("127.0.0.1", ["2001:db8:0:1::1", "2001:db8:0:2::1"]) == [401, 401]
    assert await statuses_behind_proxies("127.0.0.1", ["::ffff:192.0.2.1", "192.0.2.1"]) == [401, 429]


async def test_a_chain_of_proxies_without_end_is_not_read_to_its_end() -> None:
    endless = ["192.0.2.1" + ",127.0.0.1" * 5000, "192.0.2.2" + ",127.0.0.1" * 5000]
    assert await statuses_behind_proxies("127.0.0.1", endless) == [401, 429]


async def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="PORTFOLIO_TRUSTED_PROXIES"):
        async with running(trusted_proxies="proxy.example"):
            pass


async def test_the_log_names_the_address_of_the_client() -> None:
    async with running(trusted_proxies="127.0.0.1", api_keys=ALL_KEYS) as service:
        with capture_logs() as logs:
            for text in ("2001:db8::1", "2001:db8::1%any-text", "[2001:db8::1]:80", "any-text"):
                await service.http.get("/portfolio", headers={"X-Forwarded-For": text})
    clients = [entry["client"] for entry in logs if entry["event"] == "request.served"]
    assert clients == ["2001:db8::1"] * 3 + ["127.0.0.1"]


async def test_no_key_is_in_any_answer(capsys: pytest.CaptureFixture[str]) -> None:
    async with running(api_keys=ALL_KEYS) as service:
        headers = {"X-TRADING-API-KEY": "a" * 16}
        texts = [
            (await service.http.get(path, headers=headers)).text
            for path in ("/openapi.json", "/docs/openapi.json", "/health", "/metrics", "/portfolio", "/nope")
        ]
        assert repr(service.app.guards).count("a" * 16) == 0
    assert "a" * 16 not in "".join(texts)
    out = capsys.readouterr()
    assert "a" * 16 not in out.out + out.err
