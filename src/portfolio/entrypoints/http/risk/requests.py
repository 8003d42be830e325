"""The queries of the risk routes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from portfolio.application.prices.closes import MAX_DAYS, YEAR
from portfolio.application.risk.state import DEFAULT_DAYS

Days = Annotated[int, Meta(ge=1, le=MAX_DAYS)]


class LookbackQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Over how many completed days."""

    days: Days = DEFAULT_DAYS


class TailQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Over how many completed days: tails take a longer look."""

    days: Days = YEAR
