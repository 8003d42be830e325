"""The solvers: clarabel for quadratic programmes, HiGHS (in scipy) for linear ones, scipy for trees.

Imported in the worker process alone: native code does not run beside the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import clarabel
import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.optimize import linprog
from scipy.spatial.distance import squareform

from portfolio.analytics.estimate import Matrix, Vector
from portfolio.analytics.optimisation.problem import NoSolution
from portfolio.analytics.optimisation.solvers import Constraints, Optimum

TOLERANCE: Final = 1e-10
_SOLVED: Final = frozenset({"Solved", "AlmostSolved"})
_INFEASIBLE: Final = 2  # a status of linprog


class NativeSolvers:
    """The port of the mathematics, on the libraries."""

    def quadratic(self, curvature: Matrix, slope: Vector, within: Constraints) -> Optimum:
        """Return the least of 1/2 x'Px + q'x by clarabel's interior-point method; raises ``NoSolution``."""
        n_variables, n_equal, n_rows = len(slope), len(within.equal), len(within.rows)
        # Put together as arrays: putting sparse matrices together took as long as solving.
        matrix = _sparse(np.vstack([within.equal, within.rows, -np.eye(n_variables)]))
        bound = np.concatenate([within.equal_to, within.most, np.zeros(n_variables)])
        cones = [clarabel.ZeroConeT(n_equal), clarabel.NonnegativeConeT(n_rows + n_variables)]
        upper = _sparse(np.triu(curvature))
        found = clarabel.DefaultSolver(upper, slope, matrix, bound, cones, _settings()).solve()
        if str(found.status) not in _SOLVED:
            raise NoSolution(f"solver_{str(found.status).lower()}")
        duals = np.array(found.z)[n_equal : n_equal + n_rows]
        return Optimum(np.array(found.x), np.maximum(duals, 0.0), _gap(found.obj_val, found.obj_val_dual))

    def linear(self, slope: Vector, within: Constraints) -> Optimum:
        """Return the least of q'x by HiGHS; raises ``NoSolution``."""
        return _least(slope, within, sparse.csr_matrix(within.rows), within.most, free=())

    def least_tail(self, returns: Matrix, confidence: Decimal, within: Constraints) -> Optimum:
        """Return the least z + sum u / ((1 - c) n), with u_t >= loss of day t - z and u >= 0, by HiGHS: the z of the
        optimum is the value at risk, and the least is CVaR; raises ``NoSolution``.
        """
        n_days, n_assets = returns.shape
        n_variables = within.equal.shape[1]
        others = sparse.csr_matrix((n_days, n_variables - n_assets))
        days = sparse.hstack([-returns, others, -np.ones((n_days, 1)), -sparse.eye(n_days)], format="csr")
        slope = np.concatenate([np.zeros(n_variables), [1.0], np.full(n_days, 1 / (float(1 - confidence) * n_days))])
        rows = sparse.vstack([_padded(within.rows, n_days + 1), days], format="csr")
        return _least(slope, within, rows, np.concatenate([within.most, np.zeros(n_days)]), free=(n_variables,))

    def leaves(self, distances: Matrix) -> list[int]:
        symmetric = (distances + distances.T) / 2
        np.fill_diagonal(symmetric, 0.0)
        return [int(leaf) for leaf in leaves_list(linkage(squareform(symmetric), "single"))]


def _sparse(matrix: Matrix) -> sparse.csc_matrix:
    """Return the matrix without its zeros, by columns; scipy's own way leads over a list of coordinates."""
    columns, rows = np.nonzero(matrix.T)
    starts = np.searchsorted(columns, np.arange(matrix.shape[1] + 1))
    return sparse.csc_matrix((matrix[rows, columns], rows, starts), shape=matrix.shape)


_OPTIONS: Final = {"primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE}


def _least(slope: Vector, within: Constraints, rows: Any, most: Vector, *, free: Sequence[int]) -> Optimum:
    """Return the least of q'x; the variables of ``within`` come first, ``free`` are those that may be below zero."""
    n_variables, n_rows = within.equal.shape[1], len(within.rows)
    found = linprog(
        slope,
        A_ub=rows,
        b_ub=most,
        A_eq=_padded(within.equal, len(slope) - n_variables),
        b_eq=within.equal_to,
        bounds=[(None if place in free else 0.0, None) for place in range(len(slope))],
        method="highs",
        options=_OPTIONS,
    )
    if not found.success:
        raise NoSolution("infeasible" if found.status == _INFEASIBLE else "solver_failed")
    proven = float(found.ineqlin.marginals @ most + found.eqlin.marginals @ within.equal_to)
    duals = np.maximum(-np.asarray(found.ineqlin.marginals)[:n_rows], 0.0)
    return Optimum(np.asarray(found.x)[:n_variables], duals, _gap(float(found.fun), proven))


def _gap(reached: float, proven: float) -> float:
    """Return the distance between what was reached and what cannot be passed, relative to the former."""
    return abs(reached - proven) / max(abs(reached), 1e-12)


def _padded(matrix: Matrix, by: int) -> Any:
    return sparse.hstack([sparse.csr_matrix(matrix), sparse.csr_matrix((len(matrix), by))], format="csr")


def _settings() -> Any:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    for name in ("tol_gap_abs", "tol_gap_rel", "tol_feas"):
        setattr(settings, name, TOLERANCE)
    return settings
