"""Sections of a sheet: what changed over the years, and where a series cannot be followed."""

from __future__ import annotations

import math

import pandas as pd

from geo_engine.outputs.report.basis import Basis, Comparator
from geo_engine.outputs.report.charts import Line, Small, draw_trend
from geo_engine.outputs.report.content import (
    Block,
    Bullets,
    Cell,
    Column,
    Figure,
    Paragraph,
    Section,
    Table,
)
from geo_engine.outputs.report.drawing import WIDTH_CM
from geo_engine.outputs.report.numbers import share_change

MOST = 9
"""Small charts of a sheet; the largest chains come first."""


def trend_section(basis: Basis) -> Section:
    """Write the years.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    speech, years = basis.speech, sorted(basis.run.facts.years)
    title = speech.say("sections.trend")
    if len(years) < 2:
        text = speech.say("trend.one_year")
        return Section(key="trend", title=title, blocks=(Paragraph(text=text),))
    chains = _chains(basis)
    if not chains:
        text = speech.say("trend.no_firms")
        return Section(key="trend", title=title, blocks=(Paragraph(text=text),))
    blocks: list[Block] = [Paragraph(text=_text(basis)), _figure(basis, chains, years)]
    if basis.surveyed:
        blocks.append(_table(basis, years))
    noted = breaks_of(basis, [chain.key for chain in basis.run.facts.chains])
    if noted:
        items = tuple(_break_text(basis, each) for each in noted)
        blocks += [Paragraph(text=speech.say("trend.breaks"), role="head"), Bullets(items=items)]
    return Section(key="trend", title=title, blocks=tuple(blocks))


def breaks_of(basis: Basis, chains: list[str]) -> list[dict[str, object]]:
    """Give the breaks of the series that a sheet draws.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    chains : list of str
        Which ones.

    Returns
    -------
    list of dict
        chain, indicator, before, year, note, note_en; one of each chain and year.
    """
    wanted = ("share", "digital") if basis.surveyed else ("firms",)
    seen: dict[tuple[object, object], dict[str, object]] = {}
    for each in basis.run.manifest.get("series_breaks", []):
        if each["indicator"] in wanted and each["chain"] in chains:
            seen.setdefault((each["chain"], each["year"]), dict(each))
    return list(seen.values())


def _chains(basis: Basis) -> list[str]:
    """Choose the chains that are drawn, in the order of the study."""
    firms = basis.last["firms"].fillna(0)
    chosen = set(firms.sort_values(ascending=False, kind="stable").index[:MOST])
    return [chain for chain in basis.present if chain in chosen]


def _text(basis: Basis) -> str:
    """Say what the lines are."""
    speech = basis.speech
    other = _beside(basis)
    if not basis.surveyed:
        said = speech.say("trend.text_firms")
    elif other is None:
        said = speech.say("trend.text_alone")
    else:
        said = speech.say("trend.text", where=other.name)
    broken = breaks_of(basis, [chain.key for chain in basis.run.facts.chains])
    return f"{said} {speech.say('trend.text_break')}" if broken else said


def _beside(basis: Basis) -> Comparator | None:
    """Give the dashed line: the reference."""
    return basis.reference


def _figure(basis: Basis, chains: list[str], years: list[int]) -> Figure:
    """Draw one small chart a chain."""
    speech = basis.speech
    measure = "share" if basis.surveyed else "firms"
    other = _beside(basis) if basis.surveyed else None
    charts, listed = [], []
    for chain in chains:
        own = basis.figures.loc[chain]
        ends = [tuple(own[f"share_{end}"].astype(float)) for end in ("low", "high")]
        lines = [
            Line(
                label=basis.territory.name,
                values=tuple(own[measure].astype(float)),
                low=ends[0] if basis.surveyed else (),
                high=ends[1] if basis.surveyed else (),
            )
        ]
        if other is not None:
            theirs = tuple(other.figures.loc[chain][measure].astype(float))
            lines.append(Line(label=other.name, values=theirs))
        breaks = tuple(
            (int(str(each["before"])), int(str(each["year"]))) for each in breaks_of(basis, [chain])
        )
        charts.append(Small(label=speech.chain(chain), lines=tuple(lines), breaks=breaks))
        write = speech.percent if basis.surveyed else speech.count
        first, last = (write(float(own[measure].iloc[at])) for at in (0, -1))
        listed.append(
            speech.say("trend.alt_item", chain=speech.chain(chain), first=first, last=last)
        )
    png, svg = draw_trend(charts, years, speech, share=basis.surveyed)
    key = "trend.figure" if basis.surveyed else "trend.figure_firms"
    return Figure(
        key="trend",
        caption=speech.say(key, first=years[0], last=years[-1]),
        source=basis.source,
        alt=speech.say("trend.alt", list="; ".join(listed)),
        png=png,
        svg=svg,
        width_cm=WIDTH_CM,
        height_cm=1.0 + 3.9 * math.ceil(len(charts) / 3),
    )


def _table(basis: Basis, years: list[int]) -> Table:
    """Write first and last share, the change, and the reference's change."""
    speech, other = basis.speech, _beside(basis)
    rows, data = [], []
    for chain in basis.run.facts.chains:
        change = share_change(basis.run, basis.figures, chain.key)
        cells = [
            Cell(text=speech.chain(chain.key)),
            Cell(text=speech.percent(change["first"])),
            Cell(text=speech.percent(change["last"])),
            speech.points_cell(change["change"], change["low"], change["high"]),
        ]
        entry = {"chain": chain.key, **change}
        if other is not None:
            theirs = share_change(basis.run, other.figures, chain.key)
            cells.append(Cell(text=speech.points(theirs["change"])))
            entry["reference_change"] = theirs["change"]
        rows.append(tuple(cells))
        data.append(entry)
    ends = {"first": years[0], "last": years[-1]}
    columns = [
        Column(label=speech.say("columns.chain"), numeric=False, width=2.0),
        Column(label=str(years[0])),
        Column(label=str(years[-1])),
        Column(label=speech.say("columns.change", **ends), width=2.0),
    ]
    if other is not None:
        columns.append(Column(label=other.name))
    return Table(
        key="trend",
        caption=speech.say("trend.table", **ends),
        columns=tuple(columns),
        rows=tuple(rows),
        data=pd.DataFrame(data),
        note=speech.say("trend.note"),
    )


def _break_text(basis: Basis, each: dict[str, object]) -> str:
    """Say where and why a series breaks."""
    note = each.get("note_en" if basis.speech.language == "en" else "note") or ""
    return basis.speech.say(
        "trend.break_item",
        chain=basis.speech.chain(str(each["chain"])),
        before=each["before"],
        year=each["year"],
        note=note,
    ).rstrip(": ")
