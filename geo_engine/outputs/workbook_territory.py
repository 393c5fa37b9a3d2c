"""The sheets of the workbook that compare territories: priorities, benchmarks, zones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from geo_engine.outputs.fields import describe_fields, words
from geo_engine.outputs.long_tables import LEVEL_MEASURES, level_table
from geo_engine.outputs.wide_tables import further_names
from geo_engine.outputs.workbook_sheet import Sheet, by_chain, chain_labels, plain_field
from geo_engine.results import Results

PRIORITY_NAMES = {
    "act": "intervenire",
    "accompany": "accompagnare",
    "watch": "osservare",
    "consolidate": "consolidare",
    "none": "nessuna",
}
TREND_NAMES = {-1: "in calo", 0: "stabile o incerta", 1: "in crescita"}
SIDE_NAMES = {-1: "sotto", 0: "non distinguibile", 1: "sopra"}
BENCHMARK_NAMES = {
    "province": "la sua provincia",
    "region": "la sua regione",
    "country": "Italia",
    "similar": "comuni simili",
}
PLACE_FIELDS = (
    plain_field("pro_com_t", "Codice ISTAT", "code"),
    plain_field("name", "Comune"),
    plain_field("sigla", "Sigla"),
    plain_field("chain_label", "Filiera"),
)
PRIORITY_FIELDS = (
    plain_field("order", "Ordine", "count"),
    *PLACE_FIELDS,
    plain_field("priority", "Priorità"),
    plain_field("firms", "Imprese", "count"),
    plain_field("location_quotient", "Quoziente di localizzazione", "number"),
    plain_field("location_quotient_low", "Quoziente, estremo inferiore", "number"),
    plain_field("share", "Quota corretta", "share"),
    plain_field("share_low", "Quota, estremo inferiore", "share"),
    plain_field("share_high", "Quota, estremo superiore", "share"),
    plain_field("reference", "Riferimento", "share"),
    plain_field("digital_gap", "Distanza dal riferimento", "points"),
    plain_field("firms_to_reach", "Imprese per raggiungerlo", "number"),
    plain_field("trend", "Tendenza"),
    plain_field("growth", "Crescita delle imprese", "points"),
)
BENCHMARK_FIELDS = (
    *PLACE_FIELDS,
    plain_field("benchmark", "Confronto con"),
    plain_field("side", "Il comune è"),
    plain_field("difference", "Differenza, punti", "points"),
    plain_field("difference_low", "Differenza, estremo inferiore", "points"),
    plain_field("difference_high", "Differenza, estremo superiore", "points"),
    plain_field("reference", "Quota del confronto", "share"),
    plain_field("reference_low", "Quota, estremo inferiore", "share"),
    plain_field("reference_high", "Quota, estremo superiore", "share"),
    plain_field("reference_firms", "Imprese del confronto", "count"),
)
CONCENTRATION_FIELDS = (
    plain_field("chain_label", "Filiera"),
    plain_field("year", "Anno", "year"),
    plain_field("firms", "Imprese", "count"),
    plain_field("gini", "Gini", "number"),
    plain_field("herfindahl", "Herfindahl", "p"),
    plain_field("effective_places", "Comuni equivalenti", "number"),
    plain_field("theil", "Theil", "number"),
    plain_field("theil_between", "Theil fra regioni", "number"),
    plain_field("theil_within", "Theil dentro le regioni", "number"),
    plain_field("between_share", "Parte fra regioni", "share"),
    plain_field("ellison_glaeser", "Ellison e Glaeser", "p"),
    plain_field("ellison_glaeser_p", "p di Ellison e Glaeser", "p"),
    plain_field("plants", "Contati in"),
)
BREAK_FIELDS = (
    plain_field("chain_label", "Filiera"),
    plain_field("label", "Indicatore"),
    plain_field("before", "Dal", "year"),
    plain_field("year", "Al", "year"),
    plain_field("note", "Perché", "wide"),
)
SIMILAR_FIELDS = (
    *PLACE_FIELDS[:3],
    plain_field("order", "Ordine", "count"),
    plain_field("neighbor", "Codice del simile", "code"),
    plain_field("neighbor_name", "Comune simile"),
    plain_field("distance", "Distanza (scarti tipo)", "number"),
)
SHOWN_SIMILAR = 5
"""Of each municipality; the atlas shows all."""


def territory_sheets(results: Results) -> Iterator[Sheet]:
    """Give what compares municipalities and territories.

    Parameters
    ----------
    results : Results
        What may be shown.

    Yields
    ------
    Sheet
        Priorità, Confronti, Simili, Concentrazione, Zone and Interruzioni, each where there is
        something in it.
    """
    if len(results.priorities):
        yield _priorities(results)
    if "reference" in results.benchmarks and results.benchmarks.sizes["benchmark"]:
        yield _benchmarks(results)
    if len(results.similar):
        yield _similar(results)
    if len(results.concentration):
        yield _concentration(results)
    if results.zones:
        yield _zones(results)
    if len(results.series_breaks):
        yield _breaks(results)


def _named(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Name places and, where there are any, chains."""
    place = table["pro_com_t"].astype(str)
    named = table.assign(
        name=place.map(results.places["name"]), sigla=place.map(results.places["sigla"])
    )
    if "chain" in table:
        named["chain_label"] = table["chain"].astype(str).map(chain_labels(results))
    return named


