"""Which enterprises a figure is about: size classes of the EU, and universes such as SMEs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.indicators.bounded import Bounded, load_sizes

BoolArray = npt.NDArray[np.bool_]
Verdicts = npt.NDArray[np.int8]

UNKNOWN_SIZE = -1
"""Position of an enterprise whose size class cannot be told."""
STATES = ("inside", "outside", "undecided", "by_persons")
"""Columns of the counts of a universe; ``by_persons`` is a part of ``inside``."""
MOST_UNIVERSES = 16


@dataclass(frozen=True, kw_only=True)
class Size:
    """What is known of the size of each enterprise of a batch."""

    persons: Bounded
    """Persons employed (addetti) of the enterprise, not of one local unit."""
    turnover: Bounded
    """Euro a year."""
    assets: Bounded
    """Balance sheet total (attivo), euro."""


@dataclass(frozen=True, kw_only=True)
class Universe:
    """A set of enterprises by size."""

    key: str
    label: str
    label_en: str
    persons: tuple[float, float] | None = None
    """From the first number of persons, below the second; None for any, also an unknown one."""
    turnover: float | None = None
    """Highest turnover, euro; None where money does not matter."""
    assets: float | None = None
    """Highest balance sheet total, euro: one of the two limits must be kept."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """Which enterprises of a batch are in which universes; all arrays (firms, universes)."""

    keys: tuple[str, ...]
    inside: BoolArray
    undecided: BoolArray
    """Neither surely inside nor surely outside: counted, and left out."""
    by_persons: BoolArray
    """Inside by persons alone: nothing is known of turnover and balance sheet."""

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Enterprises by universe and state (universes, ``STATES``): adds up over batches."""
        outside = ~self.inside & ~self.undecided
        found = (self.inside, outside, self.undecided, self.by_persons)
        return np.stack([state.sum(axis=0) for state in found], axis=1).astype(np.int64)


def size_labels(language: Literal["it", "en"] = "it") -> tuple[str, ...]:
    """Name the four size classes by persons employed.

    Parameters
    ----------
    language : {"it", "en"}
        Of the names.

    Returns
    -------
    tuple of str
        In the order of :func:`size_classes`.
    """
    key = "labels" if language == "it" else "labels_en"
    return tuple(load_sizes()["size_classes"][key])


def size_classes(persons: Bounded) -> Verdicts:
    """Give the size class by persons employed.

    Parameters
    ----------
    persons : Bounded
        Of each enterprise; a mean over the year may have decimals (9.5 is below 10).

    Returns
    -------
    array of int8
        0 for 0-9, 1 for 10-49, 2 for 50-249, 3 for 250 and over, -1 where the bounds of an
        enterprise lie in several classes.
    """
    limits = [limit["persons"] for limit in load_sizes()["limits"].values()]
    lowest = np.searchsorted(limits, persons.low, side="right")
    highest = np.searchsorted(limits, persons.high, side="right")
    return np.where(lowest == highest, lowest, UNKNOWN_SIZE).astype(np.int8)


def eu_size_classes(
    size: Size, *, unknown_money: Literal["persons", "undecided"] = "persons"
) -> Verdicts:
    """Give the size class of the EU: persons, and turnover or balance sheet where known.

    Parameters
    ----------
    size : Size
        Of each enterprise.
    unknown_money : {"persons", "undecided"}
        What decides where nothing is known of turnover and balance sheet.

    Returns
    -------
    array of int8
        0 micro, 1 small, 2 medium, 3 large, -1 where it cannot be told.

    References
    ----------
    Commission Recommendation 2003/361/EC, annex, article 2. Links with other enterprises (article
    3) are not known to a register of single enterprises.
    """
    found = np.full(len(size.persons.low), 3, np.int8)
    for position, limit in reversed(list(enumerate(load_sizes()["limits"].values()))):
        kept, _ = _keeps(size, limit["turnover"], limit["assets"], unknown_money)
        verdict = _both(size.persons.below(limit["persons"]), kept)
        found = np.where(verdict == 1, position, np.where(verdict == 0, found, UNKNOWN_SIZE))
    return found.astype(np.int8)


