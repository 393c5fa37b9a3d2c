"""Do near places resemble each other? Local and global tests of all maps of a panel."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.exact import Tails, conditional_tails
from geo_engine.space.links import Links
from geo_engine.space.monte_carlo import map_seed
from geo_engine.space.moran import gi_star, global_moran, local_moran, quadrants
from geo_engine.space.multiplicity import benjamini_hochberg
from geo_engine.space.random_labelling import Labels, both_tests, labelled_tails, labelling_p
from geo_engine.tables import (
    LOCAL_CONSTANT,
    LOCAL_ISOLATE,
    LOCAL_MISSING,
    LOCAL_OK,
    LOCAL_TOO_SPARSE,
)

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]

DIMS = ("place", "chain", "year")
LOCAL_FLOATS = ("moran", "gi_star", "lag", "p_value", "p_error")
LOCAL_CODES = ("quadrant", "method", "status")
MOST_THREADS = 4
MAP_FLOATS = ("moran_i", "moran_expected", "moran_p", "expected_below_005")


@dataclass(frozen=True, kw_only=True)
class LocalTest:
    """What decides the local tests of one variable."""

    counts: bool
    """The values count something, and zero is their ordinary value."""
    seed: int
    """Seed of the study, for the few places that only random draws can settle."""
    alpha: float = 0.05
    """Level of the false discovery rate."""
    family: Literal["map", "panel"] = "map"
    """Which q-value decides what is ``significant``."""
    min_places: int = 30
    """Maps with fewer observed places are not tested."""
    min_positive: int = 10
    """Maps with fewer places other than zero (counts) or than the commonest value: the same."""


@dataclass(frozen=True, kw_only=True)
class _Column:
    """One map, its places in the order of their labels."""

    data: FloatArray
    reasons: npt.NDArray[np.int8]
    names: tuple[object, object]
    """Chain and year, for the seed."""
    firms: tuple[FloatArray, FloatArray] | None
    """Digital and known firms behind shares."""
    by_labels_alone: bool


def local_autocorrelation(
    values: xr.DataArray,
    graph: Graph,
    test: LocalTest,
    *,
    excluded: xr.DataArray | None = None,
    labels: Labels | None = None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Test in every map where near places resemble each other more than chance allows.

    One conditional, exact, two-sided p-value serves local Moran, Gi and Gi*: given its own value,
    all three grow with the sum of a place's neighbors. Counts show concentration and never a
    digital hotspot. Shares are given as Assuncao-Reis standardized rates, with their firms as
    ``labels``: the p-value is then the larger of this one and that of random labelling, or the
    latter alone, as ``labels.rule`` says.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        NaN or infinite where there is no value.
    graph : libpysal.graph.Graph
        Neighbors of the same places, in any order; equal weights, no place its own neighbor.
    test : LocalTest
        Levels, family and least numbers of places.
    excluded : DataArray of int8, optional
        Codes of ``tables.LOCAL_STATUSES`` for values that are missing for a stated reason; 0
        elsewhere. A value with a code is not used.
    labels : Labels, optional
        Digital and known firms behind the values; see :mod:`geo_engine.space.random_labelling` for
        why shares need them.

    Returns
    -------
    local : Dataset, dims ("place", "chain", "year")
        ``moran``, ``gi_star``, ``lag`` (mean of the observed neighbors), ``p_value``, ``p_error``,
        ``q_value`` (within the map), ``q_value_panel`` (over all maps given), and the codes
        ``quadrant``, ``method``, ``status`` of ``tables``. The quadrant says where a place lies,
        whether or not it is significant: that is for q to say.
    maps : Dataset, dims ("chain", "year")
        ``moran_i``, ``moran_expected``, ``moran_p`` (normal approximation under randomization,
        two-sided), ``tested``, ``significant``, ``expected_below_005``, and ``status`` (0,
        constant or too sparse).

    Raises
    ------
    StatisticsError
        ``DIMENSIONS``, ``INDEX_MISMATCH``, ``STAT_TOO_FEW``, ``UNEQUAL_WEIGHTS`` or
        ``LABELS_INVALID``.
    """
    _check(values, graph)
    if labels is not None:
        labels.check(values)
    places = values.indexes["place"]
    # Everything is computed in the order of the labels, so that no order of rows can matter.
    order = np.argsort(places.astype(str).to_numpy(), kind="stable")
    links = Links.of(graph, places[order])
    data = values.transpose(*DIMS).to_numpy().astype(np.float64)[order]
    reasons = _reasons(values, excluded)[order]
    data = np.where((reasons == LOCAL_OK) & np.isfinite(data), data, np.nan)
    reasons = np.where(np.isnan(data) & (reasons == LOCAL_OK), LOCAL_MISSING, reasons)
    firms = _firms(values, labels, order)
    local = _empty(LOCAL_FLOATS, LOCAL_CODES, data.shape)
    maps = _empty(MAP_FLOATS, ("tested", "significant", "status"), data.shape[1:])

    def test_map(which: tuple[tuple[int, int], tuple[object, object]]) -> None:
        at, names = which
        column = (slice(None), *at)
        behind = None if firms is None else (firms[0][column], firms[1][column])
        one = _Column(
            data=data[column],
            reasons=reasons[column],
            names=names,
            firms=behind,
            by_labels_alone=labels is not None and labels.rule == "labels",
        )
        found, summary = _one_map(one, links, test)
        for name, result in found.items():
            local[name][column] = result
        for name, number in summary.items():
            maps[name][at] = number

    # Maps share no state and have their own seeds: threads change the time, and no bit.
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        collections.deque(pool.map(test_map, _maps_of(values)), maxlen=0)
    return _datasets(values, test, order, local, maps)


