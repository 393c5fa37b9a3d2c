"""Runs a local or global statistic over all maps of a panel, in an order no input can change."""

from __future__ import annotations

import collections
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.monte_carlo import map_seed
from geo_engine.space.multiplicity import benjamini_hochberg
from geo_engine.space.weights import Weights
from geo_engine.tables import (
    LOCAL_CONSTANT,
    LOCAL_ISOLATE,
    LOCAL_MISSING,
    LOCAL_OK,
    LOCAL_TOO_SPARSE,
    TAIL_METHODS,
)

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]
Alternative = Literal["two-sided", "greater", "less"]

DIMS = ("place", "chain", "year")
MOST_THREADS = 4
ROUNDING = 1e-14
"""Values that differ by less than this share of the largest differ by rounding: a constant."""
LOCAL_FLOATS = ("statistic", "expected", "variance", "p_value", "p_error")
EXACT = TAIL_METHODS.index("exact")
MONTE_CARLO = TAIL_METHODS.index("monte_carlo")
TINY, HUGE = 1e-60, 1e60
"""Fourth powers of numbers between these are numbers; some files mark a gap by 1.8e308."""


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What decides the inference of a statistic."""

    seed: int
    """Seed of the study, for what only random draws can settle."""
    alternative: Alternative = "two-sided"
    """``greater``: the statistic is large; ``less``: it is small."""
    permutations: int = 999
    """Global statistics only: random maps; 0 for none."""
    min_places: int = 30
    """Maps with fewer observed places are not tested."""


@dataclass(frozen=True, kw_only=True)
class OneMap:
    """One map: the places that have a value, in the order of their codes."""

    columns: tuple[FloatArray, ...]
    """Values of each variable."""
    units: tuple[float, ...]
    """What each is to be multiplied by: 1, but where squares would leave the range of numbers."""
    weights: Weights
    """Between these places, as given."""
    seed: np.random.SeedSequence


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one local statistic found on one map."""

    results: Mapping[str, npt.NDArray[np.generic]]
    """Of the names of the results; ``p_value`` among them."""
    untested: npt.NDArray[np.int8] | None = None
    """Status codes of places that the statistic says nothing about; 0 elsewhere."""


def local_maps(
    name: str,
    variables: Sequence[xr.DataArray],
    graph: Graph,
    inference: Inference,
    one_map: Callable[[OneMap], Found],
    extra: Mapping[str, type] | None = None,
) -> xr.Dataset:
    """Run a local statistic over all maps.

    Parameters
    ----------
    name : str
        Of the statistic, for the seeds.
    variables : sequence of DataArray
        The first has the dims ("place", "chain", "year"); others may lack chain and year. A place
        counts in a map where all have a finite value.
    graph : libpysal.graph.Graph
        Neighbors of the same places, in any order.
    inference : Inference
        Seed and least number of places.
    one_map : callable
        The statistic of one map.
    extra : mapping, optional
        Results beyond ``LOCAL_FLOATS``, and their types.

    Returns
    -------
    Dataset, dims ("place", "chain", "year")
        The results, ``q_value`` within each map, ``method`` and ``status``.
    """
    panel = _Panel.of(variables, graph)
    shape = panel.data[0].shape
    kinds = {"method": np.int8, **(extra or {})}
    results: dict[str, npt.NDArray[np.generic]] = {
        key: np.full(shape, np.nan) for key in LOCAL_FLOATS
    }
    for key, kind in kinds.items():
        results[key] = np.full(shape, np.nan) if kind is float else np.zeros(shape, kind)
    status = np.full(shape, LOCAL_MISSING, np.int8)
    q_value = np.full(shape, np.nan)

    def run(at: tuple[int, int]) -> None:
        column = (slice(None), *at)
        seen, one = panel.one_map(at, name, inference)
        code = map_status(one.columns, inference)
        if code != LOCAL_OK:
            status[column][seen] = code
            return
        found = one_map(one)
        for key, values in found.results.items():
            results[key][column][seen] = values
        alone = np.where(panel.weights.draws[seen] > 0, LOCAL_MISSING, LOCAL_ISOLATE)
        codes = np.where(one.weights.draws > 0, LOCAL_OK, alone)
        if found.untested is not None:
            codes = np.where(codes == LOCAL_OK, found.untested, codes)
        status[column][seen] = codes
        for key in ("p_value", "p_error", "method"):
            blank = 0 if key == "method" else np.nan
            results[key][column][status[column] != LOCAL_OK] = blank
        q_value[column] = benjamini_hochberg(results["p_value"][column].astype(np.float64))

    panel.for_each(run)
    results |= {"q_value": q_value, "status": status}
    return panel.local_dataset(results)


