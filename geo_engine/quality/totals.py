"""Firms of an extract by province beside the official numbers that its user gives."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import numpy as np
import pandas as pd

from geo_engine.errors import TableError

_SMALL = frozenset(["e", "di", "d", "del", "della", "dell", "nell", "provincia", "citta"])
LOWEST, HIGHEST = 0.8, 1.25
"""Ratios to the official number outside which a province is marked."""


def compare_totals(own: Mapping[str, int], official: Mapping[str, float]) -> pd.DataFrame:
    """Compare the firms of each province with its official number.

    Parameters
    ----------
    own : mapping
        Firms of the extract by province.
    official : mapping
        Official numbers by province.

    Returns
    -------
    DataFrame
        province, firms, official, difference, ratio, is_odd; sorted by province. A province of the
        extract without an official number has NaN there, and is not marked; one without any firm
        in the extract is compared with 0.
    """
    provinces = sorted({*own, *official})
    firms = np.array([own.get(province, 0) for province in provinces], dtype=np.int64)
    numbers = np.array([official.get(province, np.nan) for province in provinces], dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(numbers > 0, firms / numbers, np.nan)
    is_odd = np.isfinite(ratio) & ((ratio < LOWEST) | (ratio > HIGHEST))
    is_odd |= (numbers == 0) & (firms > 0)
    return pd.DataFrame(
        {
            "province": pd.Series(provinces, dtype="str"),
            "firms": firms,
            "official": numbers,
            "difference": firms - numbers,
            "ratio": ratio,
            "is_odd": is_odd,
        }
    )


def province_keys(places: pd.DataFrame) -> dict[str, str]:
    """Give the sigla of each province by everything it is called.

    Parameters
    ----------
    places : DataFrame
        Municipalities with cod_prov, province and sigla.

    Returns
    -------
    dict
        Sigla by sigla, name (whatever its accents, marks and small words) and code.
    """
    keys = {"aosta": "AO"}
    distinct = places[["cod_prov", "province", "sigla"]].drop_duplicates()
    for code, name, sigla in distinct.itertuples(index=False, name=None):
        for key in (sigla, name, *str(name).split("/"), code, str(code).lstrip("0")):
            keys[_folded(str(key))] = str(sigla)
    return {key: sigla for key, sigla in keys.items() if key}


def official_totals(
    provinces: pd.Series, numbers: np.ndarray, keys: Mapping[str, str], where: str
) -> dict[str, float]:
    """Give official numbers by sigla.

    Parameters
    ----------
    provinces : Series of str
        Sigla, name or code of each row.
    numbers : ndarray of float
        Firms of each row.
    keys : mapping
        From :func:`province_keys`.
    where : str
        Name of the table, for the message.

    Returns
    -------
    dict
        Several rows of a province add up.

    Raises
    ------
    TableError
        ``PROVINCE_TOTALS`` for a province that does not exist or a number that is none.
    """
    sigle = [keys.get(_folded(text), "") for text in provinces]
    unknown = [text for text, sigla in zip(provinces, sigle, strict=True) if not sigla]
    if unknown:
        raise TableError(
            "PROVINCE_TOTALS",
            f"{where}: {len(unknown)} provinces are unknown ({', '.join(unknown[:5])}). Write the "
            "sigla, the name or the ISTAT code, and leave rows of regions and of Italy out.",
        )
    wrong = ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        first = provinces.iloc[int(np.argmax(wrong))]
        raise TableError(
            "PROVINCE_TOTALS",
            f"{where}: {int(wrong.sum())} numbers of firms are missing or no numbers (first: "
            f"{first}). Correct them, or leave these provinces out.",
        )
    totals: dict[str, float] = {}
    for sigla, number in zip(sigle, numbers.tolist(), strict=True):
        totals[sigla] = totals.get(sigla, 0.0) + number
    return totals


def _folded(text: str) -> str:
    """Write a name in one form: Forlì-Cesena as forli cesena, Reggio di Calabria without di."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    words = re.findall(r"[a-z0-9]+", letters)
    return " ".join([word for word in words if word not in _SMALL] or words)
