"""Every route asks for a key with a scope: the application's own route table is walked, so that none is left out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import httpx
import msgspec
from litestar import get
from litestar.routes import HTTPRoute, WebSocketRoute

from portfolio.entrypoints.http.app import PortfolioApp, create_app, served
from portfolio.entrypoints.http.operations.openapi import document
from portfolio.entrypoints.http.shell.access import Access, access_of
from portfolio.entrypoints.http.shell.auth import Scope
from tests.support.services.http_service import BASE, SETTINGS, Service, is_problem, running

# What needs no key: the probes, and what the form that asks a browser for one is made of.
OPEN = {
    "/health/live",
    "/health/ready",
    "/pages/static/{name}",
    "/pages/sign-in",
    "/pages/sign-out",
    "/pages/privacy",
}
JSON = {"Content-Type": "application/json"}
PATH_PARTS = {
    "{what}": "trades",
    "{trade_id}": "1",
    "{event_id}": "1",
    "{import_id}": "1",
    "{preview_id}": "p",
    "{client_trade_id}": "k",
    "{signal_id}": "s",
    "{backtest_id}": "b",
    "{symbol}": "BTC",
    "{path}": "nothing",
    "{name}": "pages.css",
}
# A key for every set of scopes that there is.
SCOPE_SETS = [frozenset(chosen) for size in (1, 2, 3) for chosen in combinations(Scope, size)]


def secret_of(scopes: frozenset[Scope]) -> str:
    """The key that has just these scopes."""
    return "-".join(sorted(scopes)).ljust(20, "x")


KEYS = ",".join(f"k{n}:{'+'.join(sorted(scopes))}:{secret_of(scopes)}" for n, scopes in enumerate(SCOPE_SETS))


def table(app: PortfolioApp) -> Iterator[tuple[str, str, Access | None]]:
    """Every method of every route that the application has, with what it declares."""
    for route in app.routes:
        if isinstance(route, WebSocketRoute) and route.path == "/stream":
            continue  # it asks for itself, see tests/contract/http/stream/test_limits.py
        assert isinstance(route, HTTPRoute), f"{route.path} is no route of HTTP: nothing guards it"
        for handler in route.route_handlers:
            if handler.http_methods == {"OPTIONS"}:
                continue  # the framework's own; refused below
            for method in sorted(handler.http_methods):
                yield str(method), route.path_format, access_of(handler)


def unguarded(app: PortfolioApp) -> set[str]:
    """The paths that do without a scope, or declare nothing at all."""
    return {path for _, path, operation in table(app) if operation is None or operation.scope is None}


def filled(template: str) -> str:
    """The path of a template, with a value in the place of each part."""
    path = template
    for part, value in PATH_PARTS.items():
        path = path.replace(part, value)
    assert "{" not in path, f"{template} has a part that this test has no value for"
    return path


async def ask(service: Service, method: str, template: str, key: str | None) -> httpx.Response:
    """The answer to a request that carries that key, and an empty object where a body may be."""
    path = filled(template)
    headers = {} if key is None else {"X-TRADING-API-KEY": key}
    if method == "GET":
        return await service.http.get(path, headers=headers)
    if path.startswith("/pages/"):
        headers["Origin"] = BASE
    return await service.http.request(method, path, content=b"{}", headers={**JSON, **headers})


async def test_every_route_but_the_probes_needs_a_scope(service: Service) -> None:
    assert len(list(table(service.app))) >= 30
    assert unguarded(service.app) == OPEN


async def test_who_may_only_read_changes_nothing_and_who_may_only_trade_undoes_nothing(service: Service) -> None:
    asking = {"/rebalance/what-if", "/pretrade/check", "/optimise"}
    undoing = {"/cash/transactions", "/trades/{trade_id}/reverse", "/events/{event_id}/reverse", "/ledger/restate"}
    undoing.add("/imports/{import_id}/reverse")
    for method, path, operation in table(service.app):
        assert operation is not None
        changes = method != "GET" and path not in asking
        if operation.is_form and operation.scope is not None:
            changes = False  # a form of a page is sent by who reads, and brings a key where it changes something
        expected = Scope.READ if not changes else Scope.ADMIN if path in undoing else Scope.TRADE
        assert operation.scope in ({expected} if path not in OPEN else {None}), path
        if changes:
            assert operation.or_scope is None, path


async def test_a_route_that_declares_nothing_is_found_and_serves_nobody() -> None:
    @get("/forgotten")
    async def read_forgotten() -> str:
        return "secret"

    async with running() as service:
        app = create_app(served(service.cases, msgspec.structs.replace(SETTINGS, api_keys=KEYS)))
        app.register(read_forgotten)
        assert unguarded(app) == {*OPEN, "/forgotten"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
            key = {"X-TRADING-API-KEY": secret_of(frozenset(Scope))}
            answer = await http.get("/forgotten", headers=key)
    assert is_problem(answer, 405, "method-not-allowed")


async def test_every_route_refuses_who_has_no_key_or_a_wrong_one() -> None:
    async with running(api_keys=KEYS) as service:
        for method, path, operation in table(service.app):
            assert operation is not None
            for key in (None, "", "x" * 20, secret_of(SCOPE_SETS[0])[:-1], secret_of(SCOPE_SETS[0]) + "x"):
                answer = await ask(service, method, path, key)
                if operation.scope is None:
                    assert answer.status_code == (415 if method == "POST" else 200), path
                else:
                    assert is_problem(answer, 401, "unauthorized"), path
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert service.ledger.books.trades == {}


async def test_every_route_serves_the_scopes_it_declares_and_no_other() -> None:
    async with running(api_keys=KEYS) as service:
        documented = document(service.app, keyed=True)["paths"]
        for method, path, operation in table(service.app):
            assert operation is not None
            for scopes in SCOPE_SETS:
                answer = await ask(service, method, path, secret_of(scopes))
                if operation.scope is not None and scopes.isdisjoint(operation.scopes):
                    assert is_problem(answer, 403, "forbidden"), (path, scopes)
                    continue
                assert answer.status_code not in {401, 403, 405, 500}, (path, scopes, answer.text)
                if path in documented:
                    assert str(answer.status_code) in documented[path][method.lower()]["responses"], (path, answer.text)


async def test_what_the_framework_adds_by_itself_is_served_to_nobody() -> None:
    async with running(api_keys=KEYS) as service:
        for path in sorted({path for _, path, _ in table(service.app)}):
            answer = await ask(service, "OPTIONS", path, secret_of(frozenset(Scope)))
            assert is_problem(answer, 405, "method-not-allowed"), path


async def test_allow_says_the_same_in_the_document_and_to_every_other_method(service: Service) -> None:
    for path, operations in document(service.app, keyed=True)["paths"].items():
        for method in ("OPTIONS", "PATCH", *({"GET", "DELETE"} - {each.upper() for each in operations})):
            answer = await ask(service, method, path, None)
            assert is_problem(answer, 405, "method-not-allowed"), (method, path)
            assert answer.headers["Allow"] == ", ".join(sorted(each.upper() for each in operations)), (method, path)


async def test_a_route_without_a_body_takes_an_empty_one_and_refuses_what_says_something(service: Service) -> None:
    described = document(service.app, keyed=True)["paths"].items()
    bare = {
        (method, path)
        for path, operations in described
        for method, operation in operations.items()
        if method not in {"get", "head"} and "requestBody" not in operation
    }
    assert {("post", "/portfolio/refresh"), ("post", "/rebalance/generate-signals")} < bare
    for method, path in sorted(bare):
        for body in (b'{"symbols":["BTC"]}', b'{"symbols":', b"[1]", b"0", b"\xff"):
            answer = await service.http.request(method, filled(path), content=body, headers=JSON)
            assert is_problem(answer, 400, "malformed-request"), (path, body)
            assert "takes no body" in answer.json()["detail"]
        for body in (b"", b" ", b"{ }", b"[]", b"null", b'""'):
            answer = await service.http.request(method, filled(path), content=body, headers=JSON)
            assert answer.status_code != 400, (path, body, answer.text)


async def test_every_route_that_changes_something_refuses_a_text_and_says_so_in_the_document(service: Service) -> None:
    for path, operations in document(service.app, keyed=True)["paths"].items():
        for method in operations.keys() - {"get", "head"}:
            answer = await service.http.request(
                method, filled(path), content=b"x", headers={"Content-Type": "text/plain"}
            )
            assert is_problem(answer, 415, "unsupported-media-type"), (method, path)
            assert "415" in operations[method]["responses"], (method, path)


async def test_the_document_names_every_operation_with_its_scope(service: Service) -> None:
    documented = document(service.app, keyed=True)["paths"]
    hidden = set()
    for method, path, operation in table(service.app):
        assert operation is not None
        if path not in documented:
            hidden.add(path)
            continue
        described = documented[path][method.lower()]
        if operation.scope is None:
            assert not {"security", "x-scope"} & set(described), path
        else:
            assert described["security"] == [{"apiKey": []}, {"bearer": []}], path
            assert described["x-scope"] == " or ".join(operation.scopes), path
            assert {"401", "403", "429"} <= set(described["responses"]), path
    # what is not in the document is the document itself, the pages that show it, and the pages for people
    assert {path for path in hidden if not path.startswith(("/docs", "/pages/"))} == {
        "/asyncapi.json",
        "/stream",
        "/stream/events",
        "/openapi.json",
        "/",
    }
