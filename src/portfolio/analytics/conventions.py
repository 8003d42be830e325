"""The conventions that every figure is computed by, under the name that answers carry."""

from __future__ import annotations

from typing import Final

CONVENTION: Final = "crypto-365-v1"
DAYS_PER_YEAR: Final = 365
MAX_DAYS: Final = 3650  # the longest lookback
