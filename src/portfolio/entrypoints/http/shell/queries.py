"""Query parameters, read strictly: the framework takes unknown ones, repeated ones, and null for nothing."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from litestar import Litestar, Request
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope

from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.shell.bodies import in_words


def refuse_strange_query(scope: HTTPScope, handler: BaseRouteHandler) -> None:
    """Refuse a parameter that the route does not know, that is given twice, or that says it is nothing.

    Raises:
        RequestError: names the parameter.
    """
    if not scope["query_string"]:
        return
    known, seen = _known(handler), set()
    for name, value in Request[Any, Any, Any](scope).query_params.multi_items():
        if name not in known:
            raise _refused(name, "is not known here")
        if name in seen:
            raise _refused(name, "is given twice")
        if value.lower() == "null" and not known[name]:
            raise _refused(name, "is no value")
        seen.add(name)


@cache
def _known(handler: BaseRouteHandler) -> dict[str, bool]:
    """Return the parameters of the route's query, and whether any text is a value of each."""
    return {
        name: field.is_subclass_of(str) or field.has_inner_subclass_of(str)
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }


def refused_parameters(error: ValidationException) -> RequestError:
    """Return the refusal that the framework's own check of typed arguments means."""
    errors = []
    for one in error.extra if isinstance(error.extra, list) else []:
        message = str(one.get("message", "")).partition(" - at `")[0]
        if one.get("key") == "data":
            return RequestError(MALFORMED, "the body is not valid JSON in UTF-8")
        errors.append(FieldError(str(one.get("key", "")), in_words(message)))
    detail = "; ".join(f"{one.field}: {one.message}" for one in errors) or "the request cannot be read"
    return RequestError(MALFORMED, detail, errors=errors)


def allowed_methods(app: Litestar, path: str) -> list[str]:
    """Return the methods that a path knows; HEAD is what GET answers, without a body."""
    methods: set[str] = set()
    for route in app.routes:
        if isinstance(route, HTTPRoute) and _pattern(route.path_format).fullmatch(path.rstrip("/") or "/"):
            methods |= {str(method) for method in route.methods} - {"OPTIONS"}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


@cache
def _pattern(path_format: str) -> re.Pattern[str]:
    parts = (
        ".+" if part == "{client_trade_id}" else "[^/]+" if part.startswith("{") else re.escape(part)
        for part in path_format.split("/")
    )
    return re.compile("/".join(parts))


def _refused(name: str, reason: str) -> RequestError:
    shown = name[:50]
    return RequestError(MALFORMED, f"{shown!r} {reason}", errors=[FieldError(shown, reason)])
