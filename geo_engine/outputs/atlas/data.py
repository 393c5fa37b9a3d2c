"""Everything the page knows, as one object that becomes JSON: no text of it is ever markup."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.breaks import MIXED
from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.atlas import columns
from geo_engine.outputs.atlas.codec import packed, varints, zigzag
from geo_engine.outputs.atlas.extras import extra_columns
from geo_engine.outputs.atlas.geographies import geographies, level_panels
from geo_engine.outputs.atlas.geometry import encoded_geometry
from geo_engine.outputs.atlas.indicators import Mapped, mapped_indicators
from geo_engine.outputs.atlas.kinds import chain_kinds, mapped_kinds
from geo_engine.outputs.atlas.signals import signal_tables
from geo_engine.outputs.atlas.similar import NUMBER, similar_figures, similar_positions
from geo_engine.outputs.tabular import leading_chain
from geo_engine.results import Results
from geo_engine.space.autocorrelation import REASONS
from geo_engine.words import LANGUAGES, load_atlas_words, load_words

SECTIONS = (
    "units",
    "unit_status",
    "statuses",
    "local_statuses",
    "quadrants",
    "indicators",
    "legends",
    "clusters",
    "concentration",
    "atlas",
    "sentences",
    "notes",
)
"""Words that the page uses."""


def atlas_data(
    publication: Publication, others: Mapping[str, Publication] | None = None
) -> dict[str, Any]:
    """Collect the data of the page.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    others : mapping of str to Publication, optional
        Further universes of the same study, by key.

    Returns
    -------
    dict
        Facts, words and tables as they are; places, hotspots, borders and figures packed.
    """
    results = publication.results
    base = columns.make_base(results)
    published = {results.facts.universe: publication, **(others or {})}
    indicators = mapped_indicators(results)
    return {
        "facts": _facts(results),
        "words": {language: page_words(language) for language in LANGUAGES},
        "edges": [float(edge) for edge in base.edges],
        "indicators": [indicator.described() for indicator in indicators],
        "opening": opening(results),
        "geometry": encoded_geometry(results.places),
        "places": _packed_json(_places(results, base)),
        "geographies": _packed_json(_geographies(results)),
        "similar": similar_positions(results),
        "likes": NUMBER,
        "parts": base.parts,
        "series_breaks": _series_breaks(results),
        "kinds": mapped_kinds(results),
        "rule": _rule(results),
        "robust": "robustness" in results.robustness,
        "signals": signal_tables(results),
        "universes": {
            key: universe_data(each, columns.make_base(each.results), indicators)
            for key, each in published.items()
        },
    }


def universe_data(
    publication: Publication, base: columns.Base, indicators: list[Mapped]
) -> dict[str, Any]:
    """Collect what is of one universe alone.

    Parameters
    ----------
    publication : Publication
        What may be shown of it.
    base : Base
        What all its chains share.
    indicators : list of Mapped
        Of the study.

    Returns
    -------
    dict
        Titles and notices, maps, hotspots, and the figures of each chain.
    """
    results = publication.results
    facts = results.facts
    chains = [chain.key for chain in facts.chains]
    with ThreadPoolExecutor(max_workers=2) as pool:  # gzip lets go of the interpreter
        packed_chains = pool.map(lambda key: columns.chain_columns(results, base, key), chains)
        figures = dict(zip(chains, packed_chains, strict=True))
    return {
        "title": facts.titled("it"),
        "title_en": facts.titled("en"),
        "label": facts.universe_label,
        "label_en": facts.universe_label_en,
        "banner": publication.banner,
        "banner_en": publication.banner_en,
        "warnings": list(results.warnings),
        "maps": _maps(results),
        "totals": packed(varints(zigzag(np.diff(base.totals, axis=0, prepend=0)))),
        "hotspots": _packed_json(_hotspots(results)),
        "kinds": {key: chain_kinds(results, key) for key in chains},
        "alike": similar_figures(results, base.parts),
        "chains": figures,
        **_extras(results, indicators),
    }


def _extras(results: Results, indicators: list[Mapped]) -> dict[str, Any]:
    """Pack each further indicator of each chain once: what is the same in all is stored once."""
    pool: dict[str, int] = {}
    found: dict[str, dict[str, int]] = {}
    levels = level_panels(results)
    parts = columns.count_parts(results.facts)
    for chain in results.facts.chains:
        panels = [panel.sel(chain=chain.key) for panel in (results.panel, *levels)]
        found[chain.key] = {
            each.row.key: pool.setdefault(extra_columns(panels, each, parts), len(pool))
            for each in indicators
            if not each.is_base and each.row.key in results.panel
        }
    return {"extras": found, "pool": list(pool)}


def page_words(language: str) -> dict[str, Any]:
    """Give the words that the page uses.

    Parameters
    ----------
    language : str
        One of ``LANGUAGES``.

    Returns
    -------
    dict of str to dict of str to str
        Sections of the common words, and those of the page alone.
    """
    return {section: load_words(language)[section] for section in SECTIONS} | load_atlas_words(
        language
    )


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


def _facts(results: Results) -> dict[str, Any]:
    """Give the facts of the study; titles and notices stand with each universe."""
    facts = dataclasses.asdict(results.facts)
    facts["chains"] = [dataclasses.asdict(chain) for chain in results.facts.chains]
    facts["universes"] = [dataclasses.asdict(universe) for universe in results.facts.universes]
    return facts


def _geographies(results: Results) -> list[dict[str, Any]]:
    """Give the levels above municipalities."""
    return [
        {
            "key": level.key,
            "names": list(level.names),
            "codes": list(level.codes),
            "of": level.members.tolist(),
            "notes": list(level.notes),
        }
        for level in geographies(results)
    ]


def _series_breaks(results: Results) -> list[list[Any]]:
    """Give chain, indicator, year, reason in both languages, and 1 where the year is mixed."""
    table = results.series_breaks
    if table.empty:
        return []
    names = ["chain", "indicator", "year", "note", "note_en"]
    rows = table[names].itertuples(index=False)
    mixed = (table["cause"] == MIXED).astype(int)
    return [
        [str(row[0]), str(row[1]), int(row[2]), str(row[3]), str(row[4]), int(both)]
        for row, both in zip(rows, mixed, strict=True)
    ]


def _rule(results: Results) -> dict[str, str]:
    """Say by which rule priorities are set, in both languages; empty without any."""
    if results.priorities.empty:
        return {}
    rule = results.priority_rule
    return {"rule": rule.italian, "rule_en": rule.english}


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
        "province_names": _texts(provinces["province"]),
        "province_sigle": _texts(provinces["sigla"]),
        "region_names": _texts(regions["region"]),
    }


def _hotspots(results: Results) -> list[dict[str, Any]]:
    """Give the hotspots by chain, year and rank, with their members by position."""
    position = {str(code): number for number, code in enumerate(results.places.index)}
    parts = columns.count_parts(results.facts)
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
            **{name: _count(row[name], parts) for name in columns.COUNTS},
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


def _count(value: Any, parts: int) -> float | int | None:
    """Give a count: whole, or with two decimals where firms are divided among chains."""
    return _number(value, 0 if parts == 1 else 2)


def _packed_json(value: Any) -> str:
    """Pack a part of the data that is long."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return packed(text.encode("utf-8"))
