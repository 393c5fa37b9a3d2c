"""What is known of the signals: of which firms, by which match, and the levels of the index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from geo_engine.results import Results

COVERAGE = ("label", "dimension", "group", "firms", "known", "coverage", "share_low", "share_high")
MATCHES = ("label", "dimension", "group", "firms", "matched", "rate")
LEVELS = ("dimension", "group", "label", "firms")
SHOWN = ("year", "size", "legal_form", "chain")
"""Dimensions of the tables; a hundred provinces would drown the rest."""


def signal_tables(results: Results) -> dict[str, Any]:
    """Collect the tables on signals for the notes of the page.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    dict
        ``coverage``, ``matches``, ``levels`` (rows), ``notes`` (Italian sentences), ``indexed``
        (whether the study has an index, whose versions may differ between years).
    """
    return {
        "coverage": _rows(results.signal_coverage, COVERAGE),
        "matches": _rows(results.signal_matches, MATCHES),
        "levels": _rows(results.index_levels, LEVELS),
        "notes": list(results.match_notes),
        "indexed": not results.index_levels.empty,
    }


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
