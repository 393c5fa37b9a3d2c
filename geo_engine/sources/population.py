"""Residents given by the user, instead of those that ship."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from geo_engine.errors import StudyError
from geo_engine.sources.small_tables import path_under, read_small_table
from geo_engine.study import PopulationTable


def read_own_population(
    own: PopulationTable, root: Path, index: pd.Index, date: dt.date
) -> pd.Series:
    """Read the residents of a study's own table.

    Parameters
    ----------
    own : PopulationTable
        Where it is, and what its columns are called.
    root : Path
        Folder under which the paths of the study lie.
    index : Index
        ``pro_com_t`` of the municipalities of the study.
    date : date
        Their date, for messages.

    Returns
    -------
    Series of float
        Persons by ``pro_com_t``; NaN where the table has none.

    Raises
    ------
    StudyError
        ``POPULATION_TABLE``.
    """
    code, key = "POPULATION_TABLE", "population.path"
    path = path_under(root, own.path, code, key)
    table = read_small_table(path, own.separator, (own.code, own.population), code, key)
    persons = pd.to_numeric(table[own.population], errors="coerce").to_numpy(float)
    series = pd.Series(persons, index=table[own.code].str.strip().str.zfill(6))
    known = series.index.isin(index)
    if not known.any() or series.index.has_duplicates or (np.nan_to_num(persons) < 0).any():
        raise StudyError(
            "POPULATION_TABLE",
            f"{own.path}: {int(known.sum())} of {len(series)} codes are municipalities of {date}; "
            "each may stand once, with persons >= 0.",
        )
    return series.reindex(index).rename("population")
