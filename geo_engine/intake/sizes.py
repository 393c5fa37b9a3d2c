"""How large the firms of a batch are, and in which universes: a few bytes a row."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo_engine.indicators.bounded import (
    Bounded,
    letter_amounts,
    meet_amounts,
    read_amounts,
    sum_by_firm,
    unknown_amounts,
)
from geo_engine.indicators.legal_forms import read_legal_forms
from geo_engine.indicators.universe import (
    Money,
    from_universe_bits,
    keeps_limits,
    membership_of,
    size_classes,
    universe_bits,
)
from geo_engine.plan import Plan
from geo_engine.quality.numbers import Mark
from geo_engine.study import FirmSource

Text = Callable[[str], pd.Series]
PERSON_CODE = 16
"""Characters of the tax code of a natural person."""
_EXACT = 4
"""Decimals of a sum of persons: what is a limit but for the rounding of its parts reaches it."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of the rows of a batch; arrays over them, universes as bits.

    Where persons are those of local units (``is_open``), the bits tell of turnover and balance
    sheet alone, and :func:`close_sizes` ends the work when all units are known.
    """

    inside: np.ndarray
    undecided: np.ndarray
    by_persons: np.ndarray
    size: np.ndarray
    """Size class by persons, int8, -1 unknown."""
    persons: Bounded | None
    """Of each unit, where they must be added up."""
    employees: np.ndarray | None = None
    """Persons of each row where the number is exact, float32, NaN elsewhere; None in a study
    without a column of them."""

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """Give the columns that the table of firms keeps."""
        kept = {
            "inside": self.inside,
            "undecided": self.undecided,
            "by_persons": self.by_persons,
            "size": self.size,
        }
        if self.persons is not None:
            kept["persons_low"] = self.persons.low.astype(np.float32)
            kept["persons_high"] = self.persons.high.astype(np.float32)
        if self.employees is not None:
            kept["employees"] = self.employees
        return kept


def read_sizes(text: Text, rows: int, plan: Plan, source: FirmSource) -> tuple[Sizes, Sizes]:
    """Read sizes under both decimal marks: which one holds is known when the file is read.

    Parameters
    ----------
    text : callable
        Gives the column of a role as text.
    rows : int
        Of the batch.
    plan : Plan
        Its universes.
    source : FirmSource
        Of the batch.

    Returns
    -------
    tuple of Sizes
        With the point as decimal mark, and with the comma; one object where they are the same.
    """
    turnover = _amounts(text, source, "turnover")
    assets = _amounts(text, source, "assets")
    money = keeps_limits(
        turnover, assets, plan.universes, unknown_money=plan.study.universe.unknown_money
    )
    point, comma = (_persons(text, rows, source, mark) for mark in (".", ","))
    by_point = _with_employees(_sizes(point, money, plan), point, plan)
    same = np.array_equal(point.low, comma.low) and np.array_equal(point.high, comma.high)
    if same:
        return by_point, by_point
    return by_point, _with_employees(_sizes(comma, money, plan), comma, plan)


def _with_employees(sizes: Sizes, persons: Bounded, plan: Plan) -> Sizes:
    """Keep exact numbers of persons, where any source of the study has them."""
    if all(source.columns.employees is None for source in plan.study.firms):
        return sizes
    exact = np.where(persons.low == persons.high, persons.low, np.nan)
    return dataclasses.replace(sizes, employees=exact.astype(np.float32))


def read_forms(text: Text, source: FirmSource, has_tax_code: np.ndarray) -> np.ndarray:
    """Read legal forms: of the column, else sole traders by their personal tax code.

    Parameters
    ----------
    text : callable
        Gives the column of a role as text.
    source : FirmSource
        Of the batch.
    has_tax_code : ndarray of bool
        Rows with a valid tax code.

    Returns
    -------
    ndarray of int8
        Position among ``legal_forms``, -1 unknown.
    """
    if source.kind == "counts":
        return np.full(len(has_tax_code), -1, np.int8)
    length = text("tax_code").str.len().to_numpy()
    return read_legal_forms(text("legal_form"), is_person=has_tax_code & (length == PERSON_CODE))


def close_sizes(firms: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Add the persons of local units up to those of their enterprise, and judge these.

    Parameters
    ----------
    firms : DataFrame
        With ``persons_low`` and ``persons_high`` where persons are those of units.
    plan : Plan
        Its universes.

    Returns
    -------
    DataFrame
        The same rows without these columns.
    """
    if "persons_low" not in firms:
        return firms
    units = Bounded(
        low=firms["persons_low"].to_numpy(np.float64),
        high=firms["persons_high"].to_numpy(np.float64),
    )
    summed = sum_by_firm(units, firms["firm"].to_numpy(), firms["year"].to_numpy())
    persons = Bounded(low=np.round(summed.low, _EXACT), high=np.round(summed.high, _EXACT))
    number = len(plan.universes)
    yes, unsure, trusted = (
        from_universe_bits(firms[name].to_numpy(), number)
        for name in ("inside", "undecided", "by_persons")
    )
    kept = np.where(unsure, -1, yes).astype(np.int8)
    closed = _judged(persons, Money(kept=kept, trusted=trusted), plan)
    return firms.drop(columns=["persons_low", "persons_high"]).assign(**closed.columns)


