"""``geo-engine check STUDY``: reads and places, writes only its data-quality report."""

from __future__ import annotations

import math
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from geo_engine.cli.check_findings import advise, collect_examples, gather
from geo_engine.cli.console import StageBar, number, out
from geo_engine.intake import refuse_unusable, take_in
from geo_engine.outputs.quality_report.assembly import assemble
from geo_engine.outputs.quality_report.page import (
    Cell,
    QualityReport,
    Section,
    Share,
    write_quality_examples,
    write_quality_items,
    write_quality_page,
)
from geo_engine.plan import resolve
from geo_engine.storage import deliver
from geo_engine.study import read_study

PRINTED = frozenset(
    [
        "quarantined",
        "placed_by",
        "flag",
        "columns",
        "tax_codes",
        "duplicates",
        "ateco_edition",
        "year",
        "coordinates",
        "unresolved_name",
    ]
)
"""Sections that the terminal shows too; the page has all."""
LEAST = 0.001
"""Smallest share that is written in figures."""
_LINES = 30
"""Lines of a section on the terminal."""
_WIDE = ("Che cosa significa", "Uso")
"""Columns that the terminal has no room for."""


def check_study(path: Path, out_folder: Path, data_root: Path | None) -> None:
    """Print and write the quality of a study's data.

    Parameters
    ----------
    path : Path
        Study file.
    out_folder : Path
        Folder for ``quality.html``, ``quality.csv`` and ``quality_examples.csv``.
    data_root : Path, optional
        Folder of the data; the study's own by default.
    """
    study = read_study(path)
    root = data_root or path.parent
    with StageBar() as bar:
        bar.stage("Confini e vicinati")
        plan = resolve(study, root)
        bar.stage("Lettura e localizzazione")
        intake = take_in(plan, root, report=bar.advance, keep=lambda _: None, lenient=True)
        bar.stage("Rapporto")
        found = gather(plan, intake, root)
        advice = advise(intake, study, root)
        report = assemble(study, found, advice, collect_examples(intake, study, root))
        written = _write(report, out_folder)
    _print_report(report)
    for file in written:
        out.print(f"Rapporto: {file}", markup=False)
    refuse_unusable(intake, 1.0)


def _write(report: QualityReport, folder: Path) -> list[Path]:
    """Write the three files, all or none."""
    writers = {
        "quality.html": write_quality_page,
        "quality.csv": write_quality_items,
        "quality_examples.csv": write_quality_examples,
    }
    with deliver(folder) as delivery:
        for name, write in writers.items():
            write(report, delivery.path(name))
        return list(delivery.commit().values())


def _print_report(report: QualityReport) -> None:
    """Print what stands on top, the warnings and the main sections."""
    simulated = " – DATI SIMULATI" if report.is_simulated else ""
    out.print(f"Qualità dei dati: {report.title}{simulated}", markup=False, style="bold")
    for label, value in report.facts:
        out.print(f"{label}: {value}", markup=False)
    out.print(", ".join(f"{number(rows)} {label}" for label, rows in report.figures), markup=False)
    for section in report.sections:
        if section.key == "files":
            _print_files(section)
    for message in report.messages:
        out.print(f"! {message}", markup=False, style="yellow")
    for section in report.sections:
        if section.key in PRINTED:
            out.print(_table(section))


def _print_files(section: Section) -> None:
    """Print how each file is written, a line each."""
    for name, *facts in section.rows:
        told = [
            f"{header.lower()} {_shown(fact)}"
            for header, fact in zip(section.headers[1:], facts, strict=True)
            if fact != ""
        ]
        out.print(_visible(f"{name}: {', '.join(told)}"), markup=False)


def _table(section: Section) -> Table:
    """Draw one section for the terminal."""
    kept = [i for i, header in enumerate(section.headers) if header not in _WIDE]
    left = len(section.rows) - _LINES
    table = Table(
        title=_plain(section.title),
        title_justify="left",
        caption=f"… e altre {left} righe nel rapporto" if left > 0 else None,
        caption_justify="left",
    )
    for i in kept:
        is_text = all(isinstance(row[i], str) for row in section.rows)
        table.add_column(
            _plain(section.headers[i]), justify="left" if is_text else "right", overflow="fold"
        )
    for row in section.rows[:_LINES]:
        table.add_row(*(_plain(_shown(row[i])) for i in kept))
    return table


def _plain(text: str) -> str:
    """Keep text from being taken for the terminal's own marks."""
    return escape(_visible(text))


def _visible(text: str) -> str:
    """Keep text from commanding the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _shown(cell: Cell) -> str:
    """Write one cell as Italians do."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Share):
        return _percent(cell.value)
    if isinstance(cell, int):
        return number(cell)
    return "–" if math.isnan(cell) else f"{cell:.2f}".replace(".", ",")


def _percent(share: float) -> str:
    """Write a share; a small one is never shown as nothing."""
    if math.isnan(share):
        return "–"
    if 0 < share < LEAST:
        return "<0,1 %"
    return f"{100 * share:.1f} %".replace(".", ",")
