"""The parts of the data-quality report: files, account, columns, tax codes, duplicates."""

from __future__ import annotations

import math
from collections.abc import Mapping

from geo_engine.outputs.quality_report.findings import (
    CHECKED,
    Findings,
    invalid_by_role,
    kind_in_words,
    words,
)
from geo_engine.outputs.quality_report.page import Cell, Section, Share
from geo_engine.outputs.quality_report.value_sections import value_sections
from geo_engine.quality.tax_codes import STATES


def all_sections(found: Findings) -> tuple[Section, ...]:
    """Write every part that has something to say.

    Parameters
    ----------
    found : Findings
        Of a study.

    Returns
    -------
    tuple of Section
        In the order of the report.
    """
    made = [
        _files(found),
        _reasons(found),
        _counted(found, "placed_by", "Localizzazione", "methods", found.account.methods),
        _counted(
            found, "flag", "Segnalazioni sulle righe localizzate", "flags", found.account.flags
        ),
        _columns(found),
        _tax_codes(found),
        _duplicates(found),
        *value_sections(found),
    ]
    return tuple(section for section in made if section.rows)


def _files(found: Findings) -> Section:
    """Say how each file is written."""
    rows: list[tuple[Cell, ...]] = []
    for name, dialect in found.dialects.items():
        quoting = {"none": "nessuna", "": ""}.get(dialect.quoting, dialect.quoting)
        header = f"riga {dialect.header_line}" if dialect.header_line else "senza"
        rows.append(
            (
                name,
                dialect.format + (f", {dialect.part}" if dialect.part else ""),
                dialect.encoding,
                _separator(dialect.separator),
                quoting,
                header if dialect.format in ("csv", "xlsx") else "",
                len(dialect.columns),
                dialect.records,
            )
        )
    headers = (
        "File",
        "Formato",
        "Codifica",
        "Separatore",
        "Virgolette",
        "Intestazione",
        "Colonne",
        "Righe",
    )
    return Section(key="files", title="File", headers=headers, rows=tuple(rows))


def _separator(mark: str) -> str:
    """Name a separator that cannot be seen."""
    return {"\t": "tabulazione", " ": "spazio"}.get(mark, mark)


def _reasons(found: Findings) -> Section:
    """Say why rows are set aside, the most frequent reason first."""
    section = _counted(
        found, "quarantined", "Quarantena per motivo", "reasons", found.account.reasons
    )
    return Section(
        key=section.key,
        title=section.title,
        headers=("Motivo", "Che cosa significa", "Righe", "Quota"),
        rows=section.rows,
        note="Righe lasciate fuori dai conti, ciascuna con il suo motivo.",
    )


def _counted(
    found: Findings, key: str, title: str, group: str, counts: Mapping[str, int]
) -> Section:
    """Write counts by name, with what each name means."""
    total = max(found.account.rows, 1)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = tuple(
        (name, words()[group].get(name, ""), count, Share(count / total)) for name, count in ordered
    )
    return Section(
        key=key, title=title, headers=("Codice", "Che cosa significa", "Righe", "Quota"), rows=rows
    )


def _columns(found: Findings) -> Section:
    """Say how full each column is, of which kind, and how much of it cannot be used."""
    invalid = invalid_by_role(found)
    rows: list[tuple[Cell, ...]] = []
    for name, column in found.quality.columns.items():
        role = found.columns.get(name, "")
        share = column.filled / column.rows if column.rows else math.nan
        wrong: Cell = invalid.get(role, 0) if role in CHECKED else math.nan
        rows.append(
            (
                name,
                role,
                Share(share),
                column.rows - column.filled,
                wrong,
                column.distinct,
                kind_in_words(column),
            )
        )
    return Section(
        key="columns",
        title="Colonne",
        headers=(
            "Colonna",
            "Uso",
            "Compilata",
            "Mancanti",
            "Non validi",
            "Distinti ≈",
            "Contenuto",
        ),
        rows=tuple(rows),
        note="Non validi: valori di una colonna usata che hanno mandato la riga in quarantena o "
        "che sono segnalati. I valori distinti sono una stima (errore intorno al 2 %).",
    )


def _tax_codes(found: Findings) -> Section:
    """Say what the tax codes are like."""
    counts = found.quality.tax_codes
    total = max(int(counts.sum()), 1)
    order = ("company", "person", "repaired", "checksum", "invalid", "missing")
    rows = tuple(
        (
            words()["tax_codes"][state],
            int(counts[STATES.index(state)]),
            Share(int(counts[STATES.index(state)]) / total),
        )
        for state in order
        if counts.sum()
    )
    return Section(
        key="tax_codes",
        title="Codici fiscali e partite IVA",
        headers=("Esito", "Righe", "Quota"),
        rows=rows,
        note="Controllati con il carattere di controllo. Un imprenditore individuale che indica la "
        "partita IVA non si distingue da una società.",
    )


def _duplicates(found: Findings) -> Section:
    """Say which rows are there twice, and which tax codes are in several places."""
    rows: list[tuple[Cell, ...]] = [
        ("Righe identiche a una precedente", found.account.reasons.get("DUPLICATE", 0))
    ]
    if found.seats is not None and found.seats.rows:
        seats = found.seats
        rows += [
            ("Codici fiscali distinti, per anno", seats.codes),
            ("… con più righe nello stesso anno", seats.several_rows),
            ("… in più comuni nello stesso anno", seats.conflicting),
            ("Righe di questi ultimi", seats.conflicting_rows),
            ("Righe del codice fiscale che ne ha di più", seats.largest),
        ]
    note = words()["seats"].get(found.seat_advice, "")
    return Section(
        key="duplicates",
        title="Doppioni, sedi e unità locali",
        headers=("Voce", "Numero"),
        rows=tuple(rows),
        note=note,
    )
