"""Local least squares around each place, and the number of neighbors that suits them.

Bisquare weights on the k nearest places: in a country of 7,900 places a fit touches k of them, so a
whole map of local fits is a few products of small matrices, and a search stays affordable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Report = Callable[[int, int], None]
"""Told how many of how many steps are done."""

COARSE_STEPS = 8
"""Bandwidths tried first, equally spaced by ratio."""
FINE_STEPS = 8
"""Golden-section steps between the neighbors of the best of them."""
SEARCH_PLACES = 2000
"""Places at which the criterion is computed; in larger tables, a sample of this size."""
CHUNK_BYTES = 64 * 2**20
"""Memory of one product."""
REACH = 1.0000001
"""The k-th place itself gets a weight above zero, as in mgwr."""


@dataclass(frozen=True, kw_only=True)
class LocalFits:
    """Local least squares at some places."""

    coefficients: FloatArray
    """Places x columns; NaN where the local columns say the same."""
    influence: FloatArray
    """Diagonal of the hat matrix."""
    residual: FloatArray
    condition_number: FloatArray
    """Of the weighted local columns, scaled."""
    variance_factor: FloatArray
    """Places x columns: variance of a coefficient over that of the errors."""


@dataclass(frozen=True, kw_only=True)
class Bandwidth:
    """The number of nearest places that a local fit uses."""

    neighbors: int
    """Including the place itself."""
    criterion: float
    """Corrected Akaike criterion, the smaller the better."""
    tried: tuple[tuple[int, float], ...]
    """Every bandwidth tried and its criterion, by bandwidth."""
    places: int
    """Places at which the criterion was computed."""


def search_bandwidth(
    design: FloatArray,
    outcome: FloatArray,
    points: FloatArray,
    *,
    seed: int,
    report: Report | None = None,
) -> Bandwidth:
    """Find the number of neighbors with the smallest corrected Akaike criterion.

    At most ``COARSE_STEPS + FINE_STEPS`` bandwidths are tried: first equal ratios from the least
    that a fit needs to all places, then a golden section between the neighbors of the best. The
    criterion needs the mean squared residual and the trace of the hat matrix: with more than
    ``SEARCH_PLACES`` places both are estimated at a sample of places (the fits still use all
    neighbors), the same sample for every bandwidth.

    Parameters
    ----------
    design : array, places x columns
        With the intercept.
    outcome : array, places
        What is explained.
    points : array, places x 2
        Coordinates in meters.
    seed : int
        Of the sample.
    report : callable, optional
        Told of progress.

    Returns
    -------
    Bandwidth
        The best one tried.

    References
    ----------
    Hurvich, C. M., Simonoff, J. S., Tsai, C.-L. (1998). Smoothing parameter selection in
    nonparametric regression using an improved Akaike information criterion. Journal of the Royal
    Statistical Society B 60, 271-293.
    """
    number, columns = design.shape
    least = min(40 + 2 * columns, number)
    where = np.arange(number)
    if number > SEARCH_PLACES:
        chosen = np.random.default_rng(seed).choice(number, SEARCH_PLACES, replace=False)
        where = np.sort(chosen)
    found: dict[int, float] = {}
    steps = COARSE_STEPS + FINE_STEPS

    def criterion(neighbors: int) -> float:
        if neighbors not in found:
            fits = local_fits(design, outcome, points, neighbors, where=where)
            found[neighbors] = corrected_akaike(fits, number)
            if report is not None:
                report(len(found), steps)
        return found[neighbors]

    grid = np.unique(np.round(np.geomspace(least, number, COARSE_STEPS)).astype(int)).tolist()
    best = int(np.argmin([criterion(k) for k in grid]))
    _golden(criterion, grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    tried = tuple(sorted(found.items()))
    neighbors, value = min(tried, key=lambda pair: (pair[1], pair[0]))
    if not np.isfinite(value):
        raise StatisticsError(
            "COLLINEAR",
            "In every neighborhood tried some terms say the same; leave terms out.",
        )
    return Bandwidth(neighbors=neighbors, criterion=value, tried=tried, places=len(where))


def _golden(criterion: Callable[[int], float], low: int, high: int) -> None:
    """Narrow a bracket by the golden section, at most ``FINE_STEPS`` new values."""
    ratio = (np.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    for _ in range(FINE_STEPS - 1):
        if round(left) >= round(right):
            return
        if criterion(round(left)) <= criterion(round(right)):
            high, right = round(right), left
            left = high - ratio * (high - low)
        else:
            low, left = round(left), right
            right = low + ratio * (high - low)


def corrected_akaike(fits: LocalFits, places: int) -> float:
    """Give the corrected Akaike criterion of a map of local fits.

    Parameters
    ----------
    fits : LocalFits
        At all places or at a sample.
    places : int
        All places, n.

    Returns
    -------
    float
        n ln(s2) + n ln(2 pi) + n (n + v) / (n - 2 - v), with s2 the mean squared residual and v
        the trace of the hat matrix; infinite where v comes near n or a fit does not exist.
    """
    square = float((fits.residual**2).mean())
    trace = float(fits.influence.mean()) * places
    if not np.isfinite(square) or trace >= places - 2:
        return np.inf
    spread = places * (np.log(square) + np.log(2 * np.pi))
    return float(spread + places * (places + trace) / (places - 2 - trace))


def local_fits(
    design: FloatArray,
    outcome: FloatArray,
    points: FloatArray,
    neighbors: int,
    *,
    where: IntArray | None = None,
) -> LocalFits:
    """Fit least squares around places, nearer places weighing more.

    Parameters
    ----------
    design : array, places x columns
        With the intercept.
    outcome : array, places
        What is explained.
    points : array, places x 2
        Coordinates in meters.
    neighbors : int
        Nearest places that a fit uses, itself included: bisquare weights (1 - (d / D)^2)^2 that
        vanish at the distance D of the last.
    where : array of int, optional
        Positions of the places to fit around; all by default.

    Returns
    -------
    LocalFits
        In the order of ``where``.

    References
    ----------
    Fotheringham, A. S., Brunsdon, C., Charlton, M. (2002). Geographically Weighted Regression.
    Wiley.
    """
    from scipy.spatial import KDTree

    centers = np.arange(len(points)) if where is None else where
    tree = KDTree(points)
    rows = max(1, CHUNK_BYTES // (8 * neighbors * (design.shape[1] + 2)))
    parts = []
    for start in range(0, len(centers), rows):
        center = centers[start : start + rows]
        distance, near = tree.query(points[center], k=neighbors)
        distance, near = distance.reshape(len(center), -1), near.reshape(len(center), -1)
        parts.append(_fit_chunk(design, outcome, center, distance, near))
    joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    return LocalFits(
        coefficients=joined[0],
        influence=joined[1],
        residual=joined[2],
        condition_number=joined[3],
        variance_factor=joined[4],
    )


def local_r_squared(
    outcome: FloatArray, residual: FloatArray, points: FloatArray, neighbors: int
) -> FloatArray:
    """Tell how much of the differences around each place the local fits take up.

    Parameters
    ----------
    outcome, residual : array, places
        What is explained, and what the fit at each place leaves of it.
    points : array, places x 2
        Coordinates in meters.
    neighbors : int
        Nearest places of a fit, itself included.

    Returns
    -------
    array, places
        One less the ratio of weighted sums of squares; NaN where the outcome is constant around.
    """
    from scipy.spatial import KDTree

    tree, found = KDTree(points), np.empty(len(points))
    rows = max(1, CHUNK_BYTES // (32 * neighbors))
    for start in range(0, len(points), rows):
        center = np.arange(start, min(start + rows, len(points)))
        distance, near = tree.query(points[center], k=neighbors)
        weight = _bisquare(distance.reshape(len(center), -1))
        near = near.reshape(len(center), -1)
        mean = (weight * outcome[near]).sum(axis=1) / weight.sum(axis=1)
        whole = (weight * (outcome[near] - mean[:, None]) ** 2).sum(axis=1)
        left = (weight * residual[near] ** 2).sum(axis=1)
        found[center] = 1 - left / np.where(whole > 0, whole, np.nan)
    return found


def _bisquare(distance: FloatArray) -> FloatArray:
    """Weigh neighbors, sorted by distance, down to zero at the last."""
    reach = distance[:, -1:] * REACH
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(distance < reach, (1 - (distance / reach) ** 2) ** 2, 0.0)
    weight[reach[:, 0] == 0] = 1.0  # all the nearest stand on one point
    return weight


def _fit_chunk(
    design: FloatArray, outcome: FloatArray, center: IntArray, distance: FloatArray, near: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fit around a few places at once."""
    weight = _bisquare(distance)
    columns = design[near]
    weighted = columns * weight[:, :, None]
    gram = weighted.transpose(0, 2, 1) @ columns
    length = np.sqrt(np.einsum("ijj->ij", gram))
    scale = np.where(length > 0, length, 1)
    scaled = gram / (scale[:, :, None] * scale[:, None, :])
    values = np.linalg.eigvalsh(scaled)
    condition = np.sqrt(values[:, -1] / np.clip(values[:, 0], 1e-300, None))
    sound = values[:, 0] > 1e-12
    scaled[~sound] = np.eye(design.shape[1])
    inverse = np.linalg.inv(scaled) / (scale[:, :, None] * scale[:, None, :])
    filling = weighted.transpose(0, 2, 1) @ weighted
    variance = np.einsum("ijk,ikl,ijl->ij", inverse, filling, inverse)
    moment = np.einsum("ikj,ik->ij", weighted, outcome[near])
    coefficients = np.einsum("ijk,ik->ij", inverse, moment)
    own = design[center]
    # The place's own weight is one: it stands at distance zero.
    influence = np.einsum("ij,ijk,ik->i", own, inverse, own)
    residual = outcome[center] - (own * coefficients).sum(axis=1)
    for array in (coefficients, influence, residual, variance):
        array[~sound] = np.nan
    return coefficients, influence, residual, np.where(sound, condition, np.inf), variance
