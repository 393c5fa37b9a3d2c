"""``geo-engine boundaries list`` and ``info``."""

from __future__ import annotations

import datetime as dt

from rich.table import Table

from geo_engine.cli.console import number, out
from geo_engine.errors import StudyError
from geo_engine.sources import boundaries


def list_dates() -> None:
    """Print each change of the municipalities since the shipped layer."""
    table = Table("dal", "comuni", "che cosa cambia")
    first = boundaries.read_layer(boundaries.FIRST_DATE)
    count = len(first)
    table.add_row(boundaries.FIRST_DATE.isoformat(), number(count), "confini di partenza")
    for change in boundaries.read_changes().itertuples():
        count -= len(change.old_codes) - 1
        joined = " + ".join(change.old_names)
        what = f"{joined} -> {change.name} ({change.new_code})"
        table.add_row(change.valid_from.isoformat(), number(count), what)
    out.print(table)


def describe_layer(date: str) -> None:
    """Print what the layer of a date holds.

    Parameters
    ----------
    date : str
        ISO date.

    Raises
    ------
    StudyError
        ``DATE_INVALID`` when it is no ISO date.
    """
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise StudyError("DATE_INVALID", f"{date!r} is not a date such as 2025-01-01.") from None
    layer = boundaries.read_layer(day)
    persons = boundaries.read_population(day)
    out.print(
        f"{day}: {number(len(layer))} comuni, {layer['cod_prov'].nunique()} province, "
        f"{layer['cod_reg'].nunique()} regioni, {number(layer['area_km2'].sum())} km², "
        f"{number(persons.sum())} residenti (1° gennaio 2023), EPSG:4326",
        markup=False,
    )
    out.print(f"{boundaries.LICENCE}. {boundaries.POPULATION_LICENCE}.", markup=False)
    out.print(f"Impronta: {boundaries.layer_digest()}", markup=False)
