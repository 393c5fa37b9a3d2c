"""Mean and variance of local sums when the other places' values are exchanged."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from geo_engine.space.weights import Weights

FloatArray = npt.NDArray[np.float64]


def moments_of_sums(
    mean: FloatArray, variance: FloatArray, weights: Weights
) -> tuple[FloatArray, FloatArray]:
    """Give mean and variance of weighted sums of draws without replacement.

    Parameters
    ----------
    mean, variance : ndarray
        Of the values of the other n - 1 places, by place; the variance divides by their number.
    weights : Weights
        Of each place's neighbors.

    Returns
    -------
    mean, variance : ndarray
        NaN without neighbors.
    """
    others = len(mean) - 1
    spread = np.maximum(weights.squares - weights.sums**2 / others, 0) * others / (others - 1)
    linked = weights.draws > 0
    return (
        np.where(linked, weights.sums * mean, np.nan),
        np.where(linked, spread * variance, np.nan),
    )


def moments_of_others(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give mean and variance of all other places, by place.

    Parameters
    ----------
    values : ndarray
        One for each place.

    Returns
    -------
    mean, variance : ndarray
        The variance divides by the number of others.
    """
    z = values - values.mean()
    others = len(z) - 1
    mean = -z / others
    return mean + values.mean(), np.maximum((z @ z - z**2) / others - mean**2, 0)


@numba.njit(cache=True, nogil=True)
def moments_of_differences(table: FloatArray) -> tuple[FloatArray, FloatArray]:  # pragma: no cover
    """Give mean and variance of the squared differences from all other places, by place.

    Parameters
    ----------
    table : ndarray, shape (places, variables)
        Standardized values; differences are added up over variables.

    Returns
    -------
    mean, variance : ndarray
        The variance divides by the number of others.
    """
    n = table.shape[0]
    mean = np.zeros(n)
    variance = np.zeros(n)
    for i in range(n):
        one = 0.0
        two = 0.0
        for j in range(n):
            part = 0.0
            for v in range(table.shape[1]):
                part += (table[i, v] - table[j, v]) ** 2
            one += part
            two += part * part
        mean[i] = one / (n - 1)
        variance[i] = max(two / (n - 1) - mean[i] ** 2, 0.0)
    return mean, variance
