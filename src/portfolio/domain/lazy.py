"""Members of an immutable object that are computed when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_Owner = TypeVar("_Owner")
_Value = TypeVar("_Value")


class lazy(Generic[_Owner, _Value]):  # noqa: N801  written as a decorator, like ``property``
    """A property that is computed once and kept.

    Not ``functools.cached_property``: in Python 3.11 that has one lock for all instances, so that the event loop would
    wait for what a thread computes.
    """

    def __init__(self, compute: Callable[[_Owner], _Value]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: _Owner, owner: type[_Owner]) -> _Value:
        """Return the value. Once it is kept, Python finds it in the instance and does not come here."""
        value = self._compute(instance)
        instance.__dict__[self._name] = value
        return value
