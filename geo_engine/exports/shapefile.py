"""Layers as Shapefile, for software that reads nothing else; what is lost is stated beside it."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import pandas as pd

from geo_engine.exports.run_files import SpatialLayer, write_dictionary

NAME_LENGTH = 10
"""Of a field in dBASE."""
TEXT_LENGTH = 254
"""Of a text in dBASE, in bytes."""
CHAIN_LENGTH = 3
LOSSES = """Shapefile: che cosa va perso rispetto a territory.gpkg

- I nomi dei campi hanno al più dieci caratteri: il dizionario {dictionary} dice che cosa sono.
- Un valore mancante di testo diventa vuoto; uno numerico può essere letto come zero da vecchi
  programmi: leggere sempre il campo di stato della quota.
- I testi oltre 254 byte sono troncati ({cut}).
- I numeri sono scritti con 15 cifre significative, non con tutte quelle del calcolo.
- Non ci sono stili, metadati, vicini, tabella per anno, né confronti: sono in territory.gpkg.
- Le geometrie sono le stesse, nel sistema di riferimento {crs}.
"""


@functools.cache
def _short_words() -> Mapping[str, str]:
    """Read the short Italian names that ship with the package."""
    text = resources.files("geo_engine.exports").joinpath("shapefile_names.toml")
    names: Mapping[str, str] = tomllib.loads(text.read_text("utf-8"))["names"]
    return names


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Give each column an Italian name that fits a Shapefile.

    Parameters
    ----------
    names : iterable of str
        Columns, plain or of a chain (``moda__share_eb``).

    Returns
    -------
    dict of str to str
        Short name by column, unique without regard to case.

    Examples
    --------
    >>> short_names(["pro_com_t", "moda__share_eb", "moda__share_q_value"])
    {'pro_com_t': 'PRO_COM_T', 'moda__share_eb': 'MOD_QCORR', 'moda__share_q_value': 'MOD_DIGQ'}
    """
    listed = list(names)
    chains = _chain_codes({name.partition("__")[0] for name in listed if "__" in name})
    used: set[str] = set()
    found: dict[str, str] = {}
    for name in listed:
        owner, separator, rest = name.partition("__")
        key = rest if separator else name
        word = _short_words().get(key, key.replace("_", "").upper())
        whole = f"{chains[owner]}_{word}" if separator else word
        found[name] = _unique(whole, used)
    return found


def _chain_codes(chains: set[str]) -> dict[str, str]:
    """Shorten the keys of chains, each to its own code."""
    used: set[str] = set()
    return {chain: _unique(chain.upper(), used, CHAIN_LENGTH) for chain in sorted(chains)}


def _unique(word: str, used: set[str], length: int = NAME_LENGTH) -> str:
    """Cut a name, and number it where it is taken."""
    name, number = word[:length], 1
    while name in used:
        number += 1
        name = f"{word[: length - len(str(number))]}{number}"
    used.add(name)
    return name


def write_shapefile(layer: SpatialLayer, path: Path, date: str) -> None:
    """Write a Shapefile, its dictionary and what is lost.

    Parameters
    ----------
    layer : SpatialLayer
        What to write.
    path : Path
        The .shp; its companions stand beside it.
    date : str
        ISO date of the data, which the .dbf carries.
    """
    import pyogrio

    names = short_names(c for c in layer.frame.columns if c != "geometry")
    frame = layer.frame.rename(columns=names)
    pyogrio.write_dataframe(
        frame,
        path,
        driver="ESRI Shapefile",
        geometry_type="MultiPolygon",
        promote_to_multi=True,
        encoding="UTF-8",
        layer_options={"DBF_DATE_LAST_UPDATE": date},
    )
    dictionary = layer.dictionary.assign(short=layer.dictionary["name"].map(names))
    columns = ["short", *layer.dictionary.columns]
    book = path.with_name(f"{path.stem}_dizionario.csv")
    write_dictionary(dictionary[columns], book)
    lost = LOSSES.format(dictionary=book.name, cut=_cut(layer.frame), crs=layer.frame.crs)
    path.with_name(f"{path.stem}_LEGGIMI.txt").write_text(lost, encoding="utf-8")


def _cut(frame: pd.DataFrame) -> str:
    """Say which texts do not fit, and how many."""
    texts = frame.select_dtypes(include=["object", "string"])
    counts = {
        name: int((column.dropna().astype(str).str.encode("utf-8").str.len() > TEXT_LENGTH).sum())
        for name, column in texts.items()
        if name != "geometry"
    }
    cut = [f"{name}: {count}" for name, count in counts.items() if count]
    return "in questo livello: " + ", ".join(cut) if cut else "in questo livello nessuno"
