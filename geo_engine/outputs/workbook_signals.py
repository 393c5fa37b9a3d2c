"""The sheets of the workbook about universes and signals: of which firms what is known."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from geo_engine.outputs.fields import Field
from geo_engine.outputs.workbook_sheet import Sheet, chain_labels, plain_field
from geo_engine.results import Results

DIMENSIONS = {
    "year": "anno",
    "chain": "filiera",
    "size": "classe di addetti",
    "province": "provincia",
    "legal_form": "forma giuridica",
}
UNIVERSE_FIELDS = (
    plain_field("year", "Anno", "year"),
    plain_field("label", "Universo"),
    plain_field("inside", "Dentro", "count"),
    plain_field("outside", "Fuori", "count"),
    plain_field("undecided", "Dimensione ignota", "count"),
    plain_field("by_persons", "Dentro, per i soli addetti", "count"),
    plain_field("note", "Nota", "wide"),
)
COVERAGE_FIELDS = (
    plain_field("label", "Segnale", "wide"),
    plain_field("dimension", "Per"),
    plain_field("group", "Gruppo"),
    plain_field("firms", "Imprese", "count"),
    plain_field("known", "Con segnale noto", "count"),
    plain_field("coverage", "Copertura", "share"),
    plain_field("yes", "Con il segnale", "count"),
    plain_field("share", "Quota", "share"),
    plain_field("share_low", "Estremo inferiore", "share"),
    plain_field("share_high", "Estremo superiore", "share"),
)
MATCH_FIELDS = (
    plain_field("label", "Fonte", "wide"),
    plain_field("dimension", "Per"),
    plain_field("group", "Gruppo"),
    plain_field("firms", "Imprese", "count"),
    plain_field("matched", "Trovate nella fonte", "count"),
    plain_field("unmatched", "Non trovate", "count"),
    plain_field("without_key", "Senza chiave", "count"),
    plain_field("rate", "Tasso di abbinamento", "share"),
)
LEVEL_FIELDS = (
    plain_field("dimension", "Per"),
    plain_field("group", "Gruppo"),
    plain_field("label", "Livello"),
    plain_field("firms", "Imprese", "count"),
)


def signal_sheets(results: Results) -> Iterator[Sheet]:
    """Give what is known of firms: universes, signals, matches, levels of the index.

    Parameters
    ----------
    results : Results
        What may be shown.

    Yields
    ------
    Sheet
        Universi, Segnali, Abbinamenti, Livelli, each where there is something in it.
    """
    if results.facts.names_universe and len(results.universes):
        yield _sheet(
            "Universi",
            "Quante imprese contiene ogni universo",
            results.universes,
            UNIVERSE_FIELDS,
            notes=("Dentro + fuori + dimensione ignota = tutte le imprese collocate.",),
        )
    if len(results.signal_coverage):
        yield _sheet(
            "Segnali",
            "Di quali imprese si conosce ogni segnale",
            _grouped(results.signal_coverage, results),
            COVERAGE_FIELDS,
            notes=("Dove la copertura è bassa, la quota vale per le imprese note, non per tutte.",),
        )
    if len(results.signal_matches):
        yield _sheet(
            "Abbinamenti",
            "Imprese trovate nelle altre fonti, per codice fiscale o numero REA",
            _grouped(results.signal_matches, results),
            MATCH_FIELDS,
            notes=results.match_notes,
        )
    if len(results.index_levels):
        yield _sheet(
            "Livelli",
            f"Imprese per livello: {results.facts.signal}",
            _grouped(results.index_levels, results),
            LEVEL_FIELDS,
        )


def _grouped(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Name dimensions and the chains among the groups."""
    group = table["group"].where(
        table["dimension"] != "chain", table["group"].replace(chain_labels(results))
    )
    return table.assign(dimension=table["dimension"].map(DIMENSIONS), group=group)


def _sheet(
    name: str,
    title: str,
    table: pd.DataFrame,
    fields: tuple[Field, ...],
    *,
    notes: tuple[str, ...] = (),
) -> Sheet:
    """Lay a table out."""
    return Sheet(
        name=name,
        title=title,
        notes=notes,
        frame=table[[field.name for field in fields]].reset_index(drop=True),
        fields=fields,
        frozen_columns=1,
        widths={"label": 40, "group": 28, "note": 70},
    )
