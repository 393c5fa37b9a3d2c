"""Scores of firms on Eurostat's Digital Intensity Index (DII): twelve items, four levels.

Every score carries its edition: see ``digital_intensity_editions`` for which may be compared.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_engine.chains.classification import digits_of
from geo_engine.errors import TableError
from geo_engine.indicators.bounded import Bounded
from geo_engine.indicators.digital import NO, UNKNOWN, YES, Signals
from geo_engine.indicators.digital_intensity_editions import ITEMS, Edition, intensity_table

Scores = npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class Intensity:
    """Scores of firms; all arrays aligned with them."""

    edition: Edition
    low: Scores
    """Points if every unknown item were no, 0 to 12."""
    high: Scores
    """Points if every unknown item were yes."""
    level: Signals
    """0 very low, 1 low, 2 high, 3 very high; -1 where unknown items leave it open."""
    basic: Signals
    """1 at least basic (four points), 0 not, -1 open. It may be known where the level is not."""

    @property
    def score(self) -> npt.NDArray[np.float64]:
        """Points where every item is known, NaN elsewhere."""
        return np.where(self.low == self.high, self.low, np.nan)


def digital_intensity(items: Mapping[str, Signals], edition: Edition) -> Intensity:
    """Score firms on the twelve items of an edition.

    A point for each yes. A firm has a level only where every way of filling its unknown items in
    gives the same one; else the level is unknown, and the two bounds of the score say how much is
    open.

    Parameters
    ----------
    items : mapping of str to int8 array
        1 yes, 0 no, -1 unknown for each firm, by key of the item; an item that is not given is
        unknown for every firm. At least one.
    edition : Edition
        Of ``digital_intensity_editions.dii_edition``.

    Returns
    -------
    Intensity
        Aligned with the arrays.

    Raises
    ------
    TableError
        ``DII_ITEM`` for an item that the edition does not count, or for none at all.

    References
    ----------
    Eurostat, metadata of isoc_e_dii: very low 0-3, low 4-6, high 7-9, very high 10-12; basic is 4
    points and more.
    """
    _check_items(items, edition)
    table = np.stack([np.asarray(column, np.int8) for column in items.values()])
    yes = (table == YES).sum(axis=0)
    unknown = (table == UNKNOWN).sum(axis=0) + ITEMS - len(items)
    low, high = yes.astype(np.int8), (yes + unknown).astype(np.int8)
    begins = intensity_table()["levels"]["from"]
    lowest = np.searchsorted(begins, low, side="right") - 1
    highest = np.searchsorted(begins, high, side="right") - 1
    level = np.where(lowest == highest, lowest, UNKNOWN).astype(np.int8)
    basic = intensity_table()["levels"]["basic"]
    reached = np.where(low >= basic, YES, np.where(high < basic, NO, UNKNOWN)).astype(np.int8)
    return Intensity(edition=edition, low=low, high=high, level=level, basic=reached)


def fill_implied(items: Mapping[str, Signals]) -> tuple[dict[str, Signals], int]:
    """Fill unknown items in that follow from known ones.

    Two social media are at least one; advanced cloud services are cloud services; web sales over
    1 % of turnover are e-commerce sales of at least 1 %.

    Parameters
    ----------
    items : mapping of str to int8 array
        As for :func:`digital_intensity`.

    Returns
    -------
    tuple of dict and int
        The items, filled, and how many pairs contradict each other (yes to the narrower, no to the
        wider): these are left as they are.
    """
    filled = {key: np.array(column, np.int8) for key, column in items.items()}
    clashes = 0
    for narrower, wider in intensity_table()["implications"].items():
        if narrower not in filled or wider not in filled:
            continue
        inner, outer = filled[narrower].copy(), filled[wider].copy()
        clashes += int(((inner == YES) & (outer == NO)).sum())
        filled[wider][(inner == YES) & (outer == UNKNOWN)] = YES
        filled[narrower][(outer == NO) & (inner == UNKNOWN)] = NO
    return filled, clashes


def in_survey_population(
    codes: Sequence[str], code: npt.NDArray[np.integer], persons: Bounded
) -> Signals:
    """Tell which firms are of the kind that Eurostat asks: ten persons and more, some activities.

    Parameters
    ----------
    codes : sequence of str
        Distinct dotted ATECO codes, of either edition (the divisions that count have kept their
        numbers); "" is unknown.
    code : array of int
        Position among ``codes`` of each firm; -1 for none.
    persons : Bounded
        Persons employed by each enterprise.

    Returns
    -------
    array of int8
        1, 0, or -1 where size or activity leave it open. A score outside the population compares
        with no published figure.
    """
    activity = np.array([*map(_activity, codes), UNKNOWN], np.int8)[code]
    below = persons.below(intensity_table()["population"]["persons"])
    no = (activity == NO) | (below == YES)
    sure = (activity == YES) & (below == NO)
    return np.where(no, NO, np.where(sure, YES, UNKNOWN)).astype(np.int8)


def _check_items(items: Mapping[str, Signals], edition: Edition) -> None:
    """Raise for items that do not count."""
    foreign = [key for key in items if key not in edition.items]
    if not foreign and items:
        return
    near = difflib.get_close_matches(foreign[0], edition.items, n=1) if foreign else []
    hint = f" Did you mean {near[0]}?" if near else ""
    raise TableError(
        "DII_ITEM",
        f"{', '.join(foreign) or 'No item'}: v{edition.version} of {edition.survey_year} counts "
        f"{', '.join(edition.items)}.{hint}",
    )


def _activity(code: str) -> int:
    """Tell whether an activity is surveyed."""
    digits = digits_of(code)
    if len(digits) < 2:
        return UNKNOWN
    population = intensity_table()["population"]
    if any(first <= int(digits[:2]) <= last for first, last in population["divisions"]):
        return YES
    groups = [digits_of(group) for group in population["groups"]]
    if any(digits.startswith(group) for group in groups):
        return YES
    return UNKNOWN if any(group.startswith(digits) for group in groups) else NO
