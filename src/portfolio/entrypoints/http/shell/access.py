"""What a route says of itself beside its types: who may call it, and what may be answered instead of a success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar.handlers import BaseRouteHandler

from portfolio.entrypoints.http.errors import ProblemKind
from portfolio.entrypoints.http.shell.auth import Scope

_OPT: Final = "access"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The admission and the OpenAPI document are both made of it.

    ``scope`` is None where no key is needed; ``or_scope`` is another that will do as well. ``problems`` are those of
    the route's own; those of all routes are added. ``books`` counts a request as a booking, for the rate limits;
    ``takes_key``: the header ``Idempotency-Key`` makes it happen once. ``is_form``: its body is that of an HTML form.
    ``also`` are media types that its success may have beside its own.
    """

    scope: Scope | None
    or_scope: Scope | None = None
    problems: tuple[ProblemKind, ...] = ()
    books: bool = False
    takes_key: bool = False
    is_form: bool = False
    also: tuple[str, ...] = ()

    @property
    def scopes(self) -> list[Scope]:
        """Return the scopes of which a key needs one; none where no key is needed."""
        return [scope for scope in (self.scope, self.or_scope) if scope is not None]


def access(  # shape: what a route may say
    scope: Scope | None,
    *,
    or_scope: Scope | None = None,
    problems: tuple[ProblemKind, ...] = (),
    books: bool = False,
    takes_key: bool = False,
    also: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the route option that says so."""
    return {
        _OPT: Access(scope=scope, or_scope=or_scope, problems=problems, books=books, takes_key=takes_key, also=also)
    }


def form_access() -> dict[str, Any]:
    """Return the route option of a form that anybody may send, from a page of this service."""
    return {_OPT: Access(scope=None, is_form=True)}


def access_of(handler: BaseRouteHandler) -> Access | None:
    """Return what the route says; None for one that says nothing, which serves nobody."""
    found = handler.opt.get(_OPT)
    return found if isinstance(found, Access) else None
