"""``geo-engine boundaries list``, ``info``, ``fetch`` and ``import``."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from geo_engine.cli.console import err, number, out
from geo_engine.errors import StudyError
from geo_engine.sources import boundaries
from geo_engine.sources.official_cache import (
    OfficialLayer,
    find_layer,
    list_official,
)
from geo_engine.sources.official_layers import Began, fetch_layer, import_layer
from geo_engine.sources.registry import edition_of, version_rules

STAGES = {
    "download": "scarico da ISTAT",
    "check": "controllo dell'archivio",
    "geometry": "controllo dei confini",
    "write": "scrittura nella cache",
}


def list_dates() -> None:
    """Print each change of the municipalities since the shipped layer, and the layers fetched."""
    table = Table("dal", "comuni", "che cosa cambia")
    first = boundaries.read_layer(boundaries.FIRST_DATE)
    count = len(first)
    table.add_row(boundaries.FIRST_DATE.isoformat(), number(count), "confini di partenza")
    for change in boundaries.read_changes().itertuples():
        count -= len(change.old_codes) - 1
        joined = " + ".join(change.old_names)
        what = f"{joined} -> {change.name} ({change.new_code})"
        table.add_row(change.valid_from.isoformat(), number(count), what)
    out.print(table)
    layers = list_official()
    if not layers:
        out.print(
            "Nessun confine ISTAT scaricato. Per altri anni, o più dettaglio: "
            "geo-engine boundaries fetch ANNO",
            markup=False,
        )
        return
    fetched = Table("confini ISTAT del", "versione", "comuni", "province", "da", "impronta")
    for each in layers:
        fetched.add_row(
            each.date.isoformat(),
            _italian(each.version),
            number(each.municipalities),
            number(each.provinces),
            escape(each.source),
            each.sha256[:12],
        )
    out.print(fetched)


def describe_layer(date: str, version: str = "shipped") -> None:
    """Print what the layer of a date holds.

    Parameters
    ----------
    date : str
        ISO date.
    version : str
        ``shipped``, ``generalized`` or ``detailed``.

    Raises
    ------
    StudyError
        ``DATE_INVALID`` when it is no ISO date, ``VERSION_INVALID``.
    BoundaryError
        What :func:`boundaries.read_layer` raises.
    """
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise StudyError("DATE_INVALID", f"{date!r} is not a date such as 2025-01-01.") from None
    chosen = _version(version)
    layer = boundaries.read_layer(day, chosen)
    persons = boundaries.read_population(day, 2023, chosen)
    unknown = int(persons.isna().sum())
    without = f", non noti per {number(unknown)} comuni" if unknown else ""
    out.print(
        f"{day}: {number(len(layer))} comuni, {layer['cod_prov'].nunique()} province, "
        f"{layer['cod_reg'].nunique()} regioni, {number(layer['area_km2'].sum())} km², "
        f"{number(persons.sum())} residenti (1° gennaio 2023){without}, EPSG:4326",
        markup=False,
    )
    facts = None if chosen == "shipped" else find_layer(edition_of(day), chosen)
    if facts is not None:
        _tell_source(facts)
        _tell_findings(facts)
    out.print(f"{boundaries.LICENCE}. {boundaries.POPULATION_LICENCE}.", markup=False)
    out.print(f"Impronta: {boundaries.layer_digest(day, chosen)}", markup=False)


def fetch(year: int, version: str = "generalized", url: str | None = None) -> None:
    """Download ISTAT's boundaries of a year, check them, and keep them.

    Parameters
    ----------
    year : int
        Of the edition.
    version : str
        ``generalized`` or ``detailed``.
    url : str, optional
        A mirror of ISTAT's folder, or an archive's own address.

    Raises
    ------
    GeoEngineError
        What :func:`fetch_layer` raises.
    """
    with _bar() as (began, progress):
        facts = fetch_layer(year, version, url=url, began=began, progress=progress)
    _tell(facts)


def import_archive(path: Path, year: int, version: str = "generalized") -> None:
    """Check an archive of ISTAT that was downloaded by hand, and keep it.

    Parameters
    ----------
    path : Path
        The zip.
    year : int
        Of the edition.
    version : str
        ``generalized`` or ``detailed``.

    Raises
    ------
    GeoEngineError
        What :func:`import_layer` raises.
    """
    with _bar() as (began, _):
        facts = import_layer(path, year, version, began=began)
    _tell(facts)


class _Told:
    """Shows the bytes of a download on a bar."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task(STAGES["download"], total=None, visible=False)

    def __call__(self, received: int, total: int | None) -> None:
        """Show how much is there."""
        self._bar.update(self._task, completed=received, total=total, visible=True)