def _persons(text: Text, rows: int, source: FirmSource, mark: Mark) -> Bounded:
    """Read the persons of each row; a row of counts stands for firms of any size."""
    columns = source.columns
    if source.kind == "counts" or columns.employees is None is columns.employees_class:
        return unknown_amounts(rows)
    stated: Mark = mark if source.decimal == "auto" else source.decimal
    number = _whole(read_amounts(text("employees"), mark=stated))
    if columns.employees_class is None:
        return number
    texts = text("employees_class")
    letters = source.size_letters == "startup"
    classes = (
        letter_amounts(texts, "startup_addetti")
        if letters
        else _whole(read_amounts(texts, mark=stated))
    )
    return meet_amounts(number, classes)


def _whole(persons: Bounded) -> Bounded:
    """Let a class of persons begin with a whole one: "oltre 249" with 250; numbers stay."""
    low = np.where(persons.low == persons.high, persons.low, np.ceil(persons.low))
    return Bounded(low=low, high=persons.high)


def _amounts(text: Text, source: FirmSource, role: str) -> Bounded:
    """Read money; groups of three figures are thousands unless the source states its mark."""
    texts = text(role)
    if source.kind == "counts":
        return unknown_amounts(len(texts))
    mark: Mark = "" if source.decimal == "auto" else source.decimal
    number = read_amounts(texts, mark=mark)
    if role != "turnover" or source.columns.turnover_class is None:
        return number
    classes = text("turnover_class")
    letters = source.size_letters == "startup"
    bounds = (
        letter_amounts(classes, "startup_produzione")
        if letters
        else read_amounts(classes, mark=mark)
    )
    return meet_amounts(number, bounds)


def _sizes(persons: Bounded, money: Money, plan: Plan) -> Sizes:
    """Judge persons, or keep them where those of further units must be added."""
    if plan.study.universe.employees_of == "enterprise":
        return _judged(persons, money, plan)
    return Sizes(
        inside=universe_bits(money.kept == 1),
        undecided=universe_bits(money.kept == -1),
        by_persons=universe_bits(money.trusted),
        size=np.full(len(persons.low), -1, np.int8),
        persons=persons,
    )


def _judged(persons: Bounded, money: Money, plan: Plan) -> Sizes:
    """Pack what universes and size class the persons of enterprises give."""
    member = membership_of(persons, money, plan.universes)
    packed = {
        name: universe_bits(getattr(member, name)) for name in ("inside", "undecided", "by_persons")
    }
    return Sizes(**packed, size=size_classes(persons), persons=None)


def chosen_sizes(sizes: Sizes, rows: np.ndarray) -> Sizes:
    """Take some rows.

    Parameters
    ----------
    sizes : Sizes
        Of a batch.
    rows : ndarray of int
        Positions of rows, possibly repeated.

    Returns
    -------
    Sizes
        Of these rows.
    """
    persons = sizes.persons
    if persons is not None:
        persons = Bounded(low=persons.low[rows], high=persons.high[rows])
    taken = {
        name: getattr(sizes, name)[rows] for name in ("inside", "undecided", "by_persons", "size")
    }
    employees = None if sizes.employees is None else sizes.employees[rows]
    return dataclasses.replace(sizes, **taken, persons=persons, employees=employees)
