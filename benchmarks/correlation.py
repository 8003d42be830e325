"""Times the correlation of 500 assets over a year beside numpy's bare matrix product of the same size.

Run: python -m benchmarks.correlation
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from portfolio.analytics.correlation import correlation
from portfolio.analytics.decimals import to_decimals

N_DAYS, N_ASSETS, ROUNDS = 365, 500, 60


def seconds_of(*works: Callable[[], object]) -> list[float]:
    """Return the median seconds of each of ``works``, run in turn so that all meet the same machine."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for times, work in zip(taken, works, strict=True):
            work()  # untimed: what ran before has left its own data in the caches
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [float(np.median(times)) for times in taken]


def main() -> None:
    generator = np.random.default_rng(1)
    full = generator.normal(0.0, 0.03, (N_DAYS, N_ASSETS))
    few = full.copy()
    few[:200, :5] = np.nan
    every = np.where(generator.random(full.shape) < 0.05, np.nan, full)
    bare, numpy_own, none, some, all_of_them = seconds_of(
        lambda: full.T @ full,
        lambda: np.corrcoef(full, rowvar=False),
        lambda: correlation(full),
        lambda: correlation(few),
        lambda: correlation(every),
    )
    matrix = correlation(full).matrix
    (decimals,) = seconds_of(lambda: to_decimals(matrix))
    for name, seconds in (
        ("X.T @ X", bare),
        ("numpy.corrcoef", numpy_own),
        ("correlation, no gaps", none),
        ("correlation, 5 of 500 listed late", some),
        ("correlation, gaps in all", all_of_them),
        ("to_decimals of the matrix", decimals),
    ):
        print(f"{name:36} {seconds * 1e3:8.2f} ms {seconds / bare:8.2f} x")


if __name__ == "__main__":
    main()
