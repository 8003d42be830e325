"""Rows as Parquet files."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence


def parquet(columns: Mapping[str, Sequence[object]]) -> bytes:
    """Return a table of columns, each of one type, as a Parquet file; decimals are kept exact, and dates are dates.

    Raises:
        ImportError: polars is not installed.
    """
    import polars as pl  # noqa: PLC0415  an extra, for who wants such files

    written = io.BytesIO()
    pl.DataFrame(columns).write_parquet(written)
    return written.getvalue()
