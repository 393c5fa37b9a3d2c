"""Runs a study and writes all its files, which appear together or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from geo_engine.disclosure.publication import Publication
from geo_engine.disclosure.universes import publish_universes
from geo_engine.indicators.goalposts import format_goalposts
from geo_engine.intake import Keep, Placed
from geo_engine.intake.spool import FirmSpool, firm_spool
from geo_engine.outputs.atlas import write_atlas
from geo_engine.outputs.geopackage import write_geopackage
from geo_engine.outputs.manifest import write_manifest, write_run
from geo_engine.outputs.parquet import (
    write_firms,
    write_levels,
    write_local_tests,
    write_panel,
)
from geo_engine.outputs.quarantine import write_quarantine
from geo_engine.outputs.workbook import write_tables
from geo_engine.pipeline import Progress, Run, Silent, run
from geo_engine.sources.boundaries import layer_digest
from geo_engine.storage import Delivery, deliver, output_errors
from geo_engine.study import Study


class Writer(Protocol):
    """Writes one file of a publication, and of the further universes."""

    def __call__(
        self, publication: Publication, path: Path, *, others: Mapping[str, Publication] | None
    ) -> None:
        """Write the file."""


ARTEFACTS: dict[str, tuple[str, Writer]] = {
    "atlas": ("atlas.html", write_atlas),
    "geopackage": ("territory.gpkg", write_geopackage),
    "panel": ("panel.parquet", write_panel),
    "tables": ("tables.xlsx", write_tables),
}
"""File and writer by format; ``firms`` and ``quarantine`` are internal and written apart."""

LEVELS = "levels.parquet"
"""Provinces, regions, zones and the country, beside the panel of municipalities."""
LOCAL_TESTS = "local_tests.parquet"
"""Written beside the panel where the study asks for further tests."""
GOALPOSTS = "goalposts.toml"
"""Scale of the composite index, to be named in the study from then on."""
INTERNAL_FILES = ("quarantine.csv", "firms_placed.parquet")
"""Files of internal runs: single records."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A finished run and its files."""

    run: Run
    publication: Publication
    """Of the main universe."""
    others: dict[str, Publication] = field(default_factory=dict)
    """Of the further universes, by key."""
    files: dict[str, Path]
    """Final paths by file name."""


def carry_out(
    study: Study, root: Path, out: Path, *, progress: Progress | None = None
) -> Delivered:
    """Carry out a study and write its files.

    Parameters
    ----------
    study : Study
        What to do.
    root : Path
        Folder under which the paths of the study lie.
    out : Path
        Folder of the results; earlier ones stay whole unless all new ones are written.
    progress : Progress, optional
        Told of stages and records.

    Returns
    -------
    Delivered
        The run, its publication and its files.

    Raises
    ------
    GeoEngineError
        Whatever a user can cause and fix.
    """
    watcher = progress or Silent()
    internal = study.audience == "internal" and "firms" in study.outputs.formats
    with deliver(out) as delivery, _spool(out, wanted=internal) as spool:
        done = run(study, root, progress=watcher, keep=_guarded(spool) if spool else None)
        published = publish_universes(
            {done.results.facts.universe: done.results, **done.others},
            nested=done.nested,
            disjoint=done.disjoint,
            threshold=study.disclosure.threshold,
        )
        publication = published.pop(done.results.facts.universe)
        for form in study.outputs.formats:
            if form in ARTEFACTS:
                name, write = ARTEFACTS[form]
                watcher.stage(f"Scrittura di {name}")
                with output_errors(name):
                    write(publication, delivery.path(name), others=published)
        if "panel" in study.outputs.formats:
            with output_errors(LEVELS):
                write_levels(publication, delivery.path(LEVELS), others=published)
        if "panel" in study.outputs.formats and study.statistics.further:
            with output_errors(LOCAL_TESTS):
                write_local_tests(publication, delivery.path(LOCAL_TESTS))
        if study.audience == "internal":
            with output_errors("quarantine.csv"):
                write_quarantine(publication, delivery.path("quarantine.csv"))
        if spool:
            watcher.stage("Scrittura di firms_placed.parquet")
            batches = spool.batches(
                done.results, done.intake, done.memberships, done.plan.place_classes
            )
            with output_errors("firms_placed.parquet"):
                write_firms(
                    publication, batches, spool.schema, delivery.path("firms_placed.parquet")
                )
        _write_goalposts(publication, delivery)
        with output_errors("manifest.json"):
            _write_accounts(study, done, publication, delivery)
        files = delivery.commit(remove=_stale(delivery.written()))
    return Delivered(run=done, publication=publication, others=published, files=files)


def _write_accounts(study: Study, done: Run, publication: Publication, delivery: Delivery) -> None:
    """Write the clock apart, and last the manifest, which names all other files."""
    outputs = delivery.written()
    write_run(delivery.path("run.json"), done.seconds)
    layer = {
        "date": study.boundary_date.isoformat(),
        "version": study.boundary_layer,
        "digest": layer_digest(study.boundary_date, study.boundary_layer),
        "codes_digest": done.plan.codes_digest,
        "municipalities": len(done.plan.places),
    }
    write_manifest(
        publication,
        delivery.path("manifest.json"),
        parameters=study.model_dump(mode="json"),
        boundaries=layer,
        outputs=outputs,
    )


def _write_goalposts(publication: Publication, delivery: Delivery) -> None:
    """Write the scale of the composite index, for the study to name from then on."""
    composite = publication.results.composite
    if composite is not None and composite.goalposts is not None:
        with output_errors(GOALPOSTS):
            text = format_goalposts(composite.goalposts)
            delivery.path(GOALPOSTS).write_text(text, encoding="utf-8")


def _stale(written: dict[str, Path]) -> list[str]:
    """Name the files of earlier runs that this one does not write, such as internal ones."""
    known = (
        *(name for name, _ in ARTEFACTS.values()),
        LEVELS,
        LOCAL_TESTS,
        GOALPOSTS,
        *INTERNAL_FILES,
    )
    return [name for name in known if name not in written]


def _guarded(spool: FirmSpool) -> Keep:
    """Keep placed rows, and say so when there is no room for them."""

    def keep(placed: Placed) -> None:
        with output_errors("firms_placed.parquet"):
            spool.keep(placed)

    return keep


@contextlib.contextmanager
def _spool(out: Path, *, wanted: bool) -> Iterator[FirmSpool | None]:
    """Open a spool when single firms are written."""
    if not wanted:
        yield None
        return
    with firm_spool(out) as spool:
        yield spool
