"""What ``geo-engine check`` reports, gathered from plan and intake."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rapidfuzz import fuzz

from geo_engine.intake import Intake
from geo_engine.outputs.quality_report.findings import SHOWN_TEXTS, Findings
from geo_engine.places.resolver import resolve_names, suggest
from geo_engine.plan import Plan
from geo_engine.quality.advice import Advice, column_advice
from geo_engine.quality.doctor import EXAMPLES, Example
from geo_engine.quality.masking import masked, masked_record, scrub
from geo_engine.quality.numbers import read_numbers
from geo_engine.quality.seats import seat_warning
from geo_engine.quality.totals import compare_totals, official_totals, province_keys
from geo_engine.sources.batches import SourceDialect
from geo_engine.sources.firms import open_source
from geo_engine.sources.small_tables import path_under, read_small_table
from geo_engine.study import FirmSource, ProvinceTotals, Study

ALIKE = 80
"""Similarity with a municipality (of 100) from which a name is shown as written: a name that
resembles none may be a person's."""
_SAID = {
    "DISMISSED_COMUNE": "comune soppresso: con geo-engine codes fetch se ne sa il successore",
    "AMBIGUOUS_COMUNE": "nome di più comuni",
    "PROVINCE_CONFLICT": "in un'altra provincia",
}
"""What is known of a name that no row can be placed by."""
_LABEL = re.compile(r"^\d{6} (.*) \([A-Z]{2}\)$")


def gather(plan: Plan, intake: Intake, root: Path) -> Findings:
    """Collect what the report says.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    intake : Intake
        Its account.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    Findings
        For the parts of the report.
    """
    study, quality = plan.study, intake.quality
    totals, source = _totals(plan, intake, root)
    return Findings(
        account=intake.account,
        quality=quality,
        dialects=intake.dialects,
        columns={
            name: role
            for columns in columns_by_file(intake, study, root).values()
            for role, name in columns.items()
        },
        ateco=intake.ateco,
        future=study.data_date.year + 1,
        names=_names(plan, intake),
        pairs=_pairs(plan, intake),
        conflicts=quality.conflicts,
        seats=intake.seats,
        seat_advice=seat_warning(intake.seats, study.unit),
        totals=totals,
        totals_source=source,
    )


def advise(intake: Intake, study: Study, root: Path) -> tuple[Advice, ...]:
    """Name the columns for which more than 5 % of a source's rows are set aside.

    Parameters
    ----------
    intake : Intake
        Of the study.
    study : Study
        As read.
    root : Path
        Folder under which its paths lie.

    Returns
    -------
    tuple of Advice
        Source after source, the costliest column first.
    """
    reasons = intake.quarantine.groupby(["source", "reason"]).size()
    rows = {each.name: each.rows for each in intake.account.sources}
    lost: dict[int, dict[str, int]] = {}
    total: dict[int, int] = {}
    columns: dict[int, dict[str, str]] = {}
    for name, (position, _) in sources_by_file(intake, study, root).items():
        total[position] = total.get(position, 0) + rows[name]
        columns[position] = _named(study.firms[position], intake.dialects[name])
        own = reasons[name] if name in reasons.index.get_level_values(0) else {}
        for reason, count in own.items():
            counts = lost.setdefault(position, {})
            counts[str(reason)] = counts.get(str(reason), 0) + int(count)
    return tuple(
        advice
        for position in sorted(lost)
        for advice in column_advice(lost[position], total[position], columns[position])
    )


def collect_examples(intake: Intake, study: Study, root: Path) -> dict[str, tuple[Example, ...]]:
    """Take ten masked rows of each reason, from the quarantine, and of each flag.

    Parameters
    ----------
    intake : Intake
        Of the study.
    study : Study
        As read.
    root : Path
        Folder under which its paths lie.

    Returns
    -------
    dict
        Examples by reason or flag.
    """
    columns = columns_by_file(intake, study, root)
    found = {
        flag: examples
        for flag, examples in intake.quality.examples.items()
        if flag in intake.account.flags
    }
    first = intake.quarantine.groupby("reason", sort=True).head(EXAMPLES)
    for reason, own in first.groupby("reason", sort=True):
        found[str(reason)] = tuple(
            Example(
                source=row.source,
                row=int(row.row),
                fields=_masked(row, columns[row.source], str(reason)),
            )
            for row in own.itertuples()
        )
    return found


def _masked(row: Any, columns: Mapping[str, str], reason: str) -> Mapping[str, str]:
    """Mask what a row of the quarantine shows; a record without columns shows what was found."""
    record = _record(row.record)
    if not set(columns.values()) & set(record):
        return {"dettaglio": scrub(row.detail)}
    return masked_record(record, columns, reason)


