"""What stands on each sheet of the workbook."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.fields import (
    Field,
    describe_fields,
    italian_percent,
    units_word,
    words,
)
from geo_engine.outputs.tabular import (
    LEVEL_MEASURES,
    clusters,
    hotspot_table,
    level_table,
    panel_table,
)
from geo_engine.results import Results

PLACE_MEASURES = (
    "status",
    "firms",
    "known",
    "digital",
    "share_status",
    "share",
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "location_quotient",
    "firms_per_1000",
    "firms_per_km2",
    "share_cluster",
    "share_q_value",
    "firms_cluster",
    "firms_q_value",
)
UNAVAILABLE = "non disponibile"
DISTINCT = (
    "Le imprese sono contate una volta per ogni livello territoriale: la somma dei comuni può "
    "superare il totale della provincia, e quella delle province il totale della regione."
)


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


def sheets_of(publication: Publication) -> Iterable[Sheet]:
    """Give the sheets in order, one at a time.

    Parameters
    ----------
    publication : Publication
        What may be shown.

    Yields
    ------
    Sheet
        Sintesi, Aree, Comuni, Province, Regioni, Filiere, Fasi, Dizionario, Qualità, Provenienza.
    """
    results = publication.results
    yield _summary(publication)
    yield _hotspots(results)
    yield _places(results)
    yield _level(results, "province")
    yield _level(results, "region")
    yield _chains(results)
    yield _phases(results)
    yield _dictionary(results)
    yield _quality(publication)
    yield _provenance(publication)


def _plain(name: str, label: str, kind: str = "text") -> Field:
    """Describe a column that only the workbook has."""
    return Field(name=name, label=label, description="", kind=kind)


def _pairs(rows: Iterable[tuple[str, object]]) -> pd.DataFrame:
    """Give a table of two columns, label and value."""
    listed = list(rows)
    values = pd.Series([value for _, value in listed], dtype=object)
    return pd.DataFrame({"label": [label for label, _ in listed], "wide_value": values})


PAIR_FIELDS = (_plain("label", "Voce"), _plain("wide_value", "Valore"))
PAIR_WIDTHS = {"label": 44, "wide_value": 80}


def _counted(results: Results) -> str:
    """Name what is counted: unità locali attive."""
    facts = results.facts
    return f"{units_word(facts)} {words('firm_status').get(facts.status, facts.status)}"


def _summary(publication: Publication) -> Sheet:
    """Give the figures to start from."""
    results = publication.results
    facts, account = results.facts, results.account
    last = facts.years[-1]
    hotspots = results.hotspots
    latest = hotspots[hotspots["year"] == last]
    rows: list[tuple[str, object]] = [
        ("Unità di analisi", _counted(results)),
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
        title=facts.title,
        notes=(DISTINCT,) if facts.unit == "impresa" else (),
        frame=_pairs(rows),
        fields=PAIR_FIELDS,
        widths=PAIR_WIDTHS,
    )


def _chain_summary(results: Results, chain: str, label: str, year: int) -> list[tuple[str, object]]:
    """Give two lines on a chain: its size and share, and its hotspots."""
    country = results.country_panel.sel(chain=chain, year=year)
    firms, share = float(country["firms"]), float(country["share"])
    size = UNAVAILABLE if np.isnan(firms) else f"{firms:,.0f}".replace(",", ".")
    part = UNAVAILABLE if np.isnan(share) else italian_percent(share)
    found = results.hotspots.query("chain == @chain and year == @year").sort_values("rank")
    names = ", ".join(str(name) for name in found["name"].head(5))
    more = f" e altre {len(found) - 5}" if len(found) > 5 else ""
    return [
        (f"{label}: {units_word(results.facts)} in Italia, {year}", size),
        (f"{label}: quota digitale in Italia, {year}", part),
        (f"{label}: aree ad alta digitalizzazione", f"{names}{more}" or "nessuna significativa"),
    ]


def _labels(results: Results) -> dict[str, str]:
    """Give the label of each chain."""
    return {chain.key: chain.label for chain in results.facts.chains}


def _hotspots(results: Results) -> Sheet:
    """Give all hotspots with their figures and the names of their municipalities."""
    table = pd.DataFrame(hotspot_table(results).drop(columns="geometry"))
    names = results.places["name"]
    members = table.pop("members")
    table.insert(1, "chain_label", table["chain"].map(_labels(results)))
    table["wide_members"] = [
        ", ".join(f"{names.get(code, code)} ({code})" for code in str(text).split(",") if code)
        for text in members
    ]
    fields = describe_fields(table.columns[:-1], results.facts)
    note = "Ordinate per filiera, anno e posto in graduatoria."
    if table.empty:
        note = "Nessuna area significativa dopo la correzione per confronti multipli."
    return Sheet(
        name="Aree",
        title="Aree ad alta digitalizzazione (hotspot)",
        notes=(note,),
        frame=table.drop(columns="chain"),
        fields=(
            *(f for f in fields if f.name != "chain"),
            _plain("wide_members", "Comuni dell'area"),
        ),
        frozen_columns=2,
        widths={"wide_members": 80},
    )


def _places(results: Results) -> Sheet:
    """Give the municipalities of the latest year, where there is anything to say."""
    year = int(results.panel["year"].max())
    latest = _at_year(results, year)
    table = panel_table(latest)
    for variable in ("share", "firms"):
        table[f"{variable}_cluster"] = _cluster_column(latest, variable)
    table = table[~table["status"].isin(["no_firms", "not_covered"])]
    place = table["pro_com_t"].astype(str)
    for column in ("region", "sigla", "province", "name"):
        table.insert(1, column, place.map(results.places[column].astype(str)))
    table.insert(5, "chain_label", table["chain"].astype(str).map(_labels(results)))
    keep = ["pro_com_t", "name", "province", "sigla", "region", "chain_label"]
    table = table[[*keep, *(m for m in PLACE_MEASURES if m in table)]]
    return Sheet(
        name="Comuni",
        title=f"Comuni per filiera, {year}",
        notes=(
            DISTINCT,
            f"Solo i comuni coperti e con {units_word(results.facts)} della filiera; l'elenco "
            "completo, con tutti gli anni, è in panel.parquet.",
        ),
        frame=table,
        frozen_columns=2,
        widths={"name": 26, "chain_label": 24, "sigla": 7, "region": 20, "province": 20},
    )


def _at_year(results: Results, year: int) -> Results:
    """Give results with one year of the panel only."""
    return dataclasses.replace(
        results, panel=results.panel.sel(year=[year]), local=results.local.sel(year=[year])
    )


def _cluster_column(results: Results, variable: str) -> pd.Categorical:
    """Give the class of each row of the panel table."""
    local = results.local.sortby(["place", "chain", "year"]).sel(variable=variable)
    flat = local.stack(row=("place", "chain", "year"), create_index=False)
    return clusters(flat, results)


def _level(results: Results, dim: str) -> Sheet:
    """Give provinces or regions, all years."""
    provinces = dim == "province"
    areas = results.provinces if provinces else results.regions
    key = "cod_prov" if provinces else "cod_reg"
    levels = results.province_panel if provinces else results.region_panel
    table = level_table(levels, dim, key)
    code = table[key].astype(str)
    for column in ("region", "sigla", "province") if provinces else ("region",):
        table.insert(1, column, code.map(areas[column].astype(str)))
    at = list(table.columns).index("chain")
    table.insert(at, "chain_label", table["chain"].astype(str).map(_labels(results)))
    return Sheet(
        name="Province" if provinces else "Regioni",
        title="Province e città metropolitane" if provinces else "Regioni",
        notes=(DISTINCT,),
        frame=table.drop(columns="chain"),
        frozen_columns=2,
        widths={"region": 22, "province": 24, "chain_label": 24, "sigla": 7},
    )


def _chains(results: Results) -> Sheet:
    """Give the country's figures by chain and year; words where they are not available."""
    country = results.country_panel
    rows = []
    for chain in results.facts.chains:
        for year in country["year"].to_numpy().tolist():
            one = country.sel(chain=chain.key, year=year)
            values = {m: float(one[m]) for m in LEVEL_MEASURES if m in one}
            said = {m: UNAVAILABLE if np.isnan(v) else v for m, v in values.items()}
            rows.append({"chain_label": chain.label, "year": year, **said})
    note = "Valori dell'intero Paese; 'non disponibile' dove i dati non lo coprono per intero."
    return Sheet(
        name="Filiere",
        title="Filiere, intero Paese",
        notes=(note, DISTINCT),
        frame=pd.DataFrame(rows).astype({"chain_label": object}),
        frozen_columns=2,
        widths={"chain_label": 28},
    )


