"""Macro-areas and NUTS regions, derived from the province and region of each municipality."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geo_engine import tables
from geo_engine.errors import TableError
from geo_engine.geographies.administrative import TERRITORY_COLUMNS

MACRO_AREAS = {
    "ITC": "Nord-ovest",
    "ITH": "Nord-est",
    "ITI": "Centro",
    "ITF": "Sud",
    "ITG": "Isole",
}
"""ISTAT's five ripartizioni by their NUTS 1 code."""

_NUTS2 = {
    "01": "ITC1",
    "02": "ITC2",
    "03": "ITC4",
    "05": "ITH3",
    "06": "ITH4",
    "07": "ITC3",
    "08": "ITH5",
    "09": "ITI1",
    "10": "ITI2",
    "11": "ITI3",
    "12": "ITI4",
    "13": "ITF1",
    "14": "ITF2",
    "15": "ITF3",
    "16": "ITF4",
    "17": "ITF5",
    "18": "ITF6",
    "19": "ITG1",
    "20": "ITG2",
}
_NUTS2_PROVINCES = {"021": "ITH1", "022": "ITH2"}
"""Trentino-Alto Adige is two NUTS 2 regions: Bolzano/Bozen and Trento."""


def statistical_territories(places: gpd.GeoDataFrame) -> pd.DataFrame:
    """List which macro-area, NUTS 1 and NUTS 2 region each municipality belongs to.

    Parameters
    ----------
    places : GeoDataFrame
        Municipalities of one date, with ``cod_prov`` and ``cod_reg``.

    Returns
    -------
    DataFrame
        As :func:`geo_engine.geographies.territories`, with the geographies ``macro_area`` (the
        zone is ISTAT's name), ``nuts1`` and ``nuts2`` (codes of NUTS 2013 to 2024, which are the
        same at these levels). NUTS 3 are the provinces, whose NUTS code changes with the edition:
        bring ISTAT's list of municipalities as a table of zones.

    Raises
    ------
    TableError
        ``UNKNOWN_AREA`` for a region without a NUTS code.
    """
    tables.check_places(places)
    nuts2 = places["cod_prov"].map(_NUTS2_PROVINCES).fillna(places["cod_reg"].map(_NUTS2))
    unknown = nuts2.isna()
    if unknown.any():
        raise TableError(
            "UNKNOWN_AREA",
            f"{int(unknown.sum()):,} municipalities have no NUTS 2 region (first: region "
            f"{places.loc[unknown, 'cod_reg'].iloc[0]!r}, province "
            f"{places.loc[unknown, 'cod_prov'].iloc[0]!r}).",
        )
    zones = {
        "macro_area": nuts2.str[:3].map(MACRO_AREAS),
        "nuts1": nuts2.str[:3],
        "nuts2": nuts2,
    }
    parts = [
        pd.DataFrame(
            {
                "pro_com_t": places.index.to_numpy(dtype=object),
                "geography": geography,
                "zone_id": zone.to_numpy(dtype=object),
                "valid_from": pd.NaT,
                "valid_to": pd.NaT,
                "weight": 1.0,
            }
        )
        for geography, zone in zones.items()
    ]
    table = pd.concat(parts, ignore_index=True)[list(TERRITORY_COLUMNS)]
    return table.astype({"valid_from": "datetime64[s]", "valid_to": "datetime64[s]"})
