"""What a route declares about itself: who may call it, what it takes, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar.handlers import BaseRouteHandler

from portfolio.entrypoints.http.errors import ProblemKind
from portfolio.entrypoints.http.shell.auth import Scope

OPT = "operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route's declaration: access control and the OpenAPI document are both made from it.

    ``scope`` is None where no key is needed; ``or_scope`` is another that will do as well. ``answer`` is the type of
    the success body, None where it is no JSON of ours (``media_type`` says what). ``problems`` are those of its own;
    those of all routes are added.
    """

    scope: Scope | None
    or_scope: Scope | None = None
    summary: str
    tag: str
    body: type | None = None
    body_required: bool = True
    body_examples: Mapping[str, object] = field(default_factory=dict)
    query: type | None = None
    path: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: type | None = None
    example: object = None
    media_type: str = "application/json"
    not_modified: bool = False
    also_answers: Mapping[int, str] = field(default_factory=dict)
    problems: tuple[ProblemKind, ...] = ()
    books: bool = False
    hidden: bool = False

    @property
    def scopes(self) -> list[Scope]:
        """Return the scopes of which a key needs one; none where no key is needed."""
        return [scope for scope in (self.scope, self.or_scope) if scope is not None]


def declares(**declared: Any) -> dict[str, Any]:
    """Return the route option that carries the declaration."""
    return {OPT: Operation(**declared)}


def operation_of(handler: BaseRouteHandler) -> Operation | None:
    """Return what the route declares; None for one that declares nothing."""
    found = handler.opt.get(OPT)
    return found if isinstance(found, Operation) else None
