"""Tails of real values without a grid: bounds whose transforms end at a finite frequency.

The characteristic function of a sum of k values drawn without replacement is E_k = e_k / C(n, k)
at u_j = exp(i t x_j); it needs no rounding of the values. What is bounded is the frequency: with
Vaaler's trigonometric polynomial V of degree N, the sawtooth psi(x) = x - floor(x) - 1/2 lies
within half a Fejer kernel of V,

    |psi(x) - V(x)| <= K(x) / 2,    K(x) = sum over |m| <= N of (1 - |m| / (N + 1)) e(mx) / (N + 1),

and 1{S <= s} = s - S + 1/2 + psi(S - s) as long as S is less than one period from s. Taking means,

    P(S <= s) = s - E S + 1/2 + E V(S - s)   within   E K(S - s) / 2,

two Fourier series with the coefficients of E_k. The kernel is 1 at a tie and falls like 1/(Nd)^2
with the distance d, so the width is about the probability within a period / N of s. It does not
grow with k, while rounding to a grid moves a sum by k half steps.

References
----------
Vaaler, J. D. (1985). Some extremal functions in Fourier analysis. Bulletin of the American
Mathematical Society 12, 183-216.
Barnett, A. H., Magland, J., af Klinteberg, L. (2019). A parallel nonuniform fast Fourier transform
library based on an "exponential of semicircle" kernel. SIAM Journal on Scientific Computing 41,
C479-C504.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import fft

from geo_engine.space.band_terms import BLOCK, newton_terms
from geo_engine.space.sum_tables import newton_coefficients

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

SINGLE_NOISE = 1e-6
"""Allowance for single precision in a tail; at most 4e-7 was seen against double precision."""
SPREAD_WIDTH = 9
"""Points over which a value is spread: an error below 1e-8 with twofold oversampling."""
SPREAD_SHAPE = 2.30 * SPREAD_WIDTH
LEFT_OUT = 4e-7
"""What the frequencies left out may add to a tail."""
BACK = 2e-6
"""Steps back in k that weigh less than this are left open."""
EXACT_BACK = 2
"""With so few steps back, three draws need no table of two: those are counted."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """The distribution of sums of the drawn values, up to a frequency."""

    degree: int
    """N: highest frequency, in periods."""
    period: float
    real: SingleArray
    imaginary: SingleArray
    """p_1 / n by frequency, up to the degree or twice that."""
    population: int
    share: float
    """Share of the population that can be drawn."""
    mean: float
    """Mean of the values that can be drawn, in periods."""
    drawable: int


def band(
    distinct: FloatArray,
    times: IntArray,
    population: int,
    *,
    period: float,
    length: int,
    doubled: bool = True,
) -> Band:
    """Transform the values.

    Parameters
    ----------
    distinct, times : ndarray
        Values that can be drawn, and how often each occurs.
    population : int
        Number of values of the map, at least the sum of ``times``.
    period : float
        At least the distance that a sum can be from the thresholds asked for.
    length : int
        Points of a period; the degree is half of it, less one.
    doubled : bool
        Transform up to twice the degree, where the second power sum is read; else only up to the
        degree, and the terms that are missed are bounded.

    Returns
    -------
    Band
        In single precision.
    """
    known = length if doubled else length // 2
    grid = np.zeros(4 * known, np.float32)
    _spread(np.mod(distinct / period, 1.0), times / population, grid)
    spectrum = fft.rfft(grid)[: known + 1]
    weights = _unspread(known)
    return Band(
        degree=length // 2 - 1,
        period=period,
        real=np.ascontiguousarray(spectrum.real) * weights,
        # The transform has the other sign than the characteristic function.
        imaginary=np.ascontiguousarray(spectrum.imag) * -weights,
        population=population,
        share=float(times.sum()) / population,
        mean=float(distinct @ times) / float(times.sum()) / period,
        drawable=int(times.sum()),
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Sums by rising number of draws."""

    draws: IntArray
    own: FloatArray
    """The place's own value; infinite when it cannot be drawn anyway."""
    observed: FloatArray
    """The observed sum."""
    tied: float
    """Sums nearer than this are equal."""
    pairs: FloatArray
    """P(sum of two others <= observed sum - own value) where three are drawn, a little below and
    a little above: columns; used for three draws only."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Both series of every number of draws, summed at the points of a period."""

    rows: IntArray
    """Numbers of draws."""
    back: int
    """How many tables a place needs."""
    mass: FloatArray
    """Probability that all that is drawn can be drawn."""
    series: list[tuple[tuple[SingleArray, SingleArray], tuple[float, float, float]]]
    """E V and E K of each row, and what may be missing from them."""
    pairs: bool
    """Places with three draws begin with the pairs that are given."""


def band_tails(base: Band, asked: Asked) -> FloatArray:
    """Bound P(sum < observed) from below and P(sum <= observed) from above.

    Parameters
    ----------
    base : Band
        From :func:`band`.
    asked : Asked
        At least three draws each.

    Returns
    -------
    ndarray
        Lower and upper bound by row.
    """
    return read_tails(base, band_tables(base, asked.draws), asked)


