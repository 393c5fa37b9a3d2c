"""Which enterprises a figure is about: size classes of the EU, and universes such as SMEs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.indicators.bounded import Bounded, load_sizes
from geo_engine.indicators.universe_definitions import Universe

BoolArray = npt.NDArray[np.bool_]
Verdicts = npt.NDArray[np.int8]
UnknownMoney = Literal["persons", "undecided"]

UNKNOWN_SIZE = -1
"""Position of an enterprise whose size class cannot be told."""
STATES = ("inside", "outside", "undecided", "by_persons")
"""Columns of the counts of a universe; ``by_persons`` is a part of ``inside``."""


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
class Money:
    """What turnover and balance sheet say alone; both arrays (firms, universes)."""

    kept: Verdicts
    """1 keeps one of the limits, 0 neither, -1 open."""
    trusted: BoolArray
    """Nothing is known, and persons are to decide alone."""


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


def eu_size_classes(size: Size, *, unknown_money: UnknownMoney = "persons") -> Verdicts:
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
        limits = (limit["turnover"], limit["assets"])
        kept, _ = _keeps(size.turnover, size.assets, limits, unknown_money)
        verdict = _both(size.persons.below(limit["persons"]), kept)
        found = np.where(verdict == 1, position, np.where(verdict == 0, found, UNKNOWN_SIZE))
    return found.astype(np.int8)


def universe_membership(
    size: Size,
    universes: Sequence[Universe],
    *,
    unknown_money: UnknownMoney = "persons",
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
        As ``universe_definitions.select_universes`` gives them.
    unknown_money : {"persons", "undecided"}
        Where nothing is known of turnover and balance sheet: persons alone decide (and
        ``by_persons`` counts them), or the enterprise is undecided.

    Returns
    -------
    Membership
        (firms, universes).
    """
    money = keeps_limits(size.turnover, size.assets, universes, unknown_money=unknown_money)
    return membership_of(size.persons, money, universes)


def keeps_limits(
    turnover: Bounded,
    assets: Bounded,
    universes: Sequence[Universe],
    *,
    unknown_money: UnknownMoney = "persons",
) -> Money:
    """Tell who keeps the limits of turnover or balance sheet, before persons are known.

    Where persons of local units must first be added up (``bounded.sum_by_firm``), this is kept of
    each batch, and :func:`membership_of` ends the work.

    Parameters
    ----------
    turnover, assets : Bounded
        Of each enterprise.
    universes : sequence of Universe
        Of the study.
    unknown_money : {"persons", "undecided"}
        As for :func:`universe_membership`.

    Returns
    -------
    Money
        (firms, universes).
    """
    shape = (len(turnover.low), len(universes))
    kept, trusted = np.zeros(shape, np.int8), np.zeros(shape, bool)
    for position, universe in enumerate(universes):
        limits = (universe.turnover, universe.assets)
        kept[:, position], trusted[:, position] = _keeps(turnover, assets, limits, unknown_money)
    return Money(kept=kept, trusted=trusted)


def membership_of(persons: Bounded, money: Money, universes: Sequence[Universe]) -> Membership:
    """Tell which enterprises are in which universes, once persons and money are known.

    Parameters
    ----------
    persons : Bounded
        Of each enterprise.
    money : Money
        Of :func:`keeps_limits`.
    universes : sequence of Universe
        The same ones.

    Returns
    -------
    Membership
        (firms, universes).
    """
    verdicts = np.stack(
        [
            _both(_has_persons(persons, universe.persons), money.kept[:, position])
            for position, universe in enumerate(universes)
        ],
        axis=1,
    )
    inside = verdicts == 1
    return Membership(
        keys=tuple(universe.key for universe in universes),
        inside=inside,
        undecided=verdicts == -1,
        by_persons=inside & money.trusted,
    )


def universe_bits(inside: BoolArray) -> npt.NDArray[np.uint16]:
    """Pack memberships into one number an enterprise, to be carried at little cost.

    Parameters
    ----------
    inside : array of bool, shape (firms, universes)
        At most 16 universes.

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
        one = undecided == 1
        parts.append(
            f"{_italian(undecided)} {'impresa' if one else 'imprese'} di "
            f"{_italian(sum(row[:3]))} non {'è assegnabile' if one else 'sono assegnabili'} "
            "perché addetti, fatturato o attivo non sono noti: "
            f"{'resta' if one else 'restano'} fuori"
        )
    if by_persons:
        counted = "1 impresa è" if by_persons == 1 else f"{_italian(by_persons)} imprese sono"
        parts.append(f"{counted} dentro per i soli addetti, senza fatturato né attivo noti")
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
    turnover: Bounded,
    assets: Bounded,
    limits: tuple[float | None, float | None],
    unknown_money: UnknownMoney,
) -> tuple[Verdicts, BoolArray]:
    """Tell who keeps one of the limits of money, and whose unknown money is left out of account."""
    rows = len(turnover.low)
    pairs = zip((turnover, assets), limits, strict=True)
    limited = [(amounts, limit) for amounts, limit in pairs if limit is not None]
    if not limited:
        return np.ones(rows, np.int8), np.zeros(rows, bool)
    verdicts = np.stack([amounts.below(limit, inclusive=True) for amounts, limit in limited])
    never = (verdicts == 0).all(axis=0)
    kept = np.where((verdicts == 1).any(axis=0), 1, np.where(never, 0, -1))
    blank = ~np.any([amounts.is_known for amounts, _ in limited], axis=0)
    trusted = blank & (unknown_money == "persons")
    return np.where(trusted, 1, kept).astype(np.int8), trusted


def _both(first: Verdicts, second: Verdicts) -> Verdicts:
    """Combine two verdicts that must both hold; no is certain, unknown is not."""
    no = (first == 0) | (second == 0)
    return np.where(no, 0, np.where((first == 1) & (second == 1), 1, -1)).astype(np.int8)
