"""Writes names as the official list does, and finds cadastral codes that boundary files lack."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import codicefiscale
import pandas as pd

_NOT_LETTERS = re.compile("[^a-z0-9]+")


@functools.lru_cache(maxsize=4)
def roster(date: dt.date) -> pd.DataFrame:
    """List the municipalities valid on a date, from the package python-codicefiscale.

    Parameters
    ----------
    date : date
        Any since 1861.

    Returns
    -------
    DataFrame
        name, name_other, sigla; indexed by cadastral_code, which is unique.
    """
    day, rows = date.isoformat(), {}
    for record in _all_records():
        if record["date_created"][:10] <= day <= (record["date_deleted"][:10] or "9999"):
            rows[record["code"]] = (record["name"], record["name_alt"], record["province"])
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["name", "name_other", "sigla"])
    return table.rename_axis("cadastral_code").sort_index()


def find_cadastral_codes(
    layer: pd.DataFrame, date: dt.date, shipped: pd.DataFrame
) -> tuple[pd.Series, list[str]]:
    """Match the municipalities of a layer with those valid on its date.

    Parameters
    ----------
    layer : DataFrame
        name (Italian), name_other, sigla; indexed by ``pro_com_t``.
    date : date
        What the layer describes.
    shipped : DataFrame
        The layer that ships, which tells the code of municipalities renamed since.

    Returns
    -------
    Series of str
        Cadastral codes, each at most once; "" where unknown.
    list of str
        Municipalities valid on the date that the layer does not hold, as "name (sigla)".
    """
    valid = roster(date)
    free = dict.fromkeys(valid.index, True)
    found: dict[str, str] = {}

    def settle(keys: Mapping[str, Hashable], known: Mapping[Any, str]) -> None:
        """Give each municipality still open the free code under its key."""
        for code, key in keys.items():
            cadastral = known.get(key, "")
            if code not in found and free.get(cadastral):
                found[code], free[cadastral] = cadastral, False

    names = dict(zip(layer.index, map(_fold, layer["name"]), strict=True))
    others = dict(zip(layer.index, map(_fold, layer["name_other"]), strict=True))
    siglas = dict(zip(layer.index, layer["sigla"], strict=True))
    folded = list(map(_fold, valid["name"]))
    settle(
        {code: (name, siglas[code]) for code, name in names.items()},
        _unique(zip(folded, valid["sigla"], strict=True), valid.index),
    )
    settle(
        {code: code for code in layer.index},
        dict(zip(shipped.index, shipped["cadastral_code"], strict=True)),
    )
    left = valid[[free[code] for code in valid.index]]
    official, second = map(_fold, left["name"]), map(_fold, left["name_other"])
    known = _unique(official, left.index)
    settle(names, known)
    settle(names, _unique(second, left.index))
    settle(others, known)
    left = valid[[free[code] for code in valid.index]]
    absent = [f"{row.name} ({row.sigla})" for row in left.itertuples(index=False)]
    codes = [found.get(code, "") for code in layer.index]
    return pd.Series(codes, index=layer.index, name="cadastral_code"), sorted(absent)


def write_names(layer: pd.DataFrame, shipped: pd.DataFrame) -> pd.Series:
    """Write the names of municipalities as the official list does, both languages in one.

    Parameters
    ----------
    layer : DataFrame
        name (Italian), name_other; indexed by ``pro_com_t``.
    shipped : DataFrame
        The layer that ships; its spelling is taken where it is the same name.

    Returns
    -------
    Series of str
        "Bolzano/Bozen"; letters that a boundary file has lost are those of the list.
    """
    listed = shipped["name"].reindex(layer.index).fillna("")
    joined = layer["name"] + ("/" + layer["name_other"]).where(layer["name_other"] != "", "")
    for column in (layer["name"], joined):
        joined = joined.where(listed.map(_fold) != column.map(_fold), listed)
    return joined.rename("name")


def write_areas(provinces: pd.DataFrame, regions: pd.Series, shipped: pd.DataFrame) -> None:
    """Write names of provinces and regions as the layer that ships does, in place.

    Parameters
    ----------
    provinces : DataFrame
        province, sigla; by cod_prov.
    regions : Series
        Names by cod_reg.
    shipped : DataFrame
        The layer that ships: "Forlì-Cesena" for the boundary file's "Forli'-Cesena".
    """
    ours = shipped.drop_duplicates("cod_prov").set_index("cod_prov")
    known = provinces.index.map(ours["sigla"])
    same = known.notna() & ((provinces["sigla"] == known) | (provinces["sigla"] == ""))
    for column in ("province", "sigla"):
        listed = pd.Series(provinces.index.map(ours[column]), index=provinces.index)
        provinces[column] = provinces[column].where(~same, listed)
    names = shipped.drop_duplicates("cod_reg").set_index("cod_reg")["region"]
    regions.update(names[names.index.isin(regions.index)])


@functools.cache
def _all_records() -> list[dict[str, str]]:
    """Read the package's own table."""
    path = Path(codicefiscale.__file__).parent / "data" / "municipalities.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _unique(keys: Iterable[Hashable], codes: Iterable[str]) -> dict[Hashable, str]:
    """Index codes by keys that stand once."""
    pairs = list(zip(keys, codes, strict=True))
    times = Counter(key for key, _ in pairs)
    return {key: code for key, code in pairs if times[key] == 1 and key}


def _fold(name: str) -> str:
    """Reduce a name to its letters: no accents, apostrophes, hyphens or case."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    return _NOT_LETTERS.sub("", text)
