"""Sections of a sheet: in which chains the territory is specialized, and in which phases."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from geo_engine.chains.membership import PHASES
from geo_engine.outputs.report.basis import Basis
from geo_engine.outputs.report.charts import Need, Point, draw_phases, draw_quotients
from geo_engine.outputs.report.content import Block, Cell, Column, Figure, Paragraph, Section, Table
from geo_engine.outputs.report.drawing import WIDTH_CM
from geo_engine.words import word


def chains_section(basis: Basis) -> Section:
    """Write specialization and composition by phase.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    blocks: list[Block] = []
    if basis.territory.kind != "country" and basis.present:
        blocks += [Paragraph(text=basis.speech.say("chains.text")), _quotients(basis)]
    blocks += phase_blocks(basis, basis.present)
    title = basis.speech.say("sections.chains")
    return Section(key="chains", title=title, blocks=tuple(blocks))


def _quotients(basis: Basis) -> Figure:
    """Draw quotients, and need by specialization."""
    speech = basis.speech
    needs = []
    for chain in basis.present:
        row = basis.last.loc[chain]
        ends = ("location_quotient", "location_quotient_low", "location_quotient_high")
        value, low, high = (float(row[end]) for end in ends)
        needs.append(
            Need(
                label=speech.chain(chain),
                quotient=Point(value=value, low=low, high=high),
                gap=float(row["share"]) - basis.reference_share(chain),
            )
        )
    where = basis.reference.name if basis.reference is not None and basis.surveyed else ""
    png, svg = draw_quotients(needs, speech, where)
    listed = "; ".join(f"{each.label} {speech.number(each.quotient.value, 2)}" for each in needs)
    return Figure(
        key="specialization",
        caption=speech.say("chains.quotient_figure", year=basis.year),
        source=basis.source,
        alt=speech.say("chains.quotient_alt", list=listed, where=where or "-"),
        png=png,
        svg=svg,
        width_cm=WIDTH_CM,
        height_cm=max(5.2, 2.0 + 0.62 * len(needs)),
    )


def phase_blocks(basis: Basis, chains: list[str]) -> list[Block]:
    """Write how chains divide among phases, as the sum of the municipalities.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    chains : list of str
        Which ones.

    Returns
    -------
    list of Block
        A figure and a table, or a sentence where phases are not known.
    """
    speech = basis.speech
    table = phase_counts(basis)
    shown = [chain for chain in chains if chain in table.index and table.loc[chain].sum() > 0]
    if not shown:
        return [Paragraph(text=speech.say("chains.phase_none"), role="note")]
    names = {phase: word(speech.language, "phases", phase) for phase in PHASES if phase in table}
    parts = {}
    for chain in shown:
        counts = table.loc[chain]
        parts[speech.chain(chain)] = {p: float(counts[p] / counts.sum()) for p in names}
    png, svg = draw_phases(parts, speech, names)
    listed = "; ".join(
        f"{label}: " + ", ".join(f"{names[p]} {speech.percent(v)}" for p, v in part.items())
        for label, part in parts.items()
    )
    figure = Figure(
        key="phases",
        caption=speech.say("chains.phase_figure", year=basis.year),
        source=basis.source,
        alt=speech.say("chains.phase_alt", list=listed),
        png=png,
        svg=svg,
        width_cm=WIDTH_CM,
        height_cm=1.9 + 0.62 * len(parts),
    )
    return [figure, _phase_table(basis, table, shown, names)]


def phase_counts(basis: Basis) -> pd.DataFrame:
    """Count the firms of each phase, summed over the municipalities.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    DataFrame
        Chains by phases, latest year; empty where the run has no phases.
    """
    phases = basis.run.phases
    mine = phases[phases["pro_com_t"].isin(list(basis.territory.members))]
    if mine.empty:
        return pd.DataFrame()
    return mine.pivot_table("firms", "chain", "phase", aggfunc="sum", observed=True).fillna(0.0)


def _phase_table(
    basis: Basis, table: pd.DataFrame, shown: list[str], names: dict[str, str]
) -> Table:
    """Write the counts behind the figure."""
    speech = basis.speech
    rows = []
    for chain in shown:
        counts = table.loc[chain]
        total = float(counts.sum())
        cells = [Cell(text=speech.chain(chain)), Cell(text=speech.count(total))]
        for phase in names:
            part = float(counts[phase]) / total if total else math.nan
            cells.append(Cell(text=speech.count(float(counts[phase])), small=speech.percent(part)))
        rows.append(tuple(cells))
    columns = [
        Column(label=speech.say("columns.chain"), numeric=False, width=2.0),
        Column(label=speech.say("columns.firms")),
        *(Column(label=name.capitalize()) for name in names.values()),
    ]
    return Table(
        key="phases",
        caption=speech.say("chains.phase_table", year=basis.year),
        columns=tuple(columns),
        rows=tuple(rows),
        data=table.loc[shown].reset_index().replace({np.nan: 0}),
    )
