"""A weighted score of a study's own signals, with bounds where signals are unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from geo_engine.errors import TableError
from geo_engine.indicators.digital import UNKNOWN, YES, Signals

FloatArray = npt.NDArray[np.float64]

HIGHEST = 100.0
"""Score of a firm with every signal."""
_ROUNDING = 1e-9
"""What is a limit but for rounding reaches it."""


@dataclass(frozen=True, kw_only=True)
class OwnScore:
    """Scores of firms from 0 to 100; all arrays aligned with them."""

    low: FloatArray
    """If every unknown signal were no."""
    high: FloatArray
    """If every unknown signal were yes."""
    score: FloatArray
    """The one score that is shown, NaN where too little is known."""
    known: FloatArray
    """Share of the weight whose signals are known, 0 to 1."""


def own_score(
    signals: Mapping[str, Signals],
    weights: Mapping[str, float],
    *,
    missing: Literal["strict", "known"] = "strict",
    least_known: float = 0.5,
) -> OwnScore:
    """Score firms by the weight of the signals that they have.

    Parameters
    ----------
    signals : mapping of str to int8 array
        1 yes, 0 no, -1 unknown.
    weights : mapping of str to float
        Weight by signal, not negative, with a positive sum; signals without a weight do not count.
    missing : {"strict", "known"}
        ``strict``: a score only where every signal with a weight is known. ``known``: the mean over
        the known ones, where these have at least ``least_known`` of the weight; it assumes that the
        unknown ones are like the known ones of the same firm, and says so nowhere: the bounds do.
    least_known : float
        From 0 (excluded) to 1.

    Returns
    -------
    OwnScore
        ``low <= score <= high`` wherever there is a score.

    Raises
    ------
    TableError
        ``SCORE_WEIGHTS`` for weights of unknown signals, negative or not finite ones, none at all,
        or a share outside its range.
    """
    used = _used(signals, weights, least_known)
    shape = len(next(iter(signals.values())))
    total = float(sum(used.values()))
    yes, unknown = np.zeros(shape), np.zeros(shape)
    for key, weight in used.items():
        yes += weight * (signals[key] == YES)
        unknown += weight * (signals[key] == UNKNOWN)
    known = total - unknown
    enough = unknown == 0 if missing == "strict" else known >= least_known * total - _ROUNDING
    low = HIGHEST * yes / total
    high = np.minimum(HIGHEST * (yes + unknown) / total, HIGHEST)
    score = np.full(shape, np.nan)
    np.divide(HIGHEST * yes, known, out=score, where=enough & (known > 0))
    score = np.clip(score, low, high)
    return OwnScore(low=low, high=high, score=score, known=known / total)


def score_levels(score: OwnScore, begins: Sequence[float]) -> Signals:
    """Give each firm a level, where its bounds lie in one.

    Parameters
    ----------
    score : OwnScore
        Of :func:`own_score`.
    begins : sequence of float
        Scores above 0 from which the second and every further level begins, ascending.

    Returns
    -------
    array of int8
        0 for the lowest level; -1 where unknown signals leave it open.

    Raises
    ------
    TableError
        ``SCORE_LEVELS`` unless they ascend above 0 and up to 100.
    """
    limits = np.asarray(begins, float)
    inside = bool(len(limits)) and bool(limits[0] > 0) and bool(limits[-1] <= HIGHEST)
    if not inside or (np.diff(limits) <= 0).any():
        raise TableError(
            "SCORE_LEVELS", f"{list(begins)}: give ascending scores above 0, at most 100."
        )
    lowest = np.searchsorted(limits, score.low + _ROUNDING, side="right")
    highest = np.searchsorted(limits, score.high + _ROUNDING, side="right")
    return np.where(lowest == highest, lowest, UNKNOWN).astype(np.int8)


def _used(
    signals: Mapping[str, Signals], weights: Mapping[str, float], least_known: float
) -> dict[str, float]:
    """Check weights, and give those that count."""
    absent = [key for key in weights if key not in signals]
    wrong = [key for key, weight in weights.items() if not 0 <= weight < np.inf]
    used = {
        key: float(weight) for key, weight in weights.items() if key not in wrong and weight > 0
    }
    if absent or wrong or not used or not 0 < least_known <= 1:
        raise TableError(
            "SCORE_WEIGHTS",
            f"{len(absent)} weights of unknown signals ({', '.join(absent) or 'none'}), "
            f"{len(wrong)} negative or not finite ({', '.join(wrong) or 'none'}), {len(used)} "
            f"above 0, least_known {least_known}. Give weights >= 0 of these signals: "
            f"{', '.join(signals)}; and least_known above 0, at most 1.",
        )
    return used
