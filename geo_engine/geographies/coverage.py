"""Which municipalities an extract covers, and which of them lie on its edge."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_engine import tables
from geo_engine.errors import TableError

if TYPE_CHECKING:
    from libpysal.graph import Graph

_CODE_LENGTHS = {"region": 2, "province": 3, "municipality": 6}


def covered_places(
    places: gpd.GeoDataFrame,
    regions: Sequence[str] = (),
    provinces: Sequence[str] = (),
    municipalities: Sequence[str] = (),
) -> pd.Series:
    """Mark the municipalities that an extract covers.

    Parameters
    ----------
    places : GeoDataFrame
        Municipalities of one date.
    regions, provinces, municipalities : sequence of str
        Codes or names; provinces also by sigla. Case and accents do not matter, either part of a
        bilingual name does, and a lost leading zero of a code is restored. All empty: the whole
        country.

    Returns
    -------
    Series of bool
        By ``pro_com_t``: in any of the areas named.

    Raises
    ------
    TableError
        ``UNKNOWN_AREA`` naming near matches; ``AMBIGUOUS_AREA`` for a name of several areas.
    """
    tables.check_places(places)
    covered = np.zeros(len(places), dtype=bool)
    if not (regions or provinces or municipalities):
        covered[:] = True
    codes = {
        "region": places["cod_reg"],
        "province": places["cod_prov"],
        "municipality": places.index.to_series(),
    }
    asked = {"region": regions, "province": provinces, "municipality": municipalities}
    for kind, wanted in asked.items():
        if wanted:
            found = _resolve(wanted, _names_of(places, kind, codes[kind]), kind)
            covered |= codes[kind].isin(found).to_numpy()
    return pd.Series(covered, index=places.index, name="covered")


def edge_places(covered: pd.Series, graph: Graph) -> pd.Series:
    """Mark the covered municipalities that touch one that is not covered.

    Parameters
    ----------
    covered : Series of bool
        By ``pro_com_t``.
    graph : libpysal.graph.Graph
        Neighbors among all municipalities, not among the covered ones only.

    Returns
    -------
    Series of bool
        By ``pro_com_t``; what lies abroad or in the sea makes no edge.
    """
    adjacency = graph.adjacency
    focal = covered.index.get_indexer(adjacency.index.get_level_values("focal"))
    neighbor = covered.index.get_indexer(adjacency.index.get_level_values("neighbor"))
    inside = covered.to_numpy(bool)
    linked = (focal >= 0) & (neighbor >= 0)
    crossing = linked & inside[focal] & ~inside[neighbor]
    edge = np.zeros(len(covered), dtype=bool)
    edge[focal[crossing]] = True
    return pd.Series(edge, index=covered.index, name="edge")


def _names_of(places: gpd.GeoDataFrame, kind: str, codes: pd.Series) -> dict[str, set[str]]:
    """Give the codes that go by each name of a kind of area."""
    columns = {"region": ["region"], "province": ["province", "sigla"]}
    names: dict[str, set[str]] = {}
    for column in columns.get(kind, ["name", "name_other"]):
        pairs = pd.DataFrame({"code": codes.to_numpy(), "name": places[column].to_numpy()})
        for code, text in pairs.drop_duplicates().itertuples(index=False):
            for name in _written(str(text)):
                names.setdefault(name, set()).add(str(code))
    for code in codes.unique():
        names[str(code).casefold()] = {str(code)}
    return names


def _written(name: str) -> Iterable[str]:
    """Give the whole name and the parts of a bilingual one, as they are compared."""
    parts = {_plain(part) for part in (name, *name.split("/"))}
    return sorted(parts - {""})


def _plain(text: str) -> str:
    """Drop case, accents, apostrophes, hyphens and repeated spaces."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(kept.translate(str.maketrans("'’`-", "    ")).split())


def _resolve(wanted: Sequence[str], names: dict[str, set[str]], kind: str) -> set[str]:
    """Give the codes of the areas named, or say which one cannot be found."""
    found: set[str] = set()
    for text in wanted:
        key = _plain(text)
        if key.isdigit():
            key = key.zfill(_CODE_LENGTHS[kind])
        codes = names.get(key, set())
        if not codes:
            raise TableError("UNKNOWN_AREA", _unknown(text, key, names, kind))
        if len(codes) > 1:
            listed = ", ".join(sorted(codes))
            raise TableError(
                "AMBIGUOUS_AREA", f"{text!r} names several areas ({listed}). Give the code."
            )
        found |= codes
    return found


def _unknown(text: str, key: str, names: dict[str, set[str]], kind: str) -> str:
    """Say that an area does not exist, and what is near it."""
    near = difflib.get_close_matches(key, sorted(names), n=3, cutoff=0.7)
    hint = f" Near it: {', '.join(near)}." if near else " Give its ISTAT code or its full name."
    return f"No {kind} is called {text!r} at the boundary date.{hint}"
