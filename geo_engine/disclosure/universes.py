"""Protection across universes: two figures of nested sets of firms tell their difference.

All enterprises less the SMEs are the others: where these are few, the two published shares of a
cell give theirs. A cell is therefore hidden in every universe where some published universe less
others inside it, which have no firm in common, leaves from one to ``threshold - 1`` known firms.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.disclosure import protect
from geo_engine.disclosure.cells import COUNTS, levels_of
from geo_engine.disclosure.publication import Publication
from geo_engine.results import Results

NOTHING = 1e-6
"""Known firms that rounding may leave where sums of parts of firms are subtracted."""
MOST_PARTS = 3
"""Universes that are subtracted together at most."""
Pairs = Sequence[tuple[str, str]]


def differences(
    nested: Pairs, disjoint: Pairs, keys: Sequence[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """List what can be subtracted: a universe, and universes inside it without a common firm.

    Parameters
    ----------
    nested : sequence of (str, str)
        Inner and outer universe.
    disjoint : sequence of (str, str)
        Universes without a common firm, in either order.
    keys : sequence of str
        All universes.

    Yields
    ------
    tuple of str and tuple of str
        Outer universe, and one to ``MOST_PARTS`` inner ones.
    """
    apart = {frozenset(pair) for pair in disjoint}
    for outer in keys:
        inner = [key for key in keys if (key, outer) in nested and key != outer]
        for size in range(1, MOST_PARTS + 1):
            for parts in itertools.combinations(inner, size):
                if all(frozenset(pair) in apart for pair in itertools.combinations(parts, 2)):
                    yield outer, parts


def disclosing_cells(
    known: Mapping[str, xr.DataArray], nested: Pairs, disjoint: Pairs, threshold: int
) -> xr.DataArray:
    """Mark the cells that two or more published universes together disclose.

    Parameters
    ----------
    known : mapping of str to DataArray
        Firms with a known signal by universe, all of the same dims; NaN where not covered.
    nested, disjoint : sequence of (str, str)
        As for :func:`differences`.
    threshold : int
        Smallest number of firms whose share may be public.

    Returns
    -------
    DataArray of bool, same dims
        True where some difference leaves from 1 to ``threshold - 1`` known firms. Nothing is lost
        where it leaves none: the two figures are then one.
    """
    first = next(iter(known.values()))
    marked = xr.zeros_like(first, dtype=bool)
    for outer, parts in differences(nested, disjoint, list(known)):
        left = known[outer] - sum(known[part] for part in parts)
        marked |= (left > NOTHING) & (left < threshold)
    return marked


def publish_universes(
    results: Mapping[str, Results], *, nested: Pairs, disjoint: Pairs, threshold: int
) -> dict[str, Publication]:
    """Give what the audience may see of every universe of a study.

    Parameters
    ----------
    results : mapping of str to Results
        By universe, the main one first.
    nested, disjoint : sequence of (str, str)
        As for :func:`differences`.
    threshold : int
        Smallest number of firms with a known signal whose share may be public, >= 3.

    Returns
    -------
    dict of str to Publication
        Each universe protected by itself and against the differences with the others.
    """
    panels = {key: levels_of(each) for key, each in results.items()}
    first = next(iter(panels.values()))
    marked = {
        (level, count): disclosing_cells(
            {key: own[level][count] for key, own in panels.items()}, nested, disjoint, threshold
        )
        for level, panel in first.items()
        for count in COUNTS
        if count in panel
    }
    found: dict[str, Publication] = {}
    for key, each in results.items():
        published = protect.publish(each, threshold=threshold, marked=marked)
        if published.audience != "internal":
            shown = _protect_tables(published.results, threshold)
            published = dataclasses.replace(published, results=shown)
        found[key] = published
    return found


def _protect_tables(results: Results, threshold: int) -> Results:
    """Leave out of the tables of all firms what they tell of few."""
    shares = ("yes", "share", "share_low", "share_high")
    found = ("matched", "unmatched", "without_key", "rate")
    return dataclasses.replace(
        results,
        signal_coverage=_without_few(results.signal_coverage, "known", shares, threshold),
        signal_matches=_without_few(results.signal_matches, "firms", found, threshold),
        index_levels=_levels_of_many(results.index_levels, threshold),
    )


def _without_few(
    table: pd.DataFrame, count: str, columns: tuple[str, ...], threshold: int
) -> pd.DataFrame:
    """Blank columns in the rows of few firms, and of so many others that none is a difference."""
    if table.empty:
        return table
    first = "signal" if "signal" in table else "source"
    groups = [table[first], table["dimension"]]
    few = table[count].groupby(groups, sort=False).transform(_hidden_of, threshold=threshold)
    return table.assign(**{name: table[name].astype(float).mask(few == 1) for name in columns})


def _levels_of_many(table: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Blank the levels of groups with few firms of known level, and of others as need be."""
    if table.empty:
        return table
    known = table["firms"].where(table["level"] != "", 0)
    total = known.groupby([table["dimension"], table["group"]], sort=False).sum()
    few = total.groupby(level="dimension", sort=False).transform(_hidden_of, threshold=threshold)
    keys = pd.MultiIndex.from_frame(table[["dimension", "group"]])
    hidden = (few.reindex(keys).to_numpy() == 1) & (table["level"] != "").to_numpy()
    return table.assign(firms=table["firms"].astype(np.float64).mask(hidden))


def _hidden_of(counts: pd.Series, threshold: int) -> pd.Series:
    """Choose the groups of one dimension to hide, 1 or 0: they add up to a known total.

    Whoever knows the total and all groups but the hidden ones knows the sum of these; so they must
    be several, with together at least the threshold.
    """
    values = counts.to_numpy(np.float64)
    hidden = (values > 0) & (values < threshold)
    order = [at for at in np.argsort(values, kind="stable") if values[at] >= threshold]
    while hidden.any() and order and (hidden.sum() < 2 or values[hidden].sum() < threshold):
        hidden[order.pop(0)] = True
    return pd.Series(hidden.astype(np.int8), index=counts.index)
