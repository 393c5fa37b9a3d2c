"""Sheets that hold the rows of several universes of enterprises."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from geo_engine.outputs.fields import describe_fields
from geo_engine.outputs.workbook_sheet import Sheet, plain_field
from geo_engine.results import Results

UNIVERSE = "universe_label"
UNIVERSE_FIELD = plain_field(UNIVERSE, "Universo")
WIDTH = 24


def stacked(universes: Sequence[tuple[Results, Iterable[Sheet]]]) -> Iterator[Sheet]:
    """Join the sheets of several universes that have the same name.

    Parameters
    ----------
    universes : sequence of (Results, iterable of Sheet)
        What each universe is called, and its sheets in order; the first decides the order.

    Yields
    ------
    Sheet
        With a column for the universe, where there are several.
    """
    if len(universes) == 1:
        yield from universes[0][1]
        return
    named: dict[str, list[tuple[Results, Sheet]]] = {}
    for results, sheets in universes:
        for sheet in sheets:
            named.setdefault(sheet.name, []).append((results, sheet))
    for parts in named.values():
        yield _joined(parts)


def _joined(parts: list[tuple[Results, Sheet]]) -> Sheet:
    """Put the rows of one universe under those of another."""
    results, first = parts[0]
    fields = first.fields or describe_fields(first.frame.columns, results.facts, results.registry)
    at = first.frozen_columns
    frames = [
        sheet.frame.assign(**{UNIVERSE: own.facts.universe_label})
        for own, sheet in parts
        if len(sheet.frame)
    ]
    columns = [*first.frame.columns[:at], UNIVERSE, *first.frame.columns[at:]]
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return dataclasses.replace(
        first,
        frame=whole.reindex(columns=columns),
        fields=(*fields[:at], UNIVERSE_FIELD, *fields[at:]),
        notes=tuple(dict.fromkeys(note for _, sheet in parts for note in sheet.notes)),
        widths={**first.widths, UNIVERSE: WIDTH},
    )
