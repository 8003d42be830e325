"""How many streams may be open, on an instance and for each caller."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from portfolio.application.errors import TooManyStreams


@dataclass(slots=True)
class StreamLimits:
    """Counts the streams of this instance, and those of each caller."""

    most: int = 500
    most_of_caller: int = 20
    open: Counter[str] = field(default_factory=Counter, init=False)

    def admit(self, caller: str) -> None:
        """Count one more; raises TooManyStreams where there are as many as there may be."""
        if self.open.total() >= self.most:
            raise TooManyStreams(f"{self.most} streams are open here: close one, or ask another instance")
        if self.open[caller] >= self.most_of_caller:
            raise TooManyStreams(f"{self.most_of_caller} streams of this caller are open: close one first")
        self.open[caller] += 1

    def release(self, caller: str) -> None:
        """Count one less."""
        self.open[caller] -= 1
        if not self.open[caller]:
            del self.open[caller]
