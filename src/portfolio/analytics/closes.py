"""Columns of closes, kept asset by asset, and the tables that are made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector, frozen
from portfolio.analytics.returns import PriceHistory, simple_returns


def columns_of(closes: Iterable[tuple[str, date, float]], last_day: date, n_days: int) -> dict[str, Vector]:
    """Return the closes ``(n_days + 1,)`` of each asset, NaN on days without one; absent where it has none at all.

    Args:
        closes: (symbol, day, price in US dollars), in any order. Other days are passed over; of two closes of one day
            the later in order counts. A price that is not finite and above zero is no close.
        last_day: the last of the days.
        n_days: number of days of the lookback.
    """
    columns: dict[str, Vector] = {}
    first = last_day.toordinal() - n_days
    for symbol, day, price in closes:
        row = day.toordinal() - first
        if 0 <= row <= n_days:
            if symbol not in columns:
                columns[symbol] = np.full(n_days + 1, np.nan)
            columns[symbol][row] = price if 0.0 < price < math.inf else math.nan
    return columns


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
    assert table.shape[1] == len(symbols) == len(set(symbols)), "each symbol once"
    return PriceHistory(tuple(symbols), last_day, frozen(table), frozen(simple_returns(table)))


def last_close(history: PriceHistory, symbol: str) -> float | None:
    """Return the newest close of an asset, in US dollars; None where it has none, or is no column."""
    if symbol not in history.symbols:
        return None
    column = history.closes[:, history.symbols.index(symbol)]
    known = column[~np.isnan(column)]
    return float(known[-1]) if known.size else None


def days_without_close(history: PriceHistory) -> dict[str, list[date]]:
    """Return the days of the history on which an asset has no close, oldest first; absent where it has all of them."""
    first = history.last_day.toordinal() - history.n_days
    lacking: dict[str, list[date]] = {}
    for row, column in np.argwhere(np.isnan(history.closes)).tolist():
        lacking.setdefault(history.symbols[column], []).append(date.fromordinal(first + row))
    return lacking
