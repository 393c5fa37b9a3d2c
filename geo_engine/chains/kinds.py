"""Kinds of firms: all that have the same codes and stand in the same territories.

A firm's chains follow from its primary code, its secondary codes and the named territories that its
municipality lies in. Millions of firms share some thousands of such combinations, so chains are
looked up for the combinations, and rows carry a position in their table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.definitions import Chain
from geo_engine.errors import ChainError

NONE = -1
"""Position of no code, no list, no place."""


@dataclass(frozen=True, kw_only=True)
class PlaceClasses:
    """Municipalities by the named territories that they lie in."""

    which: npt.NDArray[np.int16]
    """Class of each municipality."""
    territories: tuple[frozenset[str], ...]
    """Names of the territories of each class."""


@dataclass(frozen=True, kw_only=True)
class FirmKinds:
    """Distinct combinations of codes and territories, and which one each firm is of."""

    table: pd.DataFrame
    """code, secondary, place_class (positions, -1 for none) and rows, sorted by the first three."""
    which: npt.NDArray[np.int32]
    """Kind of each firm: a position in ``table``."""


def place_classes(
    places: Sequence[str],
    chains: Mapping[str, Chain],
    territories: Mapping[str, Collection[str]],
) -> PlaceClasses:
    """Group municipalities by the territories that chains refer to.

    Parameters
    ----------
    places : sequence of str
        ``pro_com_t`` of every municipality, in the order of the positions of firms.
    chains : mapping of str to Chain
        The studied chains.
    territories : mapping of str to collection of str
        ``pro_com_t`` of the municipalities of each named territory, such as the coastal ones.

    Returns
    -------
    PlaceClasses
        One class where no chain refers to a territory.

    Raises
    ------
    ChainError
        ``CHAIN_TERRITORY_UNKNOWN`` when a chain refers to a territory that is not given;
        ``TERRITORY_CODES`` when a territory is empty, or has codes that are no municipality of the
        study.
    """
    used = _used_territories(chains, territories)
    index = pd.Index(places)
    inside = np.zeros((len(index), len(used)), dtype=bool)
    for column, name in enumerate(used):
        codes = sorted(set(territories[name]))
        at = index.get_indexer(pd.Index(codes, dtype=object))
        if not len(codes) or (at < 0).any():
            wrong = [code for code, position in zip(codes, at, strict=True) if position < 0]
            told = f", such as {wrong[0]}," if wrong else ""
            raise ChainError(
                "TERRITORY_CODES",
                f"{len(wrong)} of {len(codes)} codes of the territory {name!r}{told} are no "
                "municipality of the boundary date. Give pro_com_t codes (six characters) of that "
                "date.",
            )
        inside[at, column] = True
    patterns, which = np.unique(inside, axis=0, return_inverse=True)
    return PlaceClasses(
        which=which.reshape(-1).astype(np.int16),
        territories=tuple(
            frozenset(name for name, here in zip(used, pattern, strict=True) if here)
            for pattern in patterns
        ),
    )


def _used_territories(
    chains: Mapping[str, Chain], territories: Mapping[str, Collection[str]]
) -> list[str]:
    """List the territories that chains refer to, sorted."""
    for chain in chains.values():
        for name in chain.territories:
            if name not in territories:
                known = ", ".join(sorted(territories)) or "none"
                raise ChainError(
                    "CHAIN_TERRITORY_UNKNOWN",
                    f"Chain {chain.key} refers to the territory {name!r}. Known: {known}. Add it "
                    "under chains.territories.",
                )
    return sorted({name for chain in chains.values() for name in chain.territories})


def firm_kinds(
    code: npt.NDArray[np.integer],
    *,
    secondary: npt.NDArray[np.integer] | None = None,
    place: npt.NDArray[np.integer] | None = None,
    classes: PlaceClasses | None = None,
) -> FirmKinds:
    """Find the distinct combinations of codes and territories of firms.

    Parameters
    ----------
    code : array of int, shape (firms,)
        Position of the primary code, -1 for none.
    secondary : array of int, shape (firms,), optional
        Position of the list of secondary codes, -1 for none.
    place, classes : array of int and PlaceClasses, optional
        Position of each firm's municipality (-1 for none), and the territories of municipalities.

    Returns
    -------
    FirmKinds
        Independent of the order of the firms.

    Raises
    ------
    ChainError
        ``POSITION_RANGE`` for arrays of different lengths, or positions below -1.
    """
    columns = [np.asarray(code, dtype=np.int64)]
    columns.append(_or_none(secondary, len(columns[0])))
    if place is None or classes is None:
        columns.append(_or_none(None, len(columns[0])))
    else:
        columns.append(np.append(classes.which, NONE).astype(np.int64)[place])
    if any(len(own) != len(columns[0]) or (own < NONE).any() for own in columns):
        raise ChainError(
            "POSITION_RANGE",
            f"{len(columns[0]):,} firms have columns of other lengths or positions below -1. "
            "Build all columns on the same table.",
        )
    sizes = [int(own.max(initial=NONE)) + 2 for own in columns]
    key = ((columns[0] + 1) * sizes[1] + columns[1] + 1) * sizes[2] + columns[2] + 1
    which, distinct = pd.factorize(key, sort=True)
    table = pd.DataFrame(
        {
            "code": distinct // (sizes[1] * sizes[2]) - 1,
            "secondary": distinct // sizes[2] % sizes[1] - 1,
            "place_class": distinct % sizes[2] - 1,
            "rows": np.bincount(which, minlength=len(distinct)),
        }
    ).astype(np.int64)
    return FirmKinds(table=table, which=which.astype(np.int32))


def _or_none(column: npt.NDArray[np.integer] | None, length: int) -> npt.NDArray[np.int64]:
    """Give a column, or one of no positions."""
    if column is None:
        return np.full(length, NONE, dtype=np.int64)
    return np.asarray(column, dtype=np.int64)
