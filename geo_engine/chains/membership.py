"""Which codes belong to which chains, and in which phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.classification import EDITIONS, check_edition, digits_of, leaves_under
from geo_engine.chains.definitions import (
    ALL_FIRMS,
    EXCLUDED,
    PHASES,
    Chain,
    Perimeter,
    load_chains,
    load_perimeter,
)
from geo_engine.chains.own import custom_chains, select_chains
from geo_engine.errors import ChainError

__all__ = [
    "ALL_FIRMS",
    "PHASES",
    "PHASE_NAMES",
    "Chain",
    "CodeLines",
    "Perimeter",
    "code_lines",
    "custom_chains",
    "load_chains",
    "load_perimeter",
    "membership",
    "select_chains",
]

PHASE_NAMES = ("", *PHASES, ALL_FIRMS.key)
"""Phases by code 0 to 5: outside, the four phases, and the one of ``ALL_FIRMS``."""
_EVERYONE = len(PHASE_NAMES) - 1
_OUTSIDE = (0, 0.0)
_LEAF = 6
"""Digits of a whole code."""

_Placed = tuple[int, float]
"""Code of a phase and weight of the line."""


@dataclass(frozen=True, kw_only=True)
class CodeLines:
    """Where codes stand in chains; both arrays have the shape (codes, chains)."""

    phase: npt.NDArray[np.int8]
    """Position in ``PHASE_NAMES``."""
    weight: npt.NDArray[np.float64]
    """Weight of the code's line, from 0 (outside) to 1."""


def membership(
    codes: Sequence[str],
    editions: str | Sequence[str],
    chains: Mapping[str, Chain],
    *,
    territories: Collection[str] = (),
) -> pd.DataFrame:
    """Give the phase of each code in each chain.

    Inside a chain the longest prefix wins; a code may belong to several chains. A code shorter than
    the prefixes belongs to a chain when all the six-digit codes below it do, with their most
    frequent phase. A code of undecided edition ("") belongs where both editions agree on the chain,
    with the phase of the newer one. Every code, and none, belongs to ``ALL_FIRMS``.

    Parameters
    ----------
    codes : sequence of str
        Distinct normalized codes; "" belongs to no chain.
    editions : str or sequence of str
        Edition of all codes, or of each.
    chains : mapping of str to Chain
        The studied chains.
    territories : collection of str
        Names of the territories in which the firms of these codes are; a line that refers to
        another one does not count for them.

    Returns
    -------
    DataFrame
        Index ``ateco`` (``codes`` as given), one column per chain: the phase, or "".

    Raises
    ------
    ChainError
        ``CHAIN_EDITION_MISSING`` when a chain has no prefixes for an edition that codes use;
        ``ATECO_EDITION_UNKNOWN``.
    """
    found = code_lines(codes, editions, chains, territories=territories)
    names = np.array(PHASE_NAMES, dtype=object)[found.phase]
    index = pd.Index(list(codes), name="ateco", dtype="str")
    columns = {key: names[:, position] for position, key in enumerate(chains)}
    return pd.DataFrame(columns, index=index, dtype="str")


def code_lines(
    codes: Sequence[str],
    editions: str | Sequence[str],
    chains: Mapping[str, Chain],
    *,
    territories: Collection[str] = (),
) -> CodeLines:
    """Give phase and weight of each code in each chain, by the rules of :func:`membership`.

    Parameters
    ----------
    codes, editions, chains, territories
        As for :func:`membership`.

    Returns
    -------
    CodeLines
        Arrays of shape (codes, chains). A short code weighs the mean of the codes below it.

    Raises
    ------
    ChainError
        As :func:`membership`.
    """
    each = [editions] * len(codes) if isinstance(editions, str) else list(editions)
    _check_editions(codes, each, chains)
    here = frozenset(territories)
    phase = np.zeros((len(codes), len(chains)), dtype=np.int8)
    weight = np.zeros(phase.shape)
    for column, chain in enumerate(chains.values()):
        if chain is ALL_FIRMS:
            phase[:, column], weight[:, column] = _EVERYONE, 1.0
            continue
        by_digits = {edition: _by_digits(chain, edition, here) for edition in EDITIONS}
        for row, (code, edition) in enumerate(zip(codes, each, strict=True)):
            phase[row, column], weight[row, column] = _place(code, edition, by_digits)
    return CodeLines(phase=phase, weight=weight)


def _check_editions(
    codes: Sequence[str], editions: Sequence[str], chains: Mapping[str, Chain]
) -> None:
    """Raise when codes use an edition that does not exist, or that a chain does not define."""
    used = Counter(
        edition for code, edition in zip(codes, editions, strict=True) if code and edition
    )
    for edition in sorted(used):
        check_edition(edition)
        lacking = [
            key
            for key, chain in chains.items()
            if chain is not ALL_FIRMS and edition not in chain.prefixes
        ]
        if lacking:
            raise ChainError(
                "CHAIN_EDITION_MISSING",
                f"{used[edition]:,} codes are of ATECO {edition}, for which {', '.join(lacking)} "
                f"has no prefixes. Add [chains.custom.{lacking[0]}.ateco_{edition}] to the study; "
                "geo-engine chains code CODE shows where a code of the other edition went.",
            )


def _by_digits(chain: Chain, edition: str, territories: frozenset[str]) -> dict[str, _Placed]:
    """Give phase and weight by prefix without points, of the lines that hold here.

    A line of a territory takes precedence over one of everywhere, and the first over later ones.
    """
    found: dict[str, _Placed] = {}
    general = [line for line in chain.lines if not line.territory]
    special = [line for line in chain.lines if line.territory in territories and line.territory]
    for line in (*special, *general):
        phase = 0 if line.phase == EXCLUDED else PHASE_NAMES.index(line.phase)
        for prefix in line.prefixes.get(edition, ()):
            found.setdefault(digits_of(prefix), (phase, line.weight if phase else 0.0))
    return found


def _place(code: str, edition: str, by_digits: Mapping[str, Mapping[str, _Placed]]) -> _Placed:
    """Find phase and weight of one code in one chain."""
    if not code:
        return _OUTSIDE
    if edition:
        return _place_in_edition(code, edition, by_digits[edition])
    placed = [_place_in_edition(code, edition, by_digits[edition]) for edition in EDITIONS]
    return placed[-1] if all(phase for phase, _ in placed) else _OUTSIDE


def _place_in_edition(code: str, edition: str, by_digits: Mapping[str, _Placed]) -> _Placed:
    """Find the longest prefix, or what lies below a short code."""
    digits = digits_of(code)
    for length in range(len(digits), 1, -1):
        if digits[:length] in by_digits:
            return by_digits[digits[:length]]
    if len(digits) == _LEAF or not any(prefix.startswith(digits) for prefix in by_digits):
        return _OUTSIDE
    below = [_place_in_edition(leaf, edition, by_digits) for leaf in leaves_under(code, edition)]
    if not below or not all(phase for phase, _ in below):
        return _OUTSIDE
    frequent = Counter(phase for phase, _ in below)
    most = max(range(1, _EVERYONE), key=lambda phase: frequent[phase])
    return most, sum(weight for _, weight in below) / len(below)
