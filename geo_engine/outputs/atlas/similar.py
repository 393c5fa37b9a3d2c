"""Which municipalities are like a municipality, and what they show together, for the card."""

from __future__ import annotations

import numpy as np
import xarray as xr

from geo_engine.indicators.benchmarks import (
    Benchmark,
    benchmark_ratios,
    benchmark_shares,
    similar_benchmark,
)
from geo_engine.outputs.atlas.codec import nearest, nullable, packed, varints
from geo_engine.outputs.atlas.columns import PER_1000_STEPS, counts_of
from geo_engine.outputs.atlas.intervals import SHARE_STEPS
from geo_engine.results import Results
from geo_engine.territory_comparison import similar_of_table

NUMBER = 15
"""Similar places stored of each."""


def similar_positions(results: Results) -> str:
    """Pack the similar places of each municipality, nearest first.

    Parameters
    ----------
    results : Results
        What may be shown; ``similar`` has columns pro_com_t, order and neighbor.

    Returns
    -------
    str
        Base64 of gzip of varints, ``NUMBER`` a place, each one more than a position and 0 where
        there is none, then how many the study compares each place with; "" where it has none.
    """
    if results.similar.empty:
        return ""
    number = results.similar.groupby("pro_com_t")["neighbor"].count()
    counts = number.reindex(results.places.index).fillna(0).to_numpy(np.int64)
    return packed(varints(_positions(results)) + varints(counts))


def _positions(results: Results) -> np.ndarray:
    """Give the nearest similar places by position plus one, 0 where there are no more."""
    table, index = results.similar, results.places.index
    place, neighbor = (index.get_indexer(table[name]) for name in ("pro_com_t", "neighbor"))
    order = table["order"].to_numpy().astype(np.int64)
    good = (place >= 0) & (neighbor >= 0) & (order >= 1) & (order <= NUMBER)
    found = np.zeros((len(index), NUMBER), dtype=np.int64)
    found[place[good], order[good] - 1] = neighbor[good] + 1
    return found


def similar_figures(results: Results, parts: int) -> dict[str, str]:
    """Pack what similar places show together, chain by chain, as the engine compares with it.

    Parameters
    ----------
    results : Results
        What may be shown: the sums are of published figures, as the protected benchmark of the
        latest year is.
    parts : int
        Steps of one firm.

    Returns
    -------
    dict of str to str
        By chain: base64 of gzip of varints, (year, place), the distance of the figure from that of
        the ``NUMBER`` places that the page knows; empty where the study has no similar places.
    """
    similar = similar_of_table(results.similar, results.places.index)
    if similar is None:
        return {}
    shares = bool(results.facts.signal)
    figures = _figures(results, similar_benchmark(similar), shares=shares)
    near = _positions(results)
    packs = {}
    for chain in results.facts.chains:
        panel = results.panel.sel(chain=chain.key).transpose("year", "place", ...)
        expected = _pooled(panel, results, near, parts)
        steps = SHARE_STEPS if shares else PER_1000_STEPS
        own = nearest(figures.sel(chain=chain.key).transpose("year", "place").to_numpy(), steps)
        packs[chain.key] = packed(varints(nullable(own, nearest(expected, steps))))
    return packs


def _figures(results: Results, benchmark: Benchmark, *, shares: bool) -> xr.DataArray:
    """Give the share, or the firms per 1,000 residents, of the similar places of each."""
    panel = results.panel.transpose("place", "chain", "year", ...)
    against = [benchmark]
    if shares:
        found = benchmark_shares(panel["digital"], panel["known"], against)["reference"]
    else:
        people = results.places["population"].to_numpy(float)[:, None, None]
        residents = xr.zeros_like(panel["firms"]) + people
        found = benchmark_ratios(1000 * panel["firms"], residents, against)["reference"]
    found = found.sel(benchmark="similar", drop=True).copy()
    name = "reference" if shares else "firms_per_1000_reference"
    if name in results.benchmarks and "similar" in results.benchmarks["benchmark"].to_numpy():
        latest = results.benchmarks[name].sel(benchmark="similar", drop=True)
        found.loc[{"year": panel["year"].max()}] = latest.transpose("place", "chain").to_numpy()
    return found


def _pooled(panel: xr.Dataset, results: Results, near: np.ndarray, parts: int) -> np.ndarray:
    """Work out the figure of the stored similar places, as the page does."""
    if results.facts.signal:
        above, below = (counts_of(panel, name, parts) for name in ("digital", "known"))
    else:
        above = 1000 * counts_of(panel, "firms", parts)
        below = np.zeros_like(above) + results.places["population"].to_numpy(float)
    good = np.isfinite(above) & np.isfinite(below)
    none = np.zeros((len(good), 1))
    sums = [
        np.concatenate([none, np.where(good, values, 0)], axis=1)[:, near].sum(axis=2)
        for values in (above, below)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[0] / sums[1]
