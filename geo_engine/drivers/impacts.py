"""What a spatial lag spreads: direct, indirect and total impacts of a term.

In y = rho W y + X b + W X t + e, a difference of one in a term at one place goes with differences
in all places: the derivatives are S = (I - rho W)^-1 (I b + W t). The direct impact is the mean of
its diagonal, the total impact the mean of its row sums, the indirect impact the rest. The means of
diagonals follow from the logarithm of the determinant, L(rho) = ln |I - rho W|:

    tr W (I - rho W)^-1 = -L'(rho),    tr (I - rho W)^-1 = n - rho L'(rho),

and L comes from sparse factors in a fraction of a second, where the inverse of Italy's 7,900
municipalities would take half a gigabyte.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Chebyshev
from scipy.sparse import csc_matrix, csr_array, identity

FloatArray = npt.NDArray[np.float64]

DRAWS = 1000
"""Draws behind an interval."""
NODES = 33
"""Values of rho at which the determinant is computed."""
LIMIT = 0.995
"""Draws of rho are kept within this of zero: at one, impacts have no end."""


@dataclass(frozen=True, kw_only=True)
class LagEstimate:
    """Estimated coefficients of a model with a spatial lag."""

    beta: FloatArray
    """Of the terms."""
    theta: FloatArray
    """Of the neighbors' terms; zeros in a lag model."""
    rho: float
    covariance: FloatArray
    """Of (beta, theta, rho); theta left out where ``durbin`` is false."""
    durbin: bool


@dataclass(frozen=True, kw_only=True)
class Impacts:
    """Impacts of each term, and draws of them."""

    point: FloatArray
    """Terms x (direct, indirect, total)."""
    draws: FloatArray
    """Draws x terms x (direct, indirect, total); draws with a rho beyond ``LIMIT`` left out."""


def lag_impacts(weights: csr_array, estimate: LagEstimate, *, seed: int) -> Impacts:
    """Average the impacts of each term, and draw them from the estimates' distribution.

    Parameters
    ----------
    weights : sparse array, n x n
        Row-standardized, without isolates, so that row sums of S are (b + t) / (1 - rho).
    estimate : LagEstimate
        Coefficients with rho within ``LIMIT`` of zero.
    seed : int
        Of the draws.

    Returns
    -------
    Impacts
        Point impacts at the estimates, and ``DRAWS`` draws from the normal distribution of the
        estimates, less those beyond ``LIMIT``.

    References
    ----------
    LeSage, J., Pace, R. K. (2009). Introduction to Spatial Econometrics, 2.7 and 5.6. CRC Press.
    """
    terms = len(estimate.beta)
    theta = estimate.theta if estimate.durbin else np.empty(0)
    center = np.concatenate([estimate.beta, theta, [estimate.rho]])
    values, vectors = np.linalg.eigh(estimate.covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    standard = np.random.default_rng(seed).standard_normal((DRAWS, len(center)))
    drawn = center + standard @ root.T
    drawn = drawn[np.abs(drawn[:, -1]) <= LIMIT]
    rho = np.append(drawn[:, -1], estimate.rho)
    inverse, lagged = mean_diagonals(weights, rho)
    beta = np.vstack([drawn[:, :terms], estimate.beta])
    spread = np.zeros_like(beta)
    if estimate.durbin:
        spread = np.vstack([drawn[:, terms:-1], estimate.theta])
    direct = beta * inverse[:, None] + spread * lagged[:, None]
    total = (beta + spread) / (1 - rho)[:, None]
    impacts = np.stack([direct, total - direct, total], axis=2)
    return Impacts(point=impacts[-1], draws=impacts[:-1])


def mean_diagonals(weights: csr_array, rho: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average the diagonals of (I - rho W)^-1 and of W (I - rho W)^-1.

    Parameters
    ----------
    weights : sparse array, n x n
        Row-standardized.
    rho : array
        Values within ``LIMIT`` of zero.

    Returns
    -------
    tuple of array, array
        One value for each rho.
    """
    # Interpolating L / n in place of the traces costs one factor for each node, and its derivative
    # is exact. Mapped by arctanh, the nodes crowd where L bends, near one.
    low, high = np.arctanh(rho.min()) - 1e-3, np.arctanh(rho.max()) + 1e-3

    def height(mapped: FloatArray) -> FloatArray:
        return np.array([log_determinant(weights, float(r)) for r in np.tanh(mapped)])

    curve = Chebyshev.interpolate(height, NODES - 1, domain=[low, high])
    slope = curve.deriv()(np.arctanh(rho)) / (1 - rho**2) / weights.shape[0]
    return 1 - rho * slope, -slope


def log_determinant(weights: csr_array, rho: float) -> float:
    """Give the logarithm of the determinant of I - rho W.

    Parameters
    ----------
    weights : sparse array, n x n
        Row-standardized.
    rho : float
        Less than one in absolute value: the determinant is positive.

    Returns
    -------
    float
        From sparse factors.
    """
    from scipy.sparse.linalg import splu

    matrix = csc_matrix(identity(weights.shape[0], format="csc") - rho * weights)
    # Symmetric patterns have sparser factors in this order.
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return float(np.log(np.abs(factors.U.diagonal())).sum())
