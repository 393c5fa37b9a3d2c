"""P-values of local sums from the exact engine or from random draws, on the side asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_engine.space.drawn import DrawnTails
from geo_engine.space.exact import conditional_tails
from geo_engine.space.links import Links
from geo_engine.space.panel_maps import EXACT, MONTE_CARLO, Alternative

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LocalP:
    """P-values of one map and how they came about."""

    p_value: FloatArray
    p_error: FloatArray
    method: npt.NDArray[np.int8]
    """Codes of ``tables.TAIL_METHODS``."""


def exact_p(
    column: FloatArray,
    links: Links,
    seed: np.random.SeedSequence,
    wanted_low: npt.NDArray[np.bool_] | None,
) -> LocalP:
    """Test the sums of neighbors against all draws of as many other places.

    Parameters
    ----------
    column : ndarray
        What is added up over neighbors.
    links : Links
        Neighbors of the places to test; the others have none.
    seed : SeedSequence
        For what only random draws can settle.
    wanted_low : ndarray of bool, optional
        One-sided: where P(sum <= observed) is asked for, and elsewhere the other tail. Two-sided
        when absent.

    Returns
    -------
    LocalP
        NaN for places without neighbors.
    """
    if np.ptp(column) == 0:
        whole = np.where(links.draws > 0, 1.0, np.nan)
        method = np.where(links.draws > 0, EXACT, 0).astype(np.int8)
        return LocalP(p_value=whole, p_error=whole * 0.0, method=method)
    if wanted_low is None:
        tails = conditional_tails(column, links, seed=seed)
    else:
        side = np.where(wanted_low, -1, 1).astype(np.int8)
        tails = conditional_tails(column, links, seed=seed, side=side)
    return LocalP(p_value=tails.p_value, p_error=tails.p_error, method=tails.method)


def drawn_p(tails: DrawnTails, wanted_low: npt.NDArray[np.bool_] | None) -> LocalP:
    """Turn tails from random draws into p-values.

    Parameters
    ----------
    tails : DrawnTails
        Both tails.
    wanted_low : ndarray of bool, optional
        As in :func:`exact_p`.

    Returns
    -------
    LocalP
        NaN for places without neighbors.
    """
    method = np.where(np.isnan(tails.lower), 0, MONTE_CARLO).astype(np.int8)
    if wanted_low is None:
        p = np.minimum(1.0, 2 * np.minimum(tails.lower, tails.upper))
        return LocalP(p_value=p, p_error=tails.error, method=method)
    p = np.where(wanted_low, tails.lower, tails.upper)
    return LocalP(p_value=p, p_error=tails.error / 2, method=method)


def low_wanted(
    alternative: Alternative, n: int, *, grows: bool = True
) -> npt.NDArray[np.bool_] | None:
    """Tell which tail of the sum an alternative about the statistic means.

    Parameters
    ----------
    alternative : {"two-sided", "greater", "less"}
        About the statistic.
    n : int
        Number of places.
    grows : bool
        Whether the statistic grows with the sum.

    Returns
    -------
    ndarray of bool, or None
        None when two-sided.
    """
    if alternative == "two-sided":
        return None
    return np.full(n, (alternative == "less") == grows)