def _priorities(results: Results) -> Sheet:
    """Give where to act, by the stated rule."""
    table = _named(results.priorities, results)
    table = table.assign(
        priority=table["priority"].map(PRIORITY_NAMES),
        trend=table["trend"].map(TREND_NAMES),
        digital_gap=-table["digital_gap"],
    )
    return Sheet(
        name="Priorità",
        title=f"Dove intervenire, {results.facts.years[-1]}",
        notes=(
            results.priority_rule.italian,
            "Un aiuto a scegliere, non una graduatoria ufficiale: la regola è questa, e si può "
            "cambiare nello studio.",
        ),
        frame=table[[field.name for field in PRIORITY_FIELDS]],
        fields=PRIORITY_FIELDS,
        frozen_columns=3,
        widths={"name": 26, "chain_label": 24, "sigla": 7, "priority": 16, "trend": 18},
    )


def _benchmarks(results: Results) -> Sheet:
    """Give each municipality against its province, region, Italy and its like."""
    table = results.benchmarks.to_dataframe().reset_index()
    table = table[np.isfinite(table["difference"])].rename(columns={"place": "pro_com_t"})
    kinds = {kind: number for number, kind in enumerate(BENCHMARK_NAMES)}
    table = by_chain(table.assign(kind=table["benchmark"].map(kinds)), results, ["kind"])
    table = table.sort_values("pro_com_t", kind="stable", ignore_index=True)
    table = _named(table, results).assign(
        benchmark=table["benchmark"].map(BENCHMARK_NAMES), side=table["side"].map(SIDE_NAMES)
    )
    return Sheet(
        name="Confronti",
        title=f"Quota digitale: ogni comune e i suoi termini di confronto, "
        f"{results.facts.years[-1]}",
        notes=("«Non distinguibile»: l'intervallo della differenza comprende lo zero.",),
        frame=table[[field.name for field in BENCHMARK_FIELDS]],
        fields=BENCHMARK_FIELDS,
        frozen_columns=2,
        widths={"name": 26, "chain_label": 24, "sigla": 7, "benchmark": 20, "side": 18},
    )


