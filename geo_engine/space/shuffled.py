"""Global statistics on random exchanges of the values between places."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from geo_engine.space.weights import Weights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

TIED = 1e-10
"""Sums nearer than this, in units of their largest part, count as tied."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A sum over links that grows with the statistic: x' W y, less a sum over places."""

    x: FloatArray
    """Values of the focal places."""
    y: FloatArray
    """Values of the neighbors."""
    together: bool
    """Both values of a place move together; otherwise y moves alone."""
    per_place: FloatArray | None = None
    """What is added for each place: this times x y there."""


def permuted_p(
    form: Form, weights: Weights, permutations: int, seed: np.random.SeedSequence
) -> tuple[float, float]:
    """Estimate both tails of a sum over links.

    Parameters
    ----------
    form : Form
        The sum.
    weights : Weights
        Of the links.
    permutations : int
        Random exchanges.
    seed : SeedSequence
        Where they come from.

    Returns
    -------
    lower, upper : float
        (1 + count) / (1 + permutations) of sums at most, and at least, the observed one.
    """
    generator = np.random.default_rng(seed)
    matrix = weights.matrix
    csr = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data)
    extra = np.zeros(len(form.x)) if form.per_place is None else form.per_place
    stay = np.arange(len(form.x))
    observed = _sum_of(csr, (form.x, form.y, extra), (stay, stay))
    size = _sum_of(
        (csr[0], csr[1], np.abs(csr[2])),
        (np.abs(form.x), np.abs(form.y), np.abs(extra)),
        (stay, stay),
    )
    lower = upper = 1
    for _ in range(permutations):
        move = generator.permutation(len(stay))
        moved = _sum_of(csr, (form.x, form.y, extra), (move if form.together else stay, move))
        lower += moved <= observed + TIED * size
        upper += moved >= observed - TIED * size
    return lower / (1 + permutations), upper / (1 + permutations)


@numba.njit(cache=True, nogil=True)
def _sum_of(
    csr: tuple[IntArray, IntArray, FloatArray],
    values: tuple[FloatArray, FloatArray, FloatArray],
    move: tuple[IntArray, IntArray],
) -> float:  # pragma: no cover
    """Add up weight times x times y over links, and the extra over places."""
    starts, neighbors, weight = csr
    x, y, extra = values
    focal, around = move
    moved = np.empty(len(y))
    for i in range(len(y)):
        moved[i] = y[around[i]]
    total = 0.0
    for i in range(len(x)):
        lag = extra[i] * moved[i]
        for at in range(starts[i], starts[i + 1]):
            lag += weight[at] * moved[neighbors[at]]
        total += x[focal[i]] * lag
    return total
