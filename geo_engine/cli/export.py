"""``geo-engine export DIR --format ...``."""

from __future__ import annotations

from pathlib import Path

from geo_engine.cli.console import out
from geo_engine.exports.formats import USUAL, export_run


def export_folder(folder: Path, formats: list[str], target: Path | None) -> None:
    """Give a finished run in other formats and print what was written.

    Parameters
    ----------
    folder : Path
        Of the run.
    formats : list of str
        Each a format, or several with commas between; the usual ones when empty.
    target : Path, optional
        Folder of the new files; ``export`` in that of the run by default.
    """
    wanted = [part.strip() for text in formats for part in text.split(",") if part.strip()]
    files = export_run(folder, wanted or list(USUAL), target or folder / "export")
    out.print(f"{len(files)} file:")
    for file in files:
        out.print(f"  {file}", markup=False)
