"""Moran's I, Geary's c, Getis and Ord's G, join counts, Lee's L: one number for each map.

Every statistic has the exact mean and variance over all exchanges of the values between places
(randomization), a p-value by the normal approximation, and one by random exchanges. Two-sided
p-values are twice the smaller tail. Statistics are defined as in esda:

========= =============================================== ==========================
Statistic Weights                                         esda
========= =============================================== ==========================
moran     each row adds up to one                         ``Moran``
geary     each row adds up to one                         ``Geary``
getis_ord binary; values from zero up                     ``G``
bb ww bw  binary; each link counts once (S0 / 2 in all)   ``Join_Counts``
bivariate each row adds up to one; y moves, x stays       ``Moran_BV``
lee       as given, the place itself included by the user ``Spatial_Pearson``
========= =============================================== ==========================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.mantel import Pairs, moments, of_differences, of_products, of_weights
from geo_engine.space.panel_maps import Inference, OneMap, global_maps
from geo_engine.space.shuffled import Form, permuted_p
from geo_engine.space.weights import Weights

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Measure:
    """A statistic as a scaled sum over links."""

    weights: Weights
    form: Form
    """For random exchanges."""
    sign: int
    """-1 where the form falls when the statistic grows."""
    statistic: float
    expected: float
    variance: float


def global_statistic(
    values: xr.DataArray,
    graph: Graph,
    inference: Inference,
    *,
    kind: Literal["moran", "geary", "getis_ord"] = "moran",
) -> xr.Dataset:
    """Measure whether near places resemble each other on each map as a whole.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        NaN where there is no value; the links of such places leave the map.
    graph : libpysal.graph.Graph
        Neighbors of the same places; ``moran`` and ``geary`` scale each row to one, ``getis_ord``
        counts links.
    inference : Inference
        Seed, alternative, permutations, least number of places.
    kind : {"moran", "geary", "getis_ord"}
        Positive association is a large I, a small c, or a large G (of high values).

    Returns
    -------
    Dataset, dims ("chain", "year")
        ``statistic``, ``expected`` and ``variance`` under randomization, ``z_score``, ``p_value``
        (normal approximation), ``p_permutation``, ``permutations``, ``places``, ``status``.

    Raises
    ------
    StatisticsError
        ``DIMENSIONS``, ``INDEX_MISMATCH``, ``KIND_UNKNOWN``, or ``NEGATIVE_VALUES`` (G only).

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes. Pion, London.

    Getis, A., Ord, J. K. (1992). The analysis of spatial association by use of distance
    statistics. Geographical Analysis 24, 189-206.
    """
    measures: Mapping[str, Callable[[OneMap], _Measure]] = {
        "moran": _moran,
        "geary": _geary,
        "getis_ord": _getis_ord,
    }
    if kind not in measures:
        raise StatisticsError("KIND_UNKNOWN", f"{kind} is none of {', '.join(measures)}.")
    if kind == "getis_ord" and bool((values < 0).any()):
        raise StatisticsError(
            "NEGATIVE_VALUES", "G needs values from zero up: it asks where high values gather."
        )
    return global_maps(
        kind, [values], graph, inference, lambda one: _tested(measures[kind](one), one, inference)
    )


def join_counts(values: xr.DataArray, graph: Graph, inference: Inference) -> xr.Dataset:
    """Count links between places of the same or another kind, on each map.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        1 (B) or 0 (W); NaN where there is no value.
    graph : libpysal.graph.Graph
        Neighbors of the same places; weights do not count. Each link counts half in each direction.
    inference : Inference
        Seed, alternative, permutations, least number of places.

    Returns
    -------
    Dataset, dims ("chain", "year")
        The results of :func:`global_statistic` under the names ``bb_statistic``, ``ww_...``,
        ``bw_...``; ``places`` and ``status``.

    Raises
    ------
    StatisticsError
        ``NOT_BINARY``, ``DIMENSIONS`` or ``INDEX_MISMATCH``.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes. Pion, London, chapter 1.
    """
    check_binary(values)

    def one_map(one: OneMap) -> dict[str, float]:
        return {
            f"{kind}_{name}": value
            for kind in ("bb", "ww", "bw")
            for name, value in _tested(_joins(one, kind), one, inference).items()
        }

    return global_maps("join_counts", [values], graph, inference, one_map)


def bivariate_moran(
    values: xr.DataArray, around: xr.DataArray, graph: Graph, inference: Inference
) -> xr.Dataset:
    """Measure whether one variable here goes with another around.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        The variable at the place.
    around : DataArray
        The variable at its neighbors; it may lack chain and year. A place counts where both have
        a value.
    graph : libpysal.graph.Graph
        Neighbors of the same places; each row is scaled to one.
    inference : Inference
        Seed, alternative, permutations, least number of places.

    Returns
    -------
    Dataset, dims ("chain", "year")
        As :func:`global_statistic`. ``around`` is exchanged between places while ``values`` stay,
        so what both have in common at the same place is lost in the exchange: in-place correlation
        alone can make the statistic large where neighbors resemble each other.

    Raises
    ------
    StatisticsError
        ``DIMENSIONS`` or ``INDEX_MISMATCH``.
    """
    return global_maps(
        "bivariate_moran",
        [values, around],
        graph,
        inference,
        lambda one: _tested(_bivariate(one), one, inference),
    )


def lee(
    values: xr.DataArray, other: xr.DataArray, graph: Graph, inference: Inference
) -> xr.Dataset:
    """Measure the correlation of two variables after both are smoothed over neighbors.

    Parameters
    ----------
    values, other : DataArray
        The first with dims ("place", "chain", "year"); the other may lack chain and year.
    graph : libpysal.graph.Graph
        Neighbors of the same places. The place itself is counted among them, and each row is
        scaled to one.
    inference : Inference
        Seed, alternative, permutations, least number of places.

    Returns
    -------
    Dataset, dims ("chain", "year")
        As :func:`global_statistic`; both values of a place move together. A place without a
        neighbor counts by itself.

    Raises
    ------
    StatisticsError
        ``DIMENSIONS`` or ``INDEX_MISMATCH``.

    References
    ----------
    Lee, S.-I. (2001). Developing a bivariate spatial association measure. Journal of Geographical
    Systems 3, 369-385.

    Lee, S.-I. (2004). A generalized significance testing method for global measures of spatial
    association. Environment and Planning A 36, 1687-1703.
    """
    return global_maps(
        "lee", [values, other], graph, inference, lambda one: _tested(_lee(one), one, inference)
    )


def check_binary(values: xr.DataArray) -> None:
    """Raise when values are other than 0, 1 and missing.

    Parameters
    ----------
    values : DataArray
        Any dims.

    Raises
    ------
    StatisticsError
        ``NOT_BINARY``.
    """
    wrong = int(((values != 0) & (values != 1) & ~np.isnan(values)).sum())
    if wrong:
        raise StatisticsError(
            "NOT_BINARY", f"{wrong} values are neither 0 nor 1. Make them so by a threshold first."
        )


def _tested(measure: _Measure, one: OneMap, inference: Inference) -> dict[str, float]:
    """Add the p-values."""
    from scipy.special import ndtr

    excess = measure.statistic - measure.expected
    score = excess / np.sqrt(measure.variance) if measure.variance > 0 else np.nan
    p_permutation = np.nan
    if inference.permutations and not np.isnan(measure.statistic):
        tails = permuted_p(measure.form, measure.weights, inference.permutations, one.seed)
        p_permutation = _one_p(tails if measure.sign > 0 else tails[::-1], inference)
    return {
        "statistic": measure.statistic,
        "expected": measure.expected,
        "variance": measure.variance,
        "z_score": score,
        "p_value": _one_p((float(ndtr(score)), float(ndtr(-score))), inference),
        "p_permutation": p_permutation,
        "permutations": inference.permutations,
    }


def _one_p(tails: tuple[float, float], inference: Inference) -> float:
    """Choose the tail that was asked for, or twice the smaller one."""
    lower, upper = tails
    sides = {"less": lower, "greater": upper, "two-sided": 2 * np.minimum(lower, upper)}
    return float(np.minimum(sides[inference.alternative], 1.0))


def _scaled(pairs: tuple[Pairs, Pairs], scale: float, offset: float = 0.0) -> tuple[float, float]:
    """Give mean and variance of a scaled sum."""
    mean, variance = moments(*pairs)
    return scale * mean + offset, scale**2 * variance


def _moran(one: OneMap) -> _Measure:
    """Compute Moran's I."""
    z = one.columns[0] - one.columns[0].mean()
    weights = one.weights.scaled("row")
    scale = len(z) / float(weights.matrix.sum()) / float(z @ z)
    expected, variance = _scaled((of_weights(weights.matrix), of_products(z, z)), scale)
    return _Measure(
        weights=weights,
        form=Form(x=z, y=z, together=True),
        sign=1,
        statistic=scale * float(z @ (weights.matrix @ z)),
        expected=expected,
        variance=variance,
    )


