"""Further indicators of a chain, each packed apart: the page reads one when it is asked for.

The reader (``src/22_extras.js``) makes the same predictions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine import tables
from geo_engine.outputs.atlas.codec import nearest, nullable, packed, varints, zigzag
from geo_engine.outputs.atlas.columns import COUNTS, counts_of
from geo_engine.outputs.atlas.indicators import LARGEST, Mapped
from geo_engine.outputs.atlas.intervals import SHARE_STEPS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
GAP = "digital_gap"
"""What a reference of the year less the corrected share is; the page knows the share."""


def extra_columns(panels: list[xr.Dataset], indicator: Mapped, parts: int = 1) -> str:
    """Pack one indicator of one chain.

    Parameters
    ----------
    panels : list of Dataset, dims ("year", ...)
        The municipalities, then the levels of ``geographies``.
    indicator : Mapped
        Which one.
    parts : int
        Steps of one firm.

    Returns
    -------
    str
        Base64 of gzip of varints: for each panel 1 and its values, or 0 where it has none.
    """
    written: list[bytes] = []
    for panel in panels:
        has = indicator.row.key in panel
        written.append(varints([int(has)]))
        if has:
            written += [
                varints(c) for c in _columns(panel.transpose("year", ...), indicator, parts)
            ]
    return packed(b"".join(written))


def _columns(panel: xr.Dataset, indicator: Mapped, parts: int) -> list[Integers]:
    """Give the distances of a variable from what its reader expects, and what that needs."""
    values = nearest(panel[indicator.row.key].to_numpy().astype(float), indicator.steps)
    shown = np.isfinite(values) & (np.abs(values) < LARGEST)
    if indicator.row.confidential:
        shown &= panel["share_status"].to_numpy() != tables.SUPPRESSED
    values = np.where(shown, values, np.nan)
    if indicator.row.key == GAP and "share_eb" in panel:
        corrected = nearest(panel["share_eb"].to_numpy().astype(float), SHARE_STEPS)
        reference = _middle(values + corrected)
        return [zigzag(reference), nullable(values, reference[:, None] - corrected)]
    expected = derived_steps(panel, indicator, parts)
    if expected is None:
        expected = np.concatenate([np.full_like(values[:1], np.nan), values[:-1]])
    return [nullable(values, expected)]


def _middle(values: Floats) -> Integers:
    """Give the median of each year, 0 where nothing is known."""
    rows = [row[np.isfinite(row)] for row in values]
    return np.array([np.rint(np.median(row)) if len(row) else 0 for row in rows]).astype(np.int64)


def derived_steps(panel: xr.Dataset, indicator: Mapped, parts: int) -> Floats | None:
    """Work out what follows from counts that the page has.

    Parameters
    ----------
    panel : Dataset, dims ("year", ...)
        With ``firms``, ``known``, ``digital`` and ``share``.
    indicator : Mapped
        Which one.
    parts : int
        Steps of one firm.

    Returns
    -------
    ndarray of float64 or None
        Steps; None for what does not follow from counts.
    """
    firms, known, digital = (counts_of(panel, name, parts) for name in COUNTS)
    earlier = np.concatenate([np.full_like(firms[:1], np.nan), firms[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        derived = {
            "share_at_least": digital / firms,
            "share_at_most": (digital + (firms - known)) / firms,
            "share_unknown": (firms - known) / firms,
            "growth": firms / earlier - 1,
        }
    found = derived.get(indicator.row.key)
    return None if found is None else nearest(found, indicator.steps)
