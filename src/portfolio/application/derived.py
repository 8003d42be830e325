"""What is derived from a state, kept with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

_Result = TypeVar("_Result")


class Derived:
    """The results derived from one immutable state: each is made once, and all are forgotten with the state.

    No more than ``most`` are kept, those used last. One thread makes them at a time: of entries that of
    ``in_fold_thread``, of a large portfolio that of ``in_thread``, else the event loop's.
    """

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._results: OrderedDict[Hashable, Any] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        """Return whether the result under ``key`` is there."""
        return key in self._results

    def once(self, key: Hashable, make: Callable[[], _Result]) -> _Result:
        """Return the result under ``key``, made now if it is not there yet."""
        try:
            self._results.move_to_end(key)
            return cast("_Result", self._results[key])
        except KeyError:
            pass
        result = self._results[key] = make()
        while len(self._results) > self._most:
            self._results.popitem(last=False)
        return result

    def forget_all(self) -> None:
        """Forget every result, one after the other: of a long one it takes a while, and others go on in between."""
        while self._results:
            self._results.popitem()

    def forget(self, key: Hashable) -> None:
        """Have the result under ``key`` made anew when somebody asks for it again."""
        self._results.pop(key, None)
