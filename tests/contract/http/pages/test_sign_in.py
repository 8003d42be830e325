"""A browser that shows a key once: it may read, from this service's own pages, until the key or the time is gone."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace

from portfolio.settings import Settings
from tests.support.services.http_service import BASE, BUY, KEYS, A, Service, is_problem, running

HTML = {"Accept": "text/html"}
ORIGIN = {"Origin": BASE}
FORM = "/pages/sign-in"
TRADER = "trader:trade:tttttttttttttttt"


@pytest.fixture
async def keyed() -> AsyncIterator[Service]:
    async with running(api_keys=f"{KEYS},{TRADER}") as service:
        yield service


async def sign_in(service: Service, key: str = "a" * 16, **fields: str) -> httpx.Response:
    """The answer to the form."""
    return await service.http.post(FORM, data={"key": key, **fields}, headers=ORIGIN | HTML)


async def cookie_of(service: Service, key: str = "a" * 16) -> str:
    """The cookie that a key gets, which the client does not keep."""
    answer = await sign_in(service, key)
    assert answer.status_code == 303, answer.text
    service.http.cookies.clear()
    return answer.cookies["portfolio"]


def showing(cookie: str, name: str = "portfolio") -> dict[str, str]:
    """The header of a browser with that cookie."""
    return {"Cookie": f"{name}={cookie}"}


@pytest.mark.unmeasured
async def test_who_signed_in_reads_pages_and_programs_answers_and_the_documentation(keyed: Service) -> None:
    answer = await sign_in(keyed, back="/pages/positions?sort=value")
    assert (answer.status_code, answer.headers["location"]) == (303, "/pages/positions?sort=value")
    page = await keyed.http.get("/", headers=HTML)
    assert "$100,000" in page.text
    assert "Sign out engine-a" in page.text
    for path in ("/portfolio", "/docs", "/docs/openapi.json", "/openapi.json", "/health"):
        assert (await keyed.http.get(path)).status_code == 200, path


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites() -> None:
    async with running(api_keys=KEYS) as here:
        local = (await sign_in(here)).headers["set-cookie"]
    async with running(api_keys=KEYS, host="0.0.0.0") as elsewhere:  # noqa: S104  # what is said to it, not bound
        remote = (await sign_in(elsewhere)).headers["set-cookie"]
    async with running(api_keys=KEYS, trusted_proxies="10.0.0.1") as behind:
        proxied = (await sign_in(behind)).headers["set-cookie"]
    for cookie in (local, remote, proxied):
        assert {"HttpOnly", "Path=/", "SameSite=strict", "Max-Age=43200"} <= {
            part.strip() for part in cookie.split(";")
        }
        assert "domain" not in cookie.lower()
    assert local.startswith("portfolio=")
    assert "Secure" not in local
    for cookie in (remote, proxied):
        assert cookie.startswith("__Host-portfolio=")
        assert "Secure" in cookie


async def test_the_cookie_holds_no_key_and_nothing_is_kept_of_it(keyed: Service) -> None:
    cookie = await cookie_of(keyed)
    assert "a" * 16 not in cookie
    async with running(api_keys=KEYS) as another:
        assert (await another.http.get("/portfolio", headers=showing(cookie))).status_code == 200


async def test_a_cookie_that_was_tampered_with_is_none(keyed: Service) -> None:
    cookie = await cookie_of(keyed)
    expiry, code = cookie.split(".")
    later = str(int(expiry) + 86_400)
    unkeyed = hmac.digest(b"", f"portfolio sign-in until {later}".encode(), "sha256").hex()
    by_key = hmac.digest(b"a" * 16, f"portfolio sign-in until {later}".encode(), "sha256").hex()
    forged = [
        f"{later}.{code}", f"{expiry}.{code[:-1]}", f"{expiry}.{code}0", f"{expiry}.{code.upper()}",
        f"{later}.{unkeyed}", f"{expiry}", f".{code}", "", "a" * 16, f"{later}.{by_key}", f"{expiry}.{'0' * 64}",
        f" {expiry}.{code}x", hashlib.sha256(b"a" * 16).hexdigest(), f"+{expiry[1:]}.{code}", "x" * 60_000,
    ]  # fmt: skip
    for value in forged:
        answer = await keyed.http.get("/portfolio", headers=showing(value))
        assert is_problem(answer, 401, "unauthorized"), value
        page = await keyed.http.get("/", headers=showing(value) | HTML)
        assert 'name="key"' in page.text


async def test_a_cookie_under_the_other_name_or_beside_another_is_none(keyed: Service) -> None:
    cookie, other = await cookie_of(keyed), await cookie_of(keyed, "b" * 16)
    for header in (
        f"__Host-portfolio={cookie}",
        f"portfolio={cookie}; portfolio={other}",
        f"portfolio={cookie}; portfolio=x",
    ):
        answer = await keyed.http.get("/portfolio", headers={"Cookie": header})
        assert is_problem(answer, 401, "unauthorized"), header
    for header in (
        f"portfolio={cookie}; portfolio={cookie}",
        f"a=b; ;portfolio={cookie};x",
        f"private=1;portfolio={cookie}",
    ):
        assert (await keyed.http.get("/portfolio", headers={"Cookie": header})).status_code == 200, header


async def test_a_cookie_ends_with_its_time(keyed: Service) -> None:
    cookie = await cookie_of(keyed)
    keyed.clock.advance(43_199)
    assert (await keyed.http.get("/portfolio", headers=showing(cookie))).status_code == 200
    keyed.clock.advance(1)
    assert is_problem(await keyed.http.get("/portfolio", headers=showing(cookie)), 401, "unauthorized")


async def test_a_cookie_ends_with_its_key(keyed: Service) -> None:
    gone, stays = await cookie_of(keyed), await cookie_of(keyed, "b" * 16)
    left = ",".join(entry for entry in KEYS.split(",") if not entry.startswith("engine-a"))
    keyed.app.state.admission.take_keys(replace(Settings(), api_keys=left))
    assert is_problem(await keyed.http.get("/portfolio", headers=showing(gone)), 401, "unauthorized")
    assert (await keyed.http.get("/portfolio", headers=showing(stays))).status_code == 200


async def test_a_cookie_reads_only_whatever_its_key_may_do(keyed: Service) -> None:
    cookie = await cookie_of(keyed, "c" * 16)
    posts = [
        ("/holdings/update", BUY),
        ("/cash/transactions", {"kind": "deposit", "amount": 1}),
        ("/portfolio/refresh", {}),
        ("/rebalance/what-if", {}),
        ("/rebalance/signals/generate", {}),
        ("/trades/1/reverse", {}),
    ]
    for path, body in posts:
        for headers in ({}, ORIGIN, {"Origin": "https://evil.example"}):
            answer = await keyed.http.post(path, json=body, headers=showing(cookie) | headers)
            assert answer.status_code in {403, 404}, path
    assert keyed.ledger.books.trades == {}
    booked = await keyed.http.post("/holdings/update", json=BUY, headers=showing(cookie) | A)
    assert booked.status_code == 200, "a key beside the cookie is a key"


async def test_a_cookie_is_served_to_our_own_pages_only(keyed: Service) -> None:
    cookie = await cookie_of(keyed)
    for origin in ("https://evil.example", "null", "http://localhost:3000", "http://localhost:8026.evil.example", ""):
        answer = await keyed.http.get("/portfolio", headers=showing(cookie) | {"Origin": origin})
        assert is_problem(answer, 403, "cross-origin"), origin
    for origin in (BASE, "https://localhost:8026", "HTTP://LOCALHOST:8026"):
        assert (await keyed.http.get("/portfolio", headers=showing(cookie) | {"Origin": origin})).status_code == 200


@pytest.mark.parametrize("path", [FORM, "/pages/sign-out", "/pages/privacy"])
async def test_a_form_of_another_page_is_refused(keyed: Service, path: str) -> None:
    fields = {FORM: {"key": "a" * 16}, "/pages/privacy": {"private": "0"}}.get(path, {})
    cookie = await cookie_of(keyed)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        showing(cookie),
        showing(cookie) | {"Origin": "https://evil.example"},
    ):
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await keyed.http.post(path, data=fields, headers=content_type | headers)
        assert is_problem(answer, 403, "cross-origin"), headers
        assert "set-cookie" not in answer.headers


async def test_a_wrong_key_is_asked_for_again_and_gets_no_cookie(keyed: Service) -> None:
    for key in ("x" * 16, "", " ", "a" * 15, "ä" * 16, "engine-a:read+trade:" + "a" * 16):
        answer = await sign_in(keyed, key, back="/pages/risk")
        assert answer.status_code == 401, key
        assert "set-cookie" not in answer.headers
        assert 'name="key"' in answer.text
        assert 'value="/pages/risk"' in answer.text
        assert not key.strip() or key not in answer.text


async def test_a_key_that_may_not_read_gets_no_cookie(keyed: Service) -> None:
    answer = await sign_in(keyed, "t" * 16)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_wrong_keys_are_limited_as_in_headers_and_crowd_nobody_out() -> None:
    async with running(api_keys=KEYS, rate_limit_per_minute=5) as service:
        answers = [(await sign_in(service, "x" * 16)).status_code for _ in range(6)]
        assert answers == [401] * 5 + [429]
        assert (await service.http.get("/portfolio", headers=showing("1." + "0" * 64))).status_code == 429
        assert (await sign_in(service)).status_code == 303


@pytest.mark.parametrize(
    ("back", "led"),
    [
        ("/", "/"),
        ("/pages/trades?symbol=BTC&side=BUY", "/pages/trades?symbol=BTC&side=BUY"),
        ("/docs", "/docs"),
        ("//evil.example", "/"),
        ("https://evil.example/pages/", "/"),
        ("/\\evil.example", "/"),
        ("/pages/\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("/portfolio", "/"),
        ("", "/"),
    ],
)
async def test_one_is_led_back_to_our_own_pages_only(keyed: Service, back: str, led: str) -> None:
    assert (await sign_in(keyed, back=back)).headers["location"] == led
    private = await keyed.http.post("/pages/privacy", data={"private": "1", "back": back}, headers=ORIGIN)
    assert private.headers["location"] == led


async def test_signing_out_makes_the_browser_forget(keyed: Service) -> None:
    await sign_in(keyed)
    answer = await keyed.http.post("/pages/sign-out", headers=ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert 'name="key"' in (await keyed.http.get("/", headers=HTML)).text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"key=",
        b"key=a&key=b",
        b"back=/",
        b"key=a&more=1",
        b"\xff=\xff",
        b"key=" + b"x" * 70_000,
        b"%zz=&&&===",
        b"=" * 900,
    ],
)
async def test_a_form_that_cannot_be_read_gets_no_cookie_and_quotes_no_key(keyed: Service, content: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", **ORIGIN}
    answer = await keyed.http.post(FORM, content=content, headers=headers)
    assert answer.status_code in {400, 401, 413}, answer.text
    assert "set-cookie" not in answer.headers
    json = await keyed.http.post(FORM, json={"key": "a" * 16}, headers=ORIGIN)
    assert is_problem(json, 415, "unsupported-media-type")


async def test_no_secret_in_an_address(keyed: Service) -> None:
    for path in (f"{FORM}?key={'a' * 16}", f"/?key={'a' * 16}"):
        answer = await keyed.http.get(path, headers=HTML)
        assert answer.status_code in {400, 200}
        assert "set-cookie" not in answer.headers
        assert "$100,000" not in answer.text


async def test_without_keys_there_is_nothing_to_sign_in_to(service: Service) -> None:
    answer = await sign_in(service, "a" * 16)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "set-cookie" not in answer.headers
    assert not re.search("sign.?out", (await service.http.get("/", headers=HTML)).text, re.IGNORECASE)


async def test_privacy_is_a_cookie_that_goes_along_with_links_from_elsewhere(service: Service) -> None:
    answer = await service.http.post("/pages/privacy", data={"private": "1"}, headers=ORIGIN)
    assert {"private=1", "SameSite=lax", "HttpOnly"} <= {p.strip() for p in answer.headers["set-cookie"].split(";")}
    assert "100,000" not in (await service.http.get("/", headers=HTML)).text
    await service.http.post("/pages/privacy", data={"private": "0"}, headers=ORIGIN)
    assert "100,000" in (await service.http.get("/", headers=HTML)).text
