"""How chains are spread: over their phases in each place, and over the places of the territory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.indicators.area_variables import EVERYONE
from geo_engine.indicators.ellison_glaeser import ellison_glaeser, plant_herfindahl
from geo_engine.indicators.inequality import gini, herfindahl, theil
from geo_engine.indicators.phases import phase_composition
from geo_engine.indicators.place_sums import PlaceSums

CONCENTRATION_COLUMNS = (
    "chain",
    "year",
    "firms",
    "gini",
    "herfindahl",
    "effective_places",
    "theil",
    "theil_between",
    "theil_within",
    "between_share",
    "ellison_glaeser",
    "ellison_glaeser_p",
    "plants",
)


def phase_shares(sums: PlaceSums) -> xr.Dataset:
    """Divide the firms of each chain by phase, in the latest year.

    Parameters
    ----------
    sums : PlaceSums
        By place.

    Returns
    -------
    Dataset, dims ("place", "chain", "phase")
        ``Results.phase_shares``.
    """
    at = {"year": int(np.argmax(sums.phases["year"].to_numpy()))}
    counts = sums.phases.isel(at, drop=True)
    found = phase_composition(counts)
    names = ["phase_share", "phase_share_low", "phase_share_high"]
    return xr.Dataset({"firms": counts} | {name: found[name] for name in names})


def concentration(
    firms: xr.DataArray,
    everyone: xr.DataArray,
    sums: PlaceSums,
    regions: pd.Series,
    *,
    whole: bool = True,
) -> pd.DataFrame:
    """Measure how concentrated each chain is over the covered places.

    Parameters
    ----------
    firms : DataArray, dims ("place", "chain", "year")
        NaN where not covered.
    everyone : DataArray, dims ("place", "year")
        All firms: what an even spread would follow.
    sums : PlaceSums
        By place: persons, where they are known.
    regions : Series
        Region by ``pro_com_t``.
    whole : bool
        Whether each firm counts one. Ellison and Glaeser's index is defined for whole plants only:
        it is missing where chains divide firms.

    Returns
    -------
    DataFrame
        ``CONCENTRATION_COLUMNS``, by chain and year; the chain of all firms is left out. Gini and
        Theil compare with all firms; Ellison and Glaeser's index rests on persons employed where
        they are known, else on firms that all count one.
    """
    chains = np.flatnonzero(firms["chain"].to_numpy() != EVERYONE)
    if not len(chains):
        return pd.DataFrame(columns=CONCENTRATION_COLUMNS)
    own = firms.isel(chain=chains)
    spread = theil(own, regions, weights=everyone)
    places = herfindahl(own, dim="place")
    missing = own.isel(place=0, drop=True) * np.nan
    agglomeration, plants = (
        _agglomeration(own, everyone, sums)
        if whole
        else (xr.Dataset({"gamma": missing, "p_value": missing}), "")
    )
    found = xr.Dataset(
        {
            "firms": own.sum("place"),
            "gini": gini(own, weights=everyone),
            "herfindahl": places["herfindahl"],
            "effective_places": places["effective_number"],
            **{str(name): value for name, value in spread.data_vars.items()},
            "ellison_glaeser": agglomeration["gamma"],
            "ellison_glaeser_p": agglomeration["p_value"],
        }
    ).transpose("chain", "year")
    table = found.to_dataframe().reset_index().assign(plants=plants)
    return table[list(CONCENTRATION_COLUMNS)].sort_values(["chain", "year"], ignore_index=True)


def _agglomeration(
    own: xr.DataArray, everyone: xr.DataArray, sums: PlaceSums
) -> tuple[xr.Dataset, str]:
    """Give Ellison and Glaeser's index, and what it counts."""
    if sums.employees is not None and sums.fourths is not None and sums.all_employees is not None:
        persons = sums.employees.sel(chain=own["chain"])
        if float(persons["total"].sum()) > 0:
            fourths = sums.fourths.sel(chain=own["chain"]).expand_dims("place", 0)
            plants = plant_herfindahl(persons, fourths=fourths)
            totals = sums.all_employees["total"]
            return ellison_glaeser(persons["total"], plants, totals=totals), "addetti"
    number = own.sum("place")
    number = number.where(number > 0)
    plants = xr.Dataset({"herfindahl": 1 / number, "fourth": 1 / number**3})
    return ellison_glaeser(own, plants, totals=everyone), "imprese"
