"""``geo-engine report DIR``: territorial sheets and reports of a chain from a finished run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from geo_engine.cli.console import err, out
from geo_engine.errors import StudyError
from geo_engine.outputs.report.chain_report import CHAIN_SECTIONS, build_chain_report
from geo_engine.outputs.report.content import Report
from geo_engine.outputs.report.files import FORMATS, Written, write_report
from geo_engine.outputs.report.sheet import SECTIONS, build_sheet, check_sections
from geo_engine.outputs.report.territory import (
    Territory,
    each_of,
    find_territory,
    read_union,
    whole_territory,
)
from geo_engine.run_folder import RunFolder, open_run
from geo_engine.words import LANGUAGES

WORKERS = 2
"""Processes for many sheets; one needs about 400 MB."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asks for."""

    run: Path
    out: Path
    territory: str = ""
    territories: Path | None = None
    each: str = ""
    chain: str = ""
    name: str = ""
    formats: tuple[str, ...] = ("html", "pdf")
    sections: tuple[str, ...] = ()
    language: str = "it"
    classes: str = "national"
    template: Path | None = None


def write_reports(asked: Asked) -> None:
    """Write what was asked for and say where it is.

    Parameters
    ----------
    asked : Asked
        Options of the command.

    Raises
    ------
    StudyError
        For options that do not go together, or that name what does not exist.
    """
    _check(asked)
    run = open_run(asked.run)
    if asked.chain:
        _tell(
            _write(
                build_chain_report(
                    run, asked.chain, language=asked.language, sections=asked.sections
                ),
                asked,
            )
        )
        return
    if asked.each:
        _write_each(run, asked)
        return
    if asked.territories is not None:
        territory = read_union(run, asked.territories, asked.name)
    elif asked.territory:
        territory = find_territory(run, asked.territory)
    else:
        territory = whole_territory(run)
    _tell(_write(_sheet(run, territory, asked), asked))


def split(text: str) -> tuple[str, ...]:
    """Split an option of several words.

    Parameters
    ----------
    text : str
        ``pdf,docx``.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> split("pdf, DOCX,")
    ('pdf', 'docx')
    """
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _check(asked: Asked) -> None:
    """Refuse options that cannot be carried out before anything is read."""
    given = [bool(asked.territory), bool(asked.territories), bool(asked.each), bool(asked.chain)]
    if sum(given) > 1:
        raise StudyError(
            "REPORT_OPTIONS",
            "Give one of --territory, --territories, --each and --chain; the first three ask for "
            "sheets of territories, the last for the report of a chain.",
        )
    for option, values, known in (
        ("--format", asked.formats, FORMATS),
        ("--lang", (asked.language,), LANGUAGES),
        ("--classes", (asked.classes,), ("national", "local")),
    ):
        wrong = [value for value in values if value not in known]
        if wrong or not values:
            raise StudyError(
                "REPORT_OPTIONS",
                f"{option} takes {', '.join(known)}, not {', '.join(wrong) or 'nothing'}.",
            )
    check_sections(asked.sections, CHAIN_SECTIONS if asked.chain else SECTIONS)
    if asked.template is not None and "docx" not in asked.formats:
        raise StudyError("REPORT_OPTIONS", "--template is for DOCX: add it to --format.")


def _sheet(run: RunFolder, territory: Territory, asked: Asked) -> Report:
    """Build a sheet with the options of the command."""
    return build_sheet(
        run,
        territory,
        language=asked.language,
        sections=asked.sections,
        classes=asked.classes,
    )


def _write(report: Report, asked: Asked) -> Written:
    """Write a report into its folder."""
    return write_report(report, asked.out / report.slug, asked.formats, asked.template)


def _tell(written: Written) -> None:
    """Print where a report is."""
    for note in written.notes:
        err.print(note, style="yellow", markup=False)
    documents = [name for name in written.files if not name.startswith(("figure-", "table-"))]
    out.print("Rapporto:")
    for name in documents:
        out.print(f"  {written.folder / name}", markup=False)
    beside = len(written.files) - len(documents)
    out.print(f"  e accanto {beside} file di figure (PNG, SVG) e tabelle (CSV)", markup=False)


_shared: dict[str, tuple[RunFolder, Asked]] = {}
"""The run that forked processes read; filled before they start."""


def _write_one(territory: Territory) -> tuple[str, tuple[str, ...]]:
    """Write one of many sheets."""
    run, asked = _shared["job"]
    written = _write(_sheet(run, territory, asked), asked)
    return territory.name, written.notes


def _write_each(run: RunFolder, asked: Asked) -> None:
    """Write the sheets of all territories of a kind."""
    territories = each_of(run, asked.each)
    _prepare(run)
    _shared["job"] = (run, asked)
    notes: set[str] = set()
    try:
        with _bar(len(territories)) as advance:
            for name, said in _results(territories):
                advance(name)
                notes.update(said)
    finally:
        _shared.clear()
    for note in sorted(notes):
        err.print(note, style="yellow", markup=False)
    out.print(f"{len(territories)} schede in {asked.out}", markup=False)


def _prepare(run: RunFolder) -> None:
    """Read once what all sheets need, before processes are forked."""
    for name in (
        "outlines",
        "level_tables",
        "members",
        "similar",
        "benchmarks",
        "phases",
        "priorities",
    ):
        getattr(run, name)


def _results(territories: Sequence[Territory]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Write sheets in several processes where the system can fork, in order."""
    workers = min(WORKERS, os.cpu_count() or 1, len(territories))
    if workers < 2 or not hasattr(os, "fork"):
        yield from map(_write_one, territories)
        return
    with get_context("fork").Pool(workers) as pool:
        yield from pool.imap(_write_one, territories)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[str], None]]:
    """Show how many sheets are done."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("Schede", total=total)
        done = 0

        def advance(name: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, advance=1, description=f"Schede: {name}")
            if bar.disable and (done % 10 == 0 or done == total):
                err.print(f"{done} di {total} schede", markup=False)

        yield advance
