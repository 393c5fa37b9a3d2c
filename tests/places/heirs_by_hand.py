"""Heirs of past municipalities, made from the official archive in a second, simple way."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS = {
    "CODISTAT": "istat_code",
    "CODCATASTALE": "cadastral_code",
    "DENOMINAZIONE_IT": "name",
    "ALTRADENOMINAZIONE": "name_other",
    "SIGLAPROVINCIA": "sigla",
    "DATAISTITUZIONE": "valid_from",
    "DATACESSAZIONE": "valid_to",
}


def read_archive(folder: Path) -> pd.DataFrame:
    """Read the periods of all municipalities."""
    table = pd.read_csv(
        folder / "codes" / "ANPR_archivio_comuni.csv", dtype=str, keep_default_na=False
    )
    table = table.rename(columns=COLUMNS)[list(COLUMNS.values())]
    for column in ("valid_from", "valid_to"):
        table[column] = [dt.date.fromisoformat(each) for each in table[column]]
    return table


def read_successors(folder: Path) -> dict[str, list[str]]:
    """Read the new code of each extinct one since 1991."""
    path = folder / "codes" / "Variazioni_amministrative_territoriali_dal_01011991.csv"
    table: dict[str, list[str]] = {}
    with path.open(encoding="cp1252", newline="") as lines:
        for kind, old, _, new, _ in list(csv.reader(lines, delimiter=";"))[1:]:
            if kind.strip() in ("ES", "AP") and old.strip() != new.strip():
                table.setdefault(old.strip(), []).append(new.strip())
    return table


def heirs_by_hand(folder: Path, layer: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """Follow each period to the layer by cadastral code, by successors and by the changes."""
    table = read_archive(folder)
    successors = read_successors(folder)
    for change in changes.itertuples():
        for code in change.old_codes:
            if code != change.new_code:
                successors.setdefault(code, []).append(change.new_code)
    by_cadastral = dict(zip(layer["cadastral_code"], layer.index, strict=True))
    latest = table.sort_values("valid_to").groupby("cadastral_code").tail(1)
    last_code = dict(zip(latest["cadastral_code"], latest["istat_code"], strict=True))
    names = {str(code): str(name) for code, name in layer["name"].items()}
    pairs = [
        _follow_row(row, by_cadastral, last_code, successors, names) for row in table.itertuples()
    ]
    table["heirs"] = [heirs for heirs, _ in pairs]
    table["weights"] = [tuple(1 / len(heirs) for _ in heirs) for heirs, _ in pairs]
    table["kind"] = [kind for _, kind in pairs]
    return table


def _follow_row(
    row: Any,
    by_cadastral: dict[str, str],
    last_code: dict[str, str],
    successors: dict[str, list[str]],
    names: dict[str, str],
) -> tuple[tuple[str, ...], str]:
    """Follow one period to the layer."""
    if row.cadastral_code in by_cadastral:
        heir = by_cadastral[row.cadastral_code]
        is_own = names[heir].split("/")[0].upper() == row.name
        return (heir,), "same" if row.istat_code == heir and is_own else "renamed"
    codes = (last_code[row.cadastral_code], row.istat_code)
    ends = [_follow(code, successors, names) for code in codes]
    found = tuple(sorted(set(ends[0] or ends[1])))
    return found, {0: "unknown", 1: "merged"}.get(len(found), "divided")


def _follow(
    code: str, successors: dict[str, list[str]], known: Mapping[str, str], depth: int = 0
) -> list[str]:
    """Follow a code to those of the layer."""
    if code in known:
        return [code]
    if depth > 6:
        return []
    return [
        end
        for each in successors.get(code, [])
        for end in _follow(each, successors, known, depth + 1)
    ]
