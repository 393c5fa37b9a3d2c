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
from geo_engine.chains.kinds import (
    FirmCodes,
    FirmKinds,
    PlaceClasses,
    find_kinds,
    firm_kinds,
)
from geo_engine.chains.membership import PHASE_NAMES, code_lines
from geo_engine.chains.secondary import SecondaryCodes
from geo_engine.errors import ChainError

UNITS = math.lcm(*range(1, 17))
"""Units of a whole firm, 720,720: a half, a third, ... a sixteenth are whole numbers of units, so
that sums do not depend on the order of the firms."""

_BLOCK = 65_536
"""Kinds that are worked on at once, so that memory stays small."""

_FINE = 2**40
"""Steps of a strength from 0 to 1, where strengths are compared as whole numbers."""

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

    @property
    def is_whole(self) -> bool:
        """Tell whether every firm counts 1 in each of its chains."""
        return (
            self.weights == "whole"
            and self.secondary_weight in (0.0, 1.0)
            and self.edition == "own"
        )


@dataclass(frozen=True, kw_only=True)
class Memberships:
    """Chains of each kind of firm; arrays have the shape (kinds, chains) unless said."""

    chains: tuple[str, ...]
    kinds: FirmKinds
    """The kinds, and which one each firm is of."""
    phase: npt.NDArray[np.int8]
    """Position in ``PHASE_NAMES``; the phase with most weight where codes are apportioned."""
    units: npt.NDArray[np.int32]
    """Weight in ``UNITS`` to the firm."""
    code_flags: npt.NDArray[np.object_]
    """By primary code: ``ATECO_RECODED``, ``ATECO_APPORTIONED``, ``ATECO_UNLINKED`` or ""."""
    code_like: npt.NDArray[np.int64]
    """By primary code, and last for none: the code that stands for it in the kinds."""
    list_like: npt.NDArray[np.int64]
    """By list of secondary codes, and last for none: the list that stands for it."""

    @property
    def members(self) -> npt.NDArray[np.bool_]:
        """Which kinds belong to which chains, as ``count_firms`` takes it."""
        return np.asarray(self.units > 0)

    def find(self, firms: FirmCodes) -> npt.NDArray[np.int32]:
        """Find the kind of some of the firms, such as those of one batch."""
        return find_kinds(self.kinds, _alike(firms, self.code_like, self.list_like))