def sources_by_file(intake: Intake, study: Study, root: Path) -> dict[str, tuple[int, FirmSource]]:
    """Give the source of each file, with its position in the study.

    Parameters
    ----------
    intake : Intake
        Of the study.
    study : Study
        As read.
    root : Path
        Folder under which its paths lie.

    Returns
    -------
    dict
        By the name that the account uses.
    """
    sources = [
        (position, source)
        for position, source in enumerate(study.firms)
        for _ in open_source(source, root)
    ]
    return {
        account.name: source
        for account, source in zip(intake.account.sources, sources, strict=True)
    }


def columns_by_file(intake: Intake, study: Study, root: Path) -> dict[str, dict[str, str]]:
    """Give the names of the columns that each file's source maps.

    Parameters
    ----------
    intake : Intake
        Of the study.
    study : Study
        As read.
    root : Path
        Folder under which its paths lie.

    Returns
    -------
    dict of str to dict
        Column name by role, by file.
    """
    return {
        name: _named(source, intake.dialects[name])
        for name, (_, source) in sources_by_file(intake, study, root).items()
    }


def _named(source: FirmSource, dialect: SourceDialect) -> dict[str, str]:
    """Give the names of the columns that a source maps, by role."""
    return {
        role: dialect.columns[column - 1] if isinstance(column, int) else column
        for role, column in source.columns
        if column is not None
    }


def _record(text: str) -> Mapping[str, str | None]:
    """Read a record of the quarantine; one of another form has no fields."""
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(record, dict):
        return {}
    return {key: value if isinstance(value, str) else None for key, value in record.items()}


def _names(plan: Plan, intake: Intake) -> tuple[tuple[str, str, int, str], ...]:
    """List the most frequent names that were not found, with what they may mean."""
    source = next((each for each in plan.study.firms if each.columns.municipality), None)
    if source is None:
        return ()
    ordered = sorted(intake.quality.names.items(), key=lambda item: (-item[1], item[0]))
    first = ordered[:SHOWN_TEXTS]
    resolver = plan.resolver(source)
    written = [[pair[i] for pair, _ in first] for i in range(2)]
    reasons = resolve_names(resolver, *written).reasons
    listed = []
    for ((name, province), rows), reason in zip(first, reasons, strict=True):
        guesses = suggest(resolver, name, province, n=3)
        is_known = reason != "UNKNOWN_COMUNE" or _is_alike(name, guesses)
        shown = scrub(name)[:40] if is_known else masked(name, "municipality")
        told = [_SAID[reason]] if reason in _SAID else []
        told += [] if reason == "DISMISSED_COMUNE" else guesses  # a like name is not its heir
        listed.append((shown, masked(province, "province"), rows, "; ".join(told)))
    return tuple(listed)


def _is_alike(name: str, labels: Sequence[str]) -> bool:
    """Tell whether a name resembles one of some municipalities ("100005 Prato (PO)")."""
    written = name.casefold()
    for label in labels:
        found = _LABEL.match(label)
        names = (found[1] if found else label).casefold()
        if any(fuzz.ratio(written, each) >= ALIKE for each in (names, *names.split("/"))):
            return True
    return False


def _pairs(plan: Plan, intake: Intake) -> tuple[tuple[str, str, int], ...]:
    """List the most frequent pairs of municipalities that contradict each other."""
    labels = plan.places["name"].astype(str) + " (" + plan.places["sigla"].astype(str) + ")"
    ordered = sorted(intake.quality.pairs.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        (labels.iloc[one], labels.iloc[other], rows) for (one, other), rows in ordered[:SHOWN_TEXTS]
    )


def _totals(plan: Plan, intake: Intake, root: Path) -> tuple[pd.DataFrame | None, str]:
    """Compare the firms by province with the official numbers, where the study gives them."""
    given = plan.study.quality.province_totals
    if given is None:
        return None, ""
    official = _read_totals(given, plan, root)
    firms = intake.firms
    years = set(firms["year"].unique().tolist())
    year = given.year if given.year in years else max(years, default=given.year)
    own = firms[firms["year"] == year]
    sigla = plan.places["sigla"].to_numpy(dtype=object)[own["place"].to_numpy()]
    counts = own.groupby(sigla)["firms"].sum()
    table = compare_totals({str(key): int(n) for key, n in counts.items()}, official)
    names = dict(zip(plan.places["sigla"], plan.places["province"], strict=True))
    name = [f"{names.get(code, '')} ({code})" for code in table["province"]]
    note = f"{given.source}; anno ufficiale {given.year}, anno dell'estratto {year}"
    return table.assign(name=name), note


def _read_totals(given: ProvinceTotals, plan: Plan, root: Path) -> dict[str, float]:
    """Read the table of official numbers."""
    code, key = "PROVINCE_TOTALS", "quality.province_totals"
    path = path_under(root, given.path, code, key)
    table = read_small_table(path, given.separator, (given.province, given.firms), code, key)
    numbers = read_numbers(table[given.firms], largest=float("inf"))
    counts = np.fmax(numbers.by_point, numbers.by_comma)  # a count is whole: 1.234 is 1234
    keys = province_keys(plan.places)
    return official_totals(table[given.province], counts, keys, given.path)