def _geary(one: OneMap) -> _Measure:
    """Compute Geary's c: (n - 1) times squared differences, over twice S0 and the squares."""
    z = one.columns[0] - one.columns[0].mean()
    weights = one.weights.scaled("row")
    both = weights.sums + np.asarray(weights.matrix.sum(axis=0)).ravel()
    scale = (len(z) - 1) / (2 * float(weights.matrix.sum()) * float(z @ z))
    expected, variance = _scaled((of_weights(weights.matrix), of_differences(z)), scale)
    return _Measure(
        weights=weights,
        form=Form(x=z, y=z, together=True, per_place=-both / 2),
        sign=-1,
        statistic=scale * float(both @ z**2 - 2 * z @ (weights.matrix @ z)),
        expected=expected,
        variance=variance,
    )


def _getis_ord(one: OneMap) -> _Measure:
    """Compute G: products of neighbors as a share of the products of all pairs."""
    # In units of the mean the sums stay near one, whatever the values count.
    x = one.columns[0] / one.columns[0].mean()
    weights = one.weights.scaled("binary")
    pairs = float(x.sum()) ** 2 - float(x @ x)
    # Of one place with anything, all pairs are zero: there is no share of them.
    scale = 1 / pairs if np.count_nonzero(x) > 1 else np.nan
    expected, variance = _scaled((of_weights(weights.matrix), of_products(x, x)), scale)
    return _Measure(
        weights=weights,
        form=Form(x=x, y=x, together=True),
        sign=1,
        statistic=scale * float(x @ (weights.matrix @ x)),
        expected=expected,
        variance=variance,
    )


