"""What may be asked about performance."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class PerformanceQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Over how many completed days."""

    days: Annotated[int, Meta(ge=1, le=3650)] = 30
