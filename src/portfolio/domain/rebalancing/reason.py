"""Why a trade is recommended, and how urgent it is."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The rule behind a trade; in the order in which the rules are applied."""

    CONCENTRATION_RISK = "concentration_risk"
    HIGH_VOLATILITY = "high_volatility"
    NEGATIVE_MOMENTUM = "negative_momentum"
    CATEGORY_CONCENTRATION = "category_concentration"
    HIGH_CORRELATION = "high_correlation"
    CASH_DEPLOYMENT = "cash_deployment"

    @property
    def place(self) -> int:
        """Return the place in the order of the rules, 0 for the first."""
        return _PLACES[self]


_PLACES = {reason: place for place, reason in enumerate(Reason)}


class Priority(StrEnum):
    """How urgent a trade is; the most urgent first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Return the place in the order of urgency, 0 for the most urgent."""
        return list(Priority).index(self)
