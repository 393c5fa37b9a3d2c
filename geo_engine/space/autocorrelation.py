"""Do near places resemble each other? Local and global tests of all maps of a panel."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.links import Links
from geo_engine.space.multiplicity import Kinds, q_values
from geo_engine.space.one_map import REASONS, Column, LocalTest, test_map
from geo_engine.space.random_labelling import Labels
from geo_engine.space.weights import Weights
from geo_engine.tables import LOCAL_MISSING, LOCAL_OK

if TYPE_CHECKING:
    from libpysal.graph import Graph

__all__ = ["REASONS", "LocalTest", "local_autocorrelation"]

FloatArray = npt.NDArray[np.float64]

DIMS = ("place", "chain", "year")
LOCAL_FLOATS = ("moran", "gi_star", "lag", "p_value", "p_error")
LOCAL_DETAILS = (
    "gi",
    "moran_expected",
    "moran_variance",
    "gi_star_expected",
    "gi_star_variance",
)
LOCAL_CODES = ("quadrant", "method", "status")
MOST_THREADS = 4
MAP_FLOATS = ("moran_i", "moran_expected", "moran_p", "expected_below_005")
MAP_COUNTS = ("tested", "significant")
MAP_DETAILS = ("observed", "positive", "firms")


def local_autocorrelation(
    values: xr.DataArray,
    graph: Graph,
    test: LocalTest,
    *,
    excluded: xr.DataArray | None = None,
    labels: Labels | None = None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Test in every map where near places resemble each other more than chance allows.

    One conditional p-value serves local Moran, Gi and Gi*: given its own value, all three grow
    with the sum of a place's neighbors. It is exact where neighbors weigh the same, and comes from
    random draws elsewhere. Counts show concentration and never a digital hotspot. Shares are given
    as Assuncao-Reis standardized rates, with their firms as ``labels``: the p-value is then the
    larger of this one and that of random labelling, or the latter alone, as ``labels.rule`` says.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        NaN or infinite where there is no value.
    graph : libpysal.graph.Graph
        Neighbors of the same places, in any order, no place its own neighbor. Random labelling
        asks who is a neighbor, whatever the weights.
    test : LocalTest
        Levels, family, alternative and least numbers of places.
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
        whether or not it is significant: that is for q to say. With ``test.details`` also ``gi``
        (standardized: expected value 0, variance 1), ``moran_expected``, ``moran_variance``,
        ``gi_star_expected`` and ``gi_star_variance`` under conditional randomization, and
        ``q_value_year`` (over all chains of the year).
    maps : Dataset, dims ("chain", "year")
        ``moran_i``, ``moran_expected``, ``moran_p`` (normal approximation under randomization,
        two-sided), ``tested``, ``significant``, ``expected_below_005``, and ``status`` (0,
        constant or too sparse). With ``test.details`` also ``reason`` (code of ``REASONS``),
        ``observed`` and ``positive`` places, and ``firms``.

    Raises
    ------
    StatisticsError
        ``DIMENSIONS``, ``INDEX_MISMATCH``, ``STAT_TOO_FEW`` or ``LABELS_INVALID``.
    """
    _check(values, graph)
    places = values.indexes["place"]
    # Everything is computed in the order of the labels, so that no order of rows can matter.
    order = _label_order(places)
    links = Links.of(graph, places[order])
    weights = _unequal(graph, places[order])
    if labels is not None:
        labels.check(values)
    reasons = _reasons(values, excluded)
    reasons = None if reasons is None else _by_map(reasons, order)
    data = _by_map(values.transpose(*DIMS).to_numpy().astype(np.float64, copy=False), order)
    firms = _firms(values, labels, order)
    local = _unfilled(data.shape, test)
    maps = _empty_maps(data.shape[:2], test)
    kinds: dict[tuple[int, int], Kinds] = {}

    def run(which: tuple[tuple[int, int], tuple[object, object]]) -> None:
        at, names = which
        stated = None if reasons is None else reasons[at]
        column = Column(
            data=_begin({name: array[at] for name, array in local.items()}, data[at], stated),
            names=names,
            firms=None if firms is None else (firms[0][at], firms[1][at]),
            by_labels_alone=labels is not None and labels.rule == "labels",
        )
        found = test_map(column, links, weights, test)
        # A selection that selects everything takes longer than none.
        seen = slice(None) if found.seen.all() else found.seen
        for name, result in [*found.floats.items(), *found.codes.items()]:
            local[name][at][seen] = result
        for name in maps.keys() & found.summary.keys():
            maps[name][at] = found.summary[name]
        kinds[at] = found.kinds or Kinds.of(local["p_value"][at])

    # Maps share no state and have their own seeds: threads change the time, and no bit.
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        collections.deque(pool.map(run, _maps_of(values)), maxlen=0)
        for name, families in _families(kinds, data.shape, test).items():
            local[name] = _corrected(kinds, families, data.shape, test, pool)
    return _datasets(values, test, order, local, maps)


def _families(
    kinds: dict[tuple[int, int], Kinds], shape: tuple[int, ...], test: LocalTest
) -> dict[str, list[list[tuple[int, int]]]]:
    """Name the q-values, and give the maps of each family."""
    ordered = sorted(kinds)
    families = {"q_value": [[at] for at in ordered], "q_value_panel": [ordered]}
    if test.details or test.family == "year":
        families["q_value_year"] = [[at for at in ordered if at[1] == y] for y in range(shape[1])]
    return {name: [maps for maps in each if maps] for name, each in families.items()}


