"""What may be asked about risk."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from portfolio.analytics.conventions import MAX_DAYS

Days = Annotated[int, QueryParameter(ge=1, le=MAX_DAYS, description="Over how many completed days.")]
