"""What a study says of municipalities in words and ranks: need, specialization, priority, index.

Packed apart from the figures of a chain; the reader is ``src/24_kinds.js``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.indicators.priorities import PRIORITIES
from geo_engine.outputs.atlas.codec import nearest, nullable, packed, surprises, varints, zigzag
from geo_engine.outputs.atlas.columns import QUOTIENT_STEPS
from geo_engine.outputs.atlas.intervals import SHARE_STEPS
from geo_engine.results import Results

Integers = npt.NDArray[np.int64]

CATEGORIES = ("need_quadrant", "specialized")
"""Variables of the panel that make a map of words."""
ORDERED = ("act", "accompany", "watch")
"""Priorities whose order is worth its bytes: the others are no list to work through."""
RANKS = ("rank", "rank_low", "rank_high")


def mapped_kinds(results: Results) -> list[str]:
    """Name the categories that make a map.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    list of str
        Those of ``CATEGORIES`` that say something anywhere.
    """
    return [key for key in CATEGORIES if key in results.panel and bool(results.panel[key].any())]


def chain_kinds(results: Results, chain: str) -> str:
    """Pack the categories, priorities and ranks of one chain.

    Parameters
    ----------
    results : Results
        What may be shown.
    chain : str
        Key of the chain.

    Returns
    -------
    str
        Base64 of gzip of varints: for each of need, specialization, priorities and ranks 1 and its
        columns, or 0 where the study has none.
    """
    panel = results.panel.sel(chain=chain).transpose("year", "place", ...)
    known = mapped_kinds(results)
    parts = [
        _need(panel) if "need_quadrant" in known else None,
        [panel["specialized"].to_numpy().astype(np.int64) + 1] if "specialized" in known else None,
        _priorities(results, chain),
        _ranks(results, chain),
    ]
    written = [b"\0" if part is None else varints([1]) + _joined(part) for part in parts]
    return packed(b"".join(written))


def _joined(columns: list[Integers]) -> bytes:
    """Write columns one after another."""
    return b"".join(varints(column) for column in columns)


def _need(panel: xr.Dataset) -> list[Integers]:
    """Give the reference of each year, and the quadrants that quotient and share do not tell."""
    quotient = nearest(panel["location_quotient"].to_numpy().astype(float), QUOTIENT_STEPS)
    share = nearest(panel["share_eb"].to_numpy().astype(float), SHARE_STEPS)
    gap = nearest(panel["digital_gap"].to_numpy().astype(float), SHARE_STEPS)
    sums = [row[np.isfinite(row)] for row in gap + share]
    reference = np.array([np.rint(np.median(row)) if len(row) else 0 for row in sums])
    needy = share < reference[:, None]
    expected = np.where(quotient > QUOTIENT_STEPS, np.where(needy, 1, 2), np.where(needy, 3, 4))
    expected = np.where(np.isnan(quotient) | np.isnan(share), 0, expected)
    quadrant = panel["need_quadrant"].to_numpy()
    return [zigzag(reference.astype(np.int64)), surprises(quadrant, expected)]


def _own(table: pd.DataFrame, results: Results, chain: str) -> tuple[pd.DataFrame, Integers]:
    """Choose the rows of a chain, with the position of their municipality."""
    own = table[table["chain"].astype(str) == chain]
    at = results.places.index.get_indexer(own["pro_com_t"])
    return own[at >= 0], at[at >= 0].astype(np.int64)


def _priorities(results: Results, chain: str) -> list[Integers] | None:
    """Give the priority of each municipality, and its place in the order where that matters."""
    if results.priorities.empty:
        return None
    own, at = _own(results.priorities, results, chain)
    code, order = np.zeros((2, len(results.places)), dtype=np.int64)
    code[at] = own["priority"].map({name: n for n, name in enumerate(PRIORITIES)}).to_numpy()
    order[at] = np.where(own["priority"].isin(ORDERED), own["order"], 0)
    return [code, order]


def _ranks(results: Results, chain: str) -> list[Integers] | None:
    """Give the ranks by the composite index, and how far choices move them."""
    if results.composite is None:
        return None
    own, at = _own(results.composite.ranks, results, chain)
    ranks = np.full((len(RANKS), len(results.places)), np.nan)
    for row, name in enumerate(RANKS):
        ranks[row, at] = nearest(own[name].to_numpy(float))
    return [nullable(ranks[0]), *(nullable(ends, ranks[0]) for ends in ranks[1:])]
