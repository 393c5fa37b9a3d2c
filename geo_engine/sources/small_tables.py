"""Small tables that a study names beside its extracts: read whole, as text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from geo_engine.errors import StudyError


def path_under(root: Path, path: str, code: str, key: str) -> Path:
    """Give a file's path, which must lie under the root.

    Parameters
    ----------
    root : Path
        Folder under which the paths of a study lie.
    path : str
        As the study writes it.
    code : str
        Of the error.
    key : str
        The study's key, for the message.

    Returns
    -------
    Path
        Absolute; the file need not exist.

    Raises
    ------
    StudyError
        With ``code``.
    """
    found = (root / path).resolve()
    if not found.is_relative_to(root.resolve()):
        raise StudyError(code, f"{path} is not under {root}. Correct {key}.")
    return found


def read_small_table(
    path: Path, separator: str, columns: Iterable[str], code: str, key: str
) -> pd.DataFrame:
    """Read a CSV as text.

    Parameters
    ----------
    path : Path
        Of the file; UTF-8, with or without mark.
    separator : str
        Of its fields.
    columns : iterable of str
        That it must have.
    code : str
        Of the errors.
    key : str
        The study's key, for messages.

    Returns
    -------
    DataFrame
        All columns, blanks as "".

    Raises
    ------
    StudyError
        With ``code``, for a file that is not there, cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise StudyError(code, f"{path.name} is not a file in {path.parent}. Correct {key}.")
    try:
        table = pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(
            code, f"{path.name} cannot be read: {error}. Save it as CSV in UTF-8."
        ) from error
    absent = [name for name in dict.fromkeys(columns) if name not in table.columns]
    if absent:
        raise StudyError(
            code,
            f"{path.name} lacks {', '.join(absent)}; it has {', '.join(map(str, table.columns))}. "
            "Name its columns in the study, or another separator.",
        )
    return table
