"""The data-quality report as one long table: section, item, rows, share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from geo_engine.outputs.quality_report.findings import CHECKED, Findings, invalid_by_role
from geo_engine.quality.tax_codes import STATES

Item = tuple[str, str, int, float]


def all_items(found: Findings) -> tuple[Item, ...]:
    """Write every count of the report, under stable English names.

    Parameters
    ----------
    found : Findings
        Of a study.

    Returns
    -------
    tuple
        Section, item, rows, share of all rows (NaN where it means nothing); for ``province`` the
        share is the ratio to the official number.
    """
    return (*_account(found), *_columns(found), *_values(found), *_listed(found))


def _account(found: Findings) -> Iterable[Item]:
    """Write the account: in, placed, quarantined, by reason, method and flag."""
    account = found.account
    total = max(account.rows, 1)
    groups: dict[str, Mapping[str, int]] = {
        "rows": {
            "in": account.rows,
            "placed": account.placed,
            "quarantined": account.quarantined,
        },
        "quarantined": account.reasons,
        "placed_by": account.methods,
        "flag": account.flags,
    }
    for section, counts in groups.items():
        for item, rows in counts.items():
            yield section, item, rows, rows / total


def _columns(found: Findings) -> Iterable[Item]:
    """Write what each column holds."""
    invalid = invalid_by_role(found)
    for name, column in found.quality.columns.items():
        rows = max(column.rows, 1)
        yield "filled", name, column.filled, column.filled / rows
        yield "missing", name, column.rows - column.filled, (column.rows - column.filled) / rows
        role = found.columns.get(name, "")
        if role in CHECKED:
            yield "invalid", name, invalid.get(role, 0), invalid.get(role, 0) / rows
        yield "distinct", name, column.distinct, math.nan
        yield "kind", f"{name}: {column.kind or 'empty'}", column.filled, math.nan


def _values(found: Findings) -> Iterable[Item]:
    """Write tax codes, duplicates, editions and years."""
    counts = found.quality.tax_codes
    total = max(int(counts.sum()), 1)
    if counts.sum():
        for state, rows in zip(STATES, counts.tolist(), strict=True):
            yield "tax_codes", state, rows, rows / total
    yield "duplicates", "identical", found.account.reasons.get("DUPLICATE", 0), math.nan
    if found.seats is not None and found.seats.rows:
        seats = found.seats
        yield "duplicates", "tax_codes", seats.codes, math.nan
        yield "duplicates", "several_rows", seats.several_rows, seats.several_rows / seats.codes
        yield "duplicates", "conflicting", seats.conflicting, seats.conflicting / seats.codes
        yield "duplicates", "conflicting_rows", seats.conflicting_rows, math.nan
    table = found.ateco[found.ateco["code"] != ""]
    coded = max(int(table["rows"].sum()), 1)
    for edition, rows in table.groupby("edition")["rows"].sum().items():
        yield "ateco_edition", str(edition) or "undecided", int(rows), int(rows) / coded
    years = found.quality.years
    dated = max(sum(years.values()), 1)
    for year, rows in sorted(years.items()):
        section = "future_year" if year >= found.future else "year"
        yield section, str(year), rows, rows / dated


def _listed(found: Findings) -> Iterable[Item]:
    """Write conflicts, names not found, provinces and warnings."""
    total = max(found.account.rows, 1)
    if found.conflicts:
        yield "conflicts", "coordinates_declared", found.conflicts, found.conflicts / total
    for one, other, rows in found.pairs:
        yield "conflict_pair", f"{one} | {other}", rows, rows / total
    for name, province, rows, guess in found.names:
        shown = f"{name} ({province})" if province else name
        yield "unresolved_name", f"{shown} -> {guess}" if guess else shown, rows, rows / total
    if found.seat_advice:
        yield "warning", found.seat_advice, found.account.rows, math.nan
    if found.totals is None:
        return
    for row in found.totals.to_dict("records"):
        yield "province", str(row["province"]), int(row["firms"]), float(row["ratio"])
        if not math.isnan(row["official"]):
            yield "province_official", str(row["province"]), int(row["official"]), math.nan
