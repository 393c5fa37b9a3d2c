"""Tails too small for transforms: only positive numbers are added, so no digit is lost.

Transforms carry noise of some 1e-13, which hides p-values below 1e-12 or so. Here the distinct
values are admitted one after another; how many of those drawn so far have the new value is
hypergeometric, and all weights are positive. So every probability has nearly all its digits,
however small. Integers are exact; other values are rounded once up and once down, and the true
tail lies between.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from geo_engine.space.bounds import Chart
from geo_engine.space.record import EXACT, GRID, MONTE_CARLO, Record
from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DEEP = 1e-9
"""P-values below this are computed again."""
WORK = 300_000_000
"""Steps that one map may take, whatever the number of its places."""
MOST_STEPS, LEAST_STEPS = 1 << 15, 1 << 9
ROUNDING = 1e-11
"""Bound of the relative error of floating point, hypergeometric weights included."""
TIED = 1e-9


def settle_deep(chart: Chart, sums: Sums, record: Record) -> None:
    """Compute small p-values again, with a bound of their relative error.

    Parameters
    ----------
    chart : Chart
        Values of the map.
    sums : Sums
        All its sums; those with a small p-value are taken.
    record : Record
        Where p-values are known, and corrected.
    """
    p, method = record.p[sums.focal], record.method[sums.focal]
    rounded = (record.error[sums.focal] > 0) & (method != MONTE_CARLO)
    deep = sums.at(np.flatnonzero((p < DEEP) & rounded & ~record.is_below(sums)))
    if not len(deep.focal):
        return
    own = chart.values[deep.focal]
    asked = np.column_stack([deep.draws, own, deep.observed, deep.side])
    kinds, inverse = np.unique(asked, axis=0, return_inverse=True)
    done, steps = _affordable(chart, kinds)
    some = np.flatnonzero(done[inverse.ravel()])
    if not len(some):
        return
    answers = np.zeros((len(kinds), 2))
    answers[done] = [_one(chart, kind, steps) for kind in kinds[done]]
    _write(deep.at(some), answers[inverse.ravel()[some]], record)


def _write(deep: Sums, found: FloatArray, record: Record) -> None:
    """Keep what was found where it says more than is known."""
    low, high = np.maximum(found[:, 0], deep.tied * (1 - ROUNDING)), found[:, 1]
    double = np.where(deep.side == 0, 2.0, 1.0)
    exact = found[:, 0] == found[:, 1]
    p = np.minimum(double * high, 1.0)
    error = np.minimum(double * (high - low) + ROUNDING * p, p)
    error = np.where(exact, ROUNDING * p, error)
    better = error < record.error[deep.focal]
    for method, rows in ((GRID, better & ~exact), (EXACT, better & exact)):
        record.settle(deep.at(rows), p[rows], error[rows], method)
        record.relative[deep.at(rows).focal] = True


def _affordable(chart: Chart, kinds: FloatArray) -> tuple[npt.NDArray[np.bool_], int]:
    """Choose the cheapest tails that are computed in a moment, and how many steps they may have.

    The others keep the bound that transforms gave.
    """
    _, times = np.unique(chart.values, return_counts=True)
    draws = kinds[:, 0].astype(np.int64)
    per_step = np.array([k * np.minimum(times, k).sum() for k in draws], np.float64)
    order = np.argsort(per_step, kind="stable")
    done = np.zeros(len(kinds), np.bool_)
    done[order] = np.cumsum(per_step[order]) * LEAST_STEPS <= WORK
    cost = max(float(per_step[done].sum()), 1.0)
    return done, int(np.clip(WORK / cost, LEAST_STEPS, MOST_STEPS))


def _one(chart: Chart, kind: FloatArray, steps: int) -> tuple[float, float]:
    """Bound the small tail of one place from both sides."""
    draws, own, observed, side = int(kind[0]), kind[1], kind[2], kind[3]
    n = len(chart.values)
    mean = (float(chart.values.sum()) - own) / (n - 1)
    upper = side > 0 or (side == 0 and observed > draws * mean)
    tied = TIED * float(chart.values.max())
    limit = observed - tied if upper else observed + tied
    step = max(limit, tied) / steps
    if chart.is_lattice:
        step = max(1.0, np.ceil(step))
    exact = chart.is_lattice and step == 1.0
    # Sums of at least the cap are the upper tail, those below it are the lower one.
    cap = int(np.ceil(limit / step)) if upper else int(np.floor(limit / step)) + 1
    tails = []
    for rounded in (np.floor, np.ceil):
        whole = np.rint(chart.values) if exact else rounded(chart.values / step)
        whole = np.minimum(whole, cap).astype(np.int64)
        mine = int(np.rint(own)) if exact else int(rounded(own / step))
        values, times = np.unique(whole, return_counts=True)
        times = times.astype(np.int64)
        times[np.searchsorted(values, min(mine, cap))] -= 1
        tails.append(_positive(values, times, _log_factorials(n), (draws, cap, bool(upper))))
    return min(tails), max(tails)


def _log_factorials(n: int) -> FloatArray:
    """Give log m! for m from 0 to n."""
    return gammaln(np.arange(n + 1.0) + 1.0)


@numba.njit(cache=True, nogil=True)
def _positive(
    values: IntArray, times: IntArray, logs: FloatArray, wanted: tuple[int, int, bool]
) -> float:  # pragma: no cover
    """Give P(sum >= cap) or P(sum < cap) of draws without replacement."""
    draws, cap, upper = wanted
    table = np.zeros((draws + 1, cap + 1))
    table[0, 0] = 1.0
    admitted = 0
    for d in range(len(values)):
        value, many = values[d], times[d]
        for j in range(min(draws, admitted + many), 0, -1):
            row = table[j]
            # None of the j drawn so far has the new value, or some have.
            row *= _share(logs, (0, admitted, many, j))
            for c in range(max(1, j - admitted), min(j, many) + 1):
                weight = _share(logs, (c, admitted, many, j))
                before = table[j - c]
                shift = c * value
                if shift < cap:
                    for s in range(cap - shift):
                        row[s + shift] += weight * before[s]
                    for s in range(cap - shift, cap + 1):
                        row[cap] += weight * before[s]
                else:
                    row[cap] += weight * before.sum()
        admitted += many
    return table[draws, cap] if upper else table[draws, :cap].sum()


@numba.njit(cache=True, nogil=True)
def _share(logs: FloatArray, counts: tuple[int, int, int, int]) -> float:  # pragma: no cover
    """Give the chance that c of j draws are among ``many`` new ones, the others earlier."""
    c, admitted, many, j = counts
    if j - c > admitted or c > many:
        return 0.0
    ways = logs[many] - logs[c] - logs[many - c]
    ways += logs[admitted] - logs[j - c] - logs[admitted - j + c]
    total = logs[admitted + many] - logs[j] - logs[admitted + many - j]
    return float(np.exp(ways - total))
