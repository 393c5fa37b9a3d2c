"""Codes that provinces have in other systems: NUTS 3, and ISTAT's units above municipalities."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

import pandas as pd


@functools.cache
def _codes() -> dict[str, dict[str, str]]:
    """Read the table that ships with the package."""
    text = resources.files("geo_engine.geographies").joinpath("province_codes.toml")
    return tomllib.loads(text.read_text("utf-8"))


def province_codes(cod_prov: pd.Series) -> dict[str, pd.Series]:
    """Translate the codes of provinces.

    Parameters
    ----------
    cod_prov : Series of str
        Codes of provinces (province, storico), three characters.

    Returns
    -------
    dict of str to Series
        ``cod_uts``, which numbers metropolitan cities from 200 on, and ``nuts3`` of the editions
        of 2021 and 2024, "" where a province is not a NUTS 3 region.

    Examples
    --------
    >>> {name: codes.tolist() for name, codes in province_codes(pd.Series(["100", "048"])).items()}
    {'cod_uts': ['100', '248'], 'nuts3': ['ITI15', 'ITI14']}
    """
    found = _codes()
    code = cod_prov.astype(object)
    return {
        "cod_uts": code.map(lambda one: found["cod_uts"].get(one, one)),
        "nuts3": code.map(lambda one: found["nuts3"].get(one, "")),
    }
