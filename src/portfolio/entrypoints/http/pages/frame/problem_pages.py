"""What is wrong, as a page: the same problem as programs get, in a browser's words."""

from __future__ import annotations

from collections.abc import Mapping

from litestar.response import Template
from litestar.types import HTTPScope

from portfolio.entrypoints.http.errors import UNAUTHORIZED
from portfolio.entrypoints.http.pages.frame.headers import HEADERS, accepts_html, is_page
from portfolio.entrypoints.http.pages.frame.page import frame_of, html
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.responses import Problem

DOCS = "/docs"


def wants_page(scope: HTTPScope) -> bool:
    """Return whether what is wrong is told as a page."""
    path = scope["path"]
    return (is_page(path) or path == DOCS) and accepts_html(scope)


def problem_page(request: HttpRequest, problem: Problem, headers: Mapping[str, str]) -> Template:
    """Return a problem as a page; where a key is missing, the form that asks for it: at ``/`` that is no failure."""
    if problem.status == UNAUTHORIZED.status:
        status = 200 if request.scope["path"] == "/" else UNAUTHORIZED.status
        return sign_in_page(request, back=frame_of(request, "").address, status_code=status, headers=headers)
    return html(
        "problem.html",
        status_code=problem.status,
        headers={**HEADERS, **headers},
        frame=frame_of(request, problem.title),
        problem=problem,
    )


def sign_in_page(
    request: HttpRequest, *, back: str, status_code: int = 200, headers: Mapping[str, str] | None = None, why: str = ""
) -> Template:
    """Return the form that asks for a key; ``why`` says what was wrong with the one before."""
    return html(
        "sign_in.html",
        status_code=status_code,
        headers={**HEADERS, **(headers or {})},
        frame=frame_of(request, "Sign in"),
        back=back,
        why=why,
    )
