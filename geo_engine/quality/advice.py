"""What to do when much of an extract is lost to one column, in the words of its user (Italian)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geo_engine.quality.masking import wrong_roles

TOO_MANY = 0.05
"""Share of rows set aside for one column from which it is advised to mend the column."""
AS_TEXT = "formattare la colonna come Testo in Excel ed esportare di nuovo"
_SWAPPED = "scambiare le colonne lon e lat in [firms.columns]"
_FIXES = {
    "tax_code": AS_TEXT,
    "ateco": AS_TEXT,
    "istat_code": AS_TEXT,
    "cadastral_code": AS_TEXT,
    "postal_code": AS_TEXT,
    "lon": "esportare le coordinate come testo e controllare le chiavi crs e decimal della fonte",
    "year": "esportare l'anno con quattro cifre (2024) o la data come 2024-12-31",
    "employees": "esportare numeri interi senza separatore delle migliaia, vuoti dove non si sa",
    "firms": "esportare numeri interi senza separatore delle migliaia",
    "municipality": "aggiungere la provincia (columns.province) o il codice ISTAT del comune, e "
    "correggere i nomi elencati nel rapporto",
}
_NO_COLUMN = frozenset(
    [
        "DUPLICATE",
        "CF_CONFLICT",
        "OUT_OF_STUDY",
        "RAGGED_ROW",
        "CONTROL_CHAR",
        "TOTAL_ROW",
        "FOREIGN",
        "RECORD_TOO_LONG",
        "COORD_COMUNE_CONFLICT",
    ]
)
"""Reasons that no single column causes."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One column to mend."""

    column: str
    role: str
    reasons: Mapping[str, int]
    """Rows set aside for it, by reason."""
    rows: int
    share: float
    """Of all rows of the source."""
    text: str
    """Which column, how much it costs, and how to mend it; in Italian."""


def column_advice(
    reasons: Mapping[str, int], rows: int, columns: Mapping[str, str | int]
) -> tuple[Advice, ...]:
    """Name the columns for each of which more than 5 % of the rows are set aside.

    Parameters
    ----------
    reasons : mapping
        Rows set aside by reason.
    rows : int
        All rows of the source.
    columns : mapping
        Column by role, as ``[firms.columns]`` states it.

    Returns
    -------
    tuple of Advice
        The costliest first.
    """
    lost: dict[str, dict[str, int]] = {}
    for reason, count in reasons.items():
        role = role_of(reason, columns)
        if role:
            lost.setdefault(role, {})[reason] = count
    found = [
        _advise(role, own, rows, str(columns[role]))
        for role, own in lost.items()
        if sum(own.values()) > TOO_MANY * rows
    ]
    return tuple(sorted(found, key=lambda advice: (-advice.rows, advice.column)))


def role_of(reason: str, columns: Mapping[str, str | int]) -> str:
    """Name the role whose column a reason blames.

    Parameters
    ----------
    reason : str
        Why rows are set aside.
    columns : mapping
        Column by role.

    Returns
    -------
    str
        The first role of the reason that is mapped, "" for none.
    """
    if reason in _NO_COLUMN:
        return ""
    roles = wrong_roles(reason)
    if reason in ("AMBIGUOUS_COMUNE", "PROVINCE_CONFLICT"):
        roles = ("municipality", *roles)
    return next((role for role in roles if role in columns), "")


def _advise(role: str, reasons: Mapping[str, int], rows: int, column: str) -> Advice:
    """Write the advice for one column."""
    count = sum(reasons.values())
    share = count / rows
    swapped = reasons.get("COORD_SWAPPED", 0)
    fix = _SWAPPED if 2 * swapped > count else _FIXES.get(role, AS_TEXT)
    shown = " ".join(column.split())
    causes = ", ".join(
        f"{name} {_whole(n)}"
        for name, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    )
    percent = f"{100 * share:.1f}".replace(".", ",")
    return Advice(
        column=column,
        role=role,
        reasons=dict(reasons),
        rows=count,
        share=share,
        text=f"{_whole(count)} righe su {_whole(rows)} ({percent} %) sono in quarantena per la "
        f"colonna «{shown}» ({causes}). Rimedio: {fix}.",
    )


def _whole(value: int) -> str:
    """Write a whole number as Italians do."""
    return f"{value:,}".replace(",", ".")
