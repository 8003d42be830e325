"""Columns of closes, kept asset by asset, and the tables that are made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from portfolio.analytics.estimate import Matrix, Vector, frozen
from portfolio.analytics.returns import PriceHistory, simple_returns

# What closes themselves show of a split or a rename, in logarithms of prices.
SEAM_TOLERANCE: Final = math.log(2.0)
"""By so much the closes on both sides may differ from what the ratio says: a market moves meanwhile."""
SEAM_DAYS: Final = 3
"""So many days apart from the day of the entry an exchange may have begun to trade in the new units."""


class NotJoined(StrEnum):
    """Why closes are not joined across a split or a rename."""

    NO_JUMP = "no_jump"
    PRICES_APART = "prices_apart"
    RATIOS_DIFFER = "ratios_differ"


@dataclass(frozen=True, slots=True)
class Join:
    """From the day ``on`` there are ``ratio`` of ``symbol`` for one of ``from_symbol``; at a split they are one.

    With a ``reason`` closes are not joined across it.
    """

    symbol: str
    from_symbol: str
    ratio: Decimal
    on: date
    reason: NotJoined | None = None


class Joined(NamedTuple):
    """Closes as if the units of today had always been traded.

    ``behind`` are by asset the splits and renames that changed its closes, and those that were to and could not be.
    ``borne_out`` are all that the closes do not speak against, also where they changed none.
    """

    columns: Mapping[str, Vector]
    behind: Mapping[str, tuple[Join, ...]]
    borne_out: tuple[Join, ...]


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


def joined(columns: Mapping[str, Vector], joins: Iterable[Join], last_day: date) -> Joined:
    """Return the closes as if the units of today had always been traded, and what was joined for that.

    Closes of the days before a split are divided by its ratio. Of days before a rename on which the new asset has no
    close, it has that of the old one, divided by the ratio. A ratio from 1/2 to 2 is taken as it is: no closes could
    tell it from a day's move. Of any other the closes have to show it, since an exchange may have restated those of
    before: at a split they have to move by the ratio, within ``SEAM_TOLERANCE``, on its day or at most ``SEAM_DAYS``
    from it; at a rename what is divided, else what is not, has to fit the first close of the new asset as well. What
    fits neither is not joined. Where there is no close from the day on, nothing speaks against the ratio.

    Args:
        columns: closes ``(n,)`` of each asset on the same days, oldest first, NaN where there is none.
        joins: in the order in which they happened, each of assets that are in ``columns`` unless it has a reason.
        last_day: the day of the last close.
    """
    made, behind, borne_out = dict(columns), dict[str, tuple[Join, ...]](), list[Join]()
    for join in joins:
        row = join.on.toordinal() - last_day.toordinal() + len(made[join.symbol]) - 1
        column, reason = (None, join.reason) if join.reason else _across(join, made, max(row, 0))
        if reason is None:
            borne_out.append(join)
        if column is not None:
            made[join.symbol] = column
            earlier = (*behind.get(join.symbol, ()), *behind.get(join.from_symbol, ()), join)
            behind[join.symbol] = tuple(dict.fromkeys(earlier))
        elif reason is not None and row > 0:
            behind[join.symbol] = (*behind.get(join.symbol, ()), replace(join, reason=reason))
    return Joined(made, behind, tuple(borne_out))


def _across(join: Join, columns: Mapping[str, Vector], row: int) -> tuple[Vector | None, NotJoined | None]:
    """Return the closes of an asset joined across one, None where there is nothing to join; or why they are not."""
    old, new, ratio = columns[join.from_symbol], columns[join.symbol], float(join.ratio)
    return _split(old, row, ratio) if join.symbol == join.from_symbol else _renamed(new, old[:row], ratio)


def _split(column: Vector, row: int, ratio: float) -> tuple[Vector | None, NotJoined | None]:
    if np.isnan(column[:row]).all():
        return None, None
    seam = _seam(column, row, ratio)
    if seam is None:
        return None, NotJoined.NO_JUMP
    made = column.copy()
    made[:seam] /= ratio
    return made, None


def _seam(column: Vector, row: int, ratio: float) -> int | None:
    """Return the row of the first close in new units; None where the closes show none."""
    expected = -math.log(ratio)
    if abs(expected) < SEAM_TOLERANCE or np.isnan(column[row:]).all():
        return row
    near = range(max(1, row - SEAM_DAYS), min(len(column), row + SEAM_DAYS + 1))
    for at in sorted(near, key=lambda at: abs(at - row)):
        before, after = _known(column[:at]), _known(column[at:])
        if before.size and after.size:
            move = math.log(after[0] / before[-1])
            if abs(move - expected) <= SEAM_TOLERANCE and abs(move - expected) < abs(move):
                return at
    return None


def _renamed(new: Vector, old: Vector, ratio: float) -> tuple[Vector | None, NotJoined | None]:
    """Return the closes of a new asset with those of the old one, of the rows before the rename, where it has none."""
    known, there = np.flatnonzero(~np.isnan(old)), np.flatnonzero(~np.isnan(new))
    wanted = np.setdiff1d(known, there)
    divisor: float | None = ratio
    if known.size and there.size:
        # What has all of these closes may have been there for long: the two are one by the last close of the old one.
        first = there[0] if wanted.size else known[-1]
        nearest = known[np.argmin(np.abs(known - first))]
        divisor = _divisor(math.log(old[nearest] / new[first]), ratio)
    if divisor is None:
        return None, NotJoined.PRICES_APART
    if not wanted.size:
        return None, None
    made = new.copy()
    made[wanted] = old[wanted] / divisor
    return made, None


def _divisor(seen: float, ratio: float) -> float | None:
    """Return what closes of the old asset are to be divided by, going by the logarithm of what the two cost; None
    where they are no one asset.
    """
    possible = (ratio,) if abs(math.log(ratio)) < SEAM_TOLERANCE else (ratio, 1.0)
    best = min(possible, key=lambda divisor: abs(seen - math.log(divisor)))
    return best if abs(seen - math.log(best)) <= SEAM_TOLERANCE else None


def _known(column: Vector) -> Vector:
    return column[~np.isnan(column)]
