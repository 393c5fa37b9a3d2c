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

    def settle(keys: Mapping[str, Hashable], known: Mapping[Hashable, str]) -> None:
        """Give each municipality still open the free code under its key."""
        for code, key in keys.items():
            cadastral = known.get(key, "")
            if code not in found and free.get(cadastral):
                found[code], free[cadastral] = cadastral, False

    names, others = layer["name"].map(_fold), layer["name_other"].map(_fold)
    both = _unique(zip(valid["name"].map(_fold), valid["sigla"], strict=True), valid.index)
    settle(dict(zip(layer.index, zip(names, layer["sigla"], strict=True), strict=True)), both)
    settle({code: code for code in layer.index}, dict(shipped["cadastral_code"]))
    left = valid[[free[code] for code in valid.index]]
    settle(dict(names), _unique(left["name"].map(_fold), left.index))
    settle(dict(names), _unique(left["name_other"].map(_fold), left.index))
    settle(dict(others), _unique(left["name"].map(_fold), left.index))
    left = valid[[free[code] for code in valid.index]]
    absent = [f"{row.name} ({row.sigla})" for row in left.itertuples(index=False)]
    return layer.index.to_series().map(found).fillna("").rename("cadastral_code"), sorted(absent)


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
    for code in provinces.index.intersection(ours.index):
        same = provinces.loc[code, "sigla"] in {ours.loc[code, "sigla"], ""}
        if same:
            provinces.loc[code, ["province", "sigla"]] = ours.loc[code, ["province", "sigla"]]
    names = shipped.drop_duplicates("cod_reg").set_index("cod_reg")["region"]
    for code in regions.index.intersection(names.index):
        regions[code] = names[code]


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
