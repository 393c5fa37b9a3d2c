"""Tables with which a local result can be recomputed: who neighbors whom, and the statistics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.indicators.rates import assuncao_reis
from geo_engine.outputs.gpkg_tables import Layer
from geo_engine.outputs.gpkg_territory import table_layer
from geo_engine.outputs.long_tables import panel_table
from geo_engine.results import NEIGHBOR_COLUMNS, Results

KEYS = ("pro_com_t", "chain", "year")
SMOOTHED = ("known", "digital", "share_eb")
"""What a share is made of, and what it becomes when it is smoothed."""
STATISTICS = (
    "lag",
    "moran",
    "moran_expected",
    "moran_variance",
    "gi",
    "gi_star",
    "gi_star_expected",
    "gi_star_variance",
    "p_value",
    "p_error",
    "q_value",
    "q_value_year",
    "q_value_panel",
    "quadrant",
    "method",
)


def recomputing_tables(results: Results) -> tuple[Layer, ...]:
    """Describe the neighbors and the local statistics of the latest year of the main universe.

    Parameters
    ----------
    results : Results
        What may be shown: in a public run the statistics of shares are gone, and their rows too.

    Returns
    -------
    tuple of Layer
        ``neighbors`` and ``local_results``, where there are any rows.
    """
    described = (
        (
            "neighbors",
            "Vicini",
            "Chi è vicino di chi fra i comuni coperti, con il peso del legame: con questi e con i "
            "valori di local_results si ricalcola ogni risultato locale.",
            _links(results),
        ),
        (
            "local_results",
            "Risultati locali",
            f"Statistiche locali del {results.facts.years[-1]} con valore atteso e varianza; gli "
            "altri anni sono in panel.parquet. Nelle versioni pubbliche mancano quelle delle "
            "quote, da cui si risalirebbe ai valori oscurati.",
            local_table(results),
        ),
    )
    return tuple(table_layer(results, *each) for each in described if len(each[-1]))


def local_table(results: Results) -> pd.DataFrame:
    """Give one row for each value of the latest year that was tested, and may be shown.

    An isolate has a value, which counts in the mean of all, and no statistic.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    DataFrame
        ``KEYS``, ``variable``, ``value`` (what was tested; missing where firms are divided among
        chains), ``SMOOTHED`` (of shares) and ``STATISTICS``.
    """
    year = int(results.panel["year"].max())
    latest = results.panel.sel(year=[year])
    parts = []
    for variable in map(str, results.local["variable"].to_numpy()):
        one = results.local.sel(variable=[variable], year=[year])
        only = dataclasses.replace(results, panel=latest, local=one, robustness=xr.Dataset())
        table = panel_table(only)
        names = {f"{variable}_{name}": name for name in STATISTICS}
        kept = [name for name in names if name in table]
        part = table[[*KEYS, *SMOOTHED, *kept]].rename(columns=names)
        part.insert(3, "variable", variable)
        part.insert(4, "value", _tested(results, latest, variable))
        if variable == "firms":
            part[list(SMOOTHED)] = np.nan
        told = np.isfinite(part["moran"]) | np.isfinite(part["value"])
        parts.append(part[told].astype(dict.fromkeys(SMOOTHED, "float64")))
    return pd.concat(parts, ignore_index=True)


def _tested(results: Results, latest: xr.Dataset, variable: str) -> np.ndarray:
    """Give the tested values in the order of the long table; NaN where they are not at hand."""
    firms = latest["firms"]
    values = xr.full_like(firms, np.nan, dtype=float)
    covered = results.places.index[results.places["covered"].astype(bool)]
    if results.facts.whole_counts and variable == "firms":
        values = firms
    elif results.facts.whole_counts and variable == "share" and _is_internal(results):
        inside = latest.sel(place=covered)
        rates = assuncao_reis(inside["digital"], inside["known"])
        values = rates.reindex(place=latest["place"])
    ordered = values.sortby(["place", "chain", "year"]).transpose("place", "chain", "year")
    return ordered.to_numpy().astype(float).ravel()


def _is_internal(results: Results) -> bool:
    """Tell whether nothing was withheld, so that values of all places are at hand."""
    return results.facts.audience == "internal"


def _links(results: Results) -> pd.DataFrame:
    """Give the links between neighbors, in the order of their codes."""
    table = results.neighbors.copy()
    if "weight" not in table:
        table["weight"] = 1.0
    columns = [*NEIGHBOR_COLUMNS, "weight"]
    return table[columns].sort_values(list(NEIGHBOR_COLUMNS), ignore_index=True)
