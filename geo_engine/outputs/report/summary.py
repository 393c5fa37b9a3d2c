"""Sections of a sheet: the five figures, what they say, and one map."""

from __future__ import annotations

import math

import pandas as pd

from geo_engine.outputs.report.basis import Basis, Comparator
from geo_engine.outputs.report.content import (
    Block,
    Cell,
    Column,
    KeyFigure,
    KeyFigures,
    Paragraph,
    Section,
    Table,
)
from geo_engine.outputs.report.numbers import share_change
from geo_engine.outputs.report.speech import sentences, tone_of
from geo_engine.outputs.report.territory_maps import value_map

COMPARED = ("province", "region", "country")


def summary_section(basis: Basis) -> Section:
    """Write the first section.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    blocks: list[Block] = [KeyFigures(figures=tuple(_figures(basis))), _lead(basis)]
    if "shown" in basis.figures:
        blocks.append(Paragraph(text=basis.speech.say("summary.lead_sum"), role="note"))
    if not basis.surveyed:
        blocks.append(Paragraph(text=basis.speech.say("summary.not_surveyed"), role="note"))
    blocks += [value_map(basis, basis.focus), chains_table(basis)]
    return Section(key="summary", title=basis.speech.say("sections.summary"), blocks=tuple(blocks))


def _figures(basis: Basis) -> list[KeyFigure]:
    """Give the five figures; without a signal three."""
    speech, last = basis.speech, basis.last
    largest = last.loc[basis.largest]
    figures = [
        KeyFigure(
            value=speech.count(float(largest["firms"])),
            label=speech.say("summary.label_largest", chain=speech.chain(basis.largest)),
            note=speech.say("summary.note_largest", n=speech.number(_density(basis), 2)),
        )
    ]
    if basis.territory.kind == "country" or not basis.specialized:
        figures.append(_places_figure(basis))
    else:
        figures.append(_specialized_figure(basis))
    if basis.surveyed:
        figures.append(_share_figure(basis))
        if len(basis.run.facts.years) > 1:
            figures.append(_change_figure(basis))
        figures.append(_areas_figure(basis))
    return figures


def _places_figure(basis: Basis) -> KeyFigure:
    """Give the municipalities and their residents."""
    speech, count = basis.speech, len(basis.territory.members)
    residents = basis.run.places["population"].reindex(list(basis.territory.members)).sum()
    return KeyFigure(
        value=speech.number(count),
        label=speech.places(count).partition(" ")[2],
        note=speech.say("summary.note_residents", n=speech.number(float(residents))),
    )


def _density(basis: Basis) -> float:
    """Give the firms of the largest chain per 1,000 residents."""
    members = list(basis.territory.members)
    residents = float(basis.run.places["population"].reindex(members).sum())
    return 1000 * float(basis.last.loc[basis.largest, "firms"]) / residents if residents else 0.0


def _specialized_figure(basis: Basis) -> KeyFigure:
    """Give the quotient of the specialization."""
    speech, row = basis.speech, basis.last.loc[basis.specialized]
    ends = (
        speech.number(row["location_quotient_low"], 2),
        speech.number(row["location_quotient_high"], 2),
    )
    return KeyFigure(
        value=speech.number(row["location_quotient"], 2),
        label=speech.say("summary.label_specialized", chain=speech.chain(basis.specialized)),
        note=speech.say("summary.note_ci", low=ends[0], high=ends[1]),
    )


def _share_figure(basis: Basis) -> KeyFigure:
    """Give the share of the focus chain and the reference's."""
    speech, row = basis.speech, basis.last.loc[basis.focus]
    label = speech.say("summary.label_share", chain=speech.chain(basis.focus))
    if not math.isfinite(row["share"]):
        return KeyFigure(
            value=speech.say("marks.missing"), label=label, note=speech.say("summary.no_share")
        )
    other = basis.reference_share(basis.focus)
    ends = {"low": speech.bare(row["share_low"]), "high": speech.bare(row["share_high"])}
    note = speech.say("summary.note_ci", **ends)
    if basis.reference is not None and math.isfinite(other):
        against = f"{basis.reference.name} {speech.percent(other)}"
        note = speech.say("summary.note_share", against=against, **ends)
    return KeyFigure(value=speech.percent(row["share"]), label=label, note=note)


def _change_figure(basis: Basis) -> KeyFigure:
    """Give the change of the focus chain's share."""
    speech, years = basis.speech, sorted(basis.run.facts.years)
    change = share_change(basis.run, basis.figures, basis.focus)
    label = speech.say(
        "summary.label_change", chain=speech.chain(basis.focus), first=years[0], last=years[-1]
    )
    if not math.isfinite(change["change"]):
        note = speech.say("summary.note_change_none")
        return KeyFigure(value=speech.say("marks.missing"), label=label, note=note)
    ends = {end: speech.points(change[end]) for end in ("low", "high")}
    note = speech.say("summary.note_change", **ends)
    return KeyFigure(value=speech.points(change["change"]), label=label, note=note)


def _areas_figure(basis: Basis) -> KeyFigure:
    """Give how many hotspots touch the territory."""
    count = len(basis.hotspots)
    key = "summary.label_areas_one" if count == 1 else "summary.label_areas"
    names = [
        f"{row.name_} ({basis.speech.chain(row.chain)})"
        for row in basis.hotspots.rename(columns={"name": "name_"}).itertuples()
    ]
    return KeyFigure(
        value=basis.speech.number(count),
        label=basis.speech.say(key, year=basis.year),
        note=basis.speech.names(names, 2) if names else "",
    )


