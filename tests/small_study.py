"""A study of one small extract, ``firms.csv``: what several tests of whole runs begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLUMNS = {
    "tax_code": "cf",
    "municipality": "comune",
    "province": "prov",
    "ateco": "ateco",
    "year": "anno",
    "employees": "addetti",
}


def small_study(columns: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Give the keys of a study of enterprises with a site or not, without permutations."""
    return {
        "title": "Prova",
        "data_date": "2024-12-31",
        "unit": "impresa",
        "status": "attiva",
        "audience": "internal",
        "firms": [
            {
                "path": "firms.csv",
                "separator": ";",
                "ateco_version": "2007",
                "tax_codes": "flag",  # pseudonyms
                "columns": COLUMNS | columns,
            }
        ],
        "chains": {"use": ["moda"]},
        "signal": [{"key": "sito", "label": "sito", "kind": "website", "column": "sito"}],
        "statistics": {"permutations": 0, "robustness": {"enabled": False}},
    } | changes


def write_extract(folder: Path, header: str, rows: list[str]) -> Path:
    """Write the extract into a folder, and give the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "firms.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return folder