def _similar(results: Results) -> Sheet:
    """Give the municipalities most like each."""
    table = results.similar
    named = words("feature_names") | {
        f"specialization {key}": f"specializzazione in {label}"
        for key, label in chain_labels(results).items()
    }
    features = ", ".join(named.get(str(name), str(name)) for name in table.attrs["features"])
    table = _named(table[table["order"] <= SHOWN_SIMILAR], results)
    table["neighbor_name"] = table["neighbor"].astype(str).map(results.places["name"])
    return Sheet(
        name="Simili",
        title="I comuni più simili a ciascuno",
        notes=(f"Simili per: {features}." if features else "",),
        frame=table[[field.name for field in SIMILAR_FIELDS]].reset_index(drop=True),
        fields=SIMILAR_FIELDS,
        frozen_columns=2,
        widths={"name": 26, "sigla": 7, "neighbor_name": 26},
    )


def _concentration(results: Results) -> Sheet:
    """Give how concentrated each chain is."""
    table = results.concentration
    table = table.assign(chain_label=table["chain"].map(chain_labels(results)))
    return Sheet(
        name="Concentrazione",
        title="Quanto ogni filiera è concentrata nel territorio coperto",
        notes=(
            "Gini e Theil: 0 quando la filiera è distribuita come tutte le imprese. Ellison e "
            "Glaeser: sopra zero, più concentrata di quanto farebbe il caso.",
        ),
        frame=table[[field.name for field in CONCENTRATION_FIELDS]],
        fields=CONCENTRATION_FIELDS,
        frozen_columns=2,
        widths={"chain_label": 28},
    )


def _zones(results: Results) -> Sheet:
    """Give the zones of every geography in the latest year."""
    parts, notes = [], []
    for geography, zone in results.zones.items():
        label = words("geography_names").get(geography, geography)
        last = zone.panel.sel(year=[int(zone.panel["year"].max())])
        table = level_table(last, "zone", "zone")
        code = table["zone"].astype(str)
        table = table[~table["status"].isin(["not_covered", "no_firms"])]
        code = code[table.index]
        table.insert(0, "geography", label)
        table.insert(2, "zone_name", code.map(zone.names))
        table.insert(3, "municipalities", code.map(zone.municipalities))
        parts.append(table.assign(zone=code))
        notes += [f"{label}: {note}" for note in (zone.source, *zone.notes) if note]
    table = pd.concat(parts, ignore_index=True)
    table["chain_label"] = table["chain"].astype(str).map(chain_labels(results))
    first = next(iter(results.zones.values())).panel
    measures = [*LEVEL_MEASURES, *further_names(results, first)]
    measures = [name for name in measures if name in table and name != "need_quadrant"]
    fields = (
        plain_field("geography", "Geografia"),
        plain_field("zone", "Codice", "code"),
        plain_field("zone_name", "Zona"),
        plain_field("municipalities", "Comuni", "count"),
        plain_field("chain_label", "Filiera"),
        *describe_fields(["year", *measures, "share_status"], results.facts, results.registry),
    )
    return Sheet(
        name="Zone",
        title=f"Zone: le stesse misure per ogni geografia, {results.facts.years[-1]}",
        notes=("Solo le zone coperte e con imprese della filiera.", *notes),
        frame=table[[field.name for field in fields]],
        fields=fields,
        frozen_columns=3,
        widths={"geography": 18, "zone": 12, "zone_name": 34, "chain_label": 24},
    )


def _breaks(results: Results) -> Sheet:
    """Give where an indicator cannot be followed from one year to the next."""
    table = results.series_breaks
    names = {f.name: f.label for f in describe_fields(set(table["indicator"]), results.facts)}
    table = table.assign(
        chain_label=table["chain"].map(chain_labels(results)).fillna(table["chain"]),
        label=table["indicator"].map(names),
    )
    return Sheet(
        name="Interruzioni",
        title="Interruzioni di serie: che cosa non si può seguire negli anni, e perché",
        frame=table[[field.name for field in BREAK_FIELDS]].reset_index(drop=True),
        fields=BREAK_FIELDS,
        frozen_columns=1,
        widths={"chain_label": 28, "label": 36, "note": 90},
    )
