"""The report of a supply chain: universe, phases, territories, hotspots, trend, drivers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from geo_engine.errors import StudyError
from geo_engine.outputs.report.basis import prepare
from geo_engine.outputs.report.chain_places import (
    ChainBasis,
    areas_section,
    drivers_section,
    hotspots_of,
    territories_section,
    trend_section,
)
from geo_engine.outputs.report.content import (
    Block,
    Cell,
    Column,
    KeyFigure,
    KeyFigures,
    Paragraph,
    Report,
    Section,
    Table,
    numbered,
)
from geo_engine.outputs.report.notes import notes_section
from geo_engine.outputs.report.numbers import share_change
from geo_engine.outputs.report.sheet import check_sections, frame_report
from geo_engine.outputs.report.specialties import phase_blocks
from geo_engine.outputs.report.territory import whole_territory
from geo_engine.outputs.report.territory_maps import value_map
from geo_engine.run_folder import RunFolder


def universe_section(subject: ChainBasis) -> Section:
    """Write how many firms the chain has, and of how many the signal is known.

    Parameters
    ----------
    subject : ChainBasis
        The chain.

    Returns
    -------
    Section
    """
    basis, speech, row = subject.basis, subject.basis.speech, subject.row
    words = {
        "chain": speech.chain(subject.chain),
        "year": basis.year,
        "firms": speech.count(float(row["firms"])),
        "coverage": basis.speech.coverage,
    }
    if basis.surveyed and math.isfinite(row["share"]):
        words |= {
            "known": speech.count(float(row["known"])),
            "digital": speech.count(float(row["digital"])),
            "share": speech.percent(row["share"]),
            "low": speech.bare(row["share_low"]),
            "high": speech.bare(row["share_high"]),
        }
        text = speech.say("chain.universe", **words)
    else:
        text = speech.say("chain.universe_no_signal", **words)
    blocks: list[Block] = [KeyFigures(figures=tuple(_key_figures(subject)))]
    blocks += [Paragraph(text=text, role="lead"), *_concentration(subject)]
    blocks += [value_map(basis, subject.chain), _years_table(subject)]
    title = speech.say("sections.universe")
    return Section(key="universe", title=title, blocks=tuple(blocks))


def _key_figures(subject: ChainBasis) -> list[KeyFigure]:
    """Give the figures at the top."""
    basis, speech, row = subject.basis, subject.basis.speech, subject.row
    label = speech.chain(subject.chain)
    figures = [
        KeyFigure(
            value=speech.count(float(row["firms"])),
            label=speech.say("chain.label_firms", chain=label, year=basis.year),
        )
    ]
    if not basis.surveyed:
        return figures
    ends = {end: speech.bare(row[f"share_{end}"]) for end in ("low", "high")}
    change = share_change(basis.run, basis.figures, subject.chain)
    years = sorted(basis.run.facts.years)
    figures.append(
        KeyFigure(
            value=speech.percent(row["share"]),
            label=speech.say("summary.label_share", chain=label),
            note=speech.say("summary.note_ci", **ends),
        )
    )
    bounds = {end: speech.points(change[end]) for end in ("low", "high")}
    known = math.isfinite(change["change"])
    figures.append(
        KeyFigure(
            value=speech.points(change["change"]),
            label=speech.say("summary.label_change", chain=label, first=years[0], last=years[-1]),
            note=speech.say(
                "summary.note_change" if known else "summary.note_change_none", **bounds
            ),
        )
    )
    count = len(hotspots_of(subject))
    figures.append(
        KeyFigure(
            value=speech.number(count),
            label=speech.say("chain.label_areas", year=basis.year),
        )
    )
    return figures


def _concentration(subject: ChainBasis) -> list[Block]:
    """Say how concentrated the chain is."""
    basis, speech = subject.basis, subject.basis.speech
    rows = [
        each
        for each in basis.run.manifest.get("concentration", [])
        if each["chain"] == subject.chain and each["year"] == basis.year
    ]
    if not rows or rows[0].get("gini") is None:
        return []
    one = rows[0]
    text = speech.say(
        "chain.concentration",
        gini=speech.number(float(one["gini"]), 2),
        effective=speech.number(float(one["effective_places"])),
        between=speech.percent(float(one.get("between_share") or 0.0)),
    )
    return [Paragraph(text=text)]


def _years_table(subject: ChainBasis) -> Table:
    """Write the chain year by year."""
    basis, speech = subject.basis, subject.basis.speech
    own = basis.figures.loc[subject.chain]
    rows = []
    for year, row in own.iterrows():
        cells = [Cell(text=str(year)), Cell(text=speech.count(float(row["firms"])))]
        if basis.surveyed:
            ends = float(row["share_low"]), float(row["share_high"])
            cells += [
                Cell(text=speech.count(float(row["known"]))),
                Cell(text=speech.count(float(row["digital"]))),
                speech.share_cell(
                    float(row["share"]), ends, float(row["known"]), str(row["share_status"])
                ),
            ]
        rows.append(tuple(cells))
    heads = ("year", "firms", "known", "digital", "share") if basis.surveyed else ("year", "firms")
    return Table(
        key="years",
        caption=speech.say("chain.universe_table"),
        columns=tuple(Column(label=speech.say(f"columns.{head}")) for head in heads),
        rows=tuple(rows),
        data=own.reset_index(),
    )


def phases_section(subject: ChainBasis) -> Section:
    """Write how the chain divides among its phases.

    Parameters
    ----------
    subject : ChainBasis
        The chain.

    Returns
    -------
    Section
    """
    speech = subject.basis.speech
    blocks = [
        Paragraph(text=speech.say("chain.phase_text")),
        *phase_blocks(subject.basis, [subject.chain]),
    ]
    return Section(key="phases", title=speech.say("sections.phases"), blocks=tuple(blocks))


def _notes(subject: ChainBasis) -> Section:
    """Write quality and method."""
    return notes_section(subject.basis)


CHAIN_SECTIONS: Mapping[str, Callable[[ChainBasis], Section]] = {
    "universe": universe_section,
    "phases": phases_section,
    "territories": territories_section,
    "areas": areas_section,
    "trend": trend_section,
    "drivers": drivers_section,
    "notes": _notes,
}
"""Sections in order; the names are those of ``--sections``."""


def build_chain_report(
    run: RunFolder, chain: str, *, language: str = "it", sections: Sequence[str] = ()
) -> Report:
    """Build the report of a chain over all that the run covers.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    chain : str
        Key of a chain of the study.
    language : str
        ``it`` or ``en``.
    sections : sequence of str
        Names of ``CHAIN_SECTIONS``; all where empty.

    Returns
    -------
    Report
        Numbered.

    Raises
    ------
    StudyError
        ``UNKNOWN_CHAIN``, ``UNKNOWN_SECTION``.
    """
    check_sections(sections, CHAIN_SECTIONS)
    keys = [each.key for each in run.facts.chains]
    if chain not in keys:
        raise StudyError(
            "UNKNOWN_CHAIN", f"This run has no chain «{chain}»; it has {', '.join(keys)}."
        )
    basis = prepare(run, whole_territory(run), language, "national")
    subject = ChainBasis(chain=chain, basis=basis)
    speech = basis.speech
    report = frame_report(
        basis,
        slug=f"filiera-{chain.replace('_', '-')}",
        title=speech.say("titles.chain", chain=speech.chain(chain)),
        kind=basis.speech.coverage,
    )
    wanted = [name for name in CHAIN_SECTIONS if not sections or name in sections]
    made = tuple(CHAIN_SECTIONS[name](subject) for name in wanted)
    return numbered(dataclasses.replace(report, sections=made))
