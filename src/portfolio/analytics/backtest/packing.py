"""Closes as bytes, and back."""

from __future__ import annotations

import numpy as np

from portfolio.analytics.estimate import Matrix, frozen


def packed(closes: Matrix) -> bytes:
    """Return the bytes of a table of closes, ``(n_days, n_assets)``: row by row, float64 of little end."""
    return np.ascontiguousarray(closes, dtype="<f8").tobytes()


def unpacked(content: bytes, n_assets: int) -> Matrix:
    """Return the table, read-only, of the bytes that ``packed`` made of one with so many assets."""
    return frozen(np.frombuffer(content, dtype="<f8").reshape(-1, n_assets))
