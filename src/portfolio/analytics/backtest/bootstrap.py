"""How sure a mean of daily figures is: a block bootstrap, which keeps the days that follow each other together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 2_000
BLOCK_DAYS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanInterval:
    """A mean, and the bounds that so many resampled means lie between; ``share_above`` of them are above zero."""

    mean: float
    low: float
    high: float
    share_above: float


def mean_interval(values: npt.ArrayLike, *, confidence: float, seed: int, block: int = BLOCK_DAYS) -> MeanInterval:
    """Return the mean of a series and its percentile interval; the same seed gives the same interval.

    Blocks of ``block`` days begin anywhere, and go on at the beginning after the end (the circular block bootstrap).
    Source: Politis and Romano, "A Circular Block-Resampling Procedure for Stationary Data" (1992).

    Args:
        values: one a day, finite, at least one, ``(n,)``.
        confidence: above 0, below 1.
        seed: of the generator.
        block: days of a block, at least 1.
    """
    series = np.asarray(values, dtype=np.float64)
    n = series.size
    generator = np.random.Generator(np.random.PCG64(seed))
    n_blocks = -(-n // block)
    starts = generator.integers(0, n, size=(RESAMPLES, n_blocks))
    days = (starts[:, :, None] + np.arange(block)) % n
    means = series[days.reshape(RESAMPLES, -1)[:, :n]].mean(axis=1)
    low, high = np.quantile(means, ((1 - confidence) / 2, (1 + confidence) / 2)).tolist()
    return MeanInterval(mean=float(series.mean()), low=low, high=high, share_above=float((means > 0.0).mean()))


def log_differences(values: npt.ArrayLike, others: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return by how much the daily log return of a series is more than that of another, ``(n_days - 1,)``.

    Args:
        values: above zero, ``(n_days,)``; so are the others.
        others: of the same days.
    """
    both = np.log(np.array([values, others], dtype=np.float64))
    found: npt.NDArray[np.float64] = np.diff(both[0] - both[1])
    return found
