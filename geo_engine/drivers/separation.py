"""Columns that data cannot tell apart, and signals that a characteristic decides alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

NULL_EIGENVALUE = 1e-10
"""Of the scaled cross-product, whose diagonal is one: below it a direction has no data."""


def unidentified_columns(matrix: FloatArray, weight: FloatArray) -> BoolArray:
    """Mark every column that takes part in an exact linear relation among columns.

    Parameters
    ----------
    matrix : array, rows x columns
        A regression's columns.
    weight : array, rows
        Firms of each row.

    Returns
    -------
    array of bool, columns
        Columns whose coefficients are not determined; those of the others are, whichever of the
        marked ones is left out.
    """
    null = _null_space(matrix, weight)
    return np.asarray((null**2).sum(axis=1) > 1e-6)


def independent_columns(matrix: FloatArray, weight: FloatArray) -> BoolArray:
    """Mark the columns that are no sum of multiples of the marked columns before them.

    Parameters
    ----------
    matrix : array, rows x columns
        A regression's columns.
    weight : array, rows
        Firms of each row.

    Returns
    -------
    array of bool, columns
        Columns that suffice for the fit; their number is the rank.
    """
    gram, _ = _scaled_gram(matrix, weight)
    kept: list[int] = []
    for j in range(len(gram)):
        left = gram[j, j]
        if kept:
            others = gram[np.ix_(kept, kept)]
            left -= float(gram[j, kept] @ np.linalg.solve(others, gram[kept, j]))
        if left > NULL_EIGENVALUE:
            kept.append(j)
    marks = np.zeros(len(gram), dtype=bool)
    marks[kept] = True
    return marks


def separated_rows(matrix: FloatArray, firms: FloatArray, positive: FloatArray) -> BoolArray:
    """Mark the rows whose signal some combination of columns decides without exception.

    There the likelihood grows without end as a coefficient does, and no estimate exists. A linear
    programme finds all of them at once: a direction that is not negative where all firms have the
    signal, not positive where none has, and zero where both are found.

    Parameters
    ----------
    matrix : array, rows x columns
        A regression's columns.
    firms, positive : array, rows
        Firms of each row, and those with the signal.

    Returns
    -------
    array of bool, rows
        Without them the estimates of the other coefficients exist, and are the limits that the
        likelihood tends to with them.

    References
    ----------
    Albert, A., Anderson, J. A. (1984). On the existence of maximum likelihood estimates in
    logistic regression models. Biometrika 71, 1-10.
    Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic
    regression models. DPhil thesis, University of Oxford.
    Correia, S., Guimarães, P., Zylkin, T. (2019). Verifying the existence of maximum likelihood
    estimates for generalized linear models. arXiv:1903.01633.
    """
    always, never = positive >= firms, positive <= 0
    mixed = ~(always | never)
    scale = np.abs(matrix).max(axis=0)
    scaled = matrix / np.where(scale > 0, scale, 1)
    free = _null_space(scaled[mixed], firms[mixed]) if mixed.any() else np.eye(matrix.shape[1])
    marks = np.zeros(len(matrix), dtype=bool)
    if free.shape[1] == 0:
        return marks
    pure = np.flatnonzero(~mixed)
    sign = np.where(always[pure], 1.0, -1.0)
    toward = np.round((scaled[pure] @ free) * sign[:, None], 10) + 0.0
    directions, row = np.unique(toward, axis=0, return_inverse=True)
    marks[pure] = _strict(directions)[row.ravel()]
    return marks


def _strict(directions: FloatArray) -> BoolArray:
    """Mark the rows that can be positive while no row is negative."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack, identity

    rows, free = directions.shape
    found = linprog(
        np.concatenate([np.zeros(free), -np.ones(rows)]),
        A_ub=hstack([csr_array(-directions), identity(rows)]).tocsr(),
        b_ub=np.zeros(rows),
        bounds=[(None, None)] * free + [(0, 1)] * rows,
        method="highs",
    )
    return np.asarray(found.x[free:] > 0.5)


def _scaled_gram(matrix: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the cross-product of columns scaled to length one, and their lengths."""
    gram = matrix.T @ (matrix * weight[:, None])
    length = np.sqrt(np.diag(gram))
    divisor = np.where(length > 0, length, 1)
    return gram / np.outer(divisor, divisor), length


def _null_space(matrix: FloatArray, weight: FloatArray) -> FloatArray:
    """Give an orthonormal basis of the directions in which no row differs from zero."""
    gram, length = _scaled_gram(matrix, weight)
    values, vectors = np.linalg.eigh(gram)
    null = vectors[:, values < NULL_EIGENVALUE]
    basis = null / np.where(length > 0, length, 1)[:, None]
    return np.linalg.qr(basis)[0] if basis.shape[1] else basis
