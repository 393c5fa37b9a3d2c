"""Which codes several chains have in common."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from geo_engine.chains.classification import divisions, leaves_under, titles
from geo_engine.chains.definitions import ALL_FIRMS, Chain
from geo_engine.chains.membership import PHASE_NAMES, code_lines

SHARED_COLUMNS = ("ateco", "title", "number", "chains", "phases")
"""Columns of :func:`shared_codes`."""
PAIR_COLUMNS = ("chain", "other", "codes", "share_of_chain", "share_of_other", "same_phase")
"""Columns of :func:`overlaps`."""


def shared_codes(chains: Mapping[str, Chain], edition: str) -> pd.DataFrame:
    """List the six-digit codes of an edition that belong to several chains.

    Parameters
    ----------
    chains : mapping of str to Chain
        Built-in or own; ``ALL_FIRMS`` is left out.
    edition : str
        "2007" (its update of 2022) or "2025".

    Returns
    -------
    DataFrame
        ``SHARED_COLUMNS``: code, official title, number of chains, their keys and phases (tuples),
        sorted by code.

    Raises
    ------
    ChainError
        ``ATECO_EDITION_UNKNOWN``; ``CHAIN_EDITION_MISSING``.
    """
    own, codes, phase = _placed(chains, edition)
    rows = []
    for row in np.flatnonzero((phase > 0).sum(axis=1) > 1):
        inside = np.flatnonzero(phase[row])
        rows.append(
            (
                codes[row],
                titles(edition)[codes[row]],
                len(inside),
                tuple(own[column] for column in inside),
                tuple(PHASE_NAMES[phase[row, column]] for column in inside),
            )
        )
    return pd.DataFrame(rows, columns=list(SHARED_COLUMNS))


def overlaps(chains: Mapping[str, Chain], edition: str) -> pd.DataFrame:
    """Count the six-digit codes that pairs of chains have in common.

    Parameters
    ----------
    chains : mapping of str to Chain
        Built-in or own; ``ALL_FIRMS`` is left out.
    edition : str
        "2007" (its update of 2022) or "2025".

    Returns
    -------
    DataFrame
        ``PAIR_COLUMNS``: one row for each pair with a code in common, most codes first;
        ``share_of_chain`` and ``share_of_other`` are shares of each one's codes (0 to 1),
        ``same_phase`` the codes that have the same phase in both.

    Raises
    ------
    ChainError
        As :func:`shared_codes`.
    """
    own, _, phase = _placed(chains, edition)
    sizes = (phase > 0).sum(axis=0)
    rows = []
    for one, other in itertools.combinations(range(len(own)), 2):
        both = (phase[:, one] > 0) & (phase[:, other] > 0)
        common = int(both.sum())
        if common:
            same = int((phase[both, one] == phase[both, other]).sum())
            rows.append(
                (own[one], own[other], common, common / sizes[one], common / sizes[other], same)
            )
    table = pd.DataFrame(rows, columns=list(PAIR_COLUMNS))
    return table.sort_values("codes", ascending=False, kind="stable", ignore_index=True)


def _placed(
    chains: Mapping[str, Chain], edition: str
) -> tuple[list[str], list[str], np.ndarray[tuple[int, int], np.dtype[np.int8]]]:
    """Give chains, six-digit codes, and the phase of each code in each chain.

    A line of a territory counts here as everywhere: there it may overlap.
    """
    kept = {key: chain for key, chain in chains.items() if chain is not ALL_FIRMS}
    codes = [code for stem in divisions(edition) for code in leaves_under(stem, edition)]
    everywhere = {name for chain in kept.values() for name in chain.territories}
    return list(kept), codes, code_lines(codes, edition, kept, territories=everywhere).phase
