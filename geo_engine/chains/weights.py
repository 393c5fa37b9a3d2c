"""How much of a firm each chain has: by primary and secondary codes, whole, equal or given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.correspondence import recode
from geo_engine.chains.definitions import ALL_FIRMS, Chain
from geo_engine.chains.kinds import FirmKinds, PlaceClasses
from geo_engine.chains.membership import PHASE_NAMES, code_lines
from geo_engine.chains.secondary import SecondaryCodes
from geo_engine.errors import ChainError

UNITS = math.lcm(*range(1, 17))
"""Units of a whole firm, 720,720: a half, a third, ... a sixteenth are whole numbers of units, so
that sums do not depend on the order of the firms."""

_BLOCK = 65_536
"""Kinds that are worked on at once, so that memory stays small."""

Weighting = Literal["whole", "equal", "given"]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MembershipRule:
    """How codes become weights."""

    weights: Weighting = "whole"
    """``whole``: a firm counts 1 in each of its chains; ``equal``: chains share it evenly;
    ``given``: by the weights of the chains' lines. With the last two, the weights of a firm are
    divided by their sum where that exceeds 1, so that no firm counts more than once."""
    secondary_weight: float = 0.0
    """Weight, from 0 (secondary codes do not count) to 1, of a chain that a firm belongs to by
    secondary codes alone."""
    edition: Literal["own", "2025"] = "own"
    """``own``: each code by the list of its edition; ``2025``: codes of 2007 are turned into those
    of 2025 first, with shares where that is not one code."""
    recode_weights: Mapping[tuple[str, str], float] | None = None
    """Shares of complex recodes, as for :func:`geo_engine.chains.correspondence.recode`."""


@dataclass(frozen=True, kw_only=True)
class Memberships:
    """Chains of each kind of firm; arrays have the shape (kinds, chains) unless said."""

    chains: tuple[str, ...]
    phase: npt.NDArray[np.int8]
    """Position in ``PHASE_NAMES``; the phase with most weight where codes are apportioned."""
    units: npt.NDArray[np.int64]
    """Weight in ``UNITS`` to the firm."""
    by_secondary: npt.NDArray[np.bool_]
    """Where a firm belongs by its secondary codes alone."""
    code_flags: npt.NDArray[np.object_]
    """By primary code: ``ATECO_RECODED``, ``ATECO_APPORTIONED``, ``ATECO_UNLINKED`` or ""."""

    @property
    def members(self) -> npt.NDArray[np.bool_]:
        """Which kinds belong to which chains, as ``count_firms`` takes it."""
        return self.units > 0

    @property
    def weights(self) -> _Floats:
        """Weights from 0 to 1."""
        return self.units / UNITS

    def phases(self) -> pd.DataFrame:
        """Give the phase of each kind in each chain, "" when outside."""
        names = np.array(PHASE_NAMES, dtype=object)[self.phase]
        return pd.DataFrame(names, columns=list(self.chains), dtype="str")


def kind_memberships(
    kinds: FirmKinds,
    ateco: pd.DataFrame,
    chains: Mapping[str, Chain],
    *,
    rule: MembershipRule,
    secondary: SecondaryCodes | None = None,
    classes: PlaceClasses | None = None,
) -> Memberships:
    """Give the chains of every kind of firm, with weights.

    Parameters
    ----------
    kinds : FirmKinds
        Distinct combinations of codes and territories.
    ateco : DataFrame
        ``code`` and ``edition`` of the primary codes, as the positions in ``kinds`` number them.
    chains : mapping of str to Chain
        The studied chains. Weights are divided among these.
    rule : MembershipRule
        How codes become weights.
    secondary : SecondaryCodes, optional
        Lists of secondary codes, as the positions in ``kinds`` number them.
    classes : PlaceClasses, optional
        Territories of the place classes in ``kinds``.

    Returns
    -------
    Memberships
        Aligned with ``kinds.table``. ``ALL_FIRMS`` always has the whole firm, and no part in the
        division among chains.

    Raises
    ------
    ChainError
        ``SECONDARY_WEIGHT`` for a weight outside 0 to 1, and those of
        :func:`geo_engine.chains.membership.membership` and
        :func:`geo_engine.chains.correspondence.recode`.
    """
    if not 0 <= rule.secondary_weight <= 1:
        raise ChainError(
            "SECONDARY_WEIGHT",
            f"secondary_weight is {rule.secondary_weight:g}. Write a share from 0 to 1.",
        )
    where = [*(classes.territories if classes else ()), frozenset[str]()]
    primary = _read_with_rule(ateco, chains, rule, where)
    other = _lists(secondary, chains, rule, where)
    everyone = np.array([chain is ALL_FIRMS for chain in chains.values()], dtype=bool)
    blocks = [
        _block(kinds.table.iloc[start : start + _BLOCK], primary, other, rule, everyone)
        for start in range(0, max(len(kinds.table), 1), _BLOCK)
    ]
    phase, units, further = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Memberships(
        chains=tuple(chains),
        phase=phase,
        units=units,
        by_secondary=further,
        code_flags=primary.flags,
    )


@dataclass(frozen=True, kw_only=True)
class _Read:
    """Codes after the rule: rows of code i are first[i] : first[i + 1], one or more."""

    first: npt.NDArray[np.int64]
    share: _Floats
    """Share of the code that each row stands for."""
    phase: npt.NDArray[np.int8]
    """Shape (place classes, rows, chains)."""
    strength: _Floats
    flags: npt.NDArray[np.object_]


def _read_with_rule(
    ateco: pd.DataFrame,
    chains: Mapping[str, Chain],
    rule: MembershipRule,
    where: list[frozenset[str]],
) -> _Read:
    """Look up primary codes, and after them a row for no code."""
    rows = pd.DataFrame({"code": [*ateco["code"], ""], "edition": [*ateco["edition"], ""]})
    rows["source"], rows["share"] = np.arange(len(rows)), 1.0
    flags = np.full(len(ateco), "", dtype=object)
    old = np.flatnonzero((rows["edition"] == "2007") & (rows["code"] != ""))
    if rule.edition == "2025" and len(old):
        found = recode(rows["code"].iloc[old].tolist(), rule.recode_weights)
        flags[old] = found.flags
        new = {"code": found.targets, "edition": "2025"}
        new |= {"source": old[found.source], "share": found.shares}
        rows.loc[old, ["code", "edition"]] = ""  # stays, in no chain, where nothing took its place
        rows = pd.concat([rows.drop(index=old[np.unique(found.source)]), pd.DataFrame(new)])
        rows = rows.sort_values("source", kind="stable")
    codes, editions = rows["code"].tolist(), rows["edition"].tolist()
    looked = [code_lines(codes, editions, chains, territories=here) for here in where]
    weight = np.stack([lines.weight for lines in looked])
    return _Read(
        first=np.searchsorted(rows["source"].to_numpy(), np.arange(len(ateco) + 2)),
        share=rows["share"].to_numpy(np.float64),
        phase=np.stack([lines.phase for lines in looked]),
        strength=weight if rule.weights == "given" else (weight > 0).astype(np.float64),
        flags=flags,
    )


@dataclass(frozen=True, kw_only=True)
class _Lists:
    """Chains of lists of secondary codes: (place classes, lists + 1, chains); the last is none."""

    phase: npt.NDArray[np.int8]
    strength: _Floats


def _lists(
    secondary: SecondaryCodes | None,
    chains: Mapping[str, Chain],
    rule: MembershipRule,
    where: list[frozenset[str]],
) -> _Lists:
    """Give each list the largest strength among its codes, and the phase that has it."""
    lists = len(secondary.first) - 1 if secondary else 0
    phase = np.zeros((len(where), lists + 1, len(chains)), dtype=np.int8)
    strength = np.zeros(phase.shape)
    if secondary is None or rule.secondary_weight == 0 or not len(secondary.codes):
        return _Lists(phase=phase, strength=strength)
    read = _read_with_rule(secondary.table, chains, rule, where)
    filled = np.flatnonzero(np.diff(secondary.first))
    begins = secondary.first[:-1][filled]
    for number in range(len(where)):
        expected = read.strength[number] * read.share[:, None]
        best = np.zeros((len(filled), len(chains)))
        for name in range(1, len(PHASE_NAMES)):
            mine = np.where(read.phase[number] == name, expected, 0.0)
            of_code = np.add.reduceat(mine, read.first[:-1], axis=0)
            largest = np.maximum.reduceat(of_code[secondary.codes], begins, axis=0)
            phase[number, filled] = np.where(largest > best, name, phase[number, filled])
            best = np.maximum(best, largest)
        strength[number, filled] = best
    return _Lists(phase=phase, strength=strength)


def _block(
    table: pd.DataFrame,
    primary: _Read,
    other: _Lists,
    rule: MembershipRule,
    everyone: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Give phase, units and whether by secondary codes alone, of some kinds."""
    rows, of_kind = _ranges(primary.first, table["code"].to_numpy())
    place_class = table["place_class"].to_numpy()[of_kind]  # -1, none, is the last one
    phase = primary.phase[place_class, rows]
    strength = primary.strength[place_class, rows]
    at = (place_class, table["secondary"].to_numpy()[of_kind])
    further = (strength == 0) & (other.strength[at] > 0)
    phase = np.where(further, other.phase[at], phase)
    strength = np.where(further, other.strength[at] * rule.secondary_weight, strength)
    if rule.weights != "whole":
        strength = _divided(strength, everyone)
    strength *= primary.share[rows][:, None]
    begins = np.searchsorted(of_kind, np.arange(len(table)))
    units = _to_units(_summed(strength, begins), rule.weights, everyone)
    kept = units > 0
    main = np.where(kept, _main_phase(phase, strength, begins), 0).astype(np.int8)
    return main, units, kept & (_summed(np.where(further, 0.0, strength), begins) == 0)