def _check(values: xr.DataArray, graph: Graph) -> None:
    """Refuse what cannot be aligned or tested."""
    if set(values.dims) != set(DIMS):
        raise StatisticsError(
            "DIMENSIONS", f"Values need the dims {DIMS}; they have {values.dims}."
        )
    places, known = values.indexes["place"], pd.Index(graph.unique_ids)
    if len(places) < 3:
        raise StatisticsError(
            "STAT_TOO_FEW", f"A local test needs at least 3 places; there are {len(places)}."
        )
    absent, extra = len(places.difference(known)), len(known.difference(places))
    if absent or extra or not places.is_unique:
        raise StatisticsError(
            "INDEX_MISMATCH",
            f"{absent} places of the values are not in the graph, {extra} of the graph have no "
            f"values, {int(places.duplicated().sum())} repeat. Use the graph of the same places.",
        )
    weights = graph.adjacency.to_numpy()
    if len(np.unique(weights[weights != 0])) > 1 and not _equal_in_rows(graph):
        raise StatisticsError(
            "UNEQUAL_WEIGHTS", "Exact local tests need equal weights within a row; use contiguity."
        )


def _equal_in_rows(graph: Graph) -> bool:
    """Tell whether each place weighs its neighbors alike."""
    grouped = graph.adjacency.groupby(level="focal", sort=False)
    return bool(np.allclose(grouped.max(), grouped.min(), rtol=1e-12, atol=0))


def _reasons(values: xr.DataArray, excluded: xr.DataArray | None) -> npt.NDArray[np.int8]:
    """Give the stated statuses in the shape of the values."""
    if excluded is None:
        return np.zeros([values.sizes[dim] for dim in DIMS], np.int8)
    if set(excluded.dims) != set(DIMS):
        raise StatisticsError("DIMENSIONS", f"Statuses need the dims {DIMS}, not {excluded.dims}.")
    if any(set(excluded.indexes[dim]) != set(values.indexes[dim]) for dim in DIMS):
        raise StatisticsError("INDEX_MISMATCH", "Statuses and values are not of the same maps.")
    aligned = excluded.sel({dim: values.indexes[dim] for dim in DIMS}).transpose(*DIMS)
    return aligned.to_numpy().astype(np.int8)


def _empty(
    floats: tuple[str, ...], codes: tuple[str, ...], shape: tuple[int, ...]
) -> dict[str, npt.NDArray[np.generic]]:
    """Prepare results that nothing has been found for."""
    empty: dict[str, npt.NDArray[np.generic]] = {name: np.full(shape, np.nan) for name in floats}
    kinds = {"tested": np.int64, "significant": np.int64}
    empty.update({name: np.zeros(shape, kinds.get(name, np.int8)) for name in codes})
    return empty


def _maps_of(values: xr.DataArray) -> Iterator[tuple[tuple[int, int], tuple[object, object]]]:
    """Go through the maps: position, and labels."""
    for c, chain in enumerate(values.indexes["chain"]):
        for y, year in enumerate(values.indexes["year"]):
            yield (c, y), (chain, year)


def _firms(
    values: xr.DataArray, labels: Labels | None, order: npt.NDArray[np.intp]
) -> tuple[FloatArray, FloatArray] | None:
    """Give digital and known firms in the order of computation."""
    if labels is None:
        return None
    digital, known = labels.aligned(values.transpose(*DIMS))
    return digital[order], known[order]


