"""Sections of a report: quality of the data, method in half a page, sources, glossary."""

from __future__ import annotations

import pandas as pd

from geo_engine.outputs.fields import clean_text
from geo_engine.outputs.report.basis import Basis
from geo_engine.outputs.report.content import (
    Block,
    Bullets,
    Cell,
    Column,
    Paragraph,
    Section,
    Table,
    Terms,
)

GLOSSARY = ("chain", "share", "eb", "ci", "lq", "area", "q", "phase")
OF_SIGNAL = ("share", "eb", "area", "q")


def notes_section(basis: Basis) -> Section:
    """Write quality, method, sources and glossary.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    speech, facts = basis.speech, basis.run.facts
    method = [speech.say("notes.m1", perimeter=_perimeter(basis))]
    if basis.surveyed:
        method += [speech.say("notes.m2"), speech.say("notes.m3"), _privacy(basis)]
    else:
        method.append(speech.say("notes.m3_no_signal"))
    if facts.unit == "impresa":
        method.append(speech.say("notes.distinct"))
    words = {"population": facts.population_year, "seed": facts.seed}
    method.append(speech.say("notes.m5", **words))
    keys = [key for key in GLOSSARY if basis.surveyed or key not in OF_SIGNAL]
    terms = tuple((speech.say(f"notes.g_{key}"), speech.say(f"notes.g_{key}_text")) for key in keys)
    blocks: list[Block] = [
        _quality_table(basis),
        Paragraph(text=speech.say("notes.method"), role="head"),
        Bullets(items=tuple(method)),
        Paragraph(text=speech.say("notes.sources"), role="head"),
        Bullets(items=tuple(clean_text(note) for note in facts.source_notes if note)),
        Paragraph(text=speech.say("notes.glossary"), role="head"),
        Terms(terms=terms),
    ]
    return Section(key="notes", title=speech.say("sections.notes"), blocks=tuple(blocks))


def _perimeter(basis: Basis) -> str:
    """Name the version of the chains in the language."""
    facts = basis.run.facts
    return (facts.perimeter_en if basis.speech.language == "en" else "") or facts.perimeter


def _privacy(basis: Basis) -> str:
    """Say what the public version hides."""
    if basis.run.manifest["audience"] == "internal":
        return basis.speech.say("notes.m4_internal")
    return basis.speech.say("notes.m4", banner=notice(basis))


def notice(basis: Basis) -> str:
    """Give the notice that a public run shows on every artefact, "" without one.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    str
        In the language of the sheet.
    """
    manifest = basis.run.manifest
    english = basis.speech.language == "en"
    return clean_text(manifest.get("banner_en" if english else "banner") or "")


def _quality_table(basis: Basis) -> Table:
    """Count records of the whole run, and what is known of the territory."""
    speech, account = basis.speech, basis.run.manifest["account"]
    lines = [
        (speech.say(f"notes.{name}"), float(account[name]), speech.number(float(account[name])))
        for name in ("rows", "placed", "quarantined", "in_chains")
    ]
    if basis.surveyed:
        lines += _signal_lines(basis)
    return Table(
        key="quality",
        caption=speech.say("notes.quality_table"),
        columns=(
            Column(label=speech.say("columns.item"), numeric=False, width=3.5),
            Column(label=speech.say("columns.value")),
        ),
        rows=tuple((Cell(text=label), Cell(text=text)) for label, _, text in lines),
        data=pd.DataFrame([(label, value) for label, value, _ in lines], columns=["item", "value"]),
    )


def _signal_lines(basis: Basis) -> list[tuple[str, float, str]]:
    """Count known signals and withheld shares here, and withheld cells of the whole run."""
    speech = basis.speech
    panel = basis.run.panel.sel(place=list(basis.territory.members), year=basis.year)
    firms, known = float(panel["firms"].sum()), float(panel["known"].sum())
    part = known / firms if firms else float("nan")
    hidden = float((panel["share_status"] == "suppressed").sum())
    whole = float(basis.run.manifest["stages"]["suppressed_cells"])
    return [
        (speech.say("notes.coverage", year=basis.year), part, speech.percent(part)),
        (speech.say("notes.withheld", year=basis.year), hidden, speech.number(hidden)),
        (speech.say("notes.suppressed"), whole, speech.number(whole)),
    ]