def _ranges(
    first: npt.NDArray[np.int64], code: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """List the rows of each kind's code, one kind after the other; -1 is the last code."""
    position = np.where(code < 0, len(first) - 2, code)
    length = first[position + 1] - first[position]
    of_kind = np.repeat(np.arange(len(code)), length)
    within = np.arange(len(of_kind)) - np.repeat(np.cumsum(length) - length, length)
    return first[position][of_kind] + within, of_kind


def _summed(values: _Floats, begins: npt.NDArray[np.int64]) -> _Floats:
    """Add up the rows of each kind."""
    if not len(begins):
        return np.zeros((0, values.shape[1]))
    return np.add.reduceat(values, begins, axis=0)


def _main_phase(
    phase: npt.NDArray[np.int8], strength: _Floats, begins: npt.NDArray[np.int64]
) -> npt.NDArray[np.int8]:
    """Give the phase with most weight, the first of PHASES at a tie."""
    by_phase = [
        _summed(np.where(phase == name, strength, 0.0), begins)
        for name in range(1, len(PHASE_NAMES))
    ]
    return (np.argmax(np.stack(by_phase), axis=0) + 1).astype(np.int8)


def _divided(strength: _Floats, everyone: npt.NDArray[np.bool_]) -> _Floats:
    """Divide each row by its sum where that exceeds 1; all firms together stay whole."""
    total = strength[:, ~everyone].sum(axis=1, keepdims=True)
    return np.where(everyone, strength, strength / np.maximum(total, 1.0))


def _to_units(
    weights: _Floats, weighting: Weighting, everyone: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Round weights to units; where chains divide a firm, their units add up."""
    units = np.rint(weights * UNITS).astype(np.int64)
    if weighting != "whole":
        units[:, ~everyone] = _apportioned(weights[:, ~everyone])
    return units


def _apportioned(weights: _Floats) -> npt.NDArray[np.int64]:
    """Round weights to units so that each row's sum is the nearest whole number of units."""
    exact = weights * UNITS
    units = np.floor(exact + 1e-6).astype(np.int64)
    missing = np.rint(exact.sum(axis=1)).astype(np.int64) - units.sum(axis=1)
    rank = np.argsort(np.argsort(units - exact, axis=1, kind="stable"), axis=1)
    return units + (rank < missing[:, None])