def _one_map(
    column: _Column, links: Links, test: LocalTest
) -> tuple[dict[str, npt.NDArray[np.generic]], dict[str, float]]:
    """Test one map."""
    seen = ~np.isnan(column.data)
    observed, among = column.data[seen], links.among(seen)
    lag = among.lag(observed)
    found = _empty(LOCAL_FLOATS, LOCAL_CODES, column.data.shape)
    found["status"][:] = column.reasons
    found["lag"][seen] = lag
    map_status = _map_status(observed, test)
    if map_status != LOCAL_OK:
        found["status"][seen] = map_status
        return found, {"status": map_status, "expected_below_005": 0.0}
    linked = among.draws > 0
    alone = np.where(links.draws[seen] > 0, LOCAL_MISSING, LOCAL_ISOLATE)
    found["status"][seen] = np.where(linked, LOCAL_OK, alone)
    tails = _tails(column, seen, among, test)
    found["moran"][seen] = local_moran(observed, lag)
    found["gi_star"][seen] = np.where(linked, gi_star(observed, lag, among.draws), np.nan)
    found["quadrant"][seen] = quadrants(observed, lag)
    found["p_value"][seen], found["p_error"][seen] = tails.p_value, tails.p_error
    found["method"][seen] = tails.method
    return found, _summary(observed, lag, among, tails)


def _tails(column: _Column, seen: npt.NDArray[np.bool_], links: Links, test: LocalTest) -> Tails:
    """Test by exchanging rates, labels or both."""
    observed = column.data[seen]
    labelled, floor = None, None
    if column.firms is not None:
        digital, known = (part[seen] for part in column.firms)
        high = links.lag(observed) > observed.mean()
        labelled = labelled_tails(labelling_p(digital, known, links, high=high), links.draws > 0)
        if column.by_labels_alone:
            return labelled
        floor = np.nan_to_num(labelled.p_value)
    seed = map_seed(test.seed, *column.names)
    tails = conditional_tails(observed, links, seed=seed, floor=floor)
    return tails if labelled is None else both_tests(tails, labelled)


def _summary(observed: FloatArray, lag: FloatArray, links: Links, tails: Tails) -> dict[str, float]:
    """Describe one map as a whole."""
    whole = global_moran(observed, lag, links)
    return {
        "moran_i": whole.value,
        "moran_expected": whole.expected,
        "moran_p": whole.p_value,
        "tested": int((links.draws > 0).sum()),
        "expected_below_005": tails.expected_of_interest,
        "status": LOCAL_OK,
    }


def _map_status(observed: FloatArray, test: LocalTest) -> int:
    """Tell whether a map can be tested at all."""
    if not len(observed):
        return LOCAL_TOO_SPARSE
    distinct, times = np.unique(observed, return_counts=True)
    if len(distinct) == 1:
        return LOCAL_CONSTANT
    positive = int((observed != 0).sum()) if test.counts else len(observed) - int(times.max())
    if len(observed) < max(test.min_places, 3) or positive < test.min_positive:
        return LOCAL_TOO_SPARSE
    return LOCAL_OK


def _datasets(
    values: xr.DataArray,
    test: LocalTest,
    order: npt.NDArray[np.intp],
    local: dict[str, npt.NDArray[np.generic]],
    maps: dict[str, npt.NDArray[np.generic]],
) -> tuple[xr.Dataset, xr.Dataset]:
    """Correct for multiplicity and put the rows back in the order of the input."""
    p = local["p_value"].astype(np.float64)
    q = np.full(p.shape, np.nan)
    for at, _ in _maps_of(values):
        column = (slice(None), *at)
        q[column] = benjamini_hochberg(p[column])
    local["q_value"], local["q_value_panel"] = q, benjamini_hochberg(p)
    decisive = local["q_value_panel"] if test.family == "panel" else q
    maps["significant"] = (decisive.astype(np.float64) < test.alpha).sum(axis=0)
    back = np.argsort(order)
    coords = {dim: values.coords[dim] for dim in DIMS}
    columns = {name: (DIMS, array[back]) for name, array in local.items()}
    rows = {name: (DIMS[1:], array) for name, array in maps.items()}
    map_coords = {dim: coords[dim] for dim in DIMS[1:]}
    return xr.Dataset(columns, coords=coords), xr.Dataset(rows, coords=map_coords)
