"""Intervals of shares as the reader of the page expects them, with the same double arithmetic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo_engine.outputs.atlas.codec import nearest

Floats = npt.NDArray[np.float64]

SHARE_STEPS = 1000
"""Steps of a share: one decimal of a percentage."""
Z = 1.959964
"""Half-width of a 95 % interval in standard deviations."""


def beta_interval(share: Floats, firms: Floats) -> tuple[Floats, Floats]:
    """Expect the 95 % interval of a Beta, by the expansion of Cornish and Fisher (1937).

    Parameters
    ----------
    share, firms : array of float
        Mean of the distribution, and the firms that it rests on.

    Returns
    -------
    tuple of array of float
        Lower and upper end in whole steps of ``SHARE_STEPS``.
    """
    chance, skew = share * (1 - share), 1 - 2 * share
    deviation = np.sqrt(chance / (firms + 1))
    lean = (Z * Z - 1) / 3 * skew / (firms + 2)
    square = skew * skew * (firms + 1) / ((firms + 2) * (firms + 2) * chance)
    peak = (square * (firms + 2) - 1) / (firms + 3)
    stretch = Z * (Z * Z - 3) / 4 * peak - Z * (2 * Z * Z - 5) / 9 * square
    reach = deviation * (Z + stretch)
    low, high = np.maximum(share - reach + lean, 0), np.minimum(share + reach + lean, 1)
    return nearest(low, SHARE_STEPS), nearest(high, SHARE_STEPS)


def newcombe(pairs: list[tuple[Floats, Floats]]) -> list[Floats]:
    """Expect a difference of two shares and its interval, by Newcombe's hybrid score (1998).

    Parameters
    ----------
    pairs : list of two (digital, known)
        Of the earlier and of the later year.

    Returns
    -------
    list of array of float
        Difference, lower and upper end in whole steps of ``SHARE_STEPS``.
    """
    shares, lows, highs = [], [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for digital, known in pairs:
            share = digital / known
            center = (share + Z * Z / (2 * known)) / (1 + Z * Z / known)
            root = np.sqrt(share * (1 - share) / known + Z * Z / (4 * known * known))
            half = Z * root / (1 + Z * Z / known)
            shares.append(share)
            lows.append(center - half)
            highs.append(center + half)
        (p1, p2), (l1, l2), (u1, u2) = shares, lows, highs
        change = p2 - p1
        low = change - np.sqrt((p2 - l2) * (p2 - l2) + (u1 - p1) * (u1 - p1))
        high = change + np.sqrt((u2 - p2) * (u2 - p2) + (p1 - l1) * (p1 - l1))
    return [nearest(values, SHARE_STEPS) for values in (change, low, high)]