def load_universes() -> dict[str, Universe]:
    """Give the universes that ship: ``tutte``, ``micro``, ``pmi``, ``pmi_10_249``.

    Returns
    -------
    dict of str to Universe
        By key.
    """
    return custom_universes(load_sizes()["universes"])


def custom_universes(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Universe]:
    """Turn definitions of a study into universes.

    Parameters
    ----------
    definitions : mapping
        By key: ``label``, and where wanted ``label_en``, ``persons`` ([from, below], or [from]) and
        either ``limits`` (micro, small, medium) or ``turnover`` and ``assets``; None is as absent.

    Returns
    -------
    dict of str to Universe
        By key.

    Raises
    ------
    TableError
        ``UNIVERSE`` for limits that do not exist or persons that no firm can have.
    """
    return {
        key: _universe(key, {name: value for name, value in keys.items() if value is not None})
        for key, keys in definitions.items()
    }


def select_universes(
    use: Sequence[str], custom: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Universe, ...]:
    """Choose the universes of a study.

    Parameters
    ----------
    use : sequence of str
        Keys, in the order of the selector of the atlas.
    custom : mapping, optional
        Own definitions, as for :func:`custom_universes`; one with the key of a shipped one
        replaces it.

    Returns
    -------
    tuple of Universe
        In the asked order.

    Raises
    ------
    TableError
        ``UNIVERSE_UNKNOWN``; ``UNIVERSE`` also for a key asked twice, none, or too many.
    """
    known = {**load_universes(), **custom_universes(custom or {})}
    unknown = [key for key in use if key not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise TableError(
            "UNIVERSE_UNKNOWN", f"No universe {unknown[0]!r}.{hint} Known: {', '.join(known)}."
        )
    if not use or len(set(use)) < len(use) or len(use) > MOST_UNIVERSES:
        raise TableError(
            "UNIVERSE",
            f"{len(use)} universes are asked for, {len(set(use))} different ones. Ask for 1 to "
            f"{MOST_UNIVERSES}, each once.",
        )
    return tuple(known[key] for key in use)


def universe_membership(
    size: Size,
    universes: Sequence[Universe],
    *,
    unknown_money: Literal["persons", "undecided"] = "persons",
) -> Membership:
    """Tell which enterprises are in which universes.

    Persons must be inside the universe's, and turnover or balance sheet must keep its limit. A
    value known only within bounds counts where the bounds settle the matter. Where one figure is
    over its limit and the other is not known, the enterprise is undecided: it may keep the other.

    Parameters
    ----------
    size : Size
        Of each enterprise.
    universes : sequence of Universe
        As :func:`select_universes` gives them.
    unknown_money : {"persons", "undecided"}
        Where nothing is known of turnover and balance sheet: persons alone decide (and
        ``by_persons`` counts them), or the enterprise is undecided.

    Returns
    -------
    Membership
        (firms, universes).
    """
    shape = (len(size.persons.low), len(universes))
    inside, undecided, by_persons = (np.zeros(shape, bool) for _ in range(3))
    for position, universe in enumerate(universes):
        kept, trusted = _keeps(size, universe.turnover, universe.assets, unknown_money)
        verdict = _both(_has_persons(size.persons, universe.persons), kept)
        inside[:, position] = verdict == 1
        undecided[:, position] = verdict == -1
        by_persons[:, position] = (verdict == 1) & trusted
    keys = tuple(universe.key for universe in universes)
    return Membership(keys=keys, inside=inside, undecided=undecided, by_persons=by_persons)


def universe_bits(inside: BoolArray) -> npt.NDArray[np.uint16]:
    """Pack memberships into one number an enterprise, to be carried at little cost.

    Parameters
    ----------
    inside : array of bool, shape (firms, universes)
        At most ``MOST_UNIVERSES`` universes.

    Returns
    -------
    array of uint16
        Bit ``i`` is set inside universe ``i``.
    """
    values = np.left_shift(1, np.arange(inside.shape[1]))
    return np.asarray(inside @ values).astype(np.uint16)


def from_universe_bits(bits: npt.NDArray[np.unsignedinteger], universes: int) -> BoolArray:
    """Undo :func:`universe_bits`.

    Parameters
    ----------
    bits : array of uint16
        Packed memberships.
    universes : int
        How many there are.

    Returns
    -------
    array of bool, shape (firms, universes)
        Memberships.
    """
    return np.asarray((bits[:, None] >> np.arange(universes, dtype=bits.dtype)) & 1, dtype=bool)


def universe_table(universes: Sequence[Universe], counts: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Say how many enterprises each universe holds, and how many cannot be told.

    Parameters
    ----------
    universes : sequence of Universe
        Of the study.
    counts : array of int64, shape (universes, ``STATES``)
        Sum of ``Membership.counts`` over the batches.

    Returns
    -------
    DataFrame
        One row a universe: universe, label, inside, outside, undecided, by_persons, note (Italian,
        "" where every enterprise could be told).
    """
    table = pd.DataFrame(counts, columns=list(STATES))
    table.insert(0, "universe", [universe.key for universe in universes])
    table.insert(1, "label", [universe.label for universe in universes])
    table["note"] = [_note(row) for row in counts.tolist()]
    return table


def _note(row: list[int]) -> str:
    """Say in Italian what was not known of the sizes."""
    _, _, undecided, by_persons = row
    parts = []
    if undecided:
        parts.append(
            f"{_italian(undecided)} imprese di {_italian(sum(row[:3]))} non sono assegnabili "
            "perché addetti, fatturato o attivo non sono noti: restano fuori"
        )
    if by_persons:
        parts.append(
            f"{_italian(by_persons)} imprese sono dentro per i soli addetti, senza fatturato né "
            "attivo noti"
        )
    return "; ".join(parts)


def _italian(number: int) -> str:
    """Write a whole number with points between thousands."""
    return f"{number:,}".replace(",", ".")


def _has_persons(persons: Bounded, bounds: tuple[float, float] | None) -> Verdicts:
    """Tell whose persons lie from the first bound to below the second."""
    if bounds is None:
        return np.ones(len(persons.low), np.int8)
    first, last = bounds
    enough = persons.below(first)
    return _both(np.where(enough < 0, -1, 1 - enough).astype(np.int8), persons.below(last))


def _keeps(
    size: Size, turnover: float | None, assets: float | None, unknown_money: str
) -> tuple[Verdicts, BoolArray]:
    """Tell who keeps one of the limits of money, and whose unknown money is left out of account."""
    rows = len(size.persons.low)
    pairs = [(size.turnover, turnover), (size.assets, assets)]
    limited = [(amounts, limit) for amounts, limit in pairs if limit is not None]
    if not limited:
        return np.ones(rows, np.int8), np.zeros(rows, bool)
    verdicts = np.stack([amounts.below(limit, inclusive=True) for amounts, limit in limited])
    any_kept = np.where(
        (verdicts == 1).any(axis=0), 1, np.where((verdicts == 0).all(axis=0), 0, -1)
    )
    blank = ~np.any([amounts.is_known for amounts, _ in limited], axis=0)
    trusted = blank & (unknown_money == "persons")
    return np.where(trusted, 1, any_kept).astype(np.int8), trusted


def _both(first: Verdicts, second: Verdicts) -> Verdicts:
    """Combine two verdicts that must both hold; no is certain, unknown is not."""
    no = (first == 0) | (second == 0)
    return np.where(no, 0, np.where((first == 1) & (second == 1), 1, -1)).astype(np.int8)


def _universe(key: str, keys: dict[str, Any]) -> Universe:
    """Check one definition."""
    known = load_sizes()["limits"]
    named = keys.pop("limits", None)
    if named is not None and named not in known:
        raise TableError(
            "UNIVERSE", f"Universe {key}: no limits {named!r}. Write one of: {', '.join(known)}."
        )
    limit = known[named] if named is not None else {}
    persons = keys.get("persons")
    if persons is not None:
        first, last = float(persons[0]), float((*persons, np.inf)[1])
        if not 0 <= first < last:
            raise TableError(
                "UNIVERSE",
                f"Universe {key}: persons = {list(persons)} holds no enterprise. Write "
                "[from, below], such as [10, 250].",
            )
        keys["persons"] = (first, last)
    return Universe(
        key=key,
        label=keys["label"],
        label_en=keys.get("label_en") or keys["label"],
        persons=keys.get("persons"),
        turnover=keys.get("turnover", limit.get("turnover")),
        assets=keys.get("assets", limit.get("assets")),
    )
