"""Each place against its province, its region, the country and similar places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.sparse import csr_array, eye_array

from geo_engine.errors import StatisticsError
from geo_engine.indicators.intervals import LEVEL, difference_of_shares, wilson
from geo_engine.indicators.similar_places import SimilarPlaces

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What places are compared with, as two steps: gather sums, then hand them to places."""

    name: str
    """province, region, country, similar, or a partition of the user's."""
    gather: csr_array
    """Shape (sums, places): ones where a place counts in a sum."""
    spread: csr_array
    """Shape (places, sums): one at the sum that a place is compared with."""
    within: bool
    """Whether a place counts in its own benchmark."""


def group_benchmark(name: str, groups: pd.Series, places: pd.Index) -> Benchmark:
    """Compare with all places of the same group, the place itself included.

    Parameters
    ----------
    name : str
        Of the benchmark.
    groups : Series
        Group of each place by ``pro_com_t``; a place without one has no benchmark.
    places : Index
        ``pro_com_t`` of the places, in the order of the panel.

    Returns
    -------
    Benchmark
    """
    codes, labels = pd.factorize(groups.reindex(places), sort=True)
    known = np.flatnonzero(codes >= 0)
    member = csr_array(
        (np.ones(len(known)), (known, codes[known])), shape=(len(places), len(labels))
    )
    return Benchmark(name=name, gather=csr_array(member.T), spread=member, within=True)


def similar_benchmark(similar: SimilarPlaces) -> Benchmark:
    """Compare with the similar places, the place itself left out.

    Parameters
    ----------
    similar : SimilarPlaces
        Of the places of the panel, in its order.

    Returns
    -------
    Benchmark
    """
    own = csr_array(eye_array(len(similar.index), format="csr"))
    return Benchmark(name="similar", gather=similar.matrix(), spread=own, within=False)


def benchmark_shares(
    digital: xr.DataArray,
    known: xr.DataArray,
    benchmarks: Sequence[Benchmark],
    *,
    level: float = LEVEL,
) -> xr.Dataset:
    """Compare the digital share of each place with those of its benchmarks.

    Parameters
    ----------
    digital, known : DataArray, dims ("place", ...)
        Digital firms, and firms with a known signal; NaN where not covered (left out).
    benchmarks : sequence of Benchmark
        What to compare with.
    level : float
        Probability of the intervals.

    Returns
    -------
    Dataset, dims ("benchmark", "place", ...)
        ``reference`` (share of the benchmark, the place included where it is part of it), with
        ``reference_low`` and ``reference_high`` (Wilson); ``difference`` (share of the place minus
        reference, 0.01 is one point), with ``difference_low`` and ``difference_high``;
        ``side`` (int8: 1 above, -1 below, 0 where the interval holds 0 or is missing);
        ``reference_firms`` (firms with a known signal in the benchmark).

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when the tables differ in dims, places or size.

    Notes
    -----
    A place is part of its province. The difference from the whole is (1 - w) times that from the
    rest, with w its part of the firms; the interval is Newcombe's for two independent shares, the
    place and the rest, times 1 - w.
    """
    x, n = _flat(digital, known)
    parts = [
        _against((x, n), _sums(benchmark, (x, n)), benchmark.within, level)
        for benchmark in benchmarks
    ]
    names = [benchmark.name for benchmark in benchmarks]
    shape = (len(names), *known.shape)
    stacked = {name: np.stack([part[name] for part in parts]).reshape(shape) for name in parts[0]}
    stacked["side"] = stacked["side"].astype(np.int8)
    coords = {**known.coords, "benchmark": names}
    dims = ("benchmark", *known.dims)
    return xr.Dataset({name: (dims, value) for name, value in stacked.items()}, coords=coords)


def benchmark_ratios(
    numerator: xr.DataArray, denominator: xr.DataArray, benchmarks: Sequence[Benchmark]
) -> xr.Dataset:
    """Compare any ratio of sums (firms per resident, per square kilometer) with benchmarks.

    Parameters
    ----------
    numerator, denominator : DataArray, dims ("place", ...)
        Amounts that add up over places; NaN in either is left out of both.
    benchmarks : sequence of Benchmark
        What to compare with.

    Returns
    -------
    Dataset, dims ("benchmark", "place", ...)
        ``reference`` (ratio of the sums over the benchmark), ``difference`` (own ratio minus it)
        and ``quotient`` (own ratio over it). NaN where a sum or the own denominator is 0.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH``.
    """
    y, n = _flat(numerator, denominator)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(n > 0, y / n, np.nan)
        references = []
        for benchmark in benchmarks:
            whole_y, whole_n = _sums(benchmark, (y, n))
            references.append(np.where(whole_n > 0, whole_y / whole_n, np.nan))
        reference = np.stack(references)
        values = {
            "reference": reference,
            "difference": own - reference,
            "quotient": np.where(reference > 0, own / reference, np.nan),
        }
    shape = (len(benchmarks), *denominator.shape)
    coords = {**denominator.coords, "benchmark": [benchmark.name for benchmark in benchmarks]}
    dims = ("benchmark", *denominator.dims)
    return xr.Dataset({k: (dims, v.reshape(shape)) for k, v in values.items()}, coords=coords)


def _flat(first: xr.DataArray, second: xr.DataArray) -> tuple[FloatArray, FloatArray]:
    """Check and give two tables as places by maps; what is missing in either is 0 in both."""
    if first.dims != second.dims or first.shape != second.shape or first.dims[:1] != ("place",):
        raise StatisticsError(
            "INDEX_MISMATCH",
            f"{dict(first.sizes)} and {dict(second.sizes)}: give the same dims, place first.",
        )
    a, b = (part.to_numpy().astype(np.float64).reshape(len(part), -1) for part in (first, second))
    known = np.isfinite(a) & np.isfinite(b)
    return np.where(known, a, 0.0), np.where(known, b, 0.0)


def _sums(
    benchmark: Benchmark, tables: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Add both tables over the benchmark of each place."""
    if benchmark.gather.shape[1] != len(tables[0]):
        raise StatisticsError(
            "INDEX_MISMATCH",
            f"{benchmark.name} is of {benchmark.gather.shape[1]:,} places, the panel of "
            f"{len(tables[0]):,}. Build both on the same table of places.",
        )
    first, second = (benchmark.spread @ (benchmark.gather @ table) for table in tables)
    return first, second


def _against(
    own: tuple[FloatArray, FloatArray],
    whole: tuple[FloatArray, FloatArray],
    within: bool,
    level: float,
) -> dict[str, npt.NDArray[np.generic]]:
    """Compare own shares with those of one benchmark."""
    (x, n), (whole_x, whole_n) = own, whole
    rest = (np.maximum(whole_x - x, 0.0), np.maximum(whole_n - n, 0.0)) if within else whole
    with np.errstate(invalid="ignore", divide="ignore"):
        reference = np.where(whole_n > 0, whole_x / whole_n, np.nan)
        difference = np.where(n > 0, x / n, np.nan) - reference
        scale = 1 - n / whole_n if within else np.ones_like(n)
    low, high = (scale * end for end in difference_of_shares(own, rest, level=level))
    bounds = wilson(whole_x, whole_n, level=level)
    return {
        "reference": reference,
        "reference_low": bounds[0],
        "reference_high": bounds[1],
        "difference": difference,
        "difference_low": low,
        "difference_high": high,
        "side": np.where(low > 0, 1, np.where(high < 0, -1, 0)),
        "reference_firms": whole_n,
    }