@contextmanager
def _bar() -> Iterator[tuple[Began, _Told]]:
    """Draw a bar for the download, and say each stage; lines only where there is no terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=err,
        disable=not sys.stderr.isatty(),
    )

    def began(stage: str) -> None:
        """Say that a stage begins."""
        if bar.disable or stage != "download":
            err.print(f"{STAGES[stage]}...", markup=False)

    with bar:
        yield began, _Told(bar)


def _tell(facts: OfficialLayer) -> None:
    """Print what was kept, what was found, and what to do next."""
    out.print(
        f"Confini ISTAT del {facts.date} ({_italian(facts.version)}): "
        f"{number(facts.municipalities)} comuni, {number(facts.provinces)} province.",
        markup=False,
    )
    _tell_source(facts)
    _tell_findings(facts)
    out.print(
        f'Per usarli: boundary_date = {facts.date} e boundary_layer = "{facts.version}" nello '
        f"studio; per vederli: geo-engine boundaries info {facts.date} --version {facts.version}",
        markup=False,
    )


def _tell_source(facts: OfficialLayer) -> None:
    """Print where a layer comes from."""
    out.print(
        f"Da {facts.source} ({_decimals(facts.archive_bytes / 1e6, 1)} MB, sha256 "
        f"{facts.archive_sha256[:12]}), {facts.licence}.",
        markup=False,
    )


def _tell_findings(facts: OfficialLayer) -> None:
    """Print what was repaired or differs, one line each; nothing when there is nothing."""
    lines = [
        (facts.missing, "comuni validi a quella data e assenti dall'archivio"),
        (facts.extra, "comuni dell'archivio che la lista di quella data non ha"),
        (facts.joined, "comuni in più parti nell'archivio, riuniti"),
        (facts.repaired, "comuni con anelli che si toccavano, corretti senza spostare superficie"),
        (facts.cleaned, "comuni con il confine disegnato due volte, reso uno"),
        (facts.without_cadastral_code, "comuni senza codice catastale noto"),
    ]
    for codes, what in lines:
        if codes:
            out.print(f"- {number(len(codes))} {what}: {_some(codes)}", markup=False)
    for km2, lon, lat in facts.holes:
        out.print(
            f"- un'area di {_decimals(km2, 2)} km² vicino a {_decimals(lat, 3)} N "
            f"{_decimals(lon, 3)} E non è di nessun comune: "
            "un'impresa che vi cade non è localizzata",
            markup=False,
        )
    if set(facts.encodings) - {"utf-8"}:
        out.print(f"- codifica dei nomi: {', '.join(facts.encodings)}", markup=False)


def _some(codes: tuple[str, ...]) -> str:
    """Name a few."""
    listed = ", ".join(codes[:5])
    return f"{listed} e altri {number(len(codes) - 5)}" if len(codes) > 5 else listed


def _decimals(value: float, digits: int) -> str:
    """Write a number with a decimal comma."""
    return f"{value:.{digits}f}".replace(".", ",")


def _italian(version: str) -> str:
    """Give the Italian word for a version."""
    return str(version_rules(version)["italian"])


def _version(version: str) -> boundaries.Version:
    """Check the word for a version."""
    for known in get_args(boundaries.Version):
        if version == known:
            return known
    raise StudyError(
        "VERSION_INVALID",
        f"{version!r} is no version; choose {', '.join(get_args(boundaries.Version))}.",
    )
