"""The OpenAPI 3.1 document: the framework's own, with what it cannot know of the contract.

That is the problems that a route may answer and the scopes it asks for, HEAD beside each GET, and 405 everywhere.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec
from litestar import Controller, Litestar, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute
from msgspec import Raw

from portfolio import __version__
from portfolio.entrypoints.http.errors import (
    CROSS_ORIGIN,
    DEADLINE,
    FORBIDDEN,
    FOREIGN_ORIGIN,
    INTERNAL,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    OUTCOME_UNKNOWN,
    PROBLEMS,
    RATE_LIMITED,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemKind,
)
from portfolio.entrypoints.http.ledger.idempotency import HEADER
from portfolio.entrypoints.http.shell.access import Access, access, access_of
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.decimal_strings import rewriting
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.responses import JSON, JSON_WITH_STRINGS, PROBLEM_JSON, Problem, encode, encoded

Json = dict[str, Any]

FORM_WITH_FILES: Final = "multipart/form-data"

_HERE: Final = "portfolio.entrypoints.http.operations"

DESCRIPTION: Final = """\
The books of a crypto portfolio, exact to the last digit.

Success is 200 with `status: success` and a UTC `timestamp`, and 202 where a backtest is taken as a job; everything else
is a problem of RFC 9457.
Numbers are JSON numbers written from exact decimals: no exponent, no trailing zeros. What is undefined is null, and
`reasons` says why. With `Accept: application/json;IEEE754Compatible=true` every decimal of an answer is a JSON string
of the same digits, for clients whose numbers are doubles. Send a booking with `client_trade_id` (or the header
`Idempotency-Key`) and it happens exactly once, however often it is sent. A key is unique within the name of the API key
that sends it; in a service without API keys, within the `engine` of the booking, one without an `engine` being apart.
Every number of a request is taken, also one with an exponent or in a string, and rounded half even at 18 decimals. An
optional field or parameter that is null or empty is not given. Moments are ISO 8601 with an offset, or seconds since
1970.
Scopes do not include each other: a key lists all that it has.
"""
_SECURITY: Final = {
    "apiKey": SecurityScheme(type="apiKey", name="X-TRADING-API-KEY", security_scheme_in="header"),
    "bearer": SecurityScheme(type="http", scheme="bearer"),
}
_STRINGS: Final = {
    "type": "object",
    "description": "The same answer; every number of the format `decimal` is a string of the same digits.",
}
_IDEMPOTENCY_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 128, "pattern": "^[ -~]*$"},
    "description": "The same as the key in the body; both and different is refused, and an empty one is none.",
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of an earlier answer: 304 where nothing but ages changed since.",
}
_FORM: Final = {
    "file": [
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n2024-03-01 10:00:00,SOLUSDT,BUY,120,10SOL,1200USDT,0USDT\n"
    ],
    "account": "main",
}
_READ_ERRORS: Final = frozenset({"LedgerUnavailable", "BooksContradicted", "PortfolioMissing", "SchemaUnknown"})


def openapi_config(router: Router, pages: Sequence[OpenAPIRenderPlugin]) -> OpenAPIConfig:
    """Return what the framework is told about the document, and the pages that show it."""
    return OpenAPIConfig(
        title="portfolio",
        version=__version__,
        description=DESCRIPTION,
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        components=Components(security_schemes=dict(_SECURITY), schemas={}),
        servers=[],
        openapi_router=router,
        render_plugins=pages,
    )


class DocumentController(Controller):
    """The route of the document; the pages that show it have their own."""

    include_in_schema = False

    @get("/openapi.json", opt=access(Scope.READ))
    async def read_document(self, request: HttpRequest) -> Response[bytes]:
        """Return the OpenAPI document."""
        return encoded(_encoded(request.app))


def _encoded(app: Litestar) -> bytes:
    return _encoded_once(app, keyed=app.state.admission.is_keyed)


def document_of(app: Litestar) -> Json:
    """Return the document of an application, made when it is first asked for: the service starts sooner without."""
    return _made_once(app, keyed=app.state.admission.is_keyed)


@lru_cache(maxsize=2)
def _encoded_once(app: Litestar, *, keyed: bool) -> bytes:
    return encode(_made_once(app, keyed=keyed))


@lru_cache(maxsize=2)
def _made_once(app: Litestar, *, keyed: bool) -> Json:
    return document(app, keyed=keyed)


def document(app: Litestar, *, keyed: bool) -> Json:
    """Return the framework's document of every route, completed by what the contract adds."""
    made: Json = app.openapi_schema.to_schema()
    if not keyed:
        del made["components"]["securitySchemes"]
    components = made["components"]["schemas"]
    _, problem = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    components |= {name: schema for name, schema in problem.items() if name not in components}
    components |= _forms(app)
    for name, schema in components.items():
        describe_fields(name, schema.get("properties", {}))
        if name.endswith("Body"):
            _allow_nothing(schema)
    for path, method, handler in _described(app):
        operations = made["paths"][path]
        _complete(operations[method], handler, method, keyed=keyed)
        _add_form(operations[method], handler)
        _add_examples(operations[method], f"{method.upper()} {path}")
        _add_strings(operations[method], handler)
        if method == "get":
            operations["head"] = _head_of(operations["get"])
    return made


def problems_of(access: Access, method: str) -> list[ProblemKind]:
    """Return every problem that a route may answer, its own and those of all routes."""
    kinds = [MALFORMED, FOREIGN_ORIGIN, METHOD_NOT_ALLOWED, INTERNAL, DEADLINE, *access.problems]
    if access.scope is not None:
        kinds += [UNAUTHORIZED, FORBIDDEN, CROSS_ORIGIN, RATE_LIMITED]
        kinds += [kind for error, kind in PROBLEMS.items() if error.__name__ in _READ_ERRORS]
    if method == "post":
        kinds += [UNSUPPORTED_MEDIA_TYPE, TOO_LARGE, REQUEST_TIMEOUT, OUTCOME_UNKNOWN]
    return sorted(set(kinds), key=lambda kind: (kind.status, kind.slug))


