"""The files behind a study's further indicators: zones, features of places, frozen goalposts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geo_engine.errors import StudyError
from geo_engine.study_indicators import IndicatorKeys, SimilarKeys, ZoneTable

OPTIONAL = ("valid_from", "valid_to", "weight")
"""Columns of a table of zones that keep their name."""
WORDS_BELOW = 0.5
"""A column of which fewer values are numbers holds words."""


@dataclass(frozen=True, kw_only=True)
class IndicatorFiles:
    """What was read, not yet checked against the places."""

    zones: tuple[pd.DataFrame, ...] = ()
    """One per table: pro_com_t, geography, zone_id, zone_name, source and ``OPTIONAL`` ones."""
    features: pd.DataFrame | None = None
    """By ``pro_com_t``."""
    goalposts: str = ""
    """Text of the frozen goalposts, "" when they are to be made."""


def read_indicator_files(keys: IndicatorKeys, root: Path) -> IndicatorFiles:
    """Read all files that the keys of further indicators name.

    Parameters
    ----------
    keys : IndicatorKeys
        A study's.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    IndicatorFiles
        Text of zones and codes as in the files, six characters long where they are digits.

    Raises
    ------
    StudyError
        ``ZONES_TABLE``, ``FEATURES_TABLE`` or ``GOALPOSTS_FILE`` for a path outside the root, a
        file that cannot be read, or one that lacks a column.
    """
    posts = keys.composite.goalposts if keys.composite else ""
    path = _under(root, posts, "GOALPOSTS_FILE", "composite.goalposts") if posts else None
    return IndicatorFiles(
        zones=tuple(_read_zones(table, root) for table in keys.zones),
        features=_read_features(keys.similar, root) if keys.similar.path else None,
        goalposts=_read_text(path) if path is not None and path.is_file() else "",
    )


def _under(root: Path, path: str, code: str, key: str) -> Path:
    """Give a path that lies under the root."""
    found = (root / path).resolve()
    if not found.is_relative_to(root.resolve()):
        raise StudyError(code, f"{path} is not under {root}. Correct {key}.")
    return found


def _read_text(path: Path) -> str:
    """Read a file of goalposts."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            "GOALPOSTS_FILE", f"{path.name}: {error}. Restore the file; do not make it anew."
        ) from error


def _read_csv(path: Path, separator: str, code: str, key: str) -> pd.DataFrame:
    """Read a CSV as text."""
    if not path.is_file():
        raise StudyError(code, f"{path.name} is not a file in {path.parent}. Correct {key}.")
    try:
        return pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(
            code, f"{path.name} cannot be read: {error}. Save it as CSV in UTF-8."
        ) from error


def _require(table: pd.DataFrame, columns: list[str], path: str, code: str) -> None:
    """Raise when a table lacks a column that the study names."""
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise StudyError(
            code,
            f"{path} lacks {', '.join(absent)}; it has {', '.join(map(str, table.columns))}. "
            "Name its columns in the study, or another separator.",
        )


def _read_zones(keys: ZoneTable, root: Path) -> pd.DataFrame:
    """Read one table of zones under the names of the engine."""
    path = _under(root, keys.path, "ZONES_TABLE", "zones.path")
    table = _read_csv(path, keys.separator, "ZONES_TABLE", "zones.path")
    needed = [keys.code, keys.zone, *([keys.name] if keys.name else [])]
    _require(table, needed + ([] if keys.geography else ["geography"]), keys.path, "ZONES_TABLE")
    read = pd.DataFrame(
        {
            "pro_com_t": table[keys.code].str.strip(),
            "geography": keys.geography or table["geography"],
            "zone_id": table[keys.zone],
            "zone_name": table[keys.name or keys.zone],
            "source": keys.source,
            **{name: table[name] for name in OPTIONAL if name in table},
        }
    )
    if keys.use:
        unknown = sorted(set(keys.use) - set(read["geography"]))
        if unknown:
            raise StudyError(
                "ZONES_TABLE", f"{keys.path} has no geography {', '.join(unknown)}. Correct use."
            )
        read = read[read["geography"].isin(keys.use)].reset_index(drop=True)
    return read


def _read_features(keys: SimilarKeys, root: Path) -> pd.DataFrame:
    """Read further features of places; a column of words is a class."""
    path = _under(root, keys.path, "FEATURES_TABLE", "similar.path")
    table = _read_csv(path, keys.separator, "FEATURES_TABLE", "similar.path")
    _require(table, [keys.code, *keys.columns], keys.path, "FEATURES_TABLE")
    index = table[keys.code].str.strip().str.zfill(6)
    if index.duplicated().any():
        raise StudyError(
            "FEATURES_TABLE",
            f"{keys.path}: {int(index.duplicated().sum())} codes stand twice. Keep one row each.",
        )
    features = pd.DataFrame(index=pd.Index(index, name="pro_com_t"))
    for name in keys.columns:
        text = table[name].str.strip()
        numbers = pd.to_numeric(text.str.replace(",", ".", regex=False), errors="coerce")
        given = text != ""
        is_number = numbers[given].notna().mean() >= WORDS_BELOW if given.any() else True
        features[name] = (numbers if is_number else text.where(given)).to_numpy()
    return features
