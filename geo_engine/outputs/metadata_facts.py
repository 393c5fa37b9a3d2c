"""What a metadata record says of a study, whatever its format."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.fields import clean_text, level_percent, units_word, words
from geo_engine.results import Facts
from geo_engine.words import word

SIMULATED = "DATI SIMULATI - a scopo dimostrativo"
UNSTATED = "non indicato: chiave outputs.publisher dello studio"
LICENCES = {
    "CC BY 4.0": (
        "https://w3id.org/italia/controlled-vocabulary/licences/A21_CCBY40",
        "https://creativecommons.org/licenses/by/4.0/",
        "Attribution",
    ),
    "CC0 1.0": (
        "https://w3id.org/italia/controlled-vocabulary/licences/A11_CCO10",
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "PublicDomain",
    ),
    "": (
        "https://w3id.org/italia/controlled-vocabulary/licences/C1_Unknown",
        "",
        "UnknownIPR",
    ),
}
"""Address in the national vocabulary, address of the text, and kind (ADMS), by licence."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """A study as its metadata records describe it."""

    identifier: str
    """The same for the same title, dates and parameters."""
    title: str
    abstract: str
    lineage: str
    limits: str
    """What must be known before the data are used; "" where there is nothing."""
    keywords: tuple[str, ...]
    date: str
    years: tuple[int, int]
    publisher: str
    contact: str
    licence: str
    crs: str
    coverage: str
    bounds: tuple[float, float, float, float]
    """West, south, east, north in degrees."""


def described(publication: Publication) -> Described:
    """Gather what metadata records say.

    Parameters
    ----------
    publication : Publication
        What is described.

    Returns
    -------
    Described
        In Italian, and without characters that XML cannot hold.
    """
    results, facts = publication.results, publication.results.facts
    covered = results.places[results.places["covered"].astype(bool)]
    west, south, east, north = (float(v) for v in covered.to_crs("EPSG:4326").total_bounds)
    notices = (SIMULATED if facts.simulated else "", publication.banner, *results.warnings)
    own = (facts.titled(), facts.data_date, facts.boundary_date, facts.perimeter, facts.seed)
    sources = "; ".join(facts.source_notes)
    return Described(
        identifier=str(uuid.uuid5(uuid.NAMESPACE_URL, " ".join(map(str, own)))),
        title=clean_text(f"{facts.titled()}{' (DATI SIMULATI)' if facts.simulated else ''}"),
        abstract=clean_text(_abstract(facts)),
        lineage=clean_text(f"{method_words(facts)} Fonti: {sources}."),
        limits=clean_text(" ".join(notice for notice in notices if notice)),
        keywords=tuple(clean_text(c.label) for c in facts.chains),
        date=facts.data_date,
        years=(facts.years[0], facts.years[-1]),
        publisher=clean_text(facts.publisher),
        contact=facts.contact,
        licence=facts.licence,
        crs=facts.crs,
        coverage=clean_text(facts.coverage),
        bounds=(west, south, east, north),
    )


def method_words(facts: Facts) -> str:
    """Say in Italian how the results were found.

    Parameters
    ----------
    facts : Facts
        Of the study.

    Returns
    -------
    str
        One sentence.
    """
    neighbors = word("it", "notes", f"neighbors_{facts.neighbors}")
    return (
        f"Test locali esatti tra comuni vicini ({neighbors}); correzione di "
        f"{word('it', 'notes', f'correction_{facts.correction}')} al "
        f"{level_percent(facts.alpha)}; perimetro delle filiere {facts.perimeter}; "
        f"{facts.membership + '; ' if facts.membership else ''}"
        f"seme {facts.seed}; popolazione {facts.population_year}."
    )


def _abstract(facts: Facts) -> str:
    """Say in Italian what the data are."""
    counted = f"{units_word(facts)} {words('firm_status').get(facts.status, facts.status)}"
    chains = ", ".join(chain.label for chain in facts.chains)
    signal = facts.signal or "non rilevato"
    return (
        f"Numero di {counted} per comune e filiera ({chains}), segnale digitale ({signal}), "
        f"indicatori territoriali e statistiche locali; anni {facts.years[0]}-{facts.years[-1]}; "
        f"territorio: {facts.coverage}; confini comunali al {facts.boundary_date}."
    )
