"""Columns of closes, kept asset by asset, and the tables that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector, frozen
from portfolio.analytics.returns import PriceHistory, simple_returns


def columns_of(history: PriceHistory) -> list[Vector | None]:
    """Return each asset's closes ``(n_days + 1,)``, contiguous, in the order of the symbols; None without any."""
    columns = zip(history.closes.T, assets_in(history.closes), strict=True)
    return [frozen(np.ascontiguousarray(column)) if has_any else None for column, has_any in columns]


def table_of(columns: Sequence[Vector | None], n_days: int) -> Matrix:
    """Return the last ``n_days + 1`` closes of each column as ``(n_days + 1, n_assets)``; NaN where there is none.

    Args:
        columns: closes of the same days, oldest first, at least ``n_days + 1`` of each; None for an asset without any.
        n_days: number of days of the lookback.
    """
    table = np.full((n_days + 1, len(columns)), np.nan)
    for place, column in enumerate(columns):
        if column is not None:
            table[:, place] = column[-n_days - 1 :]
    return table


def assets_in(table: Matrix) -> list[bool]:
    """Return which assets of ``(n_days + 1, n_assets)`` have a close at all."""
    return [bool(count) for count in np.count_nonzero(~np.isnan(table), axis=0).tolist()]


def history_of(table: Matrix, symbols: Sequence[str], last_day: date) -> PriceHistory:
    """Return the history whose closes are ``table``; nothing is copied, and the table is read-only from now on."""
    assert table.shape[1] == len(symbols)
    return PriceHistory(tuple(symbols), last_day, frozen(table), frozen(simple_returns(table)))
