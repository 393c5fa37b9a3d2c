"""The sheets of the workbook about maps as wholes."""

from __future__ import annotations

from geo_engine.outputs.workbook_sheet import Sheet, by_chain, plain_field
from geo_engine.results import Results
from geo_engine.space.autocorrelation import REASONS
from geo_engine.words import word

VARIABLE_NAMES = {
    "firms": "concentrazione (numero di imprese)",
    "share": "quota digitale",
    "residual": "quota digitale al netto dei fattori",
}
STATISTIC_NAMES = {
    "moran": "I di Moran",
    "geary": "c di Geary (sotto 1: i vicini si somigliano)",
    "getis_ord": "G di Getis e Ord (alto: i valori alti si addensano)",
}
MAP_FIELDS = (
    plain_field("chain_label", "Filiera"),
    plain_field("year", "Anno", "year"),
    plain_field("variable", "Che cosa è verificato"),
    plain_field("moran_i", "I di Moran globale", "number"),
    plain_field("moran_p", "p di Moran globale", "p"),
    plain_field("tested", "Comuni verificati", "count"),
    plain_field("significant", "Comuni significativi", "count"),
    plain_field("expected_false", "Falsi attesi fra i significativi, al più", "number"),
    plain_field("expected_below_005", "Attesi per caso sotto p = 0,005", "number"),
    plain_field("reason", "Perché non è verificata", "wide"),
)
WHOLE_FIELDS = (
    plain_field("chain_label", "Filiera"),
    plain_field("year", "Anno", "year"),
    plain_field("variable", "Variabile"),
    plain_field("statistic", "Statistica"),
    plain_field("value", "Valore", "number"),
    plain_field("expected", "Atteso per caso", "number"),
    plain_field("z_score", "Scarto standardizzato", "number"),
    plain_field("p_value", "p (approssimazione normale)", "p"),
    plain_field("p_permutation", "p (mappe a caso)", "p"),
    plain_field("permutations", "Mappe a caso", "count"),
    plain_field("places", "Comuni", "count"),
)


def maps_sheet(results: Results) -> Sheet:
    """Give what stands beside each map of local tests.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    Sheet
        Mappe.
    """
    table = results.maps.to_dataframe().reset_index()
    table["expected_false"] = results.facts.alpha * table["significant"]
    reasons = ["", *(word("it", "sentences", f"reason_{name}") for name in REASONS[1:])]
    table["reason"] = [reasons[int(code)] for code in table["reason"]]
    table["variable"] = table["variable"].astype(str).map(VARIABLE_NAMES)
    table = by_chain(table, results, ["year", "variable"])
    return Sheet(
        name="Mappe",
        title="Le mappe verificate: autocorrelazione globale e comuni significativi",
        notes=(
            "Se I è lontano da zero, anche senza aree locali i comuni vicini si somigliano, e il "
            "confronto locale non chiede più se c'è somiglianza ma dove è più forte.",
            "La quota al netto dei fattori è ciò che resta tolti popolazione, densità e "
            "specializzazione (o i fattori scelti): i suoi valori p sono approssimati.",
        ),
        frame=table[[field.name for field in MAP_FIELDS]],
        fields=MAP_FIELDS,
        frozen_columns=1,
        widths={"chain_label": 28, "variable": 34, "reason": 60},
    )


def whole_maps_sheet(results: Results) -> Sheet:
    """Give the statistics of whole maps.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    Sheet
        Globali.
    """
    table = by_chain(results.whole_maps, results, ["year", "variable", "statistic"])
    table["variable"] = table["variable"].map(VARIABLE_NAMES)
    table["statistic"] = table["statistic"].map(STATISTIC_NAMES)
    return Sheet(
        name="Globali",
        title="Statistiche globali: ogni mappa nel suo insieme",
        notes=(
            "Atteso e varianza sotto scambio dei valori fra i comuni. Dove i valori sono molto "
            "asimmetrici vale il p delle mappe a caso, non l'approssimazione normale.",
        ),
        frame=table[[field.name for field in WHOLE_FIELDS]],
        fields=WHOLE_FIELDS,
        frozen_columns=1,
        widths={"chain_label": 28, "variable": 34, "statistic": 44},
    )
