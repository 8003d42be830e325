"""What the contract adds to the framework's description of an operation.

That is the problems that a route may answer and the scopes it asks for, forms with files, recorded examples, and HEAD.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Raw

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
from portfolio.entrypoints.http.shell.access import Access, access_of
from portfolio.entrypoints.http.shell.decimal_strings import rewriting
from portfolio.entrypoints.http.shell.responses import JSON, JSON_WITH_STRINGS, PROBLEM_JSON, encode

Json = dict[str, Any]

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
_READ_ERRORS: Final = frozenset(
    {"LedgerUnavailable", "EntriesUnread", "BooksContradicted", "PortfolioMissing", "SchemaUnknown"}
)


def complete(operation: Json, handler: HTTPRouteHandler, route: str, *, keyed: bool) -> None:
    """Add to an operation all that the framework cannot know of it; ``route`` is its method and path."""
    access = access_of(handler)
    assert access is not None
    _add_problems(operation, problems_of(access, route.partition(" ")[0].lower()))
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and not parameter["required"]:
            parameter["schema"] = {"anyOf": [parameter["schema"], {"enum": ["", "null"]}]}
            parameter["allowEmptyValue"] = True
    for media_type in access.also:
        schema = {"type": "object" if media_type.startswith(JSON) else "string"}
        operation["responses"]["200"]["content"][media_type] = {"schema": schema}
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    if access.takes_key:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    if access.scope is not None:
        operation["x-scope"] = " or ".join(access.scopes)
        if keyed:
            operation["security"] = [{"apiKey": []}, {"bearer": []}]
    body = handler.parsed_fn_signature.parameters.get("data")
    if body is not None and not body.is_required:
        operation["requestBody"]["required"] = False
    if access.form is not None:
        schema = {"$ref": f"#/components/schemas/{access.form.__name__}"}
        content = {"multipart/form-data": {"schema": schema, "example": _FORM}}
        operation["requestBody"] = {"required": True, "content": content}
    _add_examples(operation, route)
    _add_strings(operation, handler)


def problems_of(access: Access, method: str) -> list[ProblemKind]:
    """Return every problem that a route may answer, its own and those of all routes."""
    kinds = [MALFORMED, FOREIGN_ORIGIN, METHOD_NOT_ALLOWED, INTERNAL, DEADLINE, *access.problems]
    if access.scope is not None:
        kinds += [UNAUTHORIZED, FORBIDDEN, CROSS_ORIGIN, RATE_LIMITED]
        kinds += [kind for error, kind in PROBLEMS.items() if error.__name__ in _READ_ERRORS]
    if method != "get":
        kinds += [UNSUPPORTED_MEDIA_TYPE, TOO_LARGE, REQUEST_TIMEOUT, OUTCOME_UNKNOWN]
    return sorted(set(kinds), key=lambda kind: (kind.status, kind.slug))


def _add_problems(operation: Json, problems: Sequence[ProblemKind]) -> None:
    responses = operation["responses"]
    responses[success_of(operation)]["description"] = "Success"
    own = dict(responses)
    for status, found in groupby(problems, key=attrgetter("status")):
        response = _problem_response(list(found))
        if str(status) in own and str(status) != "400":  # a success of that status too, as of /health
            response["description"] = own[str(status)]["description"]
            response["content"] |= own[str(status)].get("content", {})
        responses[str(status)] = response


def success_of(operation: Json) -> str:
    """Return the status of an operation's success."""
    statuses: Iterable[str] = operation["responses"]
    return next(status for status in statuses if status in {"200", "202"})


def head_of(operation: Json) -> Json:
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
        elif answer is not None and JSON_WITH_STRINGS in response["content"]:  # a file, whose type says nothing of it
            strings = {"schema": _STRINGS, "example": _texts_in(answer["example"])}
            response["content"][JSON_WITH_STRINGS] = strings


def _texts_in(table: Any) -> Any:
    """Return a table in which every number is a decimal, each of them as a string."""
    if isinstance(table, dict):
        return {name: _texts_in(part) for name, part in table.items()}
    if isinstance(table, list):
        return [_texts_in(part) for part in table]
    return table if isinstance(table, str) else str(table)


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
    file = files("portfolio.entrypoints.http.operations").joinpath("examples.json")
    found: Mapping[str, Json] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found
