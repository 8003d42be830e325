"""What a page shows of time: for how long, on which scale, and beside which benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final, Literal, get_args

from litestar.params import QueryParameter

from portfolio.analytics.conventions import MAX_DAYS
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.charts import Scale
from portfolio.entrypoints.http.pages.frame.list_form import typed_symbol
from portfolio.entrypoints.http.pages.frame.typed import messages
from portfolio.entrypoints.http.shell.bodies import FieldReader

PeriodName = Literal["7d", "30d", "90d", "ytd", "1y", "all"]
ScaleName = Literal["linear", "log"]

PeriodQuery = Annotated[PeriodName | None, QueryParameter(name="period")]
ScaleQuery = Annotated[ScaleName | None, QueryParameter(name="scale")]

PERIODS: Final[Sequence[str]] = get_args(PeriodName)
_DAYS: Final = {"7d": 7, "30d": 30, "90d": 90, "1y": 365, "all": MAX_DAYS}
USUAL: Final = ("BTC", "ETH")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and what there is to choose from; ``mistakes`` is what is wrong with what was typed."""

    period: str
    scale: Scale
    benchmark: Symbol | None
    typed: str = field(default="", compare=False)
    mistakes: Mapping[str, str] = field(default_factory=dict, compare=False)
    periods: Sequence[str] = PERIODS
    usual: Sequence[str] = USUAL

    @classmethod
    def of(cls, period: str | None, scale: str | None, benchmark: str | None, usual: str = "1y") -> Choice:
        """Return what a query asks for; the usual benchmark instead of one that there cannot be."""
        reading, typed = FieldReader(), (benchmark or "").strip()
        symbol = reading.given("benchmark", typed or None, typed_symbol)
        return cls(
            period or usual,
            Scale(scale or "linear"),
            symbol,
            symbol.code if symbol else typed,
            messages(reading.errors),
        )

    @property
    def named(self) -> Sequence[tuple[str, str]]:
        """Return the periods as choices of a form."""
        return [(name, name) for name in self.periods]

    def days(self, today: date) -> int:
        """Return how many completed days the period has: of the year to date those since its beginning, at least 1."""
        return max(_DAYS.get(self.period) or today.timetuple().tm_yday - 1, 1)
