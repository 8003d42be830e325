"""What handlers receive from the application as arguments (dependency injection)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from portfolio.entrypoints.http.shell.auth import Caller

T = TypeVar("T")

HttpRequest: TypeAlias = Request[Caller, None, State]
"""A request that was admitted: ``request.user`` is who calls."""

Injected: TypeAlias = NamedDependency[SkipValidation[T]]
"""An argument of a handler that the application provides under the argument's name."""


def provided(values: Mapping[str, object]) -> dict[str, Provide]:
    """Return what gives handlers ``values``, by the names of their arguments: a request is given what they are then."""
    return {name: Provide(_giving(values, name), sync_to_thread=False) for name in values}


def _giving(values: Mapping[str, object], name: str) -> Any:
    def give() -> Any:
        return values[name]

    return give
