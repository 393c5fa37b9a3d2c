"""From codes of ATECO 2007 (update of 2022) to those of ATECO 2025, with what is uncertain.

The links are those of ISTAT's table, as the package ``ateco`` carries it (CC BY 4.0).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.classification import (
    digits_of,
    exists,
    is_homonym,
    leaves_under,
    links,
    successors,
)
from geo_engine.errors import ChainError

KINDS = ("1-1", "N-1", "1-M", "N-M")
"""How a code of 2007 is linked to codes of 2025: ``1-1`` and ``N-1`` have one target (simple);
``1-M`` has several targets of its own alone, ``N-M`` several that come from other codes too
(both complex)."""
SIMPLE, COMPLEX = "simple", "complex"
RECODED = "ATECO_RECODED"
"""Flag: the code was turned into the one of 2025 that took its place."""
APPORTIONED = "ATECO_APPORTIONED"
"""Flag: several codes of 2025 took its place; the firm counts in each with a share."""
UNLINKED = "ATECO_UNLINKED"
"""Flag: no code of 2025 is known to have taken its place; the firm counts in no chain."""

_LEAF = 6
_CLOSE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Recoded:
    """Codes of 2007 as shares of codes of 2025."""

    source: npt.NDArray[np.int64]
    """Position of the code among those given, ascending; a code without targets is absent."""
    targets: npt.NDArray[np.object_]
    """Dotted six-digit code of 2025."""
    shares: npt.NDArray[np.float64]
    """Share of the code's firms that count there; those of one code add up to 1."""
    flags: npt.NDArray[np.object_]
    """By given code: ``ATECO_RECODED``, ``ATECO_APPORTIONED`` or ``ATECO_UNLINKED``."""


@functools.cache
def _correspondence() -> pd.DataFrame:
    """Build the table once; the caller must not change it."""
    back: dict[str, int] = {}
    for targets in links().values():
        for target in targets:
            back[target] = back.get(target, 0) + 1
    rows: list[tuple[str, str, str, str, int, int, bool]] = []
    for code, targets in sorted(links().items()):
        shared = max(back[target] for target in targets) > 1
        kind = f"{'N' if shared else '1'}-{'M' if len(targets) > 1 else '1'}"
        recode = COMPLEX if len(targets) > 1 else SIMPLE
        rows.extend(
            (code, target, kind, recode, len(targets), back[target], code == target)
            for target in targets
        )
    columns = ["ateco_2007", "ateco_2025", "kind", "recode", "targets", "origins", "same_code"]
    return pd.DataFrame(rows, columns=columns)


def correspondence() -> pd.DataFrame:
    """Give every link between six-digit codes of the two editions.

    Returns
    -------
    DataFrame
        One row for each link, sorted: ``ateco_2007`` (update of 2022), ``ateco_2025``, ``kind``
        (one of ``KINDS``), ``recode`` ("simple" or "complex"), ``targets`` (codes of 2025 linked to
        that of 2007), ``origins`` (codes of 2007 linked to that of 2025), ``same_code`` (bool).

    Notes
    -----
    ISTAT's operational table has the same 566 rows of kind 1-1, 273 of N-1 and 402 of several
    targets; it divides the last between 1-M (126) and N-M (276) by a rule of its own that is not
    published with the links, while ``kind`` follows from the links alone (41 and 361).
    """
    return _correspondence().copy()


def ambiguity(code: str) -> str:
    """Tell how sure the place of a code of 2007 in the edition of 2025 is.

    Parameters
    ----------
    code : str
        Dotted code of ATECO 2007 of two to six digits.

    Returns
    -------
    str
        The kind of a six-digit code; of a shorter one, the least sure kind below it. "" where no
        code of 2025 is known.
    """
    below = [leaf for leaf in updated_leaves(code) if leaf in links()]
    if not below:
        return ""
    table = _correspondence()
    kinds = set(table.loc[table["ateco_2007"].isin(below), "kind"])
    return max(kinds, key=KINDS.index)


def updated_leaves(code: str) -> tuple[str, ...]:
    """List the six-digit codes of the update of 2022 at or below a code of ATECO 2007.

    Parameters
    ----------
    code : str
        Dotted code of the first list or of its update.

    Returns
    -------
    tuple of str
        Sorted; for a code that only the first list has, those that took its place.
    """
    return leaves_under(code, "2007") or successors(code)