def _corrected(
    kinds: dict[tuple[int, int], Kinds],
    families: list[list[tuple[int, int]]],
    shape: tuple[int, ...],
    test: LocalTest,
    pool: ThreadPoolExecutor,
) -> FloatArray:
    """Correct for multiplicity within each family."""
    corrected = np.empty(shape)

    def run(maps: list[tuple[int, int]]) -> None:
        found = q_values([kinds[at] for at in maps], test.correction)
        for at, q in zip(maps, found, strict=True):
            kinds[at].spread(q, corrected[at])

    collections.deque(pool.map(run, families), maxlen=0)
    return corrected


def _begin(
    local: dict[str, npt.NDArray[Any]],
    column: FloatArray,
    stated: npt.NDArray[np.int8] | None,
) -> FloatArray:
    """Fill the results of one map with nothing found; give its values, NaN where there is none."""
    for name, array in local.items():
        array[:] = 0 if name in LOCAL_CODES else np.nan
    absent = ~np.isfinite(column)
    if stated is not None:
        absent |= stated != LOCAL_OK
        local["status"][:] = stated
    local["status"][absent & (local["status"] == LOCAL_OK)] = LOCAL_MISSING
    return np.where(absent, np.nan, column)


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
    if places.equals(known) and places.is_unique:
        return
    absent, extra = len(places.difference(known)), len(known.difference(places))
    if absent or extra or not places.is_unique:
        raise StatisticsError(
            "INDEX_MISMATCH",
            f"{absent} places of the values are not in the graph, {extra} of the graph have no "
            f"values, {int(places.duplicated().sum())} repeat. Use the graph of the same places.",
        )


def _unequal(graph: Graph, places: pd.Index) -> Weights | None:
    """Give the weights of a graph that does not weigh neighbors alike."""
    weights = graph.adjacency.to_numpy()
    real = weights[weights != 0]
    if not len(real) or (real == real[0]).all():
        return None
    matrix = Weights.of(graph, places)
    return None if matrix.is_equal_in_rows else matrix


def _reasons(values: xr.DataArray, excluded: xr.DataArray | None) -> npt.NDArray[np.int8] | None:
    """Give the stated statuses in the shape of the values."""
    if excluded is None:
        return None
    if set(excluded.dims) != set(DIMS):
        raise StatisticsError("DIMENSIONS", f"Statuses need the dims {DIMS}, not {excluded.dims}.")
    if any(set(excluded.indexes[dim]) != set(values.indexes[dim]) for dim in DIMS):
        raise StatisticsError("INDEX_MISMATCH", "Statuses and values are not of the same maps.")
    aligned = excluded.sel({dim: values.indexes[dim] for dim in DIMS}).transpose(*DIMS)
    return aligned.to_numpy().astype(np.int8)


def _label_order(places: pd.Index) -> npt.NDArray[np.intp]:
    """Sort places by their labels as text."""
    text = places.astype(str)
    if text.is_monotonic_increasing:
        return np.arange(len(text))
    return np.argsort(text.to_numpy(), kind="stable")


def _by_map(table: npt.NDArray[Any], order: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """Order places by label, and put each map in one piece of memory."""
    moved = np.ascontiguousarray(np.moveaxis(table, 0, -1))
    return moved if _is_sorted(order) else moved[..., order]


def _is_sorted(order: npt.NDArray[np.intp]) -> bool:
    """Tell whether an order changes nothing."""
    return bool((order == np.arange(len(order))).all())


def _unfilled(shape: tuple[int, ...], test: LocalTest) -> dict[str, npt.NDArray[Any]]:
    """Reserve room for local results; each map fills its own."""
    names = (*LOCAL_FLOATS, *(LOCAL_DETAILS if test.details else ()))
    room: dict[str, npt.NDArray[Any]] = {name: np.empty(shape) for name in names}
    room.update({name: np.empty(shape, np.int8) for name in LOCAL_CODES})
    return room


def _empty_maps(shape: tuple[int, ...], test: LocalTest) -> dict[str, npt.NDArray[Any]]:
    """Prepare results of whole maps."""
    names = (*MAP_FLOATS, *(MAP_DETAILS if test.details else ()))
    empty: dict[str, npt.NDArray[Any]] = {name: np.full(shape, np.nan) for name in names}
    empty.update({name: np.zeros(shape, np.int64) for name in MAP_COUNTS})
    codes = ("status", "reason") if test.details else ("status",)
    empty.update({name: np.zeros(shape, np.int8) for name in codes})
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
    return _by_map(digital, order), _by_map(known, order)


def _datasets(
    values: xr.DataArray,
    test: LocalTest,
    order: npt.NDArray[np.intp],
    local: dict[str, npt.NDArray[Any]],
    maps: dict[str, npt.NDArray[Any]],
) -> tuple[xr.Dataset, xr.Dataset]:
    """Count what is significant, and put the rows back in the order of the input."""
    decisive = {"map": "q_value", "year": "q_value_year", "panel": "q_value_panel"}[test.family]
    maps["significant"] = (local[decisive] < test.alpha).sum(axis=-1)
    back = None if _is_sorted(order) else np.argsort(order)
    coords = {dim: values.coords[dim] for dim in DIMS}
    columns = {
        name: (DIMS, np.moveaxis(array if back is None else array[..., back], -1, 0))
        for name, array in local.items()
    }
    rows = {name: (DIMS[1:], array) for name, array in maps.items()}
    map_coords = {dim: coords[dim] for dim in DIMS[1:]}
    return xr.Dataset(columns, coords=coords), xr.Dataset(rows, coords=map_coords)
