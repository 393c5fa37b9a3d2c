"""What a data-quality report is made of, and its words."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import pandas as pd

from geo_engine.quality.advice import role_of
from geo_engine.quality.doctor import Quality
from geo_engine.quality.profile import ColumnProfile
from geo_engine.quality.seats import Seats
from geo_engine.results import Account
from geo_engine.sources.batches import SourceDialect

SHOWN_TEXTS = 20
"""Lines of a list of names, codes or pairs."""
_BLAMED = {
    "NAME_FAILED": "municipality",
    "ISTAT_CODE_FAILED": "istat_code",
    "CADASTRAL_CODE_FAILED": "cadastral_code",
}
"""Roles of flags that say which column failed where another one placed the row."""
CHECKED = frozenset(
    [
        "tax_code",
        "istat_code",
        "cadastral_code",
        "municipality",
        "lon",
        "lat",
        "ateco",
        "year",
        "employees",
        "firms",
        "known",
        "digital",
    ]
)
"""Roles whose values are checked one by one."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that a report is made of."""

    account: Account
    quality: Quality
    dialects: Mapping[str, SourceDialect]
    columns: Mapping[str, str]
    """Role by column name, of all sources."""
    ateco: pd.DataFrame
    """Distinct codes as written, with their reading and rows; see ``Intake.ateco``."""
    future: int
    """First year that lies after the data."""
    names: tuple[tuple[str, str, int, str], ...] = ()
    """Names not found: municipality and province (masked where they may be a person's), rows, and
    suggestions."""
    pairs: tuple[tuple[str, str, int], ...] = ()
    """Municipality of the coordinates, municipality declared, rows."""
    seats: Seats | None = None
    totals: pd.DataFrame | None = None
    """From ``totals.compare_totals``, with the name of each province."""
    totals_source: str = ""
    seat_advice: str = ""
    """Key of the warning on seats and local units."""
    conflicts: int = 0
    """Rows whose coordinates and declaration differ."""


@functools.cache
def words() -> dict[str, dict[str, str]]:
    """Read the words of the report.

    Returns
    -------
    dict
        Texts by section and key.
    """
    folder = resources.files("geo_engine.outputs.quality_report")
    text = folder.joinpath("words.toml").read_text("utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)
    return found


def kind_in_words(column: ColumnProfile) -> str:
    """Name what a column holds.

    Parameters
    ----------
    column : ColumnProfile
        Of a whole source.

    Returns
    -------
    str
        In Italian; two kinds for a mixed column.
    """
    if not column.kind:
        return "vuota"
    kinds = [words()["kinds"][kind] for kind in column.kind.split("+")]
    return kinds[0] if len(kinds) == 1 else f"misto: {' e '.join(kinds)}"


def invalid_by_role(found: Findings) -> dict[str, int]:
    """Count the values of each role that cannot be used.

    Parameters
    ----------
    found : Findings
        Of a study.

    Returns
    -------
    dict
        Rows by role: set aside for it, or kept and flagged.
    """
    roles = {role: role for role in found.columns.values()}
    total: dict[str, int] = {}
    flags = {
        _BLAMED.get(flag, flag): rows
        for flag, rows in found.account.flags.items()
        if flag.startswith(("COORD_", "CF_"))
        or flag in ("ATECO_INVALID", "NUMBER_INVALID", "DATE_INVALID", *_BLAMED)
    }
    for counts in (found.account.reasons, flags):
        for name, rows in counts.items():
            known = name if name in roles else role_of(name, roles)
            role = "" if name in ("COORD_MISSING", "MISSING_KEY") else known
            if role:
                total[role] = total.get(role, 0) + rows
    if "lon" in total and "lat" in roles:
        total["lat"] = total["lon"]
    return total
