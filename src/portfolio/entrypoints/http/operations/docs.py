"""The documentation pages: Swagger UI from the installed package, so that they work offline."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin

from portfolio.application.errors import NotFound
from portfolio.entrypoints.http.operations.openapi import document_of
from portfolio.entrypoints.http.operations.openapi_operations import Json
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.responses import encode, encoded

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
    "start.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


class DocsPage(OpenAPIRenderPlugin):
    """The page."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """Return the page."""
        return _file("index.html")


class DocsDocument(OpenAPIRenderPlugin):
    """The document as the page reads it."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """Return the document in the words of OpenAPI 3.0."""
        return older_document(request.app)


@get([f"/{name}" for name in MEDIA_TYPES])
async def read_file(request: HttpRequest) -> Response[bytes]:
    """Return a file of the page."""
    name = request.scope["path"].rpartition("/")[2]
    return encoded(_file(name), media_type=MEDIA_TYPES[name], headers={"Cache-Control": "max-age=3600"})


def docs_router() -> Router:
    """Return the router of the pages, which the framework completes."""
    return Router(
        "/docs",
        route_handlers=[read_file],
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


@lru_cache(maxsize=1)
def older_document(app: Litestar) -> bytes:
    """Return the document as the packaged Swagger UI takes it.

    That release shows OpenAPI 3.0 and refuses 3.1, so the pages get a copy in the older words; programs get the
    original.
    """
    return encode({**_in_older_words(document_of(app)), "openapi": "3.0.3"})


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
def _file(name: str) -> bytes:
    """Return a file of our own, or one of the package's."""
    [package] = (one for one in (files("swagger_ui_bundle") / "vendor").iterdir() if one.name.startswith("swagger-ui-"))
    own = files("portfolio.entrypoints.http.operations") / "page" / name
    return (own if own.is_file() else package / name).read_bytes()
