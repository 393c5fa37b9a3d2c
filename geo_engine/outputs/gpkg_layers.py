"""The layers of the GeoPackage that are drawn: municipalities, provinces, regions, hotspots."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import numpy as np
import pandas as pd

from geo_engine.outputs import qgis_style, qgis_text, sld
from geo_engine.outputs.fields import (
    SEPARATOR,
    clean_text,
    column_prefixes,
    describe_fields,
    distinct_note,
    units_word,
    words,
)
from geo_engine.outputs.gpkg_tables import Layer, Style
from geo_engine.outputs.qgis_symbols import area_symbol
from geo_engine.outputs.tabular import hotspot_table, leading_chain
from geo_engine.outputs.wide_tables import wide_level, wide_places
from geo_engine.results import Results

LAYER = "municipalities"
HOTSPOT_MM = 0.6
"""Width of the outline of a hotspot."""


def municipalities_layer(results: Results) -> Layer:
    """Describe the municipalities, wide, of the latest year.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    Layer
        With a style for the values and one for the clusters of each chain.
    """
    frame = wide_places(results)
    fields = describe_fields(
        [c for c in frame.columns if c != "geometry"], results.facts, results.registry
    )
    leading = leading_chain(results)
    styles: list[Style] = []
    for chain, prefix in column_prefixes(results.facts).items():
        styles += _chain_styles(results, chain, f"{prefix}{SEPARATOR}")
    name_it = f"{qgis_text.quoted('name')}"
    labels = qgis_text.text_labels(name_it, size=7, color="#202020", nearest=200_000)
    drawn = _value_drawing(results, leading)
    text = qgis_style.qml(
        qgis_style.graduated(*drawn), fields=fields, labels=labels, display=name_it
    )
    note = value_note(results, leading)
    opening = Style(
        name="Predefinito",
        qml=text,
        sld=sld.sld_of_values(LAYER, *drawn, note),
        default=True,
        description=note,
    )
    year = results.facts.years[-1]
    return Layer(
        name=LAYER,
        title=f"Comuni, {year}",
        description=f"Comuni con i valori del {year}, una colonna per filiera e indicatore.",
        frame=frame,
        fields=fields,
        styles=(opening, *styles),
    )


def _chain_styles(results: Results, chain: str, prefix: str) -> list[Style]:
    """Offer, for one chain, its values and its local clusters."""
    label = clean_text(next(c.label for c in results.facts.chains if c.key == chain))
    drawn = _value_drawing(results, chain)
    title = f"{label}: valori"
    values = Style(
        name=title,
        qml=qgis_style.qml(qgis_style.graduated(*drawn)),
        sld=sld.sld_of_values(LAYER, *drawn, title),
        default=False,
        chain=chain,
        description=value_note(results, chain),
    )
    tested = [("firms_cluster", "concentrazione")]
    if results.facts.signal:
        tested.insert(0, ("share_cluster", "aree"))
    styles = [values]
    for column, what in tested:
        title = f"{label}: {what}"
        status = prefix + column.replace("_cluster", "_local_status")
        drawing = (prefix + column, status, words("cluster"))
        text = qgis_style.qml(qgis_style.clusters(*drawing))
        same = sld.sld_of_clusters(LAYER, *drawing, title)
        styles.append(Style(name=title, qml=text, sld=same, default=False, chain=chain))
    return styles


def _value_drawing(results: Results, chain: str) -> tuple[str, str, list[qgis_style.Class]]:
    """Draw the smoothed share of a chain, or its density where no signal was surveyed.

    The column, the one that says why it is missing, and the classes.
    """
    prefix = f"{column_prefixes(results.facts)[chain]}{SEPARATOR}"
    surveyed = bool(results.facts.signal)
    measure = "share_eb" if surveyed else "firms_per_1000"
    values = results.panel[measure].sel(chain=chain).to_numpy()
    status = "share_status" if surveyed else "status"
    return prefix + measure, prefix + status, qgis_style.value_classes(values, measure)


def value_note(results: Results, key: str) -> str:
    """Say what the values of a chain are.

    Parameters
    ----------
    results : Results
        What may be shown.
    key : str
        Of the chain.

    Returns
    -------
    str
        Chain, year and measure, in Italian.
    """
    facts = results.facts
    chain = next(c.label for c in facts.chains if c.key == key)
    what = (
        f"quota di {facts.signal} corretta per i piccoli numeri"
        if facts.signal
        else f"{units_word(facts)} per 1.000 abitanti"
    )
    return clean_text(f"{chain}, {facts.years[-1]}: {what}")


def areas_layer(results: Results, name: str) -> Layer:
    """Describe provinces or regions.

    Parameters
    ----------
    results : Results
        What may be shown.
    name : {"provinces", "regions"}
        Which.

    Returns
    -------
    Layer
        Outlines with the figures of the latest year.
    """
    provinces = name == "provinces"
    areas = results.provinces if provinces else results.regions
    levels = results.province_panel if provinces else results.region_panel
    frame = wide_level(areas, levels, "province" if provinces else "region", results)
    fields = describe_fields(
        [c for c in frame.columns if c != "geometry"], results.facts, results.registry
    )
    what = "Province e città metropolitane" if provinces else "Regioni"
    width, nearest = (0.15, 2_500_000) if provinces else (0.3, 0)
    symbol = area_symbol("", outline="#606060" if provinces else "#202020", width_mm=width)
    label = qgis_text.quoted("sigla" if provinces else "region")
    labels = qgis_text.text_labels(label, size=7, color="#606060", nearest=nearest)
    display = qgis_text.quoted("province" if provinces else "region")
    style = Style(
        name="Predefinito",
        qml=qgis_style.qml(
            qgis_style.single(symbol), fields=fields, labels=labels, display=display
        ),
        sld=sld.sld_of_outline(name, symbol, what),
        default=True,
    )
    year = results.facts.years[-1]
    note = distinct_note(results.facts)
    return Layer(
        name=name,
        title=f"{what}, {year}",
        description=f"{what} con i valori del {year}. {note}".strip(),
        frame=frame,
        fields=fields,
        styles=(style,),
    )


def hotspots_layer(every: Sequence[Results]) -> Layer:
    """Describe the hotspots: all chains and years; the leading chain's latest are drawn.

    Parameters
    ----------
    every : sequence of Results
        What may be shown of each universe, the main one first.

    Returns
    -------
    Layer
        With its universe as a column.
    """
    results = every[0]
    frame = with_universe([hotspot_table(each) for each in every], every, 3)
    fields = describe_fields(
        [c for c in frame.columns if c != "geometry"], results.facts, results.registry
    )
    year = int(results.panel["year"].max())
    leading = leading_chain(results)
    entries = [
        qgis_style.Class(
            value=chain.key,
            label=f"{chain.label}, {year}",
            shown=chain.key == leading,
            symbol=hotspot_symbol(),
        )
        for chain in results.facts.chains
    ]
    drawn = f'"year" = {year} and "universe" = {qgis_text.literal(results.facts.universe)}'
    renderer = qgis_style.categorized(f'if({drawn}, "chain", NULL)', entries)
    name_it = 'to_string("rank") || \'. \' || "name"'
    labels = qgis_text.text_labels(name_it, size=9, color="#67000d")
    style = Style(
        name="Predefinito",
        qml=qgis_style.qml(renderer, fields=fields, labels=labels, display=name_it),
        sld=sld.sld_of_outline(
            "hotspots",
            hotspot_symbol(),
            f"Aree, {year}",
            {"chain": leading, "year": year, "universe": results.facts.universe},
        ),
        default=True,
    )
    return Layer(
        name="hotspots",
        title="Aree ad alta digitalizzazione (hotspot)",
        description="Gruppi di comuni contigui con quota alta e significativa, per filiera e anno.",
        frame=frame,
        fields=fields,
        styles=(style,),
    )


def hotspot_symbol() -> ET.Element:
    """Outline a hotspot; what lies below is seen.

    Returns
    -------
    Element
        A fill symbol of QGIS.
    """
    color = qgis_style.CLUSTER_COLORS["HH"]
    return area_symbol(color, outline=color, width_mm=HOTSPOT_MM, alpha=0.0)


def with_universe(
    tables: Sequence[pd.DataFrame], every: Sequence[Results], at: int
) -> pd.DataFrame:
    """Put the rows of one universe under those of another; the universe is a column.

    Parameters
    ----------
    tables : sequence of DataFrame
        One for each universe, of the same columns; they get the new column.
    every : sequence of Results
        The universes, the main one first.
    at : int
        Position of the column.

    Returns
    -------
    DataFrame
        All rows.
    """
    facts = every[0].facts
    keys = [each.key for each in facts.universes] or [facts.universe]
    for table, results in zip(tables, every, strict=True):
        codes = np.full(len(table), keys.index(results.facts.universe))
        table.insert(at, "universe", pd.Categorical.from_codes(codes, categories=keys))
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
