"""The sheets of the workbook that hold figures, and the order of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.fields import (
    describe_fields,
    distinct_note,
    units_word,
)
from geo_engine.outputs.long_tables import COUNTS, LEVEL_MEASURES, level_table, panel_table
from geo_engine.outputs.tabular import few_marks, hotspot_table
from geo_engine.outputs.wide_tables import clusters, further_names
from geo_engine.outputs.workbook_composite import composite_sheets
from geo_engine.outputs.workbook_maps import maps_sheet, whole_maps_sheet
from geo_engine.outputs.workbook_models import models_sheets
from geo_engine.outputs.workbook_notes import (
    dictionary_sheet,
    provenance_sheet,
    quality_sheet,
    summary_sheet,
)
from geo_engine.outputs.workbook_sheet import (
    UNAVAILABLE,
    Chart,
    Sheet,
    at_year,
    by_chain,
    chain_labels,
    plain_field,
)
from geo_engine.outputs.workbook_signals import signal_sheets
from geo_engine.outputs.workbook_territory import territory_sheets
from geo_engine.outputs.workbook_universes import stacked
from geo_engine.results import Results
from geo_engine.words.sentences import empty_sentence, hotspot_sentence, probes_sentence

PLACE_MEASURES = (
    "firms",
    "known",
    "digital",
    "share_status",
    "few",
    "share",
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "location_quotient",
    "firms_per_1000",
    "share_cluster",
    "share_q_value",
    "robustness",
    "firms_cluster",
)
PHASES = ("monte", "produzione", "distribuzione", "servizi")


def sheets_of(
    publication: Publication, others: Mapping[str, Publication] | None = None
) -> Iterable[Sheet]:
    """Give the sheets in order, one at a time.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    others : mapping of str to Publication, optional
        The further universes: their rows follow in each sheet of figures, under their name.

    Yields
    ------
    Sheet
        Sintesi, Aree, Comuni, Province, Regioni, Filiere, Fasi, Mappe, Globali, Fattori, Modelli,
        Imprese, Indagine, Letture, Priorità, Confronti, Simili, Concentrazione, Zone, Interruzioni,
        Indice, Indice metodo, Universi, Segnali, Abbinamenti, Livelli (where there are any),
        Dizionario, Qualità, Provenienza.
    """
    results = publication.results
    yield summary_sheet(publication)
    published = (publication, *(others or {}).values())
    yield from stacked([(each.results, _figures(each.results)) for each in published])
    yield from signal_sheets(results)
    yield dictionary_sheet(results)
    yield quality_sheet(publication)
    yield provenance_sheet(publication)


def _figures(results: Results) -> Iterator[Sheet]:
    """Give the sheets of figures of one universe."""
    yield _hotspots(results)
    yield _places(results)
    yield _level(results, "province")
    yield _level(results, "region")
    yield _chains(results)
    yield _phases(results)
    yield maps_sheet(results)
    yield whole_maps_sheet(results)
    if len(results.drivers):
        yield _drivers(results)
    yield from models_sheets(results)
    yield from territory_sheets(results)
    yield from composite_sheets(results)


def _hotspots(results: Results) -> Sheet:
    """Give all hotspots with their figures and the names of their municipalities."""
    table = pd.DataFrame(hotspot_table(results).drop(columns="geometry"))
    names = results.places["name"]
    members = table.pop("members")
    table.insert(1, "chain_label", table["chain"].map(chain_labels(results)))
    table["members"] = [
        ", ".join(f"{names.get(code, code)} ({code})" for code in str(text).split(",") if code)
        for text in members
    ]
    fields = describe_fields(table.columns[:-1], results.facts, results.registry)
    figures = table.astype(dict.fromkeys(COUNTS, float)).to_dict("records")
    table["sentence"] = [
        f"{hotspot_sentence(row, results.facts.signal, 'it')} {probes_sentence(row, 'it')}".strip()
        for row in figures
    ]
    note = "Ordinate per filiera, anno e posto in graduatoria."
    if table.empty:
        note = _no_hotspots(results)
    return Sheet(
        name="Aree",
        title="Aree ad alta digitalizzazione (hotspot)",
        notes=(note,),
        frame=table.drop(columns="chain"),
        fields=(
            *(f for f in fields if f.name != "chain"),
            plain_field("members", "Comuni dell'area", "wide"),
            plain_field("sentence", "Lettura", "wide"),
        ),
        frozen_columns=2,
        widths={"members": 60, "sentence": 80},
    )


def _no_hotspots(results: Results) -> str:
    """Say, over all maps of the share, that nothing was found, and what chance alone marks."""
    if not results.facts.signal:
        return "La digitalizzazione non è stata rilevata: nessuna area può essere cercata."
    maps = results.maps.sel(variable="share")
    tested, expected = float(maps["tested"].sum()), float(maps["expected_below_005"].sum())
    return empty_sentence(int(tested), expected, "it")


def _places(results: Results) -> Sheet:
    """Give the municipalities of the latest year, where there is anything to say."""
    year = int(results.panel["year"].max())
    latest = at_year(results, year)
    table = panel_table(latest)
    for variable in ("share", "firms"):
        table[f"{variable}_cluster"] = _cluster_column(latest, variable)
    table["few"] = few_marks(table["known"], table["share"])
    table = table[~table["status"].isin(["no_firms", "not_covered"])]
    place = table["pro_com_t"].astype(str)
    for column in ("region", "sigla", "name"):
        table.insert(1, column, place.map(results.places[column].astype(str)))
    table.insert(4, "chain_label", table["chain"].astype(str).map(chain_labels(results)))
    keep = ["pro_com_t", "name", "sigla", "region", "chain_label"]
    measures = (*PLACE_MEASURES, *further_names(latest, latest.panel))
    table = table[[*keep, *(m for m in dict.fromkeys(measures) if m in table)]]
    return Sheet(
        name="Comuni",
        title=f"Comuni per filiera, {year}",
        notes=(
            distinct_note(results.facts),
            f"Solo i comuni coperti e con {units_word(results.facts)} della filiera; l'elenco "
            "completo, con tutti gli anni, è in panel.parquet.",
        ),
        frame=table,
        frozen_columns=2,
        widths={
            "name": 26,
            "chain_label": 24,
            "sigla": 7,
            "region": 20,
            "few": 16,
            "share_cluster": 36,
            "firms_cluster": 36,
        },
    )


def _cluster_column(results: Results, variable: str) -> pd.Categorical:
    """Give the class of each row of the panel table."""
    local = results.local.sortby(["place", "chain", "year"]).sel(variable=variable)
    return clusters(local.transpose("place", "chain", "year"), results)


def _level(results: Results, dim: str) -> Sheet:
    """Give provinces or regions, all years."""
    provinces = dim == "province"
    areas = results.provinces if provinces else results.regions
    key = "cod_prov" if provinces else "cod_reg"
    levels = results.province_panel if provinces else results.region_panel
    table = level_table(levels, dim, key)
    shown = [key, "chain", "year", "status", *LEVEL_MEASURES, *further_names(results, levels)]
    table = table[[*dict.fromkeys([*shown, "share_status"])]]
    at = list(table.columns).index("share")
    table.insert(at, "few", few_marks(table["known"], table["share"]))
    code = table[key].astype(str)
    for column in ("region", "sigla", "province") if provinces else ("region",):
        table.insert(1, column, code.map(areas[column].astype(str)))
    at = list(table.columns).index("chain")
    table.insert(at, "chain_label", table["chain"].astype(str).map(chain_labels(results)))
    return Sheet(
        name="Province" if provinces else "Regioni",
        title="Province e città metropolitane" if provinces else "Regioni",
        notes=(distinct_note(results.facts),),
        frame=table.drop(columns="chain"),
        frozen_columns=2,
        widths={"region": 22, "province": 24, "chain_label": 24, "sigla": 7, "few": 16},
    )


def _chains(results: Results) -> Sheet:
    """Give the country's figures by chain and year; words where they are not available."""
    country = results.country_panel
    rows = []
    for chain in results.facts.chains:
        for year in country["year"].to_numpy().tolist():
            one = country.sel(chain=chain.key, year=year)
            measures = (*LEVEL_MEASURES, *further_names(results, one))
            values = {m: float(one[m]) for m in measures if m in one and m != "need_quadrant"}
            said = {m: UNAVAILABLE if np.isnan(v) else v for m, v in values.items()}
            rows.append({"chain_label": chain.label, "year": year, **said})
    note = "Valori dell'intero Paese; 'non disponibile' dove i dati non lo coprono per intero."
    return Sheet(
        name="Filiere",
        title="Filiere, intero Paese",
        notes=(note, distinct_note(results.facts)),
        frame=pd.DataFrame(rows).astype({"chain_label": object}),
        frozen_columns=2,
        widths={"chain_label": 28},
        chart=_trend(results),
    )


