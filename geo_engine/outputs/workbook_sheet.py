"""What a sheet of the workbook is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from geo_engine.outputs.fields import Field, units_word, words
from geo_engine.results import Results

UNAVAILABLE = "non disponibile"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A line for each group of rows, beside the table."""

    title: str
    group: str
    """Column whose runs of equal values are the lines; of a value that returns the first counts."""
    along: str
    """Column of the horizontal axis."""
    value: str
    """Column of the heights; a line without figures is not drawn."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet: a title, notes, and a table."""

    name: str
    title: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    """Headers; from the data dictionary when empty."""
    frozen_columns: int = 0
    widths: Mapping[str, int] = field(default_factory=dict)
    chart: Chart | None = None


def plain_field(name: str, label: str, kind: str = "text") -> Field:
    """Describe a column that only the workbook has.

    Parameters
    ----------
    name : str
        Column of the frame.
    label : str
        Header.
    kind : str
        As in :class:`Field`.

    Returns
    -------
    Field
        Without a description.
    """
    return Field(name=name, label=label, description="", kind=kind)


def pairs_table(rows: Iterable[tuple[str, object]]) -> pd.DataFrame:
    """Give a table of two columns, label and value.

    Parameters
    ----------
    rows : iterable of (str, object)
        Labels and values, figures or texts.

    Returns
    -------
    DataFrame
        Columns ``label`` and ``value``.
    """
    listed = list(rows)
    values = pd.Series([value for _, value in listed], dtype=object)
    return pd.DataFrame({"label": [label for label, _ in listed], "value": values})


PAIR_FIELDS = (plain_field("label", "Voce"), plain_field("value", "Valore", "wide"))
PAIR_WIDTHS = {"label": 44, "value": 80}


def counted_words(results: Results) -> str:
    """Name what is counted: unità locali attive.

    Parameters
    ----------
    results : Results
        What was found.

    Returns
    -------
    str
        In Italian.
    """
    facts = results.facts
    return f"{units_word(facts)} {words('firm_status').get(facts.status, facts.status)}"


def chain_labels(results: Results) -> dict[str, str]:
    """Give the label of each chain.

    Parameters
    ----------
    results : Results
        What was found.

    Returns
    -------
    dict of str to str
        Italian labels by key.
    """
    return {chain.key: chain.label for chain in results.facts.chains}


def by_chain(table: pd.DataFrame, results: Results, keys: list[str]) -> pd.DataFrame:
    """Name the chains of a table, and put its rows in the study's order of chains.

    Parameters
    ----------
    table : DataFrame
        With ``chain``.
    results : Results
        Names the chains.
    keys : list of str
        Columns that order the rows of one chain.

    Returns
    -------
    DataFrame
        With ``chain_label``, renumbered.
    """
    key = table["chain"].astype(str)
    place = {chain.key: number for number, chain in enumerate(results.facts.chains)}
    ordered = table.assign(chain_label=key.map(chain_labels(results)), _chain=key.map(place))
    ordered = ordered.sort_values(["_chain", *keys], kind="stable", ignore_index=True)
    return ordered.drop(columns="_chain")


def at_year(results: Results, year: int) -> Results:
    """Give results with one year of the panel only.

    Parameters
    ----------
    results : Results
        What was found.
    year : int
        One of its years.

    Returns
    -------
    Results
        With one year in ``panel``, ``local`` and ``robustness``; the rest as it was.
    """
    robust = results.robustness
    return dataclasses.replace(
        results,
        panel=results.panel.sel(year=[year]),
        local=results.local.sel(year=[year]),
        robustness=robust.sel(year=[year]) if len(robust) else robust,
    )
