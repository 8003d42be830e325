"""The OpenAPI 3.1 document, made from what the routes declare, and the pages that show it, served offline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from portfolio import __version__
from portfolio.entrypoints.http.errors import (
    DEADLINE,
    FORBIDDEN,
    FOREIGN_ORIGIN,
    INTERNAL,
    MALFORMED,
    OUTCOME_UNKNOWN,
    PROBLEMS,
    RATE_LIMITED,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemKind,
)
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.operation import Operation, declares, operation_of
from portfolio.entrypoints.http.shell.responses import JSON, PROBLEM_JSON, Problem, encode, encoded
from portfolio.entrypoints.http.shell.use_cases import HttpRequest

Json = dict[str, Any]

DESCRIPTION = """\
The books of a crypto portfolio, exact to the last digit.

Success is always 200 with `status: success` and a UTC `timestamp`; everything else is a problem of RFC 9457.
Numbers are JSON numbers written from exact decimals: no exponent, no trailing zeros. What is undefined is null, and
`reasons` says why. Send a booking with `client_trade_id` (or the header `Idempotency-Key`) and it happens exactly once,
however often it is sent.
Scopes do not include each other: a key lists all that it has.
"""
SECURITY = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-TRADING-API-KEY"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_REF = "#/components/schemas/{name}"


@get(
    "/openapi.json",
    opt=declares(scope=Scope.READ, summary="This document", tag="documentation", hidden=True),
)
async def read_document(request: HttpRequest) -> Response[bytes]:
    """Return the OpenAPI document."""
    return encoded(request.app.state["openapi"]())


def encode_document(app: Litestar, *, keyed: bool) -> bytes:
    """Return the OpenAPI document of the application, encoded."""
    return encode(document(app, keyed=keyed))


def document(app: Litestar, *, keyed: bool) -> Json:
    """Return the OpenAPI document of every route that the application declares; ``keyed``: an API key is needed."""
    declared = sorted(_declared(app), key=lambda found: (found[0], found[1]))
    schemas, components = _schemas(operation for _, _, operation, _ in declared)
    paths: dict[str, Json] = {}
    for path, method, operation, handler in declared:
        described = _described(operation, handler, schemas)
        if keyed and operation.scope is not None:
            described["security"] = [{"apiKey": []}, {"bearer": []}]
        paths.setdefault(path, {})[method] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "portfolio", "version": __version__, "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": components,
            **({"securitySchemes": SECURITY} if keyed else {}),
        },
    }


def problems_of(operation: Operation, method: str) -> list[ProblemKind]:
    """Return every problem that a route may answer, its own and those of all routes."""
    kinds = [MALFORMED, FOREIGN_ORIGIN, INTERNAL, DEADLINE, *operation.problems]
    if operation.scope is not None:
        kinds += [UNAUTHORIZED, FORBIDDEN, RATE_LIMITED]
        kinds += [kind for error, kind in PROBLEMS.items() if error.__name__ in _READ_ERRORS]
    if method == "post":
        kinds += [UNSUPPORTED_MEDIA_TYPE, TOO_LARGE, REQUEST_TIMEOUT, OUTCOME_UNKNOWN]
    return sorted(set(kinds), key=lambda kind: (kind.status, kind.slug))


_READ_ERRORS = frozenset({"LedgerUnavailable", "PortfolioMissing", "SchemaUnknown"})


def _declared(app: Litestar) -> Iterable[tuple[str, str, Operation, HTTPRouteHandler]]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            operation = operation_of(handler)
            if operation is None or operation.hidden:
                continue
            for method in sorted(handler.http_methods):
                yield route.path_format, method.lower(), operation, handler


def _schemas(operations: Iterable[Operation]) -> tuple[Mapping[type, Json], Json]:
    """Return a schema for every type that is asked for or answered, and what they refer to."""
    types: list[type] = [Problem]
    for operation in operations:
        for wanted in (operation.body, operation.query, operation.answer):
            if wanted is not None and wanted not in types:
                types.append(wanted)
    found, components = msgspec.json.schema_components(types, ref_template=_REF)
    return dict(zip(types, found, strict=True)), components


def _described(operation: Operation, handler: HTTPRouteHandler, schemas: Mapping[type, Json]) -> Json:
    method = min(handler.http_methods).lower()
    described: Json = {
        "operationId": handler.handler_name,
        "summary": operation.summary,
        "description": _text(handler),
        "tags": [operation.tag],
        "responses": _responses(operation, method, schemas),
    }
    if operation.scope is not None:
        described["x-scope"] = " or ".join(operation.scopes)
    parameters = [*_path_parameters(operation), *_query_parameters(operation.query), *_headers(operation)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        examples = {name: {"value": value} for name, value in operation.body_examples.items()}
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {JSON: {"schema": schemas[operation.body], "examples": examples}},
        }
    return described


def _text(handler: HTTPRouteHandler) -> str:
    lines = [line.strip() for line in (handler.fn.__doc__ or "").strip().splitlines()]
    return "\n".join(lines)


def _responses(operation: Operation, method: str, schemas: Mapping[type, Json]) -> Json:
    content: Json = {operation.media_type: {}}
    if operation.answer is not None:
        content = {JSON: {"schema": schemas[operation.answer], "example": operation.example}}
    responses: Json = {"200": {"description": "Success", "content": content}}
    if operation.not_modified:
        responses["304"] = {"description": "Nothing but ages changed since the version named"}
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in problems_of(operation, method):
        by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in by_status.items():
        responses[str(status)] = _problem_response(kinds, schemas[Problem])
    for status, text in operation.also_answers.items():
        both = {**responses.get(str(status), {}).get("content", {}), **content}
        responses[str(status)] = {"description": text, "content": both}
    return responses


def _problem_response(kinds: Sequence[ProblemKind], schema: Json) -> Json:
    examples = {
        kind.slug: {
            "value": {
                "type": kind.type,
                "title": kind.title,
                "status": kind.status,
                "detail": kind.title,
                "instance": "/",
                "errors": [],
            }
        }
        for kind in kinds
    }
    response: Json = {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }
    if kinds[0].status in {429, 503}:
        response["headers"] = {
            "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."}
        }
    return response


def _path_parameters(operation: Operation) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": dict(schema)}
        for name, schema in operation.path.items()
    ]


def _query_parameters(query: type | None) -> list[Json]:
    if query is None:
        return []
    _, components = msgspec.json.schema_components([query], ref_template=_REF)
    schema = components[query.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "schema": _without_null(part),
            **({"description": part["description"]} if "description" in part else {}),
        }
        for name, part in schema["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """Return the schema of a parameter that may be absent: in a query there is no null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {name: part for name, part in schema.items() if name not in {"anyOf", "default"}}
    if len(kinds) == 1:
        return {**rest, **kinds[0]}
    return {**schema} if schema.get("default") is not None else rest


def _headers(operation: Operation) -> list[Json]:
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in operation.headers.items()
    ]
