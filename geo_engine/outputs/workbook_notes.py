"""The sheets of the workbook that explain: summary, dictionary, quality, provenance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.fields import (
    describe_fields,
    describe_indicators,
    distinct_note,
    level_percent,
    units_word,
    words,
)
from geo_engine.outputs.long_tables import panel_table
from geo_engine.outputs.workbook_sheet import (
    PAIR_FIELDS,
    PAIR_WIDTHS,
    UNAVAILABLE,
    Sheet,
    at_year,
    counted_words,
    pairs_table,
    plain_field,
)
from geo_engine.results import Results
from geo_engine.words import word
from geo_engine.words.sentences import number, percent


def summary_sheet(publication: Publication) -> Sheet:
    """Give the figures to start from.

    Parameters
    ----------
    publication : Publication
        What may be shown.

    Returns
    -------
    Sheet
        Sintesi.
    """
    results = publication.results
    facts, account = results.facts, results.account
    last = facts.years[-1]
    hotspots = results.hotspots
    latest = hotspots[hotspots["year"] == last]
    rows: list[tuple[str, object]] = [
        ("Unità di analisi", counted_words(results)),
        *((("Universo", facts.universe_label),) if facts.names_universe else ()),
        ("Segnale digitale", facts.signal or "non rilevato"),
        ("Territorio coperto", facts.coverage),
        ("Anni", f"{facts.years[0]}-{last}" if len(facts.years) > 1 else str(last)),
        ("Data dei dati", facts.data_date),
        ("Confini comunali al", facts.boundary_date),
        ("Record letti", account.rows),
        ("Record collocati in un comune", account.placed),
        ("Record in quarantena", account.quarantined),
        ("Comuni", len(results.places)),
        ("Filiere", len(facts.chains)),
        (f"Aree ad alta digitalizzazione nel {last}", len(latest)),
        ("Quote oscurate per riservatezza (celle)", publication.suppressed),
    ]
    for chain in facts.chains:
        rows += _chain_summary(results, chain.key, chain.label, last)
    rows += [("Avvertenza", warning) for warning in results.warnings]
    return Sheet(
        name="Sintesi",
        title=facts.titled(),
        notes=(distinct_note(facts),),
        frame=pairs_table(rows),
        fields=PAIR_FIELDS,
        widths=PAIR_WIDTHS,
    )


def _chain_summary(results: Results, chain: str, label: str, year: int) -> list[tuple[str, object]]:
    """Give two lines on a chain: its size and share, and its hotspots."""
    country = results.country_panel.sel(chain=chain, year=year)
    firms, share = float(country["firms"]), float(country["share"])
    size = UNAVAILABLE if np.isnan(firms) else number(firms, "it")
    absent = UNAVAILABLE if results.facts.signal else "non rilevata"
    part = absent if np.isnan(share) else percent(share, "it")
    found = results.hotspots.query("chain == @chain and year == @year").sort_values("rank")
    names = ", ".join(str(name) for name in found["name"].head(5))
    more = f" e altre {len(found) - 5}" if len(found) > 5 else ""
    return [
        (f"{label}: {units_word(results.facts)} in Italia, {year}", size),
        (f"{label}: quota digitale in Italia, {year}", part),
        (f"{label}: aree ad alta digitalizzazione", f"{names}{more}" or "nessuna significativa"),
    ]


def dictionary_sheet(results: Results) -> Sheet:
    """Explain the columns of the workbook, the GeoPackage and the panel.

    Parameters
    ----------
    results : Results
        What was found.

    Returns
    -------
    Sheet
        Dizionario.
    """
    sheets: Sequence[str] = [
        *panel_table(at_year(results, results.facts.years[-1])).columns,
        "share_cluster",
        "firms_cluster",
        *results.hotspots.columns.drop("geometry"),
        "share_change",
        "firms_change",
        "population",
        "area_km2",
        "covered",
        "edge",
    ]
    fields = describe_fields(dict.fromkeys(sheets), results.facts, results.registry)
    rows = {row["key"]: row for row in describe_indicators(results.registry, results.facts)}
    frame = pd.DataFrame(
        {
            "column": [f.name for f in fields],
            "label": [f.label for f in fields],
            "description": [f.description for f in fields],
            "words": ["; ".join(f"{k} = {v}" for k, v in f.words.items()) for f in fields],
            **{
                name: [str(rows[f.name][name]) if f.name in rows else "" for f in fields]
                for name in ("unit", "formula", "source", "label_en")
            },
        }
    )
    frame["unit"] = frame["unit"].replace(words("unit_names"))
    frame["source"] = frame["source"].replace(words("source_names"))
    return Sheet(
        name="Dizionario",
        title="Dizionario dei dati",
        notes=("Nomi delle colonne in territory.gpkg e panel.parquet, e il loro significato.",),
        frame=frame,
        fields=(
            plain_field("column", "Colonna"),
            plain_field("label", "Nome"),
            plain_field("description", "Descrizione", "wide"),
            plain_field("words", "Valori", "wide"),
            plain_field("unit", "Unità"),
            plain_field("formula", "Formula", "wide"),
            plain_field("source", "Fonte", "wide"),
            plain_field("label_en", "Nome in inglese"),
        ),
        widths={
            "column": 26,
            "label": 40,
            "description": 80,
            "words": 60,
            "unit": 24,
            "formula": 50,
            "source": 40,
            "label_en": 40,
        },
    )


def quality_sheet(publication: Publication) -> Sheet:
    """Say what became of every record, by reason.

    Parameters
    ----------
    publication : Publication
        What may be shown.

    Returns
    -------
    Sheet
        Qualità.
    """
    account = publication.results.account
    placing = words("placing")
    rows: list[tuple[str, object]] = [
        ("Record letti", account.rows),
        ("Record collocati", account.placed),
        ("Record in quarantena", account.quarantined),
        ("Collocati, in almeno una filiera", account.in_chains),
        ("Collocati, fuori dal territorio coperto", account.outside_coverage),
    ]
    groups = (("In quarantena", account.reasons), ("Segnalati", account.flags))
    named = {placing.get(key, key): count for key, count in account.methods.items()}
    for title, counts in (("Collocati per", named), *groups):
        rows += [(f"{title}: {key}", counts[key]) for key in sorted(counts)]
    for source in account.sources:
        rows.append((f"{source.name}: record letti", source.rows))
        rows.append((f"{source.name}: collocati", source.placed))
        rows.append((f"{source.name}: in quarantena", source.quarantined))
    for one in publication.results.quality.itertuples():
        rows.append((f"Colonna {one.column}: campi compilati", int(one.filled)))
    return Sheet(
        name="Qualità",
        title="Qualità dei dati: che cosa è stato di ogni record",
        notes=("Record letti = collocati + in quarantena.",),
        frame=pairs_table(rows),
        fields=(plain_field("label", "Voce"), plain_field("value", "Record", "count")),
        widths={"label": 60, "value": 14},
    )


def provenance_sheet(publication: Publication) -> Sheet:
    """Say where the data come from and how the figures were made.

    Parameters
    ----------
    publication : Publication
        What may be shown.

    Returns
    -------
    Sheet
        Provenienza.
    """
    facts = publication.results.facts
    correction = word("it", "notes", f"correction_{facts.correction}")
    family = word("it", "notes", f"family_{facts.family}")
    rows: list[tuple[str, object]] = [
        *((f"Fonte {n}", note) for n, note in enumerate(facts.source_notes, start=1)),
        ("Data dei dati", facts.data_date),
        ("Confini", f"ISTAT, al {facts.boundary_date}"),
        ("Popolazione", f"residenti {facts.population_year}"),
        ("Perimetro delle filiere", f"versione {facts.perimeter} (proposta, non ufficiale)"),
        *((("Peso delle imprese", facts.membership),) if facts.membership else ()),
        ("Vicinato", word("it", "notes", f"neighbors_{facts.neighbors}")),
        ("Livello dei test", level_percent(facts.alpha)),
        ("Correzione per confronti multipli", f"{correction}, {family}"),
        ("Seme", str(facts.seed)),
        ("Destinazione", "pubblica" if publication.audience == "public" else "interna"),
    ]
    for source in publication.results.account.sources:
        rows.append((f"{source.name}: SHA-256", source.sha256))
        if source.licence:
            rows.append((f"{source.name}: licenza", source.licence))
    return Sheet(
        name="Provenienza",
        title="Provenienza e metodo",
        frame=pairs_table(rows),
        fields=PAIR_FIELDS,
        widths=PAIR_WIDTHS,
    )
