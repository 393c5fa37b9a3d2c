"""Administrative territories as one tidy, dated, many-to-many table."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine import tables
from geo_engine.errors import TableError

COUNTRY = "IT"
LEVELS = {"province": "cod_prov", "region": "cod_reg"}
TERRITORY_COLUMNS = ("pro_com_t", "geography", "zone_id", "valid_from", "valid_to", "weight")


def territories(places: gpd.GeoDataFrame) -> pd.DataFrame:
    """List which province, region and country each municipality belongs to.

    Parameters
    ----------
    places : GeoDataFrame
        Municipalities of one date.

    Returns
    -------
    DataFrame
        ``TERRITORY_COLUMNS``: ``geography`` is province, region or country; ``zone_id`` its code
        (the country's is ``COUNTRY``); the dates are NaT, that is always valid within the layer;
        ``weight`` is the part of the municipality inside, here 1.
    """
    tables.check_places(places)
    codes = places.index.to_numpy(dtype=object)
    zones = {level: places[column].to_numpy(dtype=object) for level, column in LEVELS.items()}
    zones["country"] = np.full(len(places), COUNTRY, dtype=object)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "pro_com_t": codes,
                    "geography": geography,
                    "zone_id": zone,
                    "valid_from": pd.NaT,
                    "valid_to": pd.NaT,
                    "weight": 1.0,
                }
            )
            for geography, zone in zones.items()
        ],
        ignore_index=True,
    ).astype({"valid_from": "datetime64[s]", "valid_to": "datetime64[s]"})


def area_index(
    table: pd.DataFrame, geography: str, index: pd.Index
) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Give the area of each municipality as a position, for counting.

    Parameters
    ----------
    table : DataFrame
        As :func:`territories`.
    geography : str
        Which geography of the table.
    index : Index
        ``pro_com_t`` of the municipalities, in the order of the result.

    Returns
    -------
    tuple of array of int32 and tuple of str
        Position of each municipality's zone (-1 in none), and the codes of the zones, sorted.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``; ``UNKNOWN_GEOGRAPHY``; ``OVERLAPPING_ZONES`` where a municipality is in
        several zones, which cannot be counted by one position.
    """
    tables.require_columns(table, TERRITORY_COLUMNS, "The table of territories")
    rows = table[table["geography"] == geography]
    if rows.empty:
        known = ", ".join(sorted(set(table["geography"])))
        raise TableError("UNKNOWN_GEOGRAPHY", f"No geography {geography!r}; there is {known}.")
    repeated = rows["pro_com_t"].duplicated()
    if repeated.any():
        raise TableError(
            "OVERLAPPING_ZONES",
            f"{int(repeated.sum())} municipalities are in several zones of {geography} (first: "
            f"{rows.loc[repeated, 'pro_com_t'].iloc[0]}). Choose the zones of one date, or count "
            "zone by zone.",
        )
    zones = pd.Index(sorted(set(rows["zone_id"])))
    zone_of = rows.set_index("pro_com_t")["zone_id"].reindex(index)
    return zones.get_indexer(zone_of).astype(np.int32), tuple(map(str, zones))