def recode(codes: Sequence[str], weights: Mapping[tuple[str, str], float] | None = None) -> Recoded:
    """Turn codes of ATECO 2007 into shares of codes of ATECO 2025.

    A six-digit code with several targets counts in each with an equal share, unless weights say
    otherwise; a shorter code counts in the targets of all codes below it, each of these the same.

    Parameters
    ----------
    codes : sequence of str
        Dotted codes of ATECO 2007.
    weights : mapping, optional
        Weight by pair of six-digit codes of 2007 and 2025, such as numbers of firms whose two codes
        are known. A code takes its shares from here when any of its links has a weight; a link
        without one then has none.

    Returns
    -------
    Recoded
        Shares of each code's targets, and a flag for each code.

    Raises
    ------
    ChainError
        ``RECODE_WEIGHT`` for a pair that the official table does not link, a negative weight, or
        weights that are all zero; ``ATECO_EDITION_UNKNOWN`` for a code that ATECO 2007 lacks.
    """
    unknown = [code for code in codes if not exists(code, "2007")]
    if unknown:
        raise ChainError(
            "ATECO_EDITION_UNKNOWN",
            f"{len(unknown):,} of {len(codes):,} codes are none of ATECO 2007 (first: "
            f"{unknown[0]!r}). Only codes of that edition can be turned into others.",
        )
    shares = _leaf_shares(weights or {})
    source: list[int] = []
    targets: list[str] = []
    amounts: list[float] = []
    flags: list[str] = []
    for position, code in enumerate(codes):
        found = _of_code(code, shares)
        source += [position] * len(found)
        targets += list(found)
        amounts += list(found.values())
        flags.append((UNLINKED, RECODED)[len(found)] if len(found) <= 1 else APPORTIONED)
    return Recoded(
        source=np.array(source, dtype=np.int64),
        targets=np.array(targets, dtype=object),
        shares=np.array(amounts, dtype=np.float64),
        flags=np.array(flags, dtype=object),
    )


def _of_code(code: str, shares: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Give the shares of one code of any level, sorted by target."""
    leaves = [leaf for leaf in updated_leaves(code) if leaf in shares]
    found: dict[str, float] = {}
    for leaf in leaves:
        for target, share in shares[leaf].items():
            found[target] = found.get(target, 0.0) + share / len(leaves)
    return {target: found[target] for target in sorted(found) if found[target] > 0}


def _leaf_shares(weights: Mapping[tuple[str, str], float]) -> dict[str, dict[str, float]]:
    """Give the shares of every six-digit code, equal or as weighted."""
    shares = {code: dict.fromkeys(targets, 1 / len(targets)) for code, targets in links().items()}
    weighted: dict[str, dict[str, float]] = {}
    for (code, target), weight in weights.items():
        if target not in links().get(code, ()) or not 0 <= weight < np.inf:
            raise ChainError(
                "RECODE_WEIGHT",
                f"{code} to {target} with weight {weight:g}: ISTAT's table has no such link, or "
                "the weight is no number from 0 up. Correct or remove it.",
            )
        weighted.setdefault(code, {})[target] = float(weight)
    for code, given in weighted.items():
        total = sum(given.values())
        if total <= 0:
            raise ChainError("RECODE_WEIGHT", f"All weights of {code} are zero. Give one above.")
        shares[code] = {target: weight / total for target, weight in given.items()}
    return shares


def learned_weights(
    old: Sequence[str], new: Sequence[str], counts: Sequence[float]
) -> dict[tuple[str, str], float]:
    """Turn firms whose codes in both editions are known into weights for :func:`recode`.

    Parameters
    ----------
    old, new : sequence of str
        Dotted codes of 2007 and 2025 of the same firms; pairs that are not six digits long, or that
        the official table does not link, are left out.
    counts : sequence of float
        Firms with each pair.

    Returns
    -------
    dict
        Firms by pair of six-digit codes.
    """
    found: dict[tuple[str, str], float] = {}
    for code, target, count in zip(old, new, counts, strict=True):
        if len(digits_of(code)) == _LEAF and target in links().get(code, ()):
            found[code, target] = found.get((code, target), 0.0) + float(count)
    return {pair: count for pair, count in found.items() if count > 0}


def describe_code(code: str, edition: str) -> pd.DataFrame:
    """List the codes of the other edition that a code went to, or came from.

    Parameters
    ----------
    code : str
        Dotted code of two to six digits.
    edition : str
        Its edition, "2007" or "2025".

    Returns
    -------
    DataFrame
        Rows of :func:`correspondence` at or below the code, with ``homonym`` (bool): the string
        of 2007 means another activity in 2025.
    """
    table = correspondence()
    if edition == "2007":
        rows = table["ateco_2007"].isin(updated_leaves(code))
    else:
        rows = table["ateco_2025"].isin(leaves_under(code, "2025"))
    found = table[rows].reset_index(drop=True)
    return found.assign(homonym=[is_homonym(own) for own in found["ateco_2007"]])