def _lead(basis: Basis) -> Paragraph:
    """Say the figures in sentences."""
    speech, territory = basis.speech, basis.territory
    residents = float(basis.run.places["population"].reindex(list(territory.members)).sum())
    key = "summary.lead_place" if territory.kind == "place" else "summary.lead"
    if not basis.present:
        key = "summary.lead_none"
    said = [
        speech.say(
            key,
            name=territory.name,
            places=speech.places(len(territory.members)),
            residents=speech.number(residents),
            largest=speech.chain(basis.largest),
            firms=speech.count(float(basis.last.loc[basis.largest, "firms"])),
        ),
        _specialized_sentence(basis),
        _share_sentence(basis),
    ]
    return Paragraph(text=sentences(said), role="lead")


def _specialized_sentence(basis: Basis) -> str:
    """Say in which chain the territory is specialized."""
    speech = basis.speech
    if basis.territory.kind == "country":
        return ""
    if not basis.specialized:
        return speech.say("summary.lead_no_specialized")
    row = basis.last.loc[basis.specialized]
    ends = ("location_quotient_low", "location_quotient_high")
    low, high = (speech.number(row[end], 2) for end in ends)
    return speech.say(
        "summary.lead_specialized",
        chain=speech.chain(basis.specialized),
        quotient=speech.number(row["location_quotient"], 2),
        low=low,
        high=high,
    )


def _share_sentence(basis: Basis) -> str:
    """Say how the share of the focus chain compares with the reference."""
    row, speech = basis.last.loc[basis.focus], basis.speech
    if not basis.surveyed or not math.isfinite(row["share"]):
        return ""
    other = basis.reference_share(basis.focus)
    words = {
        "chain": speech.chain(basis.focus),
        "share": speech.percent(row["share"]),
        "low": speech.bare(row["share_low"]),
        "high": speech.bare(row["share_high"]),
    }
    if basis.reference is None or not math.isfinite(other):
        return speech.say("summary.lead_share_only", **words)
    tone = tone_of(row["share_low"], row["share_high"], other)
    key = {"high": "above", "low": "below", "": "same"}[tone]
    words |= {"where": basis.reference.name, "other": speech.percent(other)}
    return speech.say(f"summary.lead_share_{key}", **words)


def chains_table(basis: Basis) -> Table:
    """Give one row a chain: firms, share, quotient, terms of comparison, change.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Table
        Its data hold all years.
    """
    speech, years = basis.speech, sorted(basis.run.facts.years)
    others = [each for each in basis.comparators if each.key in COMPARED and basis.surveyed]
    columns = [
        Column(label=speech.say("columns.chain"), numeric=False, width=2.2),
        Column(label=speech.say("columns.firms")),
    ]
    if basis.surveyed:
        columns.append(Column(label=speech.say("columns.share"), width=1.5))
        columns += [Column(label=each.name) for each in others]
    if basis.territory.kind != "country":
        columns.append(Column(label=speech.say("columns.quotient"), width=1.3))
    if basis.surveyed and len(years) > 1:
        ends = {"first": years[0], "last": years[-1]}
        columns.append(Column(label=speech.say("columns.change", **ends), width=1.7))
    note = "summary.table_note" if basis.surveyed else "summary.table_note_no_signal"
    key = "summary.table" if basis.surveyed else "summary.table_no_signal"
    return Table(
        key="chains",
        caption=speech.say(key, year=basis.year),
        columns=tuple(columns),
        rows=tuple(_chain_row(basis, chain.key, others) for chain in basis.run.facts.chains),
        data=_chains_data(basis),
        note=speech.say(note),
    )


def _chain_row(basis: Basis, chain: str, others: list[Comparator]) -> tuple[Cell, ...]:
    """Write the row of a chain."""
    speech, row = basis.speech, basis.last.loc[chain]
    firms = float(row["firms"])
    cells = [Cell(text=speech.chain(chain)), Cell(text=speech.count(firms))]
    if basis.surveyed:
        ends = float(row["share_low"]), float(row["share_high"])
        known, status = float(row["known"]), str(row["share_status"])
        against = basis.reference_share(chain)
        cells.append(speech.share_cell(float(row["share"]), ends, known, status, against))
        for each in others:
            share = float(each.figures.loc[(chain, basis.year), "share"])
            cells.append(Cell(text=speech.percent(share)))
    if basis.territory.kind != "country":
        ends = float(row["location_quotient_low"]), float(row["location_quotient_high"])
        cells.append(speech.ratio_cell(float(row["location_quotient"]), ends))
    if basis.surveyed and len(basis.run.facts.years) > 1:
        change = share_change(basis.run, basis.figures, chain)
        cells.append(speech.points_cell(change["change"], change["low"], change["high"]))
    return tuple(cells)


def _chains_data(basis: Basis) -> pd.DataFrame:
    """Give the figures of all chains and years as numbers."""
    table = basis.figures.reset_index()
    labels = [basis.speech.chain(chain) for chain in table["chain"]]
    table.insert(1, "chain_label", labels)
    return table
