"""Fills limits: weights grow in given proportions, and who meets a limit drops out."""

from __future__ import annotations

import numpy as np

from portfolio.analytics.estimate import Vector
from portfolio.analytics.optimisation.problem import CLOSE, Bounds


def filled(shares: Vector, bounds: Bounds) -> Vector:
    """Return weights in the proportion of ``shares`` within every limit, as the policy's rule 6 deploys cash.

    Of assets that meet a limit the others take the rest, still in proportion; the weights sum to ``bounds.invested``,
    or to less where no room is left.

    Args:
        shares: zero or more each, not all zero, ``(n_assets,)``.
        bounds: the limits; its turnover is not looked at.
    """
    weights = np.zeros(len(shares))
    rates = shares / shares.sum()
    left = bounds.invested
    while left > CLOSE * CLOSE and rates.any():
        speeds = bounds.sums(rates)
        room = np.maximum(bounds.most - bounds.sums(weights), 0.0)
        growing = speeds > 0
        steps = np.full(len(speeds), np.inf)
        steps[growing] = room[growing] / speeds[growing]
        step = min(float(steps.min(initial=np.inf)), left / float(rates.sum()))
        weights += rates * step
        left -= step * float(rates.sum())
        rates = rates.copy()
        for limit in np.flatnonzero(steps <= step * (1 + CLOSE)).tolist():
            rates[list(bounds.members[limit])] = 0.0
    return weights


def trimmed(weights: Vector, bounds: Bounds) -> Vector:
    """Return weights of a solver without its last digits: none below zero, no limit passed; cash takes what is cut."""
    kept = np.where(weights > CLOSE * 10, weights, 0.0)
    for limit in np.flatnonzero(bounds.sums(kept) > bounds.most).tolist():
        members = list(bounds.members[limit])
        kept[members] *= min(1.0, float(bounds.most[limit]) / float(kept[members].sum()))
    return kept
