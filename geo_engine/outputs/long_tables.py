"""Results as long tables: one row per municipality, or territory, chain and year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.indicators.priorities import NEED_QUADRANTS
from geo_engine.outputs.fields import status_words
from geo_engine.results import Results

COUNTS = ("firms", "known", "digital")
"""Whole numbers of the panel; kept as floats in memory because they may be missing."""

PANEL_MEASURES = (
    "firms",
    "known",
    "digital",
    "share",
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "reliability",
    "location_quotient",
    "firms_per_1000",
    "firms_per_km2",
)

LOCAL_MEASURES = (
    "moran",
    "moran_expected",
    "moran_variance",
    "gi",
    "gi_star",
    "gi_star_expected",
    "gi_star_variance",
    "lag",
    "p_value",
    "p_error",
    "q_value",
    "q_value_year",
    "q_value_panel",
)

LEVEL_MEASURES = ("firms", "known", "digital", "share", "location_quotient")


def panel_table(results: Results) -> pd.DataFrame:
    """Lay the panel out with one row per municipality, chain and year.

    Parameters
    ----------
    results : Results
        What was found, less what the audience may not see.

    Returns
    -------
    DataFrame
        Sorted by ``pro_com_t``, ``chain``, ``year``; then ``status``, the measures,
        ``share_status``, and for each tested variable the local results under its name
        (``share_p_value``), with ``share_local_status`` for the status of the test. Counts are
        nullable integers, but where firms are divided among chains; statuses, quadrants and methods
        are words (categories).
    """
    panel = results.panel.sortby(["place", "chain", "year"])
    columns = _keys(panel, "place", "pro_com_t")
    columns["status"] = status_words(_flat(panel["status"], "place"))
    columns |= _measures(panel, PANEL_MEASURES, "place", whole=results.facts.whole_counts)
    columns |= _further(panel, PANEL_MEASURES, "place")
    columns["share_status"] = status_words(_flat(panel["share_status"], "place"))
    if "robustness" in results.robustness:
        robust = results.robustness.sortby(["place", "chain", "year"])
        columns["robustness"] = _flat(robust["robustness"], "place")
    local = results.local.sortby(["place", "chain", "year"])
    for variable in local["variable"].to_numpy().tolist():
        columns |= _local_columns(local.sel(variable=variable), str(variable))
    return pd.DataFrame(columns)


def level_table(levels: xr.Dataset, dim: str, key: str) -> pd.DataFrame:
    """Lay provinces or regions out with one row per territory, chain and year.

    Parameters
    ----------
    levels : Dataset
        Dims (``dim``, "chain", "year"), such as ``Results.province_panel``.
    dim : str
        ``province``, ``region`` or ``zone``.
    key : str
        Name of the column of codes: ``cod_prov``, ``cod_reg`` or ``zone``.

    Returns
    -------
    DataFrame
        Sorted by code, chain and year.
    """
    levels = levels.sortby([dim, "chain", "year"])
    columns = _keys(levels, dim, key)
    columns["status"] = status_words(_flat(levels["status"], dim))
    columns |= _measures(levels, LEVEL_MEASURES, dim)
    columns |= _further(levels, LEVEL_MEASURES, dim)
    columns["share_status"] = status_words(_flat(levels["share_status"], dim))
    return pd.DataFrame(columns)


def _flat(array: xr.DataArray, dim: str) -> np.ndarray:
    """Unroll an array in the order of the rows."""
    return array.transpose(dim, "chain", "year").to_numpy().ravel()


def _keys(dataset: xr.Dataset, dim: str, name: str) -> dict[str, object]:
    """Give the three key columns of a long table."""
    sizes = [dataset.sizes[d] for d in (dim, "chain", "year")]
    place, chain, year = np.indices(sizes, dtype=np.int32).reshape(3, -1)
    return {
        name: pd.Categorical.from_codes(place, [str(v) for v in dataset[dim].to_numpy()]),
        "chain": pd.Categorical.from_codes(chain, [str(v) for v in dataset["chain"].to_numpy()]),
        "year": dataset["year"].to_numpy().astype(np.int16)[year],
    }


def _further(dataset: xr.Dataset, given: tuple[str, ...], dim: str) -> dict[str, object]:
    """Give the columns of all other variables, those of the study last; quadrants as words."""
    columns: dict[str, object] = {}
    for name in map(str, dataset.data_vars):
        if name not in {*given, "status", "share_status"}:
            columns[name] = worded(name, _flat(dataset[name], dim))
    return columns


def worded(name: str, values: np.ndarray) -> object:
    """Give the codes of a closed list as words, and everything else as it is.

    Parameters
    ----------
    name : str
        Of the variable.
    values : ndarray
        Its values.

    Returns
    -------
    ndarray or Categorical
        Aligned with the values.
    """
    if name != "need_quadrant":
        return values
    return pd.Categorical.from_codes(values.astype(np.int8), categories=list(NEED_QUADRANTS))


def _measures(
    dataset: xr.Dataset, names: tuple[str, ...], dim: str, *, whole: bool | None = None
) -> dict[str, object]:
    """Give the columns of measures that a dataset has."""
    return {
        name: typed(name, _flat(dataset[name], dim), whole=whole)
        for name in names
        if name in dataset
    }


def typed(name: str, values: np.ndarray, *, whole: bool | None = None) -> object:
    """Give whole counts as nullable integers, and everything else as it is.

    Parts of firms stay parts: rounded, chains would no longer add up.

    Parameters
    ----------
    name : str
        Of the variable.
    values : ndarray of float
        NaN where missing.
    whole : bool, optional
        Whether counts are whole; the values tell without it.

    Returns
    -------
    ndarray or IntegerArray
        Aligned with the values.
    """
    missing = np.isnan(values) if name in COUNTS else None
    filled = np.where(missing, 0, values) if missing is not None else values
    if missing is None or not (bool((filled == np.rint(filled)).all()) if whole is None else whole):
        return values
    return pd.arrays.IntegerArray(np.rint(filled).astype(np.int32), missing)


def _local_columns(local: xr.Dataset, variable: str) -> dict[str, object]:
    """Give the columns of one tested variable."""
    columns: dict[str, object] = {
        f"{variable}_{name}": _flat(local[name], "place")
        for name in LOCAL_MEASURES
        if name in local
    }
    quadrant = _flat(local["quadrant"], "place")
    columns[f"{variable}_quadrant"] = status_words(quadrant, tables.QUADRANTS)
    method = _flat(local["method"], "place")
    columns[f"{variable}_method"] = status_words(method, tables.TAIL_METHODS)
    status = _flat(local["status"], "place")
    columns[f"{variable}_local_status"] = status_words(status, tables.LOCAL_STATUSES)
    return columns
