"""What is known of the signals: of which firms, by which match, and the levels of the index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from geo_engine.indicators.digital_intensity_editions import level_labels
from geo_engine.indicators.legal_forms import form_labels
from geo_engine.indicators.selfi import profile_labels
from geo_engine.indicators.signal_coverage import UNKNOWN_GROUP
from geo_engine.indicators.universe import size_labels
from geo_engine.results import Results

COVERAGE = ("label", "dimension", "group", "firms", "known", "coverage", "share_low", "share_high")
MATCHES = ("label", "dimension", "group", "firms", "matched", "rate")
LEVELS = ("dimension", "group", "label", "firms")
SHOWN = ("year", "size", "legal_form", "chain")
"""Dimensions of the tables; a hundred provinces would drown the rest."""
THRESHOLD = {
    "sotto la soglia": "below the threshold",
    "alla soglia o sopra": "at the threshold or above",
}
"""Levels of an index that is a score."""


def signal_tables(results: Results) -> dict[str, Any]:
    """Collect the tables on signals for the notes of the page.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    dict
        ``coverage``, ``matches``, ``levels`` (rows), ``notes`` (Italian sentences), ``english``
        (what labels and groups are called in English, by their Italian name).
    """
    return {
        "english": _english(results),
        "coverage": _rows(results.signal_coverage, COVERAGE),
        "matches": _rows(results.signal_matches, MATCHES),
        "levels": _rows(results.index_levels, LEVELS),
        "notes": list(results.match_notes),
    }


def _english(results: Results) -> dict[str, str]:
    """Name in English what the tables hold in Italian."""
    names = {UNKNOWN_GROUP: "not known", **THRESHOLD}
    for labels in (size_labels, form_labels, level_labels, profile_labels):
        names |= dict(zip(labels("it"), labels("en"), strict=True))
    for table in (results.signal_coverage, results.signal_matches):
        if "label_en" in table:
            names |= dict(zip(table["label"].map(str), table["label_en"].map(str), strict=True))
    return names


def _rows(table: pd.DataFrame, columns: tuple[str, ...]) -> list[list[Any]]:
    """Give the rows of the shown dimensions; a missing figure is None."""
    if table.empty or not set(columns) <= set(table.columns):
        return []
    part = table.loc[table["dimension"].isin(SHOWN), list(columns)]
    return [[_plain(value) for value in row] for row in part.itertuples(index=False)]


def _plain(value: Any) -> Any:
    """Give a cell as JSON has it."""
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if np.isfinite(value) else None
    return int(value) if isinstance(value, (int, np.integer)) else str(value)
