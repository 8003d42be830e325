"""Tables as Parquet, which polars writes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import IO, Any


def write_exact(
    columns: Mapping[str, tuple[str, Sequence[object]]], metadata: Mapping[str, str], file: IO[bytes]
) -> None:
    """Write columns, each with its kind: decimal, text, moment, day, whole or flag.

    Decimals have 38 digits, 18 of them after the point; moments are UTC, in microseconds.

    Raises:
        ImportError: polars is not installed.
    """
    import polars as pl  # noqa: PLC0415  an extra, for who wants such files

    kinds: Mapping[str, Any] = {
        "decimal": pl.Decimal(38, 18),
        "text": pl.String(),
        "moment": pl.Datetime("us", "UTC"),
        "day": pl.Date(),
        "whole": pl.Int64(),
        "flag": pl.Boolean(),
    }
    series = [pl.Series(name, cells, dtype=kinds[kind]) for name, (kind, cells) in columns.items()]
    pl.DataFrame(series).write_parquet(file, metadata=dict(metadata))


def parquet(columns: Mapping[str, Sequence[object]]) -> bytes:
    """Return a table of columns, each of one type, as a Parquet file; decimals are kept exact, and dates are dates.

    Raises:
        ImportError: polars is not installed.
    """
    import polars as pl  # noqa: PLC0415  an extra, for who wants such files

    written = io.BytesIO()
    pl.DataFrame(columns).write_parquet(written)
    return written.getvalue()
