"""The solvers as a port: mathematics says what it needs solved, an adapter knows the libraries that do it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from portfolio.analytics.estimate import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """``equal @ x == equal_to``, ``rows @ x <= most``, ``x >= 0``; ``x`` is ``(n_variables,)``."""

    equal: Matrix
    equal_to: Vector
    rows: Matrix
    most: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The best ``x``, the duals of the rows (0 or more: by how much the least falls for each unit of ``most``), and the
    relative distance to the bound that the dual proves.
    """

    x: Vector
    duals: Vector
    gap: float


class Solvers(Protocol):
    """Solves programmes; each raises ``NoSolution`` where there is none, or none was found."""

    def quadratic(self, curvature: Matrix, slope: Vector, within: Constraints) -> Optimum:
        """Return the least of 1/2 x'Px + q'x; P is positive semidefinite."""

    def linear(self, slope: Vector, within: Constraints) -> Optimum:
        """Return the least of q'x."""

    def least_tail(self, returns: Matrix, confidence: Decimal, within: Constraints) -> Optimum:
        """Return the least conditional value at risk of the first variables, which are the weights of ``returns``
        ``(n_days, n_assets)``, every day as likely as any other.
        """

    def leaves(self, distances: Matrix) -> list[int]:
        """Return the assets in the order of the leaves of the single-linkage tree of ``(n_assets, n_assets)``."""
