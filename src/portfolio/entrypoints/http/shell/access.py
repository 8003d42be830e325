"""What a route declares beside its types: the scope that it needs, and the problems that it may answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, TypedDict, Unpack

from litestar import Response
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from portfolio.entrypoints.http.errors import ProblemKind
from portfolio.entrypoints.http.shell.auth import Scope

_OPT: Final = "access"

AtOnce: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Response[Any]]]
"""Answers with what handlers are given, by their arguments' names."""


class Access(Struct, frozen=True, kw_only=True):
    """The admission and the OpenAPI document are both made of it.

    ``scope`` is None where no key is needed; ``or_scope`` is another that will do as well. ``problems`` are those of
    the route's own; those of all routes are added. ``books`` counts a request as a booking, for the rate limits;
    ``takes_key``: the header ``Idempotency-Key`` makes it happen once. ``is_form``: its body is that of an HTML form,
    which is sent from a page of this service, by whoever may see that page: what it does is decided by what it brings.
    ``also`` are media types that its success may have beside its own. ``form`` is what the parts of its body are, where
    that is a form with files. ``at_once`` answers a GET without a query in the handler's place: the framework's way to
    a handler's arguments is an eighth of a read.
    """

    scope: Scope | None
    or_scope: Scope | None = None
    problems: tuple[ProblemKind, ...] = ()
    books: bool = False
    takes_key: bool = False
    is_form: bool = False
    also: tuple[str, ...] = ()
    form: type[Struct] | None = None
    at_once: AtOnce | None = None

    @property
    def scopes(self) -> list[Scope]:
        """Return the scopes of which a key needs one; none where no key is needed."""
        return [scope for scope in (self.scope, self.or_scope) if scope is not None]


class _Further(TypedDict, total=False):
    or_scope: Scope
    problems: tuple[ProblemKind, ...]
    books: bool
    takes_key: bool
    is_form: bool
    also: tuple[str, ...]
    form: type[Struct]
    at_once: AtOnce


def access(scope: Scope | None, **further: Unpack[_Further]) -> dict[str, Any]:
    """Return the route option that says so: ``further`` are the other fields of ``Access``."""
    return {_OPT: Access(scope=scope, **further)}


def access_of(handler: BaseRouteHandler) -> Access | None:
    """Return what the route says; None for one that says nothing, which serves nobody."""
    found = handler.opt.get(_OPT)
    return found if isinstance(found, Access) else None


_OF_BODY: Final = frozenset({"data", "body"})
"""The parameters by which a handler takes the body, decoded or as it is: the framework keeps these names for it."""


def takes_no_body(handler: BaseRouteHandler) -> bool:
    """Return whether a route has no use for a body."""
    found = access_of(handler)
    is_read = found is not None and (found.is_form or found.form is not None)
    return not is_read and handler.parsed_fn_signature.parameters.keys().isdisjoint(_OF_BODY)
