"""Tails of one map of small whole numbers in a few compiled steps: what sparse counts need.

The same tables as :mod:`sum_tables`, for the ordinary case that sums span little. Places with as
many neighbors, the same own value and the same sum have one p-value, so a map has some hundreds of
questions and not thousands; and the interpreter is left for a few calls only, so that maps run
beside each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import fft

from geo_engine.space.chernoff import sum_window
from geo_engine.space.deep import DEEP
from geo_engine.space.links import Links
from geo_engine.space.record import EXACT, INTEREST, Tails
from geo_engine.space.sum_tables import NOISE, newton_coefficients, newton_rows

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LARGEST = 4_096
"""Values span at most this."""
LONGEST = 1 << 13
"""Tables have at most this many entries."""
MOST_DRAWS = 64
FEWEST_PLACES = 300


@dataclass(frozen=True, kw_only=True)
class CountTables:
    """How sums of one, two, ... values of a map are distributed."""

    terms: FloatArray
    """Probabilities by number of draws, from one up, and by sum, periodic."""
    first: IntArray
    """Where the window of each begins."""
    sizes: tuple[int, int]
    """Places, and steps back in the number of draws that count."""

    @classmethod
    def of(cls, steps: IntArray, histogram: IntArray, most: int) -> CountTables | None:
        """Compute the tables.

        Parameters
        ----------
        steps : ndarray of int
            Values from zero up.
        histogram : ndarray of int
            How often each occurs.
        most : int
            Largest number of draws.

        Returns
        -------
        CountTables or None
            None where they would be long.
        """
        low, high = sum_window(steps, most)
        first = np.maximum(np.floor(low).astype(np.int64) - 1, 0)
        length = fft.next_fast_len(int((np.ceil(high) - first).max()) + 2, real=True)
        if length > LONGEST:
            return None
        if len(histogram) > length:
            histogram = np.bincount(steps % length, minlength=length)
        padded = np.zeros(length)
        padded[: len(histogram)] = histogram
        coefficients = newton_coefficients(len(steps), most)
        ring = np.zeros((coefficients.shape[1] + 1, length // 2 + 1), np.complex128)
        ring[0] = 1.0
        terms = np.empty((most, length // 2 + 1), np.complex128)
        rows = np.arange(1, most + 1)
        newton_rows(fft.rfft(padded)[None, :], length, coefficients, (1, rows), (ring, terms))
        tables = fft.irfft(terms, length, axis=1, overwrite_x=True)
        return cls(terms=tables, first=first, sizes=(len(steps), coefficients.shape[1]))

    def answers(self, asked: IntArray) -> tuple[FloatArray, FloatArray]:
        """Answer questions, once: the tables are cumulated in place.

        Parameters
        ----------
        asked : ndarray of int
            Draws, own value, sum and side in columns.

        Returns
        -------
        p_values : ndarray
            One for each question.
        attainable : ndarray
            By number of draws: the largest probability of a p-value below ``INTEREST``.
        """
        attainable = np.full(len(self.terms) + 1, INTEREST)
        return answer(self.terms, self.first, asked, self.sizes, attainable), attainable


def small_count_tails(
    values: FloatArray, links: Links, side: npt.NDArray[np.int8] | None
) -> Tails | None:
    """Test every place of a map of small whole numbers.

    Parameters
    ----------
    values : ndarray
        Finite values of one map, not all equal.
    links : Links
        Neighbors of each place.
    side : ndarray of int8, optional
        As in :func:`geo_engine.space.exact.conditional_tails`.

    Returns
    -------
    Tails or None
        None where the map is not of that kind, or some p-value needs more digits.
    """
    n, draws = len(values), links.draws
    most = int(draws.max(initial=0))
    if n < FEWEST_PLACES or not 0 < most <= min(MOST_DRAWS, n // 10):
        return None
    steps, top = whole_steps(values)
    if top < 0:
        return None
    # Sums of whole numbers are exact.
    sums = links.sums(values) - draws * values.min()
    sides = np.zeros(n, np.int8) if side is None else side
    which, asked = find_questions(steps, draws, sums, sides)
    tables = CountTables.of(steps, np.bincount(steps, minlength=top + 1), most)
    if tables is None:
        return None
    p, attainable = tables.answers(asked)
    if p.min() < DEEP:
        return None
    linked = links.linked
    return Tails(
        p_value=np.where(linked, p[which], np.nan),
        p_error=np.where(linked, NOISE, np.nan),
        method=linked * np.int8(EXACT),
        expected_of_interest=float((np.bincount(draws) * attainable)[1:].sum()),
    )


@numba.njit(cache=True, nogil=True)
def whole_steps(values: FloatArray) -> tuple[IntArray, int]:  # pragma: no cover
    """Shift whole numbers to start at zero.

    Parameters
    ----------
    values : ndarray
        Finite values.

    Returns
    -------
    steps : ndarray of int
        From zero up.
    top : int
        The largest; -1 where there are other numbers than whole ones, or the range is wide.
    """
    steps = np.empty(len(values), np.int64)
    smallest = values.min()
    top = values.max() - smallest
    if top > LARGEST or abs(smallest) > 2.0**50:
        return steps, -1
    for i in range(len(values)):
        steps[i] = int(np.rint(values[i] - smallest))
        if values[i] != np.rint(values[i]):
            return steps, -1
    return steps, int(top)


@numba.njit(cache=True, nogil=True)
def find_questions(
    steps: IntArray, draws: IntArray, sums: FloatArray, sides: npt.NDArray[np.int8]
) -> tuple[IntArray, IntArray]:  # pragma: no cover
    """Find the distinct questions, and which one each place asks.

    Parameters
    ----------
    steps, draws, sums, sides : ndarray
        Own value, number and sum of neighbors, and side of each place.

    Returns
    -------
    which : ndarray of int
        Number of the question of each place.
    asked : ndarray of int
        Draws, own value, sum and side in columns.
    """
    n = len(steps)
    size = 1
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int64)
    which = np.zeros(n, np.int64)
    asked = np.empty((n + 1, 4), np.int64)
    count = 0
    for i in range(n):
        total = int(np.rint(sums[i]))
        key = ((draws[i] * 8191 + steps[i]) * 131071 + total) * 3 + sides[i] + 1
        at = (key * 11400714819323198485) & (size - 1)
        while True:
            known = slots[at]
            if known < 0:
                slots[at] = count
                asked[count, 0], asked[count, 1] = draws[i], steps[i]
                asked[count, 2], asked[count, 3] = total, sides[i]
                which[i] = count
                count += 1
                break
            same = asked[known, 0] == draws[i] and asked[known, 1] == steps[i]
            if same and asked[known, 2] == total and asked[known, 3] == sides[i]:
                which[i] = known
                break
            at = (at + 1) & (size - 1)
    return which, asked[:count].copy()


@numba.njit(cache=True, nogil=True)
def answer(
    tables: FloatArray,
    first: IntArray,
    asked: IntArray,
    sizes: tuple[int, int],
    attainable: FloatArray,
) -> FloatArray:  # pragma: no cover
    """Cumulate all tables, and answer each question from them.

    Parameters
    ----------
    tables : ndarray
        Probabilities by number of draws and sum; cumulated in place.
    first : ndarray of int
        Where each begins.
    asked : ndarray of int
        Draws, own value, sum and side in columns.
    sizes : tuple of int
        Places, and steps back that count.
    attainable : ndarray
        Filled: by number of draws, the largest probability of a p-value below its first entry.

    Returns
    -------
    ndarray
        P-values; 1 where nothing is drawn.
    """
    length = tables.shape[1]
    turned = np.empty(length)
    for r in range(tables.shape[0]):
        j = first[r + 1] % length
        total = 0.0
        for i in range(length):
            total += tables[r, j]
            turned[i] = total
            j = j + 1 if j + 1 < length else 0
        tables[r] = turned
        attainable[r + 1] = _attainable(turned, attainable[0])
    p = np.ones(len(asked))
    for q in range(len(asked)):
        draws, own, total, side = asked[q]
        if draws > 0:
            lower = _without(tables, first, (draws, own, total), sizes)
            upper = 1.0 - _without(tables, first, (draws, own, total - 1), sizes)
            if side == 0:
                p[q] = min(1.0, 2 * min(lower, upper))
            else:
                p[q] = min(1.0, upper if side > 0 else lower)
    return p


@numba.njit(cache=True, nogil=True)
def _attainable(table: FloatArray, level: float) -> float:  # pragma: no cover
    """Give the largest probability of a two-sided p-value below the level."""
    lower = 0.0
    upper = 0.0
    for i in range(len(table)):
        if 2 * table[i] >= level:
            break
        lower = max(lower, table[i])
    for i in range(len(table) - 1, -1, -1):
        if 2 * (1.0 - table[i]) >= level:
            break
        upper = max(upper, 1.0 - table[i])
    return lower + upper


@numba.njit(cache=True, nogil=True)
def _without(
    tables: FloatArray,
    first: IntArray,
    question: tuple[int, int, int],
    sizes: tuple[int, int],
) -> float:  # pragma: no cover
    """Give P(sum <= total), the own value left out."""
    draws, own, total = question
    population, depth = sizes
    length = tables.shape[1]
    begin = max(1, draws - depth + 1)
    tail = 1.0 if total - draws * own >= 0 else 0.0
    for k in range(begin, draws + 1):
        at = total - (draws - k) * own - first[k]
        common = 0.0
        if at >= length:
            common = tables[k - 1, length - 1]
        elif at >= 0:
            common = tables[k - 1, at]
        share = 0.0 if k == begin and k > 1 else k / population
        tail = (common - share * tail) / (1.0 - share)
    return tail
