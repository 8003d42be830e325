"""The OpenAPI 3.1 document: the framework's own, with what it cannot know of the contract.

That is the problems that a route may answer and the scopes it asks for, HEAD beside each GET, and 405 everywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import msgspec
from litestar import Controller, Litestar, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from portfolio import __version__
from portfolio.entrypoints.http.operations.openapi_operations import Json, complete, head_of
from portfolio.entrypoints.http.shell.access import access, access_of
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.responses import encode, encoded

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
        return encoded(_encoded(request.app, keyed=request.app.state.admission.is_keyed))


def document_of(app: Litestar) -> Json:
    """Return the document of an application, made when it is first asked for: the service starts sooner without."""
    return document(app, keyed=app.state.admission.is_keyed)


@lru_cache(maxsize=2)
def _encoded(app: Litestar, *, keyed: bool) -> bytes:
    return encode(document(app, keyed=keyed))


@lru_cache(maxsize=2)
def document(app: Litestar, *, keyed: bool) -> Json:
    """Return the framework's document of every route, completed by what the contract adds."""
    made: Json = app.openapi_schema.to_schema()
    if not keyed:
        del made["components"]["securitySchemes"]
    components = made["components"]["schemas"]
    components |= _forms(app)
    for name, schema in components.items():
        describe_fields(name, schema.get("properties", {}))
        if name.endswith("Body"):
            _allow_nothing(schema)
    for path, method, handler in _described(app):
        operations = made["paths"][path]
        complete(operations[method], handler, f"{method.upper()} {path}", keyed=keyed)
        if method == "get":
            operations["head"] = head_of(operations["get"])
    return made


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