def firm_memberships(
    firms: FirmCodes,
    ateco: pd.DataFrame,
    chains: Mapping[str, Chain],
    *,
    rule: MembershipRule,
    secondary: SecondaryCodes | None = None,
    classes: PlaceClasses | None = None,
) -> Memberships:
    """Give every firm its kind, and every kind its chains with weights.

    Parameters
    ----------
    firms : FirmCodes
        Codes, lists and place classes of every firm.
    ateco : DataFrame
        ``code`` and ``edition`` of the primary codes.
    chains : mapping of str to Chain
        The studied chains. Weights are divided among these.
    rule : MembershipRule
        How codes become weights.
    secondary : SecondaryCodes, optional
        Lists of secondary codes.
    classes : PlaceClasses, optional
        Territories of the place classes.

    Returns
    -------
    Memberships
        ``ALL_FIRMS`` always has the whole firm, and no part in the division among chains. Codes
        that stand alike in all chains are one kind, so that millions of firms have few.

    Raises
    ------
    ChainError
        ``SECONDARY_WEIGHT`` for a weight outside 0 to 1, ``POSITION_RANGE``, and those of
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
    code_like, list_like = _like_codes(primary), _like_lists(other)
    kinds = firm_kinds(_alike(firms, code_like, list_like))
    everyone = np.array([chain is ALL_FIRMS for chain in chains.values()], dtype=bool)
    blocks = [
        _block(kinds.table.iloc[start : start + _BLOCK], primary, other, rule, everyone)
        for start in range(0, max(len(kinds.table), 1), _BLOCK)
    ]
    phase, units = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Memberships(
        chains=tuple(chains),
        kinds=kinds,
        phase=phase,
        units=units,
        code_flags=primary.flags,
        code_like=code_like,
        list_like=list_like,
    )


def _alike(
    firms: FirmCodes, code_like: npt.NDArray[np.int64], list_like: npt.NDArray[np.int64]
) -> FirmCodes:
    """Replace codes and lists by the ones that stand for them; -1 is the last one."""
    second = firms.secondary
    return FirmCodes(
        code=code_like[firms.code],
        secondary=None if second is None else list_like[second],
        place_class=firms.place_class,
    )


def _like_codes(primary: _Read) -> npt.NDArray[np.int64]:
    """Find for each code the first one with the same rows, for none as well."""
    first: dict[bytes, int] = {}
    like = np.empty(len(primary.first) - 1, dtype=np.int64)
    for code in range(len(like)):
        own = slice(primary.first[code], primary.first[code + 1])
        parts = (primary.share[own], primary.phase[:, own], primary.strength[:, own])
        like[code] = first.setdefault(b"".join(part.tobytes() for part in parts), code)
    return like


def _like_lists(lists: _Lists) -> npt.NDArray[np.int64]:
    """Find for each list the first one that says the same, for none as well."""
    first: dict[bytes, int] = {}
    like = np.empty(lists.phase.shape[1], dtype=np.int64)
    for number in range(len(like)):
        key = lists.phase[:, number].tobytes() + lists.strength[:, number].tobytes()
        like[number] = first.setdefault(key, number)
    return like


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
    pairs = pd.MultiIndex.from_frame(rows[["code", "edition"]])
    which, distinct = pd.factorize(pairs)
    codes, editions = (distinct.get_level_values(level).tolist() for level in (0, 1))
    looked = [code_lines(codes, editions, chains, territories=here) for here in where]
    weight = np.stack([lines.weight for lines in looked])[:, which]
    return _Read(
        first=np.searchsorted(rows["source"].to_numpy(), np.arange(len(ateco) + 2)),
        share=rows["share"].to_numpy(np.float64),
        phase=np.stack([lines.phase for lines in looked])[:, which],
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
        of_code = _summed(expected, read.first[:-1])
        main = _main_phase(read.phase[number], expected, read.first[:-1])
        # One number orders by strength, then by phase, so that one pass finds both.
        ordered = np.rint(of_code * _FINE).astype(np.int64) * len(PHASE_NAMES)
        ordered += len(PHASE_NAMES) - 1 - main
        largest = np.maximum.reduceat(ordered[secondary.codes], begins, axis=0)
        strength[number, filled] = largest // len(PHASE_NAMES) / _FINE
        phase[number, filled] = len(PHASE_NAMES) - 1 - largest % len(PHASE_NAMES)
    phase[strength == 0] = 0
    return _Lists(phase=phase, strength=strength)


def _block(
    table: pd.DataFrame,
    primary: _Read,
    other: _Lists,
    rule: MembershipRule,
    everyone: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    """Give phase and units of some kinds."""
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
    return main, units


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
) -> npt.NDArray[np.int32]:
    """Round weights to units; where chains divide a firm, their units add up."""
    units = np.rint(weights * UNITS).astype(np.int32)
    if weighting != "whole":
        units[:, ~everyone] = _apportioned(weights[:, ~everyone])
    return units


def _apportioned(weights: _Floats) -> npt.NDArray[np.int32]:
    """Round weights to units so that each row's sum is the nearest whole number of units."""
    exact = weights * UNITS
    units = np.floor(exact + 1e-6).astype(np.int32)
    missing = np.rint(exact.sum(axis=1)).astype(np.int32) - units.sum(axis=1)
    rank = np.argsort(np.argsort(units - exact, axis=1, kind="stable"), axis=1)
    return units + (rank < missing[:, None])
