"""Records of price sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from portfolio.domain.prices.quote import Quote
from portfolio.domain.symbol import Symbol

Found = dict[Symbol, Quote | str]


class FeedReport(msgspec.Struct, frozen=True, kw_only=True):
    """What asking for prices brought: quotes as reported, and the reason for every symbol without one."""

    quotes: Mapping[Symbol, Quote]
    failures: Mapping[Symbol, str] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, found: Found) -> FeedReport:
        """Return the report of what was found for each symbol: its quote, or the reason for having none."""
        quotes = {symbol: quote for symbol, quote in found.items() if isinstance(quote, Quote)}
        return cls(quotes=quotes, failures={symbol: why for symbol, why in found.items() if isinstance(why, str)})


class SourceCondition(StrEnum):
    """How a source does: while it rests after failures it is not asked, while it is off it never is."""

    NEVER_ANSWERED = "never answered"
    ANSWERING = "answering"
    FAILING = "failing"
    RESTING = "resting"
    OFF = "off"


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """How a price source is doing."""

    state: SourceCondition
    last_error: str | None = None
    last_success: datetime | None = None


def why_unreachable(states: Mapping[str, SourceState]) -> str | None:
    """Return why no source has ever answered; None where one has, or where none was asked."""
    if any(state.last_success for state in states.values()):
        return None
    return "; ".join(f"{name}: {state.last_error}" for name, state in states.items() if state.last_error) or None
