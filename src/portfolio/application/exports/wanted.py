"""What is to be exported, and what of it can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portfolio.application.exports.tables import What
from portfolio.application.ledger.lots.journal import KnownAt
from portfolio.application.performance.records import Basis
from portfolio.domain.ledger.lots.records import LotMethod

DATED: Final = frozenset({What.TRADES, What.EVENTS, What.GAINS, What.PERFORMANCE, What.CLOSES})
"""What can be exported from a moment on."""

PAST: Final = frozenset({What.POSITIONS, What.GAINS, What.PERFORMANCE})
"""What can be exported as of a past moment, or as far as was known then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be exported: of ``since`` or later by its own time, where that is given; gains by which ``method``.

    What is in ``PAST`` is as of a moment, and as far as was known then, where these are given; the days are those of a
    ``basis``, of the usual one where none is named.
    """

    what: What
    since: datetime | None = None
    method: LotMethod = LotMethod.FIFO
    as_of: datetime | None = None
    known_at: KnownAt | None = None
    basis: Basis | None = None

    @property
    def is_past(self) -> bool:
        """Return whether it is of other books than those of now."""
        return (self.as_of, self.known_at) != (None, None)
