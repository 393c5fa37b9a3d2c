"""The sheets of the workbook about the composite index: ranks, and what they owe to choices."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from geo_engine.outputs.fields import describe_fields
from geo_engine.outputs.workbook_sheet import (
    PAIR_FIELDS,
    PAIR_WIDTHS,
    UNAVAILABLE,
    Sheet,
    chain_labels,
    pairs_table,
    plain_field,
)
from geo_engine.results import Results
from geo_engine.words.sentences import number, percent

METHOD_NAMES = {
    "ampi": "AMPI (Mazziotta e Pareto corretto: traguardi fissi, confrontabile negli anni)",
    "mpi": "MPI (Mazziotta e Pareto, punteggi standardizzati di ogni mappa)",
    "min_max": "media di valori riportati fra minimo e massimo",
    "z": "media di punteggi standardizzati",
    "geometric": "media geometrica",
}
RANK_FIELDS = (
    plain_field("rank", "Posto", "count"),
    plain_field("pro_com_t", "Codice ISTAT", "code"),
    plain_field("name", "Comune"),
    plain_field("sigla", "Sigla"),
    plain_field("chain_label", "Filiera"),
    plain_field("score", "Indice", "number"),
    plain_field("rank_low", "Posto, dal", "count"),
    plain_field("rank_high", "Posto, al", "count"),
    plain_field("rank_median", "Posto mediano", "count"),
    plain_field("top_tenth", "Volte nel primo decimo", "share"),
    plain_field("penalty", "Penalità", "number"),
    plain_field("leading", "Punto di forza"),
    plain_field("lagging", "Punto debole"),
    plain_field("known_indicators", "Indicatori noti", "count"),
)
STEPS = (
    "1. Quadro teorico",
    "2. Scelta degli indicatori",
    "3. Dati mancanti",
    "4. Analisi multivariata",
    "5. Normalizzazione",
    "6. Pesi e aggregazione",
    "7. Robustezza e sensibilità",
    "8. Ritorno ai dati",
    "9. Legami con altri indicatori",
    "10. Presentazione",
)
"""The ten steps of the OECD and JRC handbook (2008)."""


def composite_sheets(results: Results) -> Iterator[Sheet]:
    """Give the composite index of a study.

    Parameters
    ----------
    results : Results
        What may be shown.

    Yields
    ------
    Sheet
        Indice and Indice metodo; none where the study has no composite.
    """
    if results.composite is None:
        return
    yield _ranks(results)
    yield _method(results)


def _labels(results: Results) -> dict[str, str]:
    """Name the indicators."""
    fields = describe_fields(results.registry, results.facts, results.registry)
    return {field.name: field.label for field in fields}


def _ranks(results: Results) -> Sheet:
    """Give scores and ranks with their intervals."""
    found = results.composite
    assert found is not None
    names, place = _labels(results), found.ranks["pro_com_t"].astype(str)
    table = found.ranks.assign(
        name=place.map(results.places["name"]),
        sigla=place.map(results.places["sigla"]),
        chain_label=found.ranks["chain"].map(chain_labels(results)),
        leading=found.ranks["leading"].replace(names),
        lagging=found.ranks["lagging"].replace(names),
    )
    return Sheet(
        name="Indice",
        title=f"{found.keys.label}, {results.facts.years[-1]}",
        notes=(
            "Posto dal-al: dove cade il 90 % delle classifiche che si avrebbero con altre scelte "
            "(pesi, normalizzazione, aggregazione, indicatori). Posti i cui intervalli si "
            "sovrappongono non si distinguono.",
            "Un comune con meno di 10 imprese nella filiera (di segnale noto, se l'indice "
            "lo usa) ha il punteggio ma non un posto.",
        ),
        frame=table[[field.name for field in RANK_FIELDS]],
        fields=RANK_FIELDS,
        frozen_columns=3,
        widths={"name": 26, "chain_label": 24, "sigla": 7, "leading": 34, "lagging": 34},
    )


def _method(results: Results) -> Sheet:
    """Say how the index is made, in the steps of the handbook."""
    found = results.composite
    assert found is not None
    names, keys = _labels(results), found.keys
    indicators = [names.get(key, key) for key in keys.indicators]
    smoothed = ", ".join(names.get(key, key) for key in found.smoothed) or "nessuno"
    held = ", ".join(f"{names.get(k, k)}: {n}" for k, n in found.held.items() if n) or "nessuno"
    scale = "traguardi del file dello studio" if found.frozen else "traguardi fatti da questi dati"
    rows: list[tuple[str, object]] = [
        (STEPS[0], keys.label),
        (STEPS[1], "; ".join(indicators)),
        (STEPS[2], f"valori messi a mediana della regione: {found.filled}"),
        (STEPS[3], _explained(found.explained)),
        (STEPS[4], f"{scale if keys.method == 'ampi' else METHOD_NAMES[keys.method]}"),
        (f"{STEPS[4]}: piccoli numeri corretti", smoothed),
        (f"{STEPS[4]}: valori estremi contenuti", held),
        (STEPS[5], METHOD_NAMES[keys.method]),
    ]
    rows += [
        (
            f"{STEPS[5]}: {names.get(key, key)}",
            f"peso {percent(weight, 'it')}, "
            f"{'di più è meglio' if found.polarity[key] > 0 else 'di meno è meglio'}",
        )
        for key, weight in found.weights.items()
    ]
    rows += _robustness(results, names)
    rows += [
        (STEPS[7], "punto di forza e punto debole di ogni comune nel foglio Indice"),
        (STEPS[8], "fogli Fattori e Letture: associazioni, non cause"),
        (STEPS[9], "foglio Indice; mappa composite nell'atlante e nel GeoPackage"),
        *(("Nota", note) for note in found.notes),
    ]
    return Sheet(
        name="Indice metodo",
        title=f"{keys.label}: come è fatto, nei dieci passi di OCSE e JRC",
        frame=pairs_table(rows),
        fields=PAIR_FIELDS,
        widths=PAIR_WIDTHS,
    )


def _explained(part: float) -> str:
    """Say what the components explain."""
    if pd.isna(part):
        return "pesi non tratti da componenti principali"
    return f"i pesi per componenti spiegano {percent(part, 'it')} della varianza"


def _robustness(results: Results, names: dict[str, str]) -> list[tuple[str, object]]:
    """Say what the ranks owe to each indicator, and to each choice."""
    found, labels = results.composite, chain_labels(results)
    assert found is not None
    rows: list[tuple[str, object]] = []
    for row in found.left_out.to_dict("records"):
        shift, alike = _figure(row["mean_shift"], 1), _figure(row["spearman"], 2)
        rows.append(
            (
                f"{STEPS[6]}: {labels.get(row['chain'], row['chain'])}, senza "
                f"{names.get(row['indicator'], row['indicator'])}",
                f"i posti cambiano in media di {shift}; correlazione fra classifiche {alike}",
            )
        )
    for row in found.sensitivity.to_dict("records"):
        first, total = (_figure(row[key], 2) for key in ("first_order", "total_order"))
        rows.append(
            (
                f"{STEPS[6]}: {labels.get(row['chain'], row['chain'])}, scelta {row['factor']}",
                f"indice di sensibilità {first} (da sola), {total} (con le altre)",
            )
        )
    return rows


def _figure(value: object, decimals: int) -> str:
    """Write a figure, which a chain of few places may lack."""
    figure = float(str(value))
    return UNAVAILABLE if math.isnan(figure) else number(figure, "it", decimals=decimals)
