"""Maximum likelihood of spatial models from sparse factors, at any number of places.

The formulas of spreg (and of R's spatialreg), whose full matrices take half a gigabyte each for
Italy's municipalities. Determinants come from sparse factors, traces from blocks of solutions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_matrix, csr_array, identity

from geo_engine.drivers.impacts import log_determinant

FloatArray = npt.NDArray[np.float64]

BLOCK = 16
"""Columns of the identity solved at once: 1 MB for Italy; larger blocks took longer a column."""
END = 0.999
"""The spatial coefficient is searched within this of zero."""


@dataclass(frozen=True, kw_only=True)
class SpatialFit:
    """Estimates in the shape in which spreg gives its own."""

    betas: FloatArray
    """Coefficients, the spatial one last."""
    vm: FloatArray
    """Their covariance, from the expected information."""
    logll: float


def lag_likelihood(outcome: FloatArray, design: FloatArray, weights: csr_array) -> SpatialFit:
    """Fit y = rho W y + X b + e.

    Parameters
    ----------
    outcome : array, n
        What is explained.
    design : array, n x columns
        Full rank.
    weights : sparse array, n x n
        Row-standardized, without isolates.

    Returns
    -------
    SpatialFit
        At the largest likelihood with rho within ``END`` of zero.

    References
    ----------
    Ord, K. (1975). Estimation methods for models of spatial interaction. Journal of the American
    Statistical Association 70, 120-126.
    """
    number, gram = len(outcome), design.T @ design
    plain, lagged = (
        np.linalg.solve(gram, design.T @ values) for values in (outcome, weights @ outcome)
    )
    left, left_lagged = outcome - design @ plain, weights @ outcome - design @ lagged

    def variance(rho: float) -> float:
        return float(((left - rho * left_lagged) ** 2).mean())

    rho, value = _largest(weights, variance)
    beta, error = plain - rho * lagged, variance(rho)
    trace, product, square = lag_traces(weights, rho)
    expected = weights @ _solve(weights, rho)(design @ beta)
    cross = design.T @ expected / error
    information = np.zeros((len(beta) + 2, len(beta) + 2))
    information[:-2, :-2] = gram / error
    information[:-2, -2] = information[-2, :-2] = cross
    information[-2, -2] = product + square + expected @ expected / error
    information[-2, -1] = information[-1, -2] = trace / error
    information[-1, -1] = number / (2 * error**2)
    covariance = np.asarray(np.linalg.inv(information)[:-1, :-1], dtype=np.float64)
    return SpatialFit(betas=np.append(beta, rho), vm=covariance, logll=value)


def error_likelihood(outcome: FloatArray, design: FloatArray, weights: csr_array) -> SpatialFit:
    """Fit y = X b + u with u = lambda W u + e.

    Parameters
    ----------
    outcome : array, n
        What is explained.
    design : array, n x columns
        Full rank.
    weights : sparse array, n x n
        Row-standardized, without isolates.

    Returns
    -------
    SpatialFit
        At the largest likelihood with lambda within ``END`` of zero.

    References
    ----------
    Ord, K. (1975). Estimation methods for models of spatial interaction. Journal of the American
    Statistical Association 70, 120-126.
    """
    lagged, lagged_design = weights @ outcome, weights @ design

    def filtered(coefficient: float) -> tuple[FloatArray, FloatArray, float]:
        columns = design - coefficient * lagged_design
        values = outcome - coefficient * lagged
        beta = np.linalg.lstsq(columns, values, rcond=None)[0]
        return beta, columns, float(((values - columns @ beta) ** 2).mean())

    coefficient, value = _largest(weights, lambda at: filtered(at)[2])
    beta, columns, error = filtered(coefficient)
    trace, product, square = lag_traces(weights, coefficient)
    own = product + square - 2 * trace**2 / len(outcome)
    covariance = np.zeros((len(beta) + 1, len(beta) + 1))
    covariance[:-1, :-1] = np.linalg.inv(columns.T @ columns) * error
    covariance[-1, -1] = 1 / own
    return SpatialFit(betas=np.append(beta, coefficient), vm=covariance, logll=value)


def lag_traces(weights: csr_array, rho: float) -> tuple[float, float, float]:
    """Give the traces of G, of G G and of G' G, with G = W (I - rho W)^-1.

    Parameters
    ----------
    weights : sparse array, n x n
        Row-standardized.
    rho : float
        Less than one in absolute value.

    Returns
    -------
    tuple of float, float, float
        Exact, from blocks of columns of G.
    """
    number = weights.shape[0]
    forward, backward = _solve(weights, rho), _solve(weights.T.tocsr(), rho)
    trace = product = square = 0.0
    for start in range(0, number, BLOCK):
        columns = np.arange(start, min(start + BLOCK, number))
        unit = np.zeros((number, len(columns)))
        unit[columns, np.arange(len(columns))] = 1.0
        # W and (I - rho W)^-1 commute, so rows of G are columns of its transpose.
        right, left = weights @ forward(unit), weights.T @ backward(unit)
        trace += right[columns, np.arange(len(columns))].sum()
        product += (right * left).sum()
        square += (right**2).sum()
    return float(trace), float(product), float(square)


def _solve(weights: csr_array, rho: float) -> Callable[[FloatArray], FloatArray]:
    """Factor I - rho W once for many right-hand sides."""
    from scipy.sparse.linalg import splu

    matrix = csc_matrix(identity(weights.shape[0], format="csc") - rho * weights)
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})

    def solve(values: FloatArray) -> FloatArray:
        return np.asarray(factors.solve(values))

    return solve


def _largest(weights: csr_array, variance: Callable[[float], float]) -> tuple[float, float]:
    """Find the spatial coefficient with the largest likelihood, and that likelihood."""
    from scipy.optimize import minimize_scalar

    number = weights.shape[0]

    def height(at: float) -> float:
        return number / 2 * np.log(variance(at)) - log_determinant(weights, at)

    found = minimize_scalar(height, bounds=(-END, END), method="bounded", options={"xatol": 1e-8})
    return float(found.x), float(-found.fun - number / 2 * (np.log(2 * np.pi) + 1))
