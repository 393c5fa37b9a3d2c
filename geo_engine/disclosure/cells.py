"""Which cells of which variable rest on too few firms to be published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from geo_engine import tables
from geo_engine.indicators.registry import Indicator, load_registry
from geo_engine.results import Results

COUNTS = ("known", "employers", "scored")
"""Firms on which a confidential variable rests: with a signal, with persons, with a score."""
PREFIXES = {"employ": ("employers",), "mean_score": ("known", "scored")}
"""Counts by the beginning of a variable's name; built-in ones otherwise rest on ``known``."""
LEVELS = ("panel", "province_panel", "region_panel", "country_panel")
ZONES = "zones "
Marked = Mapping[tuple[str, str], xr.DataArray]
"""Further cells to hide, by level (of ``levels_of``) and count."""


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """Cells of one level that must not be shown, by the count that they rest on."""

    by_count: dict[str, xr.DataArray]

    @property
    def share(self) -> xr.DataArray:
        """Give the cells whose share must not be shown."""
        return self.by_count["known"]

    def of(self, key: str) -> xr.DataArray:
        """Give the cells in which a confidential variable must not be shown.

        Parameters
        ----------
        key : str
            The variable; one that a study defines may rest on any of the counts.

        Returns
        -------
        DataArray of bool
        """
        names: tuple[str, ...] = ("known",)
        if key not in load_registry():
            names = COUNTS
        else:
            names = next((c for begin, c in PREFIXES.items() if key.startswith(begin)), names)
        masks = [self.by_count[name] for name in names if name in self.by_count]
        found = masks[0] if masks else self.share
        for mask in masks[1:]:
            found = found | mask
        return found


def levels_of(results: Results) -> dict[str, xr.Dataset]:
    """Give every panel of a study by name: ``LEVELS``, and the zones of each geography.

    Parameters
    ----------
    results : Results
        Of a study.

    Returns
    -------
    dict of str to Dataset
    """
    zones = {f"{ZONES}{key}": zone.panel for key, zone in results.zones.items()}
    return {name: getattr(results, name) for name in LEVELS} | zones


def few_firms(known: xr.DataArray, threshold: int) -> xr.DataArray:
    """Mark the cells with at least one and fewer than ``threshold`` firms.

    Parameters
    ----------
    known : DataArray
        Firms with a known signal (or persons, or score); NaN where not covered.
    threshold : int
        Smallest number that may be published.

    Returns
    -------
    DataArray of bool, same dims
        True where a share must not be shown.
    """
    return (known > 0) & (known < threshold)


def hidden_cells(name: str, panel: xr.Dataset, threshold: int, marked: Marked) -> Hidden:
    """Find the cells of one panel that must not be shown.

    Parameters
    ----------
    name : str
        Of the panel, as :func:`levels_of`.
    panel : Dataset
        With ``known``, and ``employers`` and ``scored`` where the study has them.
    threshold : int
        Smallest number that may be published.
    marked : mapping
        Further cells to hide.

    Returns
    -------
    Hidden
    """
    found = {}
    for count in COUNTS:
        if count in panel:
            few = few_firms(panel[count], threshold)
            found[count] = few | marked[name, count] if (name, count) in marked else few
    return Hidden(by_count=found)


def suppress(panel: xr.Dataset, hidden: Hidden, registry: Mapping[str, Indicator]) -> xr.Dataset:
    """Blank the confidential variables of the hidden cells.

    Parameters
    ----------
    panel : Dataset
        With ``share_status`` and variables of the registry.
    hidden : Hidden
        Of the same cells.
    registry : mapping of str to Indicator
        Says which variables are confidential; the built-in ones are always known.

    Returns
    -------
    Dataset
        A copy; hidden cells are NaN (codes 0), their share has the status ``suppressed``.
    """
    blanked = {}
    for key, row in {**load_registry(), **registry}.items():
        if row.confidential and key in panel:
            keep = ~hidden.of(key)
            values = panel[key]
            shown = values.where(keep) if values.dtype.kind == "f" else values.where(keep, 0)
            blanked[key] = shown.astype(values.dtype).transpose(*values.dims)
    status = panel["share_status"].where(~hidden.share, tables.SUPPRESSED).astype(np.int8)
    return panel.assign(blanked | {"share_status": status})
