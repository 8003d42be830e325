"""What handlers are given by the application."""

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


def provided(values: Mapping[str, Any]) -> dict[str, Provide]:
    """Return the dependencies of the application: each value under its name, the same one for every request."""
    return {name: Provide(_giving(value), use_cache=True, sync_to_thread=False) for name, value in values.items()}


def _giving(value: T) -> Any:
    def give() -> Any:
        return value

    return give