def global_maps(
    name: str,
    variables: Sequence[xr.DataArray],
    graph: Graph,
    inference: Inference,
    one_map: Callable[[OneMap], Mapping[str, float]],
) -> xr.Dataset:
    """Run a global statistic over all maps.

    Parameters
    ----------
    name : str
        Of the statistic, for the seeds.
    variables : sequence of DataArray
        As in :func:`local_maps`.
    graph : libpysal.graph.Graph
        Neighbors of the same places, in any order.
    inference : Inference
        Seed, permutations, and least number of places.
    one_map : callable
        The statistic of one map: its results by name.

    Returns
    -------
    Dataset, dims ("chain", "year")
        The results, NaN where there is no test, ``places`` observed, and ``status``.
    """
    panel = _Panel.of(variables, graph)
    shape = panel.data[0].shape[1:]
    rows: dict[tuple[int, int], Mapping[str, float]] = {}
    status, places = np.zeros(shape, np.int8), np.zeros(shape, np.int64)

    def run(at: tuple[int, int]) -> None:
        seen, one = panel.one_map(at, name, inference)
        places[at] = int(seen.sum())
        status[at] = map_status(one.columns, inference)
        if status[at] == LOCAL_OK and not one.weights.matrix.nnz:
            status[at] = LOCAL_ISOLATE
        if status[at] == LOCAL_OK:
            rows[at] = one_map(one)

    panel.for_each(run)
    # Where no map can be tested, the names are those of a map that can.
    names = next(iter(rows.values()), dict.fromkeys(GLOBAL_NAMES, np.nan))
    results: dict[str, npt.NDArray[np.generic]] = {key: np.full(shape, np.nan) for key in names}
    for at, row in rows.items():
        for key, value in row.items():
            results[key][at] = value
    return panel.global_dataset(results | {"places": places, "status": status})


GLOBAL_NAMES = (
    "statistic",
    "expected",
    "variance",
    "z_score",
    "p_value",
    "p_permutation",
    "permutations",
)
"""Results of every global statistic."""


def map_status(columns: tuple[FloatArray, ...], inference: Inference) -> int:
    """Tell whether a map can be tested.

    Parameters
    ----------
    columns : tuple of ndarray
        Observed values of each variable.
    inference : Inference
        Least number of places.

    Returns
    -------
    int
        ``tables.LOCAL_OK``, ``LOCAL_TOO_SPARSE`` or ``LOCAL_CONSTANT``.
    """
    if len(columns[0]) < max(inference.min_places, 4):
        return LOCAL_TOO_SPARSE
    flat = any(np.ptp(c) <= ROUNDING * np.abs(c).max() for c in columns)
    return LOCAL_CONSTANT if flat else LOCAL_OK


