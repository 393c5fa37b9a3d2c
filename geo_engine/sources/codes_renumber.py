"""Codes that change without a change of borders, given to a layer."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_engine.errors import TableError


def renumber_layer(
    places: gpd.GeoDataFrame, units: pd.DataFrame, date: dt.date
) -> gpd.GeoDataFrame:
    """Give the municipalities of a layer the codes valid on its date.

    Parameters
    ----------
    places : GeoDataFrame
        Indexed by ``pro_com_t``, with cadastral_code, cod_prov, province and sigla.
    units : DataFrame
        ``CodeHistory.units``.
    date : date
        The layer's date.

    Returns
    -------
    GeoDataFrame
        Same columns, sorted by the new code. Where the code of the date is not known, the
        municipality keeps the one it has.

    Raises
    ------
    TableError
        ``DUPLICATE_CODES`` when two municipalities would get one code.
    """
    valid = units[(units["valid_from"] <= date) & (date <= units["valid_to"])]
    valid = valid[valid["istat_code"] != ""].drop_duplicates("cadastral_code")
    valid = valid.set_index("cadastral_code").reindex(places["cadastral_code"])
    own = places.index.to_numpy(dtype=object)
    given = valid["istat_code"].to_numpy(dtype=object)
    changed = pd.notna(given) & (given != own)
    if not changed.any():
        return places
    codes = np.where(changed, given, own)
    result = places.copy()
    for column, values in (
        ("cod_prov", np.array([str(code)[:3] for code in codes], dtype=object)),
        ("province", valid["province"].to_numpy(dtype=object)),
        ("sigla", valid["sigla"].to_numpy(dtype=object)),
    ):
        told = changed & pd.notna(values) & (values != "")
        result[column] = np.where(told, values, places[column].to_numpy(dtype=object))
    result.index = pd.Index(codes, name=places.index.name)
    if not result.index.is_unique:
        twice = sorted(set(result.index[result.index.duplicated()]))
        raise TableError(
            "DUPLICATE_CODES",
            f"{len(twice)} codes would be given twice on {date}: {', '.join(twice[:5])}. "
            "Import one list of codes for one date.",
        )
    return result.sort_index()
