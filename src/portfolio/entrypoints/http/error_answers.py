"""The answer to every error that a route raises: a problem, or a page about it for a browser."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from portfolio.application.errors import ApplicationError
from portfolio.domain.errors import DomainError
from portfolio.entrypoints.http.errors import (
    INTERNAL,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    ProblemKind,
    RequestError,
    field_errors,
    headers_of,
    kind_of,
    kind_of_status,
)
from portfolio.entrypoints.http.pages.frame.problem_pages import problem_page, wants_page
from portfolio.entrypoints.http.shell.queries import allowed_methods, refused_parameters
from portfolio.entrypoints.http.shell.responses import problem, problem_answer

_log = structlog.get_logger(__name__)


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Return the problem that ``error`` is; on a page, to a browser, as a page."""
    if isinstance(error, ValidationException):
        error = refused_parameters(error, request.route_handler)
    kind, detail = _kind_and_detail(error)
    body = problem(kind, detail, path=request.scope["path"], errors=field_errors(error))
    headers = {**headers_of(error, kind), **_allowed(request, kind)}
    return problem_page(request, body, headers) if wants_page(request.scope) else problem_answer(body, headers=headers)


def _kind_and_detail(error: Exception) -> tuple[ProblemKind, str]:
    """Return what kind of problem an error is, and one sentence about it; what nobody foresaw is logged."""
    if isinstance(error, RequestError | DomainError | ApplicationError):
        return kind_of(error), str(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        kind = kind_of_status(error.status_code)
        return kind, _words(error, kind.title)
    if isinstance(error, HTTPException) and error.detail == "client disconnected prematurely":
        return MALFORMED, "the body broke off"
    _log.error("request.failed", exc_info=error)
    return INTERNAL, "the service failed; its log has the details under this request's X-Request-ID"


def _allowed(request: Request[Any, Any, Any], kind: ProblemKind) -> dict[str, str]:
    """Return the header that says which methods a path knows, where it does not know this one: the same for all."""
    if kind is not METHOD_NOT_ALLOWED:
        return {}
    return {"Allow": ", ".join(allowed_methods(request.app, request.scope["path"]))}


def _words(error: HTTPException, title: str) -> str:
    return error.detail if error.status_code == 400 else title
