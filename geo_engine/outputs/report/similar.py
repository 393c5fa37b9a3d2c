"""Sections of a sheet: the territory beside those that resemble it."""

from __future__ import annotations

import math

import pandas as pd

from geo_engine.outputs.report.basis import Basis, Comparator, similar_members
from geo_engine.outputs.report.charts import Point, draw_comparison
from geo_engine.outputs.report.content import Block, Cell, Column, Figure, Paragraph, Section, Table
from geo_engine.outputs.report.drawing import WIDTH_CM
from geo_engine.outputs.report.numbers import figures_of, level_figures, similar_levels
from geo_engine.outputs.report.territory import find_territory

LISTED = 10
"""Similar municipalities in the table of a municipality's sheet."""


def similar_section(basis: Basis) -> Section:
    """Write the comparison with similar territories.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    speech = basis.speech
    title = speech.say("sections.similar")
    pool = next((each for each in basis.comparators if each.key == "similar"), None)
    if pool is None or not basis.surveyed:
        text = speech.say("similar.none")
        return Section(key="similar", title=title, blocks=(Paragraph(text=text),))
    singles = _singles(basis)
    if basis.territory.kind in ("province", "region", "place"):
        key = "text_place" if basis.territory.kind == "place" else "text_levels"
        names = speech.names([each.name for each in singles], LISTED)
        text = speech.say(f"similar.{key}", names=names)
    else:
        count = len(similar_members(basis.run, basis.territory))
        text = speech.say("similar.text_pool", n=speech.number(count))
    blocks: list[Block] = [Paragraph(text=text)]
    if basis.present:
        blocks.append(_figure(basis, pool))
    blocks.append(_table(basis, singles, pool))
    return Section(key="similar", title=title, blocks=tuple(blocks))


def _singles(basis: Basis) -> list[Comparator]:
    """Give each similar territory by itself, where a sheet can name them."""
    run, territory = basis.run, basis.territory
    if territory.kind in ("province", "region"):
        codes = similar_levels(run, territory)
        column = "cod_prov" if territory.kind == "province" else "cod_reg"
        names = run.places.groupby(column)[territory.geography].first()
        return [
            Comparator(
                key=code,
                name=str(names[code]),
                figures=level_figures(run, territory.geography, code),
            )
            for code in codes
        ]
    if territory.kind != "place":
        return []
    return [
        Comparator(
            key=code,
            name=str(run.places.loc[code, "name"]),
            figures=figures_of(run, find_territory(run, f"comune:{code}")),
        )
        for code in similar_members(run, territory)[:LISTED]
    ]


def _point(figures: pd.DataFrame, chain: str, year: int) -> Point:
    """Give a share and its interval."""
    row = figures.loc[(chain, year)]
    return Point(
        value=float(row["share"]), low=float(row["share_low"]), high=float(row["share_high"])
    )


def _figure(basis: Basis, pool: Comparator) -> Figure:
    """Draw the territory, its comparators and the similar ones taken together."""
    speech = basis.speech
    others = [*(each for each in basis.comparators if each.key != "similar"), pool]
    names = [basis.territory.name, *(each.name for each in others)]
    rows = {
        speech.chain(chain): [
            _point(figures, chain, basis.year)
            for figures in (basis.figures, *(each.figures for each in others))
        ]
        for chain in basis.present
    }
    png, svg = draw_comparison(rows, names, speech)
    listed = "; ".join(
        f"{label}: "
        + ", ".join(
            f"{name} {speech.percent(point.value)}"
            for name, point in zip(names, points, strict=True)
        )
        for label, points in rows.items()
    )
    return Figure(
        key="similar",
        caption=speech.say("similar.figure", year=basis.year),
        source=basis.source,
        alt=speech.say("similar.alt", list=listed),
        png=png,
        svg=svg,
        width_cm=WIDTH_CM,
        height_cm=2.1 + 0.62 * len(rows),
    )


def _table(basis: Basis, singles: list[Comparator], pool: Comparator) -> Table:
    """Write the shares of the territory, of each similar one, and of all these together."""
    speech = basis.speech
    firms = basis.last["firms"].fillna(0)
    order = firms.sort_values(ascending=False, kind="stable").index[:6]
    chains = [str(chain) for chain in firms.index if chain in set(order)]
    lines = [
        (basis.territory.name, basis.figures),
        *((each.name, each.figures) for each in singles),
        (pool.name, pool.figures),
    ]
    rows, data = [], []
    for name, figures in lines:
        cells = [Cell(text=name)]
        for chain in chains:
            row = figures.loc[(chain, basis.year)]
            ends = float(row["share_low"]), float(row["share_high"])
            known = float(row["known"]) if math.isfinite(row["known"]) else 0.0
            status = str(row["share_status"])
            cells.append(speech.share_cell(float(row["share"]), ends, known, status))
        rows.append(tuple(cells))
        part = figures.xs(basis.year, level="year").reset_index()
        part.insert(0, "name", name)
        data.append(part)
    columns = [Column(label=speech.say("columns.territory"), numeric=False, width=1.7)]
    columns += [Column(label=speech.chain(chain)) for chain in chains]
    return Table(
        key="similar",
        caption=speech.say("similar.table", year=basis.year),
        columns=tuple(columns),
        rows=tuple(rows),
        data=pd.concat(data, ignore_index=True),
        strong_rows=frozenset({0, len(rows) - 1}),
    )
