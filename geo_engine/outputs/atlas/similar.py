"""Which municipalities are like a municipality, for the card."""

from __future__ import annotations

import numpy as np

from geo_engine.outputs.atlas.codec import packed, varints
from geo_engine.results import Results

NUMBER = 15
"""Similar places stored of each."""


def similar_positions(results: Results) -> str:
    """Pack the similar places of each municipality, nearest first.

    Parameters
    ----------
    results : Results
        What may be shown; ``similar`` has columns pro_com_t, order and neighbor.

    Returns
    -------
    str
        Base64 of gzip of varints, ``NUMBER`` a place, each one more than a position and 0 where
        there is none; "" where the study has no similar places.
    """
    table = results.similar
    if table.empty:
        return ""
    index = results.places.index
    place, neighbor = (index.get_indexer(table[name]) for name in ("pro_com_t", "neighbor"))
    order = table["order"].to_numpy().astype(np.int64)
    good = (place >= 0) & (neighbor >= 0) & (order >= 1) & (order <= NUMBER)
    found = np.zeros((len(index), NUMBER), dtype=np.int64)
    found[place[good], order[good] - 1] = neighbor[good] + 1
    return packed(varints(found))