def _joins(one: OneMap, kind: str) -> _Measure:
    """Count the joins of one kind."""
    x = one.columns[0] if kind != "ww" else 1 - one.columns[0]
    weights = one.weights.scaled("binary")
    mixed = kind == "bw"
    values = of_differences(x) if mixed else of_products(x, x)
    both = weights.sums + np.asarray(weights.matrix.sum(axis=0)).ravel()
    within = float(x @ (weights.matrix @ x))
    expected, variance = _scaled((of_weights(weights.matrix), values), 0.5)
    return _Measure(
        weights=weights,
        form=Form(x=x, y=x, together=True, per_place=-both / 2 if mixed else None),
        sign=-1 if mixed else 1,
        statistic=(float(both @ x**2) - 2 * within) / 2 if mixed else within / 2,
        expected=expected,
        variance=variance,
    )


def _bivariate(one: OneMap) -> _Measure:
    """Compute bivariate Moran: a sum that is linear in the values that move."""
    x, y = ((column - column.mean()) / column.std() for column in one.columns)
    weights, n = one.weights.scaled("row"), len(x)
    pull = weights.matrix.T @ x
    return _Measure(
        weights=weights,
        form=Form(x=x, y=y, together=False),
        sign=1,
        statistic=float(pull @ y) / n,
        # The y add up to zero; their squares to n.
        expected=0.0,
        variance=float(((pull - pull.mean()) ** 2).sum()) * n / (n - 1) / n**2,
    )


def _lee(one: OneMap) -> _Measure:
    """Compute Lee's L, of which the weights are those of V'V."""
    from scipy.sparse import eye_array

    x, y = ((column - column.mean()) / column.std() for column in one.columns)
    smooth = (one.weights.scaled("binary").matrix + eye_array(len(x), format="csr")).tocsr()
    smooth = smooth.multiply(1 / np.asarray(smooth.sum(axis=1))[:, None]).tocsr()
    product = (smooth.T @ smooth).tocsr()
    scale = 1 / float(product.sum())
    expected, variance = _scaled((of_weights(product), of_products(x, y)), scale)
    return _Measure(
        weights=Weights(product),
        form=Form(x=x, y=y, together=True),
        sign=1,
        statistic=scale * float((smooth @ x) @ (smooth @ y)),
        expected=expected,
        variance=variance,
    )
