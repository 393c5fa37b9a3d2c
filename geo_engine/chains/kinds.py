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
    """Distinct combinations of codes and territories, and which one each firm is of.

    A code stands for all codes with the same lines in the same chains, and so does a list, where
    :func:`geo_engine.chains.weights.firm_memberships` built them.
    """

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


@dataclass(frozen=True, kw_only=True)
class FirmCodes:
    """What a firm's chains depend on, as positions; arrays have the shape (firms,)."""

    code: npt.NDArray[np.integer]
    """Primary code, -1 for none."""
    secondary: npt.NDArray[np.integer] | None = None
    """List of secondary codes, -1 for none."""
    place_class: npt.NDArray[np.integer] | None = None
    """Territories of the firm's municipality, -1 for none: as :func:`classes_of` gives it."""


def classes_of(place: npt.NDArray[np.integer], classes: PlaceClasses) -> npt.NDArray[np.int16]:
    """Give the place class of each firm.

    Parameters
    ----------
    place : array of int, shape (firms,)
        Position of each firm's municipality, -1 for none.
    classes : PlaceClasses
        Territories of municipalities.

    Returns
    -------
    array of int16, shape (firms,)
        -1 without a municipality.
    """
    return np.append(classes.which, np.int16(NONE))[place]


def firm_kinds(firms: FirmCodes) -> FirmKinds:
    """Find the distinct combinations of codes and territories of firms.

    Parameters
    ----------
    firms : FirmCodes
        Codes and place classes of every firm.

    Returns
    -------
    FirmKinds
        Independent of the order of the firms.

    Raises
    ------
    ChainError
        ``POSITION_RANGE`` for arrays of different lengths, or positions below -1.
    """
    columns = _columns(firms)
    sizes = (_size(columns[1]), _size(columns[2]))
    which, distinct = pd.factorize(_keys(columns, sizes), sort=True)
    table = pd.DataFrame(
        {
            "code": distinct // (sizes[0] * sizes[1]) - 1,
            "secondary": distinct // sizes[1] % sizes[0] - 1,
            "place_class": distinct % sizes[1] - 1,
            "rows": np.bincount(which, minlength=len(distinct)),
        }
    ).astype(np.int64)
    return FirmKinds(table=table, which=which.astype(np.int32))


def find_kinds(kinds: FirmKinds, firms: FirmCodes) -> npt.NDArray[np.int32]:
    """Find the kind of firms among those already known.

    Parameters
    ----------
    kinds : FirmKinds
        Of all firms.
    firms : FirmCodes
        Some of them, such as those of one batch.

    Returns
    -------
    array of int32, shape (firms,)
        Positions in ``kinds.table``.

    Raises
    ------
    ChainError
        ``POSITION_RANGE`` as for :func:`firm_kinds`, and for a firm of no known kind.
    """
    known = [kinds.table[name].to_numpy() for name in ("code", "secondary", "place_class")]
    columns = _columns(firms)
    sizes = tuple(max(_size(known[i]), _size(columns[i])) for i in (1, 2))
    listed, wanted = _keys(known, sizes), _keys(columns, sizes)
    at = np.minimum(np.searchsorted(listed, wanted), max(len(listed) - 1, 0))
    lost = int((listed[at] != wanted).sum()) if len(listed) else len(wanted)
    if lost:
        raise ChainError(
            "POSITION_RANGE",
            f"{lost:,} of {len(wanted):,} firms are of no known kind. Find the kinds of all firms "
            "first.",
        )
    return at.astype(np.int32)


def _columns(firms: FirmCodes) -> list[npt.NDArray[np.int64]]:
    """Give code, list and place class of every firm, checked."""
    number = len(firms.code)
    none = np.full(number, NONE, dtype=np.int64)
    columns = [
        none if own is None else np.asarray(own, dtype=np.int64)
        for own in (firms.code, firms.secondary, firms.place_class)
    ]
    if any(len(own) != number or (own < NONE).any() for own in columns):
        raise ChainError(
            "POSITION_RANGE",
            f"{number:,} firms have columns of other lengths or positions below -1. "
            "Build all columns on the same table.",
        )
    return columns


def _size(column: npt.NDArray[np.int64]) -> int:
    """Count the positions of a column and -1."""
    return int(column.max(initial=NONE)) + 2


def _keys(
    columns: Sequence[npt.NDArray[np.int64]], sizes: tuple[int, ...]
) -> npt.NDArray[np.int64]:
    """Write three positions as one number that sorts like them."""
    code, secondary, place_class = (column + 1 for column in columns)
    return (code * sizes[0] + secondary) * sizes[1] + place_class
