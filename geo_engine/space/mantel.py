"""Exact mean and variance of sums over links when the values are exchanged between places.

Moran's I, Geary's c, Getis and Ord's G, join counts and Lee's L are all a sum over pairs of places
of weight times likeness, divided by something that no exchange changes. Under all n! exchanges
the sum has a known mean and variance (Mantel 1967), with a part for the diagonal (Lee 2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """A symmetric matrix by its sums: those off the diagonal, and the diagonal."""

    rows: FloatArray
    """Sum of each row, off the diagonal."""
    squares: float
    """Sum of the squares off the diagonal."""
    diagonal: FloatArray


def of_weights(matrix: csr_array) -> Pairs:
    """Describe weights.

    Parameters
    ----------
    matrix : csr_array
        Weights; where they are not symmetric, the values must be: then only the mean of both
        directions matters.

    Returns
    -------
    Pairs
        Of the mean of both directions.
    """
    both = (matrix + matrix.T) / 2
    diagonal = np.asarray(both.diagonal())
    rows = np.asarray(both.sum(axis=1)).ravel() - diagonal
    return Pairs(
        rows=rows,
        squares=float((both.data**2).sum() - (diagonal**2).sum()),
        diagonal=diagonal,
    )


def of_products(x: FloatArray, y: FloatArray) -> Pairs:
    """Describe the products x_i y_j, as the mean of both directions.

    Where x and y differ, the weights must be symmetric.

    Parameters
    ----------
    x, y : ndarray
        Values of each place.

    Returns
    -------
    Pairs
        With the products of each place with itself on the diagonal.
    """
    diagonal = x * y
    rows = (x * y.sum() + y * x.sum()) / 2 - diagonal
    everything = (float(x @ x) * float(y @ y) + float(x @ y) ** 2) / 2
    return Pairs(rows=rows, squares=everything - float(diagonal @ diagonal), diagonal=diagonal)


def of_differences(x: FloatArray) -> Pairs:
    """Describe the squared differences (x_i - x_j)^2.

    Parameters
    ----------
    x : ndarray
        Values of each place; nearer to zero is more precise.

    Returns
    -------
    Pairs
        Nothing on the diagonal.
    """
    n, one, two = len(x), float(x.sum()), float(x @ x)
    three, four = float(x**2 @ x), float(x**2 @ x**2)
    return Pairs(
        rows=n * x**2 - 2 * x * one + two,
        squares=2 * n * four - 8 * one * three + 6 * two**2,
        diagonal=np.zeros(n),
    )


def moments(weights: Pairs, values: Pairs) -> tuple[float, float]:
    """Give mean and variance of the sum of weight times likeness over all exchanges.

    Parameters
    ----------
    weights, values : Pairs
        Of at least four places.

    Returns
    -------
    mean, variance : float
        Exact, of all n! exchanges of the places of the values.

    References
    ----------
    Mantel, N. (1967). The detection of disease clustering and a generalized regression approach.
    Cancer Research 27, 209-220.

    Lee, S.-I. (2004). A generalized significance testing method for global measures of spatial
    association: an extension of the Mantel test. Environment and Planning A 36, 1687-1703.
    """
    n = len(weights.rows)
    total = (float(weights.rows.sum()), float(values.rows.sum()))
    of_rows = (float(weights.rows @ weights.rows), float(values.rows @ values.rows))
    off_mean = total[0] * total[1] / (n * (n - 1))
    # Ordered pairs of links that have both ends, one end or no end in common.
    both = 2 * weights.squares * values.squares / (n * (n - 1))
    one = (4 * (of_rows[0] - weights.squares) * (of_rows[1] - values.squares)) / (
        n * (n - 1) * (n - 2)
    )
    none = tuple(
        t**2 - 4 * r + 2 * p.squares
        for t, r, p in zip(total, of_rows, (weights, values), strict=True)
    )
    off = both + one + none[0] * none[1] / (n * (n - 1) * (n - 2) * (n - 3)) - off_mean**2
    on_mean = float(weights.diagonal.sum()) * float(values.diagonal.sum()) / n
    on = n**2 * float(weights.diagonal.var()) * float(values.diagonal.var()) / (n - 1)
    shared = 2 * float(weights.diagonal @ weights.rows) * float(values.diagonal @ values.rows)
    apart = [
        float(p.diagonal.sum()) * t - 2 * float(p.diagonal @ p.rows)
        for p, t in zip((weights, values), total, strict=True)
    ]
    mixed = shared / (n * (n - 1)) + apart[0] * apart[1] / (n * (n - 1) * (n - 2))
    cross = mixed - on_mean * off_mean
    return off_mean + on_mean, max(off + on + 2 * cross, 0.0)
