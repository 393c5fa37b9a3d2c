"""Puts the data-quality report together: what stands on top, warnings, sections and examples."""

from __future__ import annotations

from collections.abc import Mapping

from geo_engine.outputs.quality_report.findings import Findings, words
from geo_engine.outputs.quality_report.items import all_items
from geo_engine.outputs.quality_report.page import MaskedExample, QualityReport
from geo_engine.outputs.quality_report.sections import all_sections
from geo_engine.quality.advice import Advice
from geo_engine.quality.doctor import Example
from geo_engine.study import Study

HEAPED = 0.05
"""Share of rows in heaps, or in conflict, from which a warning is given."""


def assemble(
    study: Study,
    found: Findings,
    advice: tuple[Advice, ...],
    examples: Mapping[str, tuple[Example, ...]],
) -> QualityReport:
    """Put the report together.

    Parameters
    ----------
    study : Study
        As read.
    found : Findings
        What its data are like.
    advice : tuple of Advice
        Columns to mend.
    examples : mapping
        Masked rows by reason or flag.

    Returns
    -------
    QualityReport
        For the writers of ``page``.
    """
    account = found.account
    return QualityReport(
        title=study.title,
        is_simulated=study.simulated,
        facts=_facts(study),
        figures=(
            ("righe lette", account.rows),
            ("localizzate", account.placed),
            ("in quarantena", account.quarantined),
        ),
        messages=(*(each.text for each in advice), *warnings(study, found)),
        sections=all_sections(found),
        examples=tuple(_flattened(examples, found)),
        meanings={**words()["flags"], **words()["reasons"]},
        items=all_items(found),
    )


def warnings(study: Study, found: Findings) -> tuple[str, ...]:
    """Say what else to look at before the data are used, in Italian.

    Parameters
    ----------
    study : Study
        As read.
    found : Findings
        What its data are like.

    Returns
    -------
    tuple of str
        One sentence or two each.
    """
    said = [
        _mixed_editions(found),
        words()["seats"].get(found.seat_advice, ""),
        _future_years(study, found),
        _shared_points(found),
        _contradictions(found),
        _odd_provinces(found),
        _persons(found),
    ]
    return tuple(text for text in said if text)


def _facts(study: Study) -> tuple[tuple[str, str], ...]:
    """Say what stands on top: the reference date first."""
    facts = [
        ("Data di riferimento dei dati", _date(study.data_date.isoformat())),
        ("Confini al", _date(study.boundary_date.isoformat())),
        ("Unità", f"{words()['units'][study.unit]} {words()['statuses'][study.status]}"),
    ]
    licences = list(dict.fromkeys(source.licence for source in study.firms if source.licence))
    if licences:
        facts.append(("Fonte", "; ".join(licences)))
    return tuple(facts)


def _date(iso: str) -> str:
    """Write a date as Italians do."""
    year, month, day = iso.split("-")
    return f"{day}/{month}/{year}"


def _whole(value: int) -> str:
    """Write a whole number as Italians do."""
    return f"{value:,}".replace(",", ".")


def _mixed_editions(found: Findings) -> str:
    """Warn of codes of both editions."""
    table = found.ateco[found.ateco["code"] != ""]
    old, new = (
        int(table.loc[table["edition"] == edition, "rows"].sum()) for edition in ("2007", "2025")
    )
    if not (old and new):
        return ""
    return (
        "Codici ATECO di due edizioni, ciascuno letto nella sua: righe di ATECO 2007 "
        f"{_whole(old)}, di ATECO 2025 {_whole(new)}. Un confronto fra anni deve tenerne conto."
    )


def _future_years(study: Study, found: Findings) -> str:
    """Warn of years after the data."""
    rows = sum(count for year, count in found.quality.years.items() if year >= found.future)
    if not rows:
        return ""
    return (
        f"Righe di anni successivi alla data dei dati ({_date(study.data_date.isoformat())}): "
        f"{_whole(rows)}. Controllare data_date o la colonna dell'anno."
    )


def _shared_points(found: Findings) -> str:
    """Warn of heaps of rows at one point."""
    rows = found.account.flags.get("GEOCODE_CENTROID", 0)
    if rows <= HEAPED * max(found.account.rows, 1):
        return ""
    return (
        f"Righe che stanno a molte nello stesso punto: {_whole(rows)}. Sembrano geocodificate al "
        "centro di un comune o di un CAP: il comune può essere giusto, il punto no."
    )


def _contradictions(found: Findings) -> str:
    """Warn of coordinates that contradict the declaration."""
    if found.conflicts <= HEAPED * max(found.account.rows, 1):
        return ""
    return (
        "Righe con le coordinate in un comune diverso da quello dichiarato: "
        f"{_whole(found.conflicts)}. place.trust dice quale conta."
    )


def _odd_provinces(found: Findings) -> str:
    """Warn of provinces far from their official numbers."""
    if found.totals is None:
        return ""
    odd, all_of_them = int(found.totals["is_odd"].sum()), len(found.totals)
    if not odd:
        return ""
    return (
        f"Province lontane dai numeri ufficiali (rapporto sotto 0,80 o sopra 1,25): {odd} su "
        f"{all_of_them}. Fonte: {found.totals_source}."
    )


def _persons(found: Findings) -> str:
    """Remind that rows of natural persons are personal data."""
    rows = found.quality.persons
    if not rows:
        return ""
    return (
        f"Righe con il codice fiscale di una persona fisica: {_whole(rows)}. Sono dati personali, "
        "da non pubblicare riga per riga."
    )


def _flattened(examples: Mapping[str, tuple[Example, ...]], found: Findings) -> list[MaskedExample]:
    """List the examples value by value: reasons first, the most frequent one first."""
    reasons = found.account.reasons
    order = sorted(examples, key=lambda name: (-reasons.get(name, 0), name))
    return [
        MaskedExample(
            source=example.source,
            row=example.row,
            reason=name,
            column=_titled(column, found.columns.get(column, "")),
            value=value,
        )
        for name in order
        for example in examples[name]
        for column, value in (example.fields.items() or [("", "")])
    ]


def _titled(column: str, role: str) -> str:
    """Name a column; one without a name, by what it holds and its number."""
    return f"{role} ({column})" if role and column.isdecimal() else column