def _phases(results: Results) -> Sheet:
    """Give the composition of each chain by phase."""
    table = results.phases.sort_values(["chain", "year", "phase"], kind="stable")
    table = table.reset_index(drop=True)
    table.insert(0, "chain_label", table.pop("chain").astype(str).map(_labels(results)))
    return Sheet(
        name="Fasi",
        title="Composizione delle filiere per fase, territorio coperto",
        notes=("Un'unità può appartenere a più filiere.",),
        frame=table[["chain_label", "year", "phase", "firms"]],
        frozen_columns=1,
        widths={"chain_label": 28, "phase": 16},
    )


def _dictionary(results: Results) -> Sheet:
    """Explain the columns of the workbook, the GeoPackage and the panel."""
    sheets: Sequence[str] = [
        *panel_table(_at_year(results, results.facts.years[-1])).columns,
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
    fields = describe_fields(dict.fromkeys(sheets), results.facts)
    frame = pd.DataFrame(
        {
            "column": [f.name for f in fields],
            "label": [f.label for f in fields],
            "wide_description": [f.description for f in fields],
            "wide_words": ["; ".join(f"{k} = {v}" for k, v in f.words.items()) for f in fields],
        }
    )
    return Sheet(
        name="Dizionario",
        title="Dizionario dei dati",
        notes=("Nomi delle colonne in territory.gpkg e panel.parquet, e il loro significato.",),
        frame=frame,
        fields=(
            _plain("column", "Colonna"),
            _plain("label", "Nome"),
            _plain("wide_description", "Descrizione"),
            _plain("wide_words", "Valori"),
        ),
        widths={"column": 26, "label": 40, "wide_description": 80, "wide_words": 60},
    )


def _quality(publication: Publication) -> Sheet:
    """Say what became of every record, by reason."""
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
    return Sheet(
        name="Qualità",
        title="Qualità dei dati: che cosa è stato di ogni record",
        notes=("Record letti = collocati + in quarantena.",),
        frame=_pairs(rows),
        fields=(_plain("label", "Voce"), _plain("wide_value", "Record", "count")),
        widths={"label": 60, "wide_value": 14},
    )


def _provenance(publication: Publication) -> Sheet:
    """Say where the data come from and how the figures were made."""
    facts = publication.results.facts
    deciding = "la singola mappa" if facts.family == "map" else "l'intero panel"
    rows: list[tuple[str, object]] = [
        *((f"Fonte {n}", note) for n, note in enumerate(facts.source_notes, start=1)),
        ("Data dei dati", facts.data_date),
        ("Confini", f"ISTAT, al {facts.boundary_date}"),
        ("Popolazione", f"residenti {facts.population_year}"),
        ("Perimetro delle filiere", f"versione {facts.perimeter} (proposta, non ufficiale)"),
        ("Vicinato", facts.neighbors),
        ("Livello dei test", italian_percent(facts.alpha)),
        ("Correzione per confronti multipli", f"Benjamini-Hochberg entro {deciding}"),
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
        frame=_pairs(rows),
        fields=PAIR_FIELDS,
        widths=PAIR_WIDTHS,
    )
