"""From log-odds to differences in probability, averaged over the firms observed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo_engine.drivers.firm_design import Design

FloatArray = npt.NDArray[np.float64]


def average_effects(
    design: Design, used: npt.NDArray[np.bool_], beta: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Average, over firms, what goes with each column in the probability of the signal.

    Parameters
    ----------
    design : Design
        The firms of the fit.
    used : array of bool, columns
        Columns with a coefficient.
    beta : array, columns
        Log-odds; zero where unused.
    covariance : array, used columns x used columns
        Covariance of the log-odds.

    Returns
    -------
    tuple of array, array
        Effect by column (differences of probability; NaN for the intercept and unused columns) and
        its standard error by the delta method, which takes the firms as given.

    References
    ----------
    Greene, W. H. (2018). Econometric Analysis, 8th ed., 17.3.2. Pearson.
    """
    effects, errors = np.full((2, len(design.columns)), np.nan)
    share = design.firms / design.firms.sum()
    score = design.matrix @ beta
    for j, column in enumerate(design.columns):
        if not used[j] or column.kind == "intercept":
            continue
        if column.kind == "factor":
            effect, gradient = _level(design, share, score, beta, j)
        else:
            effect, gradient = _slope(design, share, score, beta, j)
        effects[j] = effect
        errors[j] = np.sqrt(gradient[used] @ covariance @ gradient[used])
    return effects, errors


def _level(
    design: Design, share: FloatArray, score: FloatArray, beta: FloatArray, j: int
) -> tuple[float, FloatArray]:
    """Compare all firms at level j with all firms at the reference."""
    siblings = [
        k
        for k, other in enumerate(design.columns)
        if other.kind == "factor" and other.term == design.columns[j].term
    ]
    without = score - design.matrix[:, siblings] @ beta[siblings]
    low, high = _logistic(without), _logistic(without + beta[j])
    slope_low, slope_high = share * low * (1 - low), share * high * (1 - high)
    gradient = design.matrix.T @ (slope_high - slope_low)
    gradient[siblings] = 0.0
    gradient[j] = slope_high.sum()
    return float(share @ (high - low)), gradient


def _slope(
    design: Design, share: FloatArray, score: FloatArray, beta: FloatArray, j: int
) -> tuple[float, FloatArray]:
    """Average the slope of the probability along column j."""
    probability = _logistic(score)
    slope = share * probability * (1 - probability)
    gradient = beta[j] * (design.matrix.T @ (slope * (1 - 2 * probability)))
    gradient[j] += slope.sum()
    return float(beta[j] * slope.sum()), gradient


def _logistic(score: FloatArray) -> FloatArray:
    """Turn log-odds into probabilities."""
    from scipy.special import expit

    return np.asarray(expit(score))