def _trend(results: Results) -> Chart:
    """Draw the share of each chain over the years, or its firms where no signal was surveyed."""
    facts = results.facts
    universe = f" - {facts.universe_label}" if facts.names_universe else ""
    if facts.signal:
        title = f"Quota di {facts.signal} per filiera{universe}"
        return Chart(title=title, group="chain_label", along="year", value="share")
    title = f"{units_word(facts)} per filiera".capitalize() + universe
    return Chart(title=title, group="chain_label", along="year", value="firms")


def _phases(results: Results) -> Sheet:
    """Give the composition of each chain by phase."""
    order = {phase: number for number, phase in enumerate(PHASES)}
    table = results.phases.assign(order=results.phases["phase"].map(order))
    table = by_chain(table, results, ["year", "order"])
    return Sheet(
        name="Fasi",
        title="Composizione delle filiere per fase, territorio coperto",
        notes=("Un'unità può appartenere a più filiere.",),
        frame=table[["chain_label", "year", "phase", "firms"]],
        frozen_columns=1,
        widths={"chain_label": 28, "phase": 16},
    )


DRIVER_TERMS = {
    "firm_density": "densità di imprese (raddoppio)",
    "population": "popolazione (raddoppio)",
    "location_quotient": "specializzazione (raddoppio)",
}
DRIVER_FIELDS = (
    plain_field("chain_label", "Filiera"),
    plain_field("term_label", "Associata con"),
    plain_field("coefficient", "Punti percentuali di quota", "number"),
    plain_field("standard_error", "Errore standard", "number"),
    plain_field("p_value", "p", "p"),
    plain_field("places", "Comuni", "count"),
)


def _drivers(results: Results) -> Sheet:
    """Give what goes with the digital share, chain by chain."""
    table = results.drivers.assign(
        chain_label=results.drivers["chain"].astype(str).map(chain_labels(results)),
        term_label=results.drivers["term"].map(DRIVER_TERMS).fillna(results.drivers["term"]),
    )
    return Sheet(
        name="Fattori",
        title="Che cosa si accompagna alla quota digitale, ultimo anno",
        notes=(
            "Associazioni fra comuni della stessa regione, non cause: minimi quadrati pesati con "
            "le imprese, errori robusti (HC1), senza correzione per l'autocorrelazione spaziale.",
        ),
        frame=table[[field.name for field in DRIVER_FIELDS]],
        fields=DRIVER_FIELDS,
        frozen_columns=1,
        widths={"chain_label": 28, "term_label": 34},
    )
