"""The history of municipalities as built from the real official lists, read once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from pathlib import Path

import pandas as pd

from geo_engine.sources.codes_history import build_units
from geo_engine.sources.codes_lists import CodeList, read_list
from geo_engine.sources.codes_successions import build_successions

FILES = (
    "2026-08-14_situas_comuni.csv",
    "ANPR_archivio_comuni.csv",
    "Elenco-comuni-italiani.csv",
    "Elenco_comuni_soppressi.csv",
    "Variazioni_amministrative_territoriali_dal_01011991.csv",
)


@functools.cache
def official_lists(folder: Path, names: tuple[str, ...] = FILES) -> tuple[CodeList, ...]:
    lists = [read_list(folder / name) for name in names]
    return tuple(
        dataclasses.replace(each, date=dt.date(2023, 6, 1))
        if each.kind == "snapshot" and each.date is None
        else each
        for each in lists
    )


@functools.cache
def official_history(
    folder: Path, names: tuple[str, ...] = FILES
) -> tuple[pd.DataFrame, pd.DataFrame]:
    lists = official_lists(folder, names) if names else ()
    units = build_units(lists)
    return units, build_successions(units, lists)
