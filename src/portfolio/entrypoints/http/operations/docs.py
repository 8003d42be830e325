"""The documentation pages: Swagger UI from the installed package, so that they work offline."""

from __future__ import annotations

import importlib.resources
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any, Final

from litestar import Litestar, Response, get

from portfolio.application.errors import NotFound
from portfolio.entrypoints.http.operations.openapi import Json, document
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.operation import declares
from portfolio.entrypoints.http.shell.responses import encode, encoded
from portfolio.entrypoints.http.shell.use_cases import HttpRequest

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


@get("/docs", opt=declares(scope=Scope.READ, summary="The pages", tag="documentation", hidden=True))
async def read_page() -> Response[bytes]:
    """Return the page that shows this document."""
    return encoded(PAGE, media_type="text/html", headers=HEADERS)


@get("/docs/{name:str}", opt=declares(scope=Scope.READ, summary="Their parts", tag="documentation", hidden=True))
async def read_asset(request: HttpRequest) -> Response[bytes]:
    """Return a file of the page."""
    name = request.path_params["name"]
    if name == "openapi.json":
        return encoded(request.app.state["docs_document"](), headers=HEADERS)
    if name == "start.js":
        return encoded(START, media_type="text/javascript", headers=HEADERS)
    if name not in MEDIA_TYPES:
        raise NotFound("page", repr(name[:40]))
    return encoded(_asset(name), media_type=MEDIA_TYPES[name], headers={**HEADERS, "Cache-Control": "max-age=3600"})


def encode_document(app: Litestar, *, keyed: bool) -> bytes:
    """Return the document as the packaged Swagger UI takes it.

    That release shows OpenAPI 3.0 and refuses 3.1, so the pages get a copy in the older words; programs get the
    original.
    """
    return encode({**_in_older_words(document(app, keyed=keyed)), "openapi": "3.0.3"})


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
