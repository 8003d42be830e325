"""Which history a page shows: days by all that is known by now, or as they were recorded when they were over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from portfolio.application.errors import LedgerUnavailable
from portfolio.application.history.reading import Measures, ReadByBasis
from portfolio.application.performance.records import Basis

T = TypeVar("T")

_WORDS: Final[Mapping[Basis, str]] = {
    Basis.RESTATED: "Days are restated: each by all that is known by now, so also by entries that were booked later.",
    Basis.RECORDED: "Days are shown as they were recorded when they were over: what was booked later is not in them.",
}
_INSTEAD: Final = (
    "Days are shown as they were recorded when they were over. What was booked later is not in them: restated days "
    "cannot be read while the database is away."
)


class ShownBasis(msgspec.Struct, frozen=True):
    """Which history is shown; ``is_instead`` where the usual one could not be read."""

    basis: Basis
    is_instead: bool = False

    @property
    def words(self) -> str:
        """Return what is to be said of it beside figures of days."""
        return _INSTEAD if self.is_instead else _WORDS[self.basis]

    @property
    def is_restated(self) -> bool:
        """Return whether it is that of restated days."""
        return self.basis is Basis.RESTATED

    @property
    def choices(self) -> Sequence[Basis]:
        """Return what there is to choose from."""
        return list(Basis)


async def on_basis(
    by_basis: ReadByBasis, asked: str | None, read: Callable[[Measures], Awaitable[T]]
) -> tuple[ShownBasis, T]:
    """Return what is read on the basis that is asked for, or on the usual one, and which one that is.

    Where restated days are the usual ones and cannot be read, it is read on the recorded days last seen.
    """
    basis, measures = await by_basis(Basis(asked) if asked else None)
    try:
        return ShownBasis(basis), await read(measures)
    except LedgerUnavailable:
        if asked or basis is Basis.RECORDED:
            raise
    return ShownBasis(Basis.RECORDED, is_instead=True), await read(by_basis.recorded)
