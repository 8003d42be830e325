"""The documentation pages: Swagger UI from the installed package, so that they work offline."""

from __future__ import annotations

import importlib.resources
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any, Final

from litestar import MediaType, Request, Response, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin

from portfolio.application.errors import NotFound
from portfolio.entrypoints.http.operations.openapi import Json, OpenApiDocument
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.responses import encode, encoded

PAGE: Final = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>portfolio</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START: Final = b"""window.onload = function () {
  window.ui = SwaggerUIBundle({
    url: "/docs/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null
  });
};
"""
# Swagger UI sets styles on elements and shows its icons from data URLs; its scripts are all files.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# The framework adds the charset to texts.
MEDIA_TYPES: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


class DocsPage(OpenAPIRenderPlugin):
    """The page, and the files that it is made of."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """Return the page."""
        return PAGE

    def receive_router(self, router: Router) -> None:
        """Add the page's files to its router."""
        router.register(read_script)
        router.register(read_asset)


class DocsDocument(OpenAPIRenderPlugin):
    """The document as the page reads it."""

    def __init__(self, openapi_document: OpenApiDocument) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)
        self._openapi_document = openapi_document

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """Return the document in the words of OpenAPI 3.0."""
        return encode_document(self._openapi_document)


@get("/start.js", media_type="text/javascript")
async def read_script() -> bytes:
    """Return what starts the page."""
    return START


@get([f"/{name}" for name in MEDIA_TYPES])
async def read_asset(request: HttpRequest) -> Response[bytes]:
    """Return a file of the page."""
    name = request.scope["path"].rpartition("/")[2]
    return encoded(_asset(name), media_type=MEDIA_TYPES[name], headers={"Cache-Control": "max-age=3600"})


def docs_router() -> Router:
    """Return the router of the pages, which the framework fills."""
    return Router(
        "/docs",
        route_handlers=[],
        include_in_schema=False,
        opt=access(Scope.READ),
        response_headers=HEADERS,
        dto=None,
        return_dto=None,
        after_request=_refuse_unknown_page,
    )


def _refuse_unknown_page(response: Response[Any]) -> Response[Any]:
    """Refuse what is no page as everywhere; the framework has an answer of its own for it."""
    if response.status_code == 404:
        raise NotFound("page", "of that name")
    return response


@cache
def encode_document(openapi_document: OpenApiDocument) -> bytes:
    """Return the document as the packaged Swagger UI takes it.

    That release shows OpenAPI 3.0 and refuses 3.1, so the pages get a copy in the older words; programs get the
    original.
    """
    return encode({**_in_older_words(openapi_document.document()), "openapi": "3.0.3"})


def _in_older_words(part: Any) -> Any:
    """Return a schema without what OpenAPI 3.0 does not know: lists of types, the type null, bounds as numbers."""
    if isinstance(part, list):
        return [_in_older_words(one) for one in part]
    if not isinstance(part, dict):
        return part
    older: Json = {name: _in_older_words(one) for name, one in part.items()}
    if isinstance(older.get("type"), list):
        older["anyOf"] = [{"type": kind} for kind in older.pop("type")]
    kinds = older.get("anyOf")
    if isinstance(kinds, list) and {"type": "null"} in kinds:
        left = [kind for kind in kinds if kind != {"type": "null"}]
        del older["anyOf"]
        older |= {"nullable": True, **(left[0] if len(left) == 1 else {"anyOf": left})}
    return older


@cache
def _asset(name: str) -> bytes:
    return (_assets() / name).read_bytes()


@cache
def _assets() -> Traversable:
    vendored = importlib.resources.files("swagger_ui_bundle") / "vendor"
    return next(one for one in vendored.iterdir() if one.name.startswith("swagger-ui-"))
