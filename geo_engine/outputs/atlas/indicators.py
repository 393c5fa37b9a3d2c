"""Which variables of the panel the map offers, and how each is named, stored and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from geo_engine.indicators.registry import Indicator, load_registry
from geo_engine.outputs.atlas.classes import STEPS
from geo_engine.results import Results

TESTS = {
    "share_eb": "share",
    "share": "share",
    "firms_per_1000": "firms",
    "firms_per_km2": "firms",
    "location_quotient": "firms",
}
"""Variable whose local test stands beside an indicator; the others have none."""
PERCENT = ("share", "points")
"""Kinds written as percentages."""
LARGEST = 2.0**31
"""Stored steps stay below it."""


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """One indicator of the map."""

    row: Indicator
    steps: int
    """Steps per unit of the variable."""
    percent: bool
    decimals: int
    """Decimals shown, of a percentage where it is one."""

    @property
    def is_base(self) -> bool:
        """Tell whether it is stored with the figures of a chain, and not apart."""
        return self.row.key in STEPS

    def described(self) -> dict[str, Any]:
        """Give what the page says of it."""
        row = self.row
        return {
            "key": row.key,
            "label": row.label or row.key,
            "label_en": row.label_en or row.label or row.key,
            "definition": row.definition,
            "definition_en": row.definition_en or row.definition,
            "formula": row.formula,
            "source": row.source,
            "unit": row.unit,
            "polarity": row.polarity,
            "steps": self.steps,
            "percent": self.percent,
            "decimals": self.decimals,
            "confidential": row.confidential,
            "test": TESTS.get(row.key, ""),
        }


def mapped_indicators(results: Results) -> list[Mapped]:
    """Choose the variables that make a map: rates and scores, no totals, codes or interval ends.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    list of Mapped
        The five of every study, then the others in the order of the registry; one without any
        value is left out.
    """
    registry = known_indicators(results)
    base = [_mapped(registry[key], results) for key in TESTS if key in registry]
    further = [
        _mapped(row, results)
        for key, row in registry.items()
        if key not in TESTS and _makes_a_map(row) and key in results.panel
    ]
    return base + [each for each in further if results.panel[each.row.key].count() > 0]


def known_indicators(results: Results) -> Mapping[str, Indicator]:
    """Give the registry of a study: the shipped one, or with the study's own indicators.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    mapping of str to Indicator
        By key.
    """
    return results.registry or load_registry()


def _makes_a_map(row: Indicator) -> bool:
    """Tell rates from totals, codes, and ends of intervals."""
    inner = row.key == "reliability" or row.key.endswith(("_low", "_high", "_rank"))
    return row.kind in ("number", *PERCENT) and not inner


def _mapped(row: Indicator, results: Results) -> Mapped:
    """Find the steps: as fine as worth showing, and no finer than the numbers allow."""
    percent = row.kind in PERCENT
    if row.key in STEPS:
        steps = STEPS[row.key]
        return Mapped(row=row, steps=steps, percent=percent, decimals=_digits(steps, percent))
    values = np.abs(results.panel[row.key].to_numpy().astype(float))
    largest = float(np.max(values[np.isfinite(values)], initial=0.0))
    digits = min(max(row.decimals, 3 if percent else 0), 6)
    while digits > 0 and largest * 10**digits >= LARGEST:
        digits -= 1
    return Mapped(row=row, steps=10**digits, percent=percent, decimals=_digits(10**digits, percent))


def _digits(steps: int, percent: bool) -> int:
    """Count the decimals that steps allow."""
    return max(len(str(steps)) - 1 - 2 * percent, 0)
