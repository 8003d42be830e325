"""Query parameters, read strictly: the framework takes unknown ones and repeated ones, and an empty one for a value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import unquote_plus

from litestar import Litestar
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from msgspec.inspect import type_info

from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.shell.access import access_of
from portfolio.entrypoints.http.shell.bodies import choices, in_words
from portfolio.entrypoints.http.shell.client_address import AnyScope

_FIELD = re.compile(r"`\$?\.?([^`]+)`")
_EMPTY = frozenset({"", "null"})


def read_query(scope: AnyScope, handler: BaseRouteHandler) -> None:
    """Refuse a parameter that the route does not know, that is given twice, or that it needs and is not given; one that
    is blank, or null, is not given.
    """
    if not scope["query_string"] and not _needed(handler):
        return
    known = _known(handler)
    seen: set[str] = set()
    given: dict[str, bytes] = {}
    for part in filter(None, scope["query_string"].split(b"&")):
        name, _, value = map(unquote_plus, part.decode("latin-1").partition("="))
        if name not in known:
            raise _refused(name, f"is not known here; known are: {', '.join(known) or 'none'}")
        if name in seen:
            raise _refused(name, "is given twice")
        seen.add(name)
        if value.strip().lower() not in _EMPTY:
            given[name] = part
    for name in _needed(handler):
        if name not in given:
            allowed = " or ".join(map(str, choices(type_info(known[name].annotation))))
            raise _refused(name, f"is needed{allowed and f': takes {allowed}'}")
    scope["query_string"] = b"&".join(given.values())


def _refused_form(message: str) -> RequestError:
    """Return the refusal of an HTML form, of which a field is missing, unknown or wrong."""
    found = _FIELD.search(message)
    if found is None:
        return RequestError(MALFORMED, "a field of the form is missing, unknown or wrong")
    name = found[1][:100]
    why = "is required" if "required" in message else "is not known here"
    return RequestError(MALFORMED, f"{name} {why}", errors=[FieldError(name, why)])


@cache
def _known(handler: BaseRouteHandler) -> Mapping[str, FieldDefinition]:
    """Return the parameters of the route's query, by the names that they have there; also those that its dependencies
    read of it.
    """
    parameters = dict(handler.parsed_fn_signature.parameters)
    for name, provided in handler.resolve_dependencies().items():
        if name in handler.parsed_fn_signature.parameters:
            parameters |= provided.parsed_fn_signature.parameters
    return {
        definition.name or name: field
        for name, field in parameters.items()
        if isinstance(definition := field.kwarg_definition, QueryParameter)
    }


@cache
def _needed(handler: BaseRouteHandler) -> Sequence[str]:
    return [name for name, field in _known(handler).items() if field.is_required]


def refused_parameters(error: ValidationException, handler: BaseRouteHandler) -> RequestError:
    """Return the refusal that the framework's own check of typed arguments means."""
    errors = []
    for one in error.extra if isinstance(error.extra, list) else []:
        message, name = str(one.get("message", "")).partition(" - at `")[0], str(one.get("key", ""))
        if name == "data":
            access = access_of(handler)
            if access is not None and access.is_form:
                return _refused_form(message)
            return RequestError(MALFORMED, "the body is not valid JSON in UTF-8")
        name = name.removesuffix("_")  # that of a parameter which is a word of Python's has one behind it
        field = _known(handler).get(name) or handler.parsed_fn_signature.parameters.get(name)
        errors.append(FieldError(name, in_words(message, choices(type_info(field.annotation)) if field else ())))
    detail = "; ".join(f"{one.field}: {one.message}" for one in errors) or "the request cannot be read"
    return RequestError(MALFORMED, detail, errors=errors)


def allowed_methods(app: Litestar, path: str) -> list[str]:
    """Return the methods that a path knows; HEAD is what GET answers, without a body.

    The framework takes the route with the fewest parameters: `/events/batch` is no `/events/{event_id}`.
    """
    asked = re.sub("/+", "/", path).rstrip("/") or "/"
    fitting = [
        route for route in app.routes if isinstance(route, HTTPRoute) and _pattern(route.path_format).fullmatch(asked)
    ]
    closest = min(fitting, key=lambda route: len(route.path_parameters), default=None)
    methods = {str(method) for method in closest.methods} - {"OPTIONS"} if closest is not None else set()
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
