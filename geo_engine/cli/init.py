"""``geo-engine init EXTRACT``: a commented study, guessed from the extract."""

from __future__ import annotations

from pathlib import Path

from geo_engine.cli.console import out
from geo_engine.errors import OutputError
from geo_engine.sources.guess import inspect_extract, write_study
from geo_engine.storage import replacing


def init_study(extract: Path, study: Path | None) -> None:
    """Write a study beside an extract.

    Parameters
    ----------
    extract : Path
        The extract to look at.
    study : Path, optional
        Where to write; the extract's name with ``.toml`` by default.

    Raises
    ------
    OutputError
        ``STUDY_EXISTS``: an existing study is never overwritten.
    """
    path = study or extract.with_suffix(".toml")
    if path.exists():
        raise OutputError("STUDY_EXISTS", f"{path} exists already. Choose another name with --out.")
    text = write_study(inspect_extract(extract))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    out.print(f"Scritto {path}: verificare le righe con DA VERIFICARE, poi:", markup=False)
    root = f" --data-root {extract.parent}" if path.parent != extract.parent else ""
    out.print(f"  geo-engine check {path}{root}", markup=False)
    out.print(f"  geo-engine run {path}{root} --out results", markup=False)
