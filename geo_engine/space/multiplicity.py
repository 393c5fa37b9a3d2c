"""Correction of p-values for the number of places that are tested."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def benjamini_hochberg(p: FloatArray) -> FloatArray:
    """Turn the p-values of one family into q-values.

    A place whose q is below alpha belongs to a set in which at most the share alpha is expected to
    be false discoveries.

    Parameters
    ----------
    p : ndarray
        P-values of one family in any shape; NaN where there was no test.

    Returns
    -------
    ndarray, same shape
        Q-values, at least as large as ``p``; NaN where ``p`` is. Ties share one value.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the
    Royal Statistical Society B 57, 289-300.
    """
    flat = np.asarray(p, dtype=np.float64).ravel()
    q = np.full(flat.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(flat))
    if len(tested):
        order = tested[np.argsort(flat[tested], kind="stable")]
        scaled = flat[order] * len(order) / np.arange(1, len(order) + 1)
        q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q.reshape(np.shape(p))
