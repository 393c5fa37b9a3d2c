"""Everything the page knows, as one object that becomes JSON: no text of it is ever markup."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.atlas import classes, columns
from geo_engine.outputs.atlas.codec import packed, varints, zigzag
from geo_engine.outputs.atlas.geometry import encoded_geometry
from geo_engine.outputs.tabular import leading_chain
from geo_engine.results import Results
from geo_engine.space.autocorrelation import REASONS
from geo_engine.words import LANGUAGES, load_words

SECTIONS = (
    "units",
    "unit_status",
    "statuses",
    "local_statuses",
    "indicators",
    "legends",
    "clusters",
    "concentration",
    "atlas",
    "sentences",
    "notes",
)
"""Words that the page uses."""


def atlas_data(publication: Publication) -> dict[str, Any]:
    """Collect the data of the page.

    Parameters
    ----------
    publication : Publication
        What may be shown.

    Returns
    -------
    dict
        Facts, words and breaks as they are; places, hotspots, borders and figures packed.
    """
    results = publication.results
    base = columns.make_base(results)
    return {
        "facts": _facts(publication),
        "words": {
            language: {section: load_words(language)[section] for section in SECTIONS}
            for language in LANGUAGES
        },
        "edges": [float(edge) for edge in base.edges],
        "steps": classes.STEPS,
        "breaks": {
            chain.key: classes.all_breaks(results, chain.key) for chain in results.facts.chains
        },
        "maps": _maps(results),
        "opening": opening(results),
        "geometry": encoded_geometry(results.places),
        "places": _packed_json(_places(results, base)),
        "hotspots": _packed_json(_hotspots(results)),
        "chains": {
            chain.key: columns.chain_columns(results, base, chain.key)
            for chain in results.facts.chains
        },
    }


def opening(results: Results) -> dict[str, Any]:
    """Choose the view that the page opens on: the chain with the strongest hotspots.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    dict
        ``chain``, ``indicator``, ``year``.
    """
    facts = results.facts
    year = facts.years[-1]
    indicator = "share_eb" if facts.signal else "firms_per_1000"
    return {"chain": leading_chain(results), "indicator": indicator, "year": int(year)}


def as_json(data: dict[str, Any]) -> str:
    """Write JSON that may stand inside a script element.

    Parameters
    ----------
    data : dict
        From :func:`atlas_data`.

    Returns
    -------
    str
        Compact, sorted, ASCII only, without ``<``, ``>`` and ``&``.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _facts(publication: Publication) -> dict[str, Any]:
    """Give the facts with their notices."""
    facts = dataclasses.asdict(publication.results.facts)
    facts["chains"] = [dataclasses.asdict(chain) for chain in publication.results.facts.chains]
    facts["banner"] = publication.banner
    facts["banner_en"] = publication.banner_en
    facts["warnings"] = list(publication.results.warnings)
    return facts


def _maps(results: Results) -> dict[str, Any]:
    """Give what stands beside each cluster map: tests, how many by chance, global Moran."""
    maps = results.maps
    found: dict[str, Any] = {}
    for variable in ("firms", "share"):
        for chain in results.facts.chains:
            part = maps.sel(variable=variable, chain=chain.key)
            found[f"{variable}/{chain.key}"] = {
                name: [_number(value, 2) for value in part[name].to_numpy()]
                for name in ("tested", "significant", "expected_below_005")
            } | {
                name: [_number(value, 4) for value in part[name].to_numpy()]
                for name in ("moran_i", "moran_p")
            }
            reasons = [REASONS[int(code)] for code in part["reason"].to_numpy()]
            found[f"{variable}/{chain.key}"]["reason"] = reasons
    return found


def _places(results: Results, base: columns.Base) -> dict[str, Any]:
    """Give the municipalities with their provinces and regions."""
    places = results.places
    province = pd.factorize(places["cod_prov"], sort=True)[0]
    provinces = places.drop_duplicates("cod_prov").sort_values("cod_prov")
    regions = places.drop_duplicates("cod_reg").sort_values("cod_reg")
    return {
        "code": [str(code) for code in places.index],
        "name": _texts(places["name"]),
        "name_other": _texts(places["name_other"]),
        "province": province.tolist(),
        "region": base.region.tolist(),
        "population": _whole(base.population),
        "area": _whole(base.area),
        "totals": packed(varints(zigzag(np.diff(base.totals, axis=0, prepend=0)))),
        "province_names": _texts(provinces["province"]),
        "province_sigle": _texts(provinces["sigla"]),
        "region_names": _texts(regions["region"]),
    }


def _hotspots(results: Results) -> list[dict[str, Any]]:
    """Give the hotspots by chain, year and rank, with their members by position."""
    position = {str(code): number for number, code in enumerate(results.places.index)}
    rows = results.hotspots.drop(columns="geometry").to_dict("records")
    rows.sort(key=lambda row: (str(row["chain"]), int(row["year"]), int(row["rank"])))
    return [
        {
            "id": str(row["hotspot_id"]),
            "chain": str(row["chain"]),
            "year": int(row["year"]),
            "rank": int(row["rank"]),
            "name": str(row["name"]),
            "region": str(row["region"]),
            "members": sorted(position[str(code)] for code in row["members"]),
            "firms": _number(row["firms"], 0),
            "known": _number(row["known"], 0),
            "digital": _number(row["digital"], 0),
            "share": _number(row["share"], 4),
            "share_outside": _number(row["share_outside"], 4),
            "robustness": _number(row["robustness"], 3),
            "province_scale": str(row["province_scale"]),
            "without_main": str(row["without_main"]),
            "min_q_value": _number(np.floor(row["min_q_value"] * 1e6) / 1e6, 6),
        }
        for row in rows
    ]


def _texts(column: pd.Series[Any]) -> list[str]:
    """Give a column of text; a missing text is empty."""
    return ["" if pd.isna(text) else str(text) for text in column]


def _whole(values: npt.NDArray[np.float64]) -> list[int]:
    """Give whole numbers; a missing one is 0."""
    return [int(value) for value in np.nan_to_num(values)]


def _number(value: Any, decimals: int) -> float | int | None:
    """Round a figure for JSON; a missing one is null."""
    figure = float(value)
    if math.isnan(figure):
        return None
    return round(figure, decimals) if decimals else round(figure)


def _packed_json(value: Any) -> str:
    """Pack a part of the data that is long."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return packed(text.encode("utf-8"))
