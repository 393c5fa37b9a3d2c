"""Indicators that a study defines: checked, computed, and registered like the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from geo_engine.errors import StudyError
from geo_engine.indicators.expressions import evaluate_expression, parse_expression
from geo_engine.indicators.registry import Indicator

PUBLIC_VARIABLES = ("population", "area_km2")
"""Variables outside the registry that concern no firm."""
SOURCE = "definito nello studio"
"""Where the numbers of an own indicator come from, as outputs say it."""
_KEY = re.compile(r"[a-z][a-z0-9_]{1,40}")


@dataclass(frozen=True, kw_only=True)
class UserIndicator:
    """An indicator as a study writes it."""

    key: str
    """Lower-case letters, digits and underscores; not the name of another variable."""
    numerator: str
    """Arithmetic over variables of the panel, and indicators defined before."""
    denominator: str = ""
    """The same; empty for an indicator that is no ratio."""
    unit: str
    polarity: int = 0
    """1 where more is better, -1 where less is, 0 where neither."""
    decimals: int = 2
    label: str
    """Name in Italian."""
    label_en: str = ""
    note: str = ""
    """What it means and how far to trust it, in Italian."""
    note_en: str = ""


@dataclass(frozen=True, kw_only=True)
class Defined:
    """Indicators of a study, computed."""

    variables: xr.Dataset
    """One variable per indicator, dims of the panel."""
    registry: dict[str, Indicator]
    """Their entries, in order, with labels and notes."""


def define_indicators(
    definitions: Sequence[UserIndicator],
    panel: xr.Dataset,
    registry: Mapping[str, Indicator],
    *,
    public: Collection[str] = PUBLIC_VARIABLES,
) -> Defined:
    """Compute the indicators of a study over every place, chain and year.

    Parameters
    ----------
    definitions : sequence of UserIndicator
        In order; each may use those before it.
    panel : Dataset, dims ("place", "chain", "year")
        Variables to compute with; more may be assigned first, such as ``population`` over
        ("place",).
    registry : mapping of str to Indicator
        Of the variables of the panel.
    public : collection of str
        Variables outside the registry that are not confidential.

    Returns
    -------
    Defined
        An indicator is confidential where a variable in it is, or is in neither list.

    Raises
    ------
    StudyError
        ``INDICATOR_INVALID`` for a key, label, unit, polarity or decimals that cannot be;
        ``INDICATOR_REPEATED``; ``EXPRESSION_INVALID``, ``UNKNOWN_VARIABLE`` and
        ``VARIABLE_NOT_NUMERIC`` as in :mod:`geo_engine.indicators.expressions`.
    """
    known = {str(name): values for name, values in panel.data_vars.items()}
    entries = dict(registry)
    found: dict[str, Indicator] = {}
    values: dict[str, xr.DataArray] = {}
    for definition in definitions:
        check_definition(definition, taken=known.keys() | entries.keys())
        value, entry = _define(definition, panel, known, entries, public)
        known[definition.key] = values[definition.key] = value
        entries[definition.key] = found[definition.key] = entry
    return Defined(variables=xr.Dataset(values), registry=found)


def names_of(definition: UserIndicator) -> tuple[str, ...]:
    """List the variables that an indicator is made of.

    Parameters
    ----------
    definition : UserIndicator
        As the study writes it.

    Returns
    -------
    tuple of str
        Of numerator and denominator.

    Raises
    ------
    StudyError
        ``EXPRESSION_INVALID``.
    """
    parts = [definition.numerator, definition.denominator]
    return tuple(
        dict.fromkeys(
            name for part in parts if part.strip() for name in parse_expression(part).names
        )
    )


def check_definition(definition: UserIndicator, *, taken: Collection[str] = ()) -> None:
    """Refuse a definition that could not be shown.

    Parameters
    ----------
    definition : UserIndicator
        As the study writes it.
    taken : collection of str
        Names that are in use.

    Raises
    ------
    StudyError
        ``INDICATOR_INVALID``, ``INDICATOR_REPEATED`` or ``EXPRESSION_INVALID``.
    """
    key = definition.key
    faults = {
        "its key must be lower-case letters, digits and _": not _KEY.fullmatch(key),
        "it needs a label": not definition.label.strip(),
        "it needs a unit": not definition.unit.strip(),
        "its polarity must be 1, -1 or 0": definition.polarity not in (1, -1, 0),
        "its decimals must be 0 to 6": not 0 <= definition.decimals <= 6,
    }
    wrong = [words for words, holds in faults.items() if holds]
    if wrong:
        raise StudyError("INDICATOR_INVALID", f"[[indicator]] {key!r}: {'; '.join(wrong)}.")
    if key in taken:
        raise StudyError(
            "INDICATOR_REPEATED", f"[[indicator]] {key!r}: the name is in use; choose another."
        )
    parse_expression(definition.numerator)
    if definition.denominator.strip():
        parse_expression(definition.denominator)


def _define(
    definition: UserIndicator,
    panel: xr.Dataset,
    known: Mapping[str, xr.DataArray],
    entries: Mapping[str, Indicator],
    public: Collection[str],
) -> tuple[xr.DataArray, Indicator]:
    """Compute one indicator and write its entry."""
    top = parse_expression(definition.numerator)
    names, formula = list(top.names), top.text
    value = evaluate_expression(top, known)
    if definition.denominator.strip():
        bottom = parse_expression(definition.denominator)
        names += bottom.names
        formula = f"({top.text}) / ({bottom.text})"
        divisor = evaluate_expression(bottom, known)
        value = value / divisor.where(divisor != 0)
    full = panel["firms"] if "firms" in panel else next(iter(panel.data_vars.values()))
    value = value.broadcast_like(full).transpose(*full.dims)
    secret = any(
        entries[name].confidential if name in entries else name not in public for name in names
    )
    entry = Indicator(
        key=definition.key,
        formula=formula,
        unit=definition.unit,
        polarity=definition.polarity,
        decimals=definition.decimals,
        confidential=secret,
        source=SOURCE,
        label=definition.label,
        label_en=definition.label_en or definition.label,
        definition=definition.note,
        definition_en=definition.note_en or definition.note,
    )
    return value, entry
