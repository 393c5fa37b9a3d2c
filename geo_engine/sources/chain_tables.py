"""The files behind a study's chains: municipalities of a territory, firms with both ATECO codes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from geo_engine.errors import StudyError

SEPARATORS = (";", "\t", ",")
"""Tried in this order on the header; a file of one column has none."""
CODE = "pro_com_t"
RECODE_COLUMNS = ("ateco_2007", "ateco_2025", "firms")


def read_territory(path: str, root: Path, name: str) -> tuple[str, ...]:
    """Read the municipalities of a named territory.

    Parameters
    ----------
    path : str
        CSV with a column ``pro_com_t``, or with one column alone.
    root : Path
        Folder under which the paths of the study lie.
    name : str
        Of the territory, for messages.

    Returns
    -------
    tuple of str
        Codes of six characters, sorted, each once.

    Raises
    ------
    StudyError
        ``TERRITORY_TABLE``.
    """
    key = f"chains.territories.{name}"
    table = _read_csv(path, root, "TERRITORY_TABLE", key)
    if CODE not in table and len(table.columns) > 1:
        raise StudyError(
            "TERRITORY_TABLE",
            f"{path} has no column {CODE}; it has {', '.join(table.columns)}. Name the column of "
            f"six-character ISTAT codes {CODE}.",
        )
    codes = table[CODE if CODE in table else table.columns[0]].str.strip()
    return tuple(sorted(set(codes[codes != ""].str.zfill(6))))


def read_recodes(path: str, root: Path) -> pd.DataFrame:
    """Read how many firms have each pair of codes of both editions.

    Parameters
    ----------
    path : str
        CSV with ``RECODE_COLUMNS``.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    DataFrame
        ``RECODE_COLUMNS``; firms as float.

    Raises
    ------
    StudyError
        ``RECODE_TABLE``.
    """
    table = _read_csv(path, root, "RECODE_TABLE", "chains.recode")
    absent = [name for name in RECODE_COLUMNS if name not in table]
    if absent:
        raise StudyError(
            "RECODE_TABLE",
            f"{path} lacks {', '.join(absent)}; it has {', '.join(table.columns)}.",
        )
    firms = pd.to_numeric(table["firms"], errors="coerce")
    wrong = int((~(firms >= 0) | (firms == float("inf"))).sum())
    if wrong:
        raise StudyError(
            "RECODE_TABLE", f"{path}: {wrong} of {len(table)} rows have no number of firms >= 0."
        )
    codes = table[["ateco_2007", "ateco_2025"]].apply(lambda column: column.str.strip())
    return codes.assign(firms=firms)


def _read_csv(path: str, root: Path, code: str, key: str) -> pd.DataFrame:
    """Read a CSV of the study's folder as text."""
    found = (root / path).resolve()
    if not found.is_relative_to(root.resolve()) or not found.is_file():
        raise StudyError(code, f"{path} is not a file under {root}. Correct {key}.")
    try:
        header = found.read_text(encoding="utf-8-sig").partition("\n")[0]
        separator = next((mark for mark in SEPARATORS if mark in header), ";")
        return pd.read_csv(
            found, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(
            code, f"{path} cannot be read: {error}. Save it as CSV in UTF-8."
        ) from error
