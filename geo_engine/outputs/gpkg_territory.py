"""Tables of the GeoPackage that compare territories: zones, benchmarks, priorities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from geo_engine.outputs import qgis_style, qgis_text
from geo_engine.outputs.fields import describe_fields
from geo_engine.outputs.gpkg_tables import Layer, Style
from geo_engine.outputs.long_tables import level_table
from geo_engine.results import Results


def territory_tables(results: Results) -> tuple[Layer, ...]:
    """Describe the tables of zones, benchmarks and priorities of the main universe.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    tuple of Layer
        zones and zone_members, benchmarks, phases, local_coefficients, similar and priorities,
        where there are any; all join by ``pro_com_t`` or ``zone``.
    """
    return tuple(table_layer(results, *each) for each in _tables(results) if len(each[-1]))


def _tables(results: Results) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Give name, title, description and rows of each table."""
    if results.zones:
        yield (
            "zones",
            "Zone",
            "Una riga per geografia, zona, filiera e anno: macroaree, NUTS e zone dello studio.",
            _zones(results),
        )
        yield (
            "zone_members",
            "Comuni delle zone",
            "Quali comuni formano ogni zona, e con quale peso.",
            _members(results),
        )
    yield (
        "benchmarks",
        "Confronti",
        "La quota di ogni comune contro la sua provincia, la regione, l'Italia e i comuni simili.",
        _benchmarks(results),
    )
    yield (
        "phases",
        "Fasi delle filiere",
        "Come si dividono per fase le imprese di ogni filiera in ogni comune, ultimo anno.",
        _phases(results),
    )
    yield (
        "local_coefficients",
        "Coefficienti locali",
        "Regressione pesata geograficamente: un coefficiente per comune e termine; significant "
        "tiene conto dei molti confronti. Associazioni, non cause.",
        _local(results),
    )
    yield ("similar", "Comuni simili", "I comuni più simili a ciascuno.", results.similar)
    yield ("priorities", "Priorità", results.priority_rule.italian, _priorities(results))


def table_layer(results: Results, name: str, title: str, note: str, frame: pd.DataFrame) -> Layer:
    """Describe a table without geometry.

    Parameters
    ----------
    results : Results
        Its registry says what the columns are.
    name, title, note : str
        Of the table, for machines and for readers.
    frame : DataFrame
        The table; its first column names a row.

    Returns
    -------
    Layer
        With the aliases of all columns.
    """
    fields = describe_fields(frame.columns, results.facts, results.registry)
    display = qgis_text.quoted(str(frame.columns[0]))
    style = Style(
        name="Predefinito",
        qml=qgis_style.qml(None, fields=fields, display=display),
        default=True,
    )
    return Layer(
        name=name, title=title, description=note, frame=frame, fields=fields, styles=(style,)
    )


def _zones(results: Results) -> pd.DataFrame:
    """Give the figures of all zones."""
    parts = []
    for geography, zone in results.zones.items():
        table = level_table(zone.panel, "zone", "zone").astype({"zone": str})
        table.insert(0, "geography", geography)
        table.insert(2, "zone_name", table["zone"].map(zone.names))
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _members(results: Results) -> pd.DataFrame:
    """Give the municipalities of all zones."""
    parts = [zone.members.assign(geography=key) for key, zone in results.zones.items()]
    whole = pd.concat(parts, ignore_index=True)
    return whole[["geography", "zone", "pro_com_t", "weight"]]


def _benchmarks(results: Results) -> pd.DataFrame:
    """Give the comparisons that could be made."""
    if "difference" not in results.benchmarks:
        return pd.DataFrame()
    table = results.benchmarks.to_dataframe().reset_index().rename(columns={"place": "pro_com_t"})
    table = table[np.isfinite(table["difference"])]
    table.insert(0, "pro_com_t", table.pop("pro_com_t"))
    keys = ["pro_com_t", "chain", "benchmark"]
    return table.sort_values(keys, ignore_index=True).astype({"side": "int16"})


def _phases(results: Results) -> pd.DataFrame:
    """Give the firms of each phase where a chain has any."""
    if "phase_share" not in results.phase_shares:
        return pd.DataFrame()
    table = results.phase_shares.to_dataframe().reset_index().rename(columns={"place": "pro_com_t"})
    keys = ["pro_com_t", "chain", "phase"]
    return table[np.isfinite(table["phase_share"])].sort_values(keys, ignore_index=True)


def _local(results: Results) -> pd.DataFrame:
    """Give the local coefficients, the place first."""
    table = results.models.local.rename(columns={"place": "pro_com_t", "status": "fit_status"})
    if len(table):
        table.insert(1, "chain", table.pop("chain"))
    return table


def _priorities(results: Results) -> pd.DataFrame:
    """Give the priorities, the place first."""
    table = results.priorities.copy()
    if len(table):
        table.insert(0, "pro_com_t", table.pop("pro_com_t"))
    return table