def _described(app: Litestar) -> Iterable[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if access_of(handler) is not None and handler.resolve_include_in_schema():
                for method in sorted(handler.http_methods):
                    yield route.path_format, method.lower(), handler


def describe_fields(schema: str, properties: Json) -> None:
    """Say what each field means, where its type does not."""
    for name, field in properties.items():
        own = field_descriptions().get(schema, {}).get(name)
        if own is not None or "description" not in field:
            field["description"] = own or field_descriptions()[name]


def _forms(app: Litestar) -> Json:
    """Return the schemas of the forms with files."""
    kinds = {access.form for _, _, handler in _described(app) if (access := access_of(handler)) and access.form}
    _, schemas = msgspec.json.schema_components(kinds)
    return dict(schemas)


def _add_form(operation: Json, handler: HTTPRouteHandler) -> None:
    access = access_of(handler)
    if access is not None and access.form is not None:
        schema = {"$ref": f"#/components/schemas/{access.form.__name__}"}
        content = {"schema": schema, "example": _FORM}
        operation["requestBody"] = {"required": True, "content": {FORM_WITH_FILES: content}}


def _allow_nothing(body: Json) -> None:
    """Let each optional field of a body be null, or an empty text: it is not given then."""
    for name in body["properties"].keys() - set(body["required"]):
        field = body["properties"][name]
        outer = {word: field.pop(word) for word in ("description", "default") if word in field}
        kinds = [kind for kind in field.pop("anyOf", [field]) if kind != {"type": "null"}]
        body["properties"][name] = {"anyOf": [*kinds, {"enum": [None, ""]}], **outer}


@cache
def field_descriptions() -> Json:
    """Return what fields mean, by their names; those of a single schema are under its name."""
    return tomllib.loads(files(_HERE).joinpath("fields.toml").read_text(encoding="utf-8"))


def _complete(operation: Json, handler: HTTPRouteHandler, method: str, *, keyed: bool) -> None:
    access = access_of(handler)
    assert access is not None
    responses = operation["responses"]
    responses[success_of(operation)]["description"] = "Success"
    own = dict(responses)
    for status, found in groupby(problems_of(access, method), key=attrgetter("status")):
        kinds = list(found)
        response = _problem_response(kinds)
        if str(status) in own and str(status) != "400":  # a success of that status too, as of /health
            response["description"] = own[str(status)]["description"]
            response["content"] |= own[str(status)].get("content", {})
        responses[str(status)] = response
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and not parameter["required"]:
            parameter["schema"] = {"anyOf": [parameter["schema"], {"enum": ["", "null"]}]}
            parameter["allowEmptyValue"] = True
    for media_type in access.also:
        responses["200"]["content"][media_type] = {"schema": {"type": "object" if media_type == JSON else "string"}}
    if "304" in responses:
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    if access.takes_key:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    if access.scope is not None:
        operation["x-scope"] = " or ".join(access.scopes)
        if keyed:
            operation["security"] = [{"apiKey": []}, {"bearer": []}]


def success_of(operation: Json) -> str:
    """Return the status of an operation's success."""
    statuses: Iterable[str] = operation["responses"]
    return next(status for status in statuses if status in {"200", "202"})


def _head_of(operation: Json) -> Json:
    """Return HEAD beside a GET: the same headers, and no body."""
    responses = {
        status: {name: part for name, part in response.items() if name != "content"}
        for status, response in operation["responses"].items()
    }
    summary = f"{operation['summary']}: the headers alone"
    return {**operation, "operationId": f"{operation['operationId']}_head", "summary": summary, "responses": responses}


def _problem_response(kinds: Sequence[ProblemKind]) -> Json:
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
    schema = {"$ref": "#/components/schemas/Problem"}
    response: Json = {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }
    if kinds[0].status in {429, 503}:
        response["headers"] = {
            "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."}
        }
    if kinds[0].status == 405:
        response["headers"] = {"Allow": {"schema": {"type": "string"}, "description": "The methods that there are."}}
    return response


def _add_strings(operation: Json, handler: HTTPRouteHandler) -> None:
    """Add the form in which decimals are strings, beside each answer that has decimals."""
    rewrite = rewriting(handler.parsed_fn_signature.return_type.annotation)
    for response in operation["responses"].values():
        answer = response.get("content", {}).get(JSON)
        if answer is not None and rewrite is not None:
            strings = response["content"][JSON_WITH_STRINGS] = {"schema": _STRINGS}
            if "example" in answer:
                strings["example"] = msgspec.json.decode(rewrite(Raw(encode(answer["example"]))))


def _add_examples(operation: Json, route: str) -> None:
    """Add what was recorded of a running service: the bodies sent and the answers got."""
    recorded = _recorded().get(route, {})
    body = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if body is not None and "bodies" in recorded:
        body["examples"] = {name: {"value": value} for name, value in recorded["bodies"].items()}
    for response in operation["responses"].values():
        answer = response.get("content", {}).get(JSON)
        if answer is not None and "answer" in recorded:
            answer["example"] = recorded["answer"]
    for slug, problem in recorded.get("problems", {}).items():
        kept = operation["responses"][str(problem["status"])]["content"][PROBLEM_JSON]
        kept["examples"][slug] = {"value": problem}


@cache
def _recorded() -> Mapping[str, Json]:
    """Return the examples by route; the test that runs the tour of the documentation records them."""
    file = files(_HERE).joinpath("examples.json")
    found: Mapping[str, Json] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found
