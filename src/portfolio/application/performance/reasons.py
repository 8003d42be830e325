"""Rounds figures, and notes for each undefined one (``null``) the reason."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from portfolio.analytics.decimals import statistic
from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.money import PERCENT_STEP, Money

# The fields of ``Performance``, some of them.
Figures = dict[str, Any]

T = TypeVar("T")


class Reasons(msgspec.Struct):
    """Rounds figures, and collects the reason for each figure that is undefined."""

    noted: dict[str, str] = msgspec.field(default_factory=dict)

    def undefined(self, names: Iterable[str], why: str) -> Figures:
        """Return these figures as None, because of ``why``."""
        self.noted.update(dict.fromkeys(names, why))
        return dict.fromkeys(names)

    def ratio(self, name: str, value: float | None, why: str) -> Decimal | None:
        """Return ``value`` at 12 decimals; None, because of ``why``, where there is none."""
        rounded = None if value is None else statistic(value)
        if rounded is None:
            self.noted[name] = why if value is None else "out_of_range"
        return rounded

    @exact
    def percent(self, name: str, value: float | None, why: str) -> Decimal | None:
        """Return ``value`` at 6 decimals; None, because of ``why``, where there is none."""
        rounded = self.ratio(name, value, why)
        return None if rounded is None else rounded.quantize(PERCENT_STEP)

    @exact
    def quotient(self, name: str, part: Decimal, whole: Decimal, step: Decimal, why: str) -> Decimal | None:
        """Return ``part / whole`` at ``step``, half even; None, because of ``why``, where the whole is zero."""
        value = part / whole if whole else None
        if value is None or value.adjusted() >= 20:
            self.noted[name] = why if value is None else "out_of_range"
            return None
        return value.quantize(step)

    @exact
    def growth_percent(self, name: str, start: Decimal, end: Decimal) -> Decimal | None:
        """Return by how much ``end`` is more than ``start``, in percent of it."""
        return self.quotient(name, (end - start) * HUNDRED, start, PERCENT_STEP, "no_history")

    @exact
    def mean(self, name: str, total: Money, count: int, why: str) -> Money | None:
        """Return ``total / count``, half even at 18 decimals; None, because of ``why``, of nothing."""
        return self.known(name, Money.rounded(total.value / count) if count else None, why)

    def known(self, name: str, value: T | None, why: str) -> T | None:
        """Return ``value``, and note ``why`` where there is none."""
        if value is None:
            self.noted[name] = why
        return value