@dataclass(frozen=True, kw_only=True)
class _Panel:
    """The variables of a panel in the order of the places' codes."""

    data: tuple[FloatArray, ...]
    weights: Weights
    order: npt.NDArray[np.intp]
    coords: Mapping[str, xr.DataArray]
    names: tuple[tuple[object, ...], tuple[object, ...]]

    @classmethod
    def of(cls, variables: Sequence[xr.DataArray], graph: Graph) -> _Panel:
        """Check and align the variables and the graph."""
        first = variables[0]
        if set(first.dims) != set(DIMS):
            raise StatisticsError("DIMENSIONS", f"Values need the dims {DIMS}, not {first.dims}.")
        places, known = first.indexes["place"], pd.Index(graph.unique_ids)
        if len(places.symmetric_difference(known)) or not places.is_unique:
            raise StatisticsError(
                "INDEX_MISMATCH",
                f"{len(places.difference(known))} places of the values are not in the graph, "
                f"{len(known.difference(places))} of the graph have no values, "
                f"{int(places.duplicated().sum())} repeat. Use the graph of the same places.",
            )
        order = np.argsort(places.astype(str).to_numpy(), kind="stable")
        return cls(
            data=tuple(_aligned(one, first)[order] for one in variables),
            weights=Weights.of(graph, places[order]),
            order=order,
            coords={dim: first.coords[dim] for dim in DIMS},
            names=(tuple(first.indexes["chain"]), tuple(first.indexes["year"])),
        )

    def one_map(
        self, at: tuple[int, int], name: str, inference: Inference
    ) -> tuple[npt.NDArray[np.bool_], OneMap]:
        """Give the places with a value on one map, and the map of these."""
        columns = [part[(slice(None), *at)] for part in self.data]
        seen = np.logical_and.reduce([np.isfinite(column) for column in columns])
        labels = (self.names[0][at[0]], self.names[1][at[1]])
        units = tuple(_unit(column[seen]) for column in columns)
        return seen, OneMap(
            columns=tuple(c[seen] / unit for c, unit in zip(columns, units, strict=True)),
            units=units,
            weights=self.weights.among(seen),
            seed=map_seed(inference.seed, name, *labels),
        )

    def for_each(self, run: Callable[[tuple[int, int]], None]) -> None:
        """Run over the maps in threads: they share no state and have their own seeds."""
        cells = [(c, y) for c in range(len(self.names[0])) for y in range(len(self.names[1]))]
        with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
            collections.deque(pool.map(run, cells), maxlen=0)

    def local_dataset(self, results: Mapping[str, npt.NDArray[np.generic]]) -> xr.Dataset:
        """Put the rows back in the order of the input."""
        back = np.argsort(self.order)
        return xr.Dataset(
            {key: (DIMS, array[back]) for key, array in results.items()}, coords=self.coords
        )

    def global_dataset(self, results: Mapping[str, npt.NDArray[np.generic]]) -> xr.Dataset:
        """Label the results of maps."""
        coords = {dim: self.coords[dim] for dim in DIMS[1:]}
        return xr.Dataset({key: (DIMS[1:], array) for key, array in results.items()}, coords=coords)


def _unit(values: FloatArray) -> float:
    """Give 1, or the power of two to divide by so that squares neither overflow nor vanish."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0 or TINY < largest < HUGE:
        return 1.0
    # The smallest numbers have no inverse: their unit is the smallest that has.
    return math.ldexp(1.0, max(math.frexp(largest)[1] - 1, -1022))


def _aligned(values: xr.DataArray, first: xr.DataArray) -> FloatArray:
    """Give a variable the shape of the first, one map for all where it lacks a dim."""
    if "place" not in values.dims or not set(values.dims) <= set(DIMS):
        raise StatisticsError(
            "DIMENSIONS", f"Values need place, and at most the dims {DIMS}, not {values.dims}."
        )
    for dim in map(str, values.dims):
        if len(values.indexes[dim].symmetric_difference(first.indexes[dim])):
            raise StatisticsError("INDEX_MISMATCH", f"The variables differ in their {dim}s.")
    wanted = values.sel({dim: first.indexes[dim] for dim in values.dims})
    return wanted.broadcast_like(first).transpose(*DIMS).to_numpy().astype(np.float64)