def band_tables(base: Band, draws: IntArray, *, pairs: bool = True) -> Tables:
    """Sum the series of every number of draws that is needed.

    Parameters
    ----------
    base : Band
        From :func:`band`.
    draws : ndarray of int
        Rising, at least three each; two without pairs.
    pairs : bool
        Whether pairs are given with sums of three draws, which saves two tables.

    Returns
    -------
    Tables
        For :func:`read_tails`, as often as wanted.
    """
    most = int(draws[-1])
    coefficients = newton_coefficients(base.population, most, 1e-8) * base.population
    back = _steps_back(draws, base.population)
    pairs = pairs and back <= EXACT_BACK
    rows = _rows(draws, back, 3 if pairs else 1)
    blocks = -(-(base.degree + 1) // BLOCK)
    series = np.empty((2, len(rows), base.degree + 1), np.float32)
    sizes = np.zeros((len(rows), blocks, 6), np.float32)
    weights = _vaaler(base.degree)
    newton_terms((base.real, base.imaginary), coefficients, rows, weights, (series, sizes))
    chance = np.cumsum(np.log(np.arange(base.drawable, base.drawable - most, -1)))
    chance -= np.cumsum(np.log(np.arange(base.population, base.population - most, -1)))
    mass = np.exp(chance[rows - 1])
    found = _all_tables(base, series, sizes, mass)
    return Tables(rows=rows, back=back, mass=mass, series=found, pairs=pairs)


def read_tails(base: Band, tables: Tables, asked: Asked) -> FloatArray:
    """Look up the bounds of some sums.

    Parameters
    ----------
    base, tables : Band, Tables
        From :func:`band` and :func:`band_tables`.
    asked : Asked
        Numbers of draws that the tables were made for.

    Returns
    -------
    ndarray
        As in :func:`band_tails`.
    """
    bounds = np.tile([0.0, 1.0], (len(asked.draws), 1))
    if tables.pairs:
        three = asked.draws == 3
        bounds[three] = asked.pairs[three]
    for r, (both, errors) in enumerate(tables.series):
        k, mass = int(tables.rows[r]), float(tables.mass[r])
        _fold(
            bounds,
            (asked.draws, asked.own / base.period, asked.observed / base.period),
            both,
            (mass, k * base.mean * mass, asked.tied / base.period, *errors),
            (k, base.population, tables.back, base.degree),
        )
    return bounds


def _steps_back(draws: IntArray, population: int) -> int:
    """Give how many tables a place needs: its own, and those without its own value."""
    steps, weight, k = 1, draws[-1] / population, int(draws[-1])
    while weight > BACK and steps < k:
        weight *= (k - steps) / population
        steps += 1
    return steps


def _rows(draws: IntArray, back: int, first: int) -> IntArray:
    """Give the numbers of draws to tabulate."""
    wanted = {int(k) - b for k in np.unique(draws) for b in range(back)}
    return np.array(sorted(k for k in wanted if k >= first), np.int64)


@functools.lru_cache(maxsize=8)
def _unspread(length: int) -> SingleArray:
    """Give what the kernel of the spreading did to each frequency, inverted."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    shape = np.exp(SPREAD_SHAPE * (np.sqrt(1 - nodes**2) - 1)) * weights * SPREAD_WIDTH / 2
    frequency = np.arange(length + 1) * (np.pi * SPREAD_WIDTH / (4 * length))
    total = np.zeros(length + 1)
    for node, part in zip(nodes, shape, strict=True):
        total += part * np.cos(frequency * node)
    return (1 / total).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _vaaler(degree: int) -> tuple[SingleArray, SingleArray, SingleArray]:
    """Give Vaaler's weights Phi / (pi m), those of the kernel, and Phi less the latter."""
    m = np.arange(degree + 1)
    u = m / (degree + 1)
    phi = np.ones(degree + 1)
    phi[1:] = np.pi * u[1:] * (1 - u[1:]) / np.tan(np.pi * u[1:]) + u[1:]
    saw = np.zeros(degree + 1)
    saw[1:] = phi[1:] / (np.pi * m[1:])
    kernel = (1 - u) / (degree + 1)
    return saw.astype(np.float32), kernel.astype(np.float32), (phi - (1 - u)).astype(np.float32)


def _all_tables(
    base: Band, series: SingleArray, sizes: SingleArray, mass: FloatArray
) -> list[tuple[tuple[SingleArray, SingleArray], tuple[float, float, float]]]:
    """Sum both series of every row on grids that are fine enough, and bound what is left out.

    Returns
    -------
    list
        For each row E V and E K at the points of a period; and what may be missing from E V, from
        E K, and from E V between two points when it is continued with the slope that E K gives.
    """
    saw, kernel, _ = _vaaler(base.degree)
    plans = [_plan(base, some) for some in sizes]
    lengths = np.array([length for length, _, _ in plans])
    found: dict[int, tuple[SingleArray, SingleArray]] = {}
    for length in np.unique(lengths):
        # Transforms of one length are done together, which is faster.
        same = np.flatnonzero(lengths == length)
        half = np.zeros((2 * len(same), length // 2 + 1), np.complex64)
        for at, r in enumerate(same):
            _weigh(series[:, r, : plans[r][1]], saw, kernel, half[2 * at : 2 * at + 2])
            half[2 * at + 1, 0] = length * mass[r] / (base.degree + 1)
        tables = fft.irfft(half, int(length), axis=1, overwrite_x=True)
        found.update({int(r): (tables[2 * at], tables[2 * at + 1]) for at, r in enumerate(same)})
    return [(found[r], errors) for r, (_, _, errors) in enumerate(plans)]


def _plan(base: Band, sizes: SingleArray) -> tuple[int, int, tuple[float, float, float]]:
    """Choose the points of a table and the frequencies that count; bound the rest."""
    left = np.cumsum(sizes[::-1, :2], axis=0)[::-1].max(axis=1)
    kept = max(1, int(np.searchsorted(-left, -LEFT_OUT)))
    top = min(kept * BLOCK, base.degree + 1)
    saw_error, kernel_error = sizes[kept:, :2].sum(axis=0) + sizes[:, 4:].sum(axis=0)
    slope, bend = (float(part) for part in sizes[:kept, 2:4].sum(axis=0))
    full = 2 * (base.degree + 1)
    length = min(1 << int(np.ceil(np.log2(2 * top))), full)
    while length < full and slope / (2 * length) + bend / (2 * length) ** 2 > LEFT_OUT:
        length *= 2
    between = slope / (2 * length) + bend / (2 * length) ** 2
    return length, top, (float(saw_error), float(kernel_error), between)


@numba.njit(cache=True, nogil=True)
def _weigh(
    terms: SingleArray,
    saw: SingleArray,
    kernel: SingleArray,
    half: npt.NDArray[np.complex64],
) -> None:  # pragma: no cover
    """Turn E_k into the coefficients of both series."""
    length = 2 * (half.shape[1] - 1)
    for f in range(min(terms.shape[1], half.shape[1] - 1)):
        a = saw[f] * np.float32(length / 2)
        b = kernel[f] * np.float32(length)
        half[0, f] = complex(-terms[1, f] * a, -terms[0, f] * a)
        half[1, f] = complex(terms[0, f] * b, -terms[1, f] * b)


@numba.njit(cache=True, nogil=True)
def _spread(
    positions: FloatArray, weights: FloatArray, grid: SingleArray
) -> None:  # pragma: no cover
    """Spread each value over the points around it."""
    size = len(grid)
    half = SPREAD_WIDTH / 2.0
    for j in range(len(positions)):
        center = positions[j] * size
        first = int(np.ceil(center - half))
        for p in range(SPREAD_WIDTH):
            z = (first + p - center) / half
            inside = 1.0 - z * z
            if inside > 0.0:
                at = (first + p) % size
                grid[at] += weights[j] * np.exp(SPREAD_SHAPE * (np.sqrt(inside) - 1.0))


@numba.njit(cache=True, nogil=True)
def _fold(
    bounds: FloatArray,
    asked: tuple[IntArray, FloatArray, FloatArray],
    tables: tuple[SingleArray, SingleArray],
    facts: tuple[float, float, float, float, float, float],
    sizes: tuple[int, int, int, int],
) -> None:  # pragma: no cover
    """Carry the bounds without the own value from one number of draws to the next."""
    draws, own, observed = asked
    saw, kernel = tables
    mass, center, tied, saw_error, kernel_error, between = facts
    k, population, back, degree = sizes
    length = len(saw)
    noise = saw_error + 0.5 * kernel_error + SINGLE_NOISE
    share = k / population
    for i in range(np.searchsorted(draws, k), np.searchsorted(draws, k + back)):
        s = observed[i]
        if draws[i] > k:
            s -= (draws[i] - k) * own[i]
        lower = 0.0
        upper = 0.0
        if np.isfinite(s):
            # By steps: the tail at the next point on either side bounds that between them.
            up = int(np.ceil((s + tied) * length))
            down = int(np.floor((s - tied) * length))
            over = saw[up % length] + 0.5 * kernel[up % length]
            under = saw[down % length] - 0.5 * kernel[down % length]
            upper = mass * (up / length + 0.5) - center + over
            lower = mass * (down / length + 0.5) - center + under
            # Or by the slope from the nearest point.
            at = int(np.rint(s * length))
            away = s - at / length
            slope = (degree + 1) * kernel[at % length] - mass
            middle = mass * (s + 0.5) - center + saw[at % length] + away * slope
            width = 0.5 * kernel[at % length] + between + 2 * tied * (1 + abs(slope))
            upper = min(upper, middle + width) + noise
            lower = max(lower, middle - width) - noise
            upper = min(max(upper, 0.0), mass)
            lower = min(max(lower, 0.0), mass)
        before_low, before_high = bounds[i, 0], bounds[i, 1]
        if k == 1:
            before_low = before_high = 1.0 if s - own[i] >= -tied else 0.0
        if not np.isfinite(own[i]):
            before_low, before_high = 0.0, 0.0
        bounds[i, 0] = max(0.0, (lower - share * before_high) / (1.0 - share))
        bounds[i, 1] = min(1.0, (upper - share * before_low) / (1.0 - share))
