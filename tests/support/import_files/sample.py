"""What a sample of a file is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file, and what its events have to be: the kind and the net changes, as texts.

    ``ignored`` and ``reported`` are the rows that become nothing, and those that nobody may guess.
    """

    name: str
    text: str
    events: Sequence[tuple[str, str]]
    ignored: Sequence[int | str] = ()
    reported: Sequence[int | str] = ()

    @property
    def is_table(self) -> bool:
        """Whether it has lines and columns."""
        return not self.text.lstrip().startswith(("{", "["))

    @property
    def expected(self) -> list[tuple[str, dict[str, Decimal]]]:
        """Kind and net changes of each event."""
        found = []
        for kind, legs in self.events:
            parts = [part.split() for part in legs.split(",")]
            found.append((kind, {symbol: Decimal(change) for symbol, change in parts}))
        return found
