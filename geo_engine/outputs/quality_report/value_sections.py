"""The parts of the data-quality report on values: codes, years, coordinates, names, provinces."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from typing import Any

from geo_engine.outputs.quality_report.findings import SHOWN_TEXTS, Findings, words
from geo_engine.outputs.quality_report.page import Cell, Section, Share

_CODES = re.compile(r"\((\d[\d., ]*)\)")
"""Codes that fit, in the detail of a damaged text."""


def value_sections(found: Findings) -> tuple[Section, ...]:
    """Write the parts on values; one that has nothing to say has no rows.

    Parameters
    ----------
    found : Findings
        Of a study.

    Returns
    -------
    tuple of Section
        In the order of the report.
    """
    return (
        _editions(found),
        _ateco_texts(found),
        _years(found),
        _coordinates(found),
        _pairs(found),
        _names(found),
        _totals(found),
    )


def _editions(found: Findings) -> Section:
    """Say of which edition the ATECO codes are."""
    if not (found.ateco["text"] != "").any():
        return Section(key="ateco_edition", title="", headers=(), rows=())
    table = found.ateco
    total = max(int(table["rows"].sum()), 1)
    labels = {
        "2007": "ATECO 2007 (con l'aggiornamento 2022)",
        "2025": "ATECO 2025",
        "": "edizione indifferente o non decisa",
    }
    usable = table[table["code"] != ""]
    rows: list[tuple[Cell, ...]] = []
    for edition, label in labels.items():
        count = int(usable.loc[usable["edition"] == edition, "rows"].sum())
        rows.append((label, count, Share(count / total)))
    rest = [("flag", name, words()["flags"][name]) for name in ("REPAIRED_ATECO", "ATECO_HOMONYM")]
    rest += [("flag", name, words()["flags"][name]) for name in ("ATECO_MISSING", "ATECO_INVALID")]
    rest += [
        ("reason", name, words()["reasons"][name]) for name in ("ATECO_AMBIGUOUS", "ATECO_INVALID")
    ]
    for column, name, label in rest:
        count = int(table.loc[table[column] == name, "rows"].sum())
        if count:
            rows.append((label, count, Share(count / total)))
    mixed = all(row[1] for row in rows[:2])
    return Section(
        key="ateco_edition",
        title="Codici ATECO",
        headers=("Esito", "Righe", "Quota"),
        rows=tuple(rows),
        note="Nel file ci sono codici delle due edizioni." if mixed else "",
    )


def _ateco_texts(found: Findings) -> Section:
    """List the damaged codes, and what became of them."""
    table = found.ateco
    damaged = table[
        (table["flag"].isin(["REPAIRED_ATECO", "ATECO_INVALID"])) | (table["reason"] != "")
    ]
    ordered = damaged.sort_values(["rows", "text"], ascending=[False, True]).head(SHOWN_TEXTS)
    rows = tuple(
        (
            str(row["text"])[:40],
            str(row["code"]) or str(row["reason"] or row["flag"]),
            "" if row["code"] else _why_lost(row),
            int(row["rows"]),
        )
        for row in ordered.to_dict("records")
        if row["rows"]
    )
    return Section(
        key="ateco_damage",
        title="Codici ATECO rovinati: i più frequenti",
        headers=("Come è scritto", "Letto come", "Perché", "Righe"),
        rows=rows,
        note=f"Al più {SHOWN_TEXTS} su {len(damaged)} testi distinti.",
    )


def _why_lost(row: Mapping[Hashable, Any]) -> str:
    """Say which codes fit a damaged text, or what its mark means."""
    fitting = _CODES.search(str(row["detail"]))
    if fitting:
        return f"possibili: {fitting[1]}"
    reason = words()["reasons"].get(str(row["reason"]), "")
    return reason or words()["flags"].get(str(row["flag"]), "")


def _years(found: Findings) -> Section:
    """Say of which years the rows are."""
    total = max(sum(found.quality.years.values()), 1)
    rows: list[tuple[Cell, ...]] = []
    marked = set()
    for year, count in sorted(found.quality.years.items()):
        label = "non leggibile" if year <= 0 else str(year)
        if year >= found.future:
            label += " (dopo la data dei dati)"
            marked.add(len(rows))
        rows.append((label, count, Share(count / total)))
    return Section(
        key="year",
        title="Anni",
        headers=("Anno", "Righe", "Quota"),
        rows=tuple(rows),
        marked=frozenset(marked),
    )


def _coordinates(found: Findings) -> Section:
    """Say what the coordinates are like."""
    if "lon" not in found.columns.values():
        return Section(key="coordinates", title="", headers=(), rows=())
    account = found.account
    labels: dict[str, tuple[str, tuple[str, ...]]] = {
        "valide, dentro un comune": ("methods", ("coordinates",)),
        "valide, date al comune più vicino": ("methods", ("snapped",)),
        "mancanti": ("both", ("COORD_MISSING",)),
        "non valide": ("both", ("COORD_INVALID",)),
        "nascoste o troppo grossolane": ("both", ("COORD_MASKED",)),
        "senza la virgola": ("both", ("COORD_SCALED",)),
        "scambiate": ("both", ("COORD_SWAPPED",)),
        "(0, 0)": ("both", ("COORD_NULL_ISLAND",)),
        "fuori da ogni comune": ("both", ("COORD_OUTSIDE",)),
        "molte righe nello stesso punto": ("both", ("GEOCODE_CENTROID",)),
        "in contrasto con il comune dichiarato": (
            "both",
            ("DECLARED_DIFFERS", "COORD_COMUNE_CONFLICT"),
        ),
    }
    total = max(account.rows, 1)
    rows: list[tuple[Cell, ...]] = []
    for label, (where, names) in labels.items():
        tables = (account.methods,) if where == "methods" else (account.reasons, account.flags)
        count = sum(table.get(name, 0) for table in tables for name in names)
        if count or where == "methods":
            rows.append((label, count, Share(count / total)))
    return Section(
        key="coordinates",
        title="Coordinate",
        headers=("Esito", "Righe", "Quota"),
        rows=tuple(rows),
    )


def _pairs(found: Findings) -> Section:
    """List the pairs of municipalities that contradict each other."""
    rows = tuple(found.pairs[:SHOWN_TEXTS])
    return Section(
        key="conflict_pair",
        title="Coordinate e comune dichiarato: le coppie più frequenti",
        headers=("Comune delle coordinate", "Comune dichiarato", "Righe"),
        rows=rows,
        note=f"{len(rows)} coppie mostrate; righe in contrasto: {found.conflicts:,}.".replace(
            ",", "."
        ),
    )


def _names(found: Findings) -> Section:
    """List the names that were not found."""
    return Section(
        key="unresolved_name",
        title="Nomi di comune non trovati: i più frequenti",
        headers=("Comune", "Provincia", "Forse", "Righe"),
        rows=tuple((name, province, guess, rows) for name, province, rows, guess in found.names),
        note="Un nome che non somiglia ad alcun comune di oggi o di ieri è mascherato: potrebbe "
        "essere di una persona.",
    )


def _totals(found: Findings) -> Section:
    """Compare the firms by province with the official numbers."""
    if found.totals is None:
        return Section(key="province", title="", headers=(), rows=())
    table = found.totals
    rows = tuple(
        (
            str(row["name"]) + (" (scostamento)" if row["is_odd"] else ""),
            int(row["firms"]),
            math.nan if math.isnan(row["official"]) else int(row["official"]),
            math.nan if math.isnan(row["difference"]) else int(row["difference"]),
            float(row["ratio"]),
        )
        for row in table.to_dict("records")
    )
    return Section(
        key="province",
        title="Imprese per provincia e numeri ufficiali",
        headers=("Provincia", "Nell'estratto", "Ufficiali", "Differenza", "Rapporto"),
        rows=rows,
        marked=frozenset(i for i, odd in enumerate(table["is_odd"]) if odd),
        note=f"Fonte: {found.totals_source}. Segnate le province con un rapporto sotto 0,80 o "
        "sopra 1,25.",
    )
