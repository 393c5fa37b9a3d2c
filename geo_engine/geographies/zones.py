"""Zones that are lists of municipalities: labor systems, inner areas, GAL, ZES, unions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from geo_engine.errors import TableError
from geo_engine.geographies.administrative import TERRITORY_COLUMNS
from geo_engine.tables import require_columns

REQUIRED_COLUMNS = ("pro_com_t", "geography", "zone_id")
CODE_LENGTH = 6
SHOWN = 5
"""Codes named in a message."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """Which municipality lies in which zones of one geography, on one date."""

    geography: str
    date: dt.date
    zones: tuple[str, ...]
    """Codes of the zones, sorted."""
    weights: csr_array
    """Shape (zones, places): part of the municipality inside, 0 to 1."""
    missing: tuple[str, ...]
    """Municipalities of the table, valid on the date, that are not among the places: abolished
    ones (translate the table to the date of the places first), or typing errors."""
    lost: npt.NDArray[np.float64]
    """Shape (zones,): weight of the zone's municipalities that are missing."""
    outside: npt.NDArray[np.bool_]
    """Places in no zone; the normal state outside a GAL, a gap in a partition."""
    overlapping: npt.NDArray[np.bool_]
    """Places whose weights add up to more than one: zones do not add up to the country."""


def check_zones(table: pd.DataFrame) -> pd.DataFrame:
    """Check a table of zones and give it in one form.

    Parameters
    ----------
    table : DataFrame
        ``pro_com_t`` (or ``code``), ``geography``, ``zone_id``; optional ``valid_from`` and
        ``valid_to`` (dates, both included; empty: always) and ``weight`` (part of the municipality
        inside, by default 1). A municipality may be in several zones.

    Returns
    -------
    DataFrame
        ``TERRITORY_COLUMNS`` sorted by geography, zone, municipality and date. Codes are six
        characters: zeros lost on the left are given back.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``; ``EMPTY_ZONES``; ``ZONE_CODE`` for codes that are not ISTAT's;
        ``ZONE_NAME`` for an empty geography or zone; ``ZONE_DATE`` for unreadable or reversed
        dates; ``ZONE_WEIGHT`` outside 0 (excluded) to 1; ``ZONE_REPEATED`` for a municipality
        twice in a zone at the same time.
    """
    named = table.rename(columns={"code": "pro_com_t"}) if "pro_com_t" not in table else table
    require_columns(named, REQUIRED_COLUMNS, "The table of zones")
    if named.empty:
        raise TableError("EMPTY_ZONES", "The table of zones has no row.")
    checked = pd.DataFrame(
        {
            "pro_com_t": _codes(named["pro_com_t"]),
            "geography": _texts(named["geography"], "geography"),
            "zone_id": _texts(named["zone_id"], "zone_id"),
            "valid_from": _dates(named, "valid_from"),
            "valid_to": _dates(named, "valid_to"),
            "weight": _weights(named),
        }
    )
    _check_periods(checked)
    order = ["geography", "zone_id", "pro_com_t", "valid_from"]
    checked = checked.sort_values(order, na_position="first", ignore_index=True)
    _check_repeated(checked)
    return checked[list(TERRITORY_COLUMNS)]


def zone_membership(
    table: pd.DataFrame, geography: str, date: dt.date, index: pd.Index
) -> Membership:
    """Say which municipality lies in which zones on a date.

    Parameters
    ----------
    table : DataFrame
        Of :func:`check_zones`, or :func:`geo_engine.geographies.territories`.
    geography : str
        Which geography of the table.
    date : date
        Of the municipalities: rows valid then count.
    index : Index
        ``pro_com_t`` of the places.

    Returns
    -------
    Membership

    Raises
    ------
    TableError
        ``MISSING_COLUMN``; ``UNKNOWN_GEOGRAPHY`` when no row has that name, or none on the date.
    """
    require_columns(table, TERRITORY_COLUMNS, "The table of zones")
    rows = table[table["geography"] == geography]
    if rows.empty:
        known = ", ".join(sorted(set(table["geography"])))
        raise TableError("UNKNOWN_GEOGRAPHY", f"No geography {geography!r}; there is {known}.")
    day = pd.Timestamp(date)
    started = rows["valid_from"].isna() | (rows["valid_from"] <= day)
    valid = rows[started & (rows["valid_to"].isna() | (rows["valid_to"] >= day))]
    if valid.empty:
        raise TableError(
            "UNKNOWN_GEOGRAPHY",
            f"No zone of {geography} is valid on {date}. Check valid_from and valid_to.",
        )
    zones = pd.Index(sorted(set(valid["zone_id"])))
    place = index.get_indexer(valid["pro_com_t"])
    found = place >= 0
    zone = zones.get_indexer(valid["zone_id"])
    weight = valid["weight"].to_numpy(np.float64)[found]
    weights = csr_array((weight, (zone[found], place[found])), shape=(len(zones), len(index)))
    together = np.asarray(weights.sum(axis=0)).ravel()
    return Membership(
        geography=geography,
        date=date,
        zones=tuple(map(str, zones)),
        weights=weights,
        missing=tuple(sorted(set(valid["pro_com_t"][~found].astype(str)))),
        lost=np.bincount(
            zone[~found], valid["weight"].to_numpy(np.float64)[~found], len(zones)
        ).astype(np.float64),
        outside=together == 0,
        overlapping=together > 1 + 1e-9,
    )


def zone_layers(membership: Membership) -> list[tuple[npt.NDArray[np.int32], tuple[str, ...]]]:
    """Part zones that overlap into layers that do not, to count firms one by one in each.

    Parameters
    ----------
    membership : Membership
        Whole municipalities only: their weights are 1.

    Returns
    -------
    list of tuple of array and tuple of str
        For each layer the position of each place's zone (-1 in none) and the codes of its zones,
        as :func:`geo_engine.geographies.area_index` gives them. One layer where nothing overlaps.

    Raises
    ------
    TableError
        ``ZONE_WEIGHT`` where a municipality lies in a zone in part: firms have no half, so add
        weighted counts of municipalities instead.
    """
    weights = membership.weights
    if len(weights.data) and not np.allclose(weights.data, 1.0):
        partial = int((weights.data < 1).sum())
        raise TableError(
            "ZONE_WEIGHT",
            f"{partial} municipalities of {membership.geography} are in a zone in part. Add the "
            "weighted counts of municipalities instead of counting firms.",
        )
    layers: list[npt.NDArray[np.int32]] = []
    names: list[list[str]] = []
    for row, zone in enumerate(membership.zones):
        own = weights.indices[weights.indptr[row] : weights.indptr[row + 1]]
        free = next((k for k, layer in enumerate(layers) if (layer[own] < 0).all()), len(layers))
        if free == len(layers):
            layers.append(np.full(weights.shape[1], -1, np.int32))
            names.append([])
        layers[free][own] = len(names[free])
        names[free].append(zone)
    return [(layer, tuple(codes)) for layer, codes in zip(layers, names, strict=True)]


def _codes(column: pd.Series) -> pd.Series:
    """Give ISTAT codes as six digits."""
    codes = column.astype("string").str.strip().str.replace(r"\.0$", "", regex=True)
    codes = codes.where(~codes.str.fullmatch(r"\d{4,5}").fillna(value=False),
                        codes.str.zfill(CODE_LENGTH))  # fmt: skip
    wrong = ~codes.str.fullmatch(r"\d{6}").fillna(value=False)
    _refuse(
        column,
        wrong,
        "ZONE_CODE",
        "are no ISTAT codes of municipalities (six digits). Keep the column as text",
    )
    return codes.astype(object)


def _texts(column: pd.Series, name: str) -> pd.Series:
    """Give names without blanks around; none may be empty."""
    texts = column.astype("string").str.strip()
    _refuse(column, texts.isna() | (texts == ""), "ZONE_NAME", f"have no {name}. Fill it")
    return texts.astype(object)


def _dates(table: pd.DataFrame, name: str) -> pd.Series:
    """Read a column of dates; empty is always."""
    if name not in table:
        return pd.Series(pd.NaT, index=table.index).astype("datetime64[s]")
    column = table[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.astype("datetime64[s]")
    text = column.astype("string").str.strip()
    empty = text.isna() | text.isin(["", "NaT", "None"])
    read = pd.to_datetime(text.where(~empty), format="%Y-%m-%d", errors="coerce")
    _refuse(column, read.isna() & ~empty, "ZONE_DATE", f"have a {name} that is not YYYY-MM-DD")
    return read.astype("datetime64[s]")


def _weights(table: pd.DataFrame) -> pd.Series:
    """Read the weights; empty is 1."""
    if "weight" not in table:
        return pd.Series(1.0, index=table.index)
    numbers = pd.to_numeric(table["weight"], errors="coerce").astype(np.float64)
    given = table["weight"].notna() & (table["weight"].astype("string").str.strip() != "")
    numbers = numbers.where(given, 1.0)
    wrong = ~((numbers > 0) & (numbers <= 1))
    _refuse(table["weight"], wrong, "ZONE_WEIGHT", "have a weight that is not above 0 and up to 1")
    return numbers


def _check_periods(table: pd.DataFrame) -> None:
    """Refuse periods that end before they begin."""
    wrong = table["valid_to"] < table["valid_from"]
    _refuse(table["zone_id"], wrong, "ZONE_DATE", "end before they begin. Exchange the dates")


def _check_repeated(table: pd.DataFrame) -> None:
    """Refuse a municipality that is twice in one zone at the same time; rows are sorted."""
    keys = ["geography", "zone_id", "pro_com_t"]
    same = (table[keys] == table[keys].shift()).all(axis=1)
    before = table["valid_to"].shift()
    # the first of all open ends so far within the group
    ends = before.where(same)
    touching = same & (ends.isna() | table["valid_from"].isna() | (table["valid_from"] <= ends))
    _refuse(
        table["pro_com_t"],
        touching,
        "ZONE_REPEATED",
        "are twice in a zone at the same time. Keep one row, or part their dates",
    )


def _refuse(column: pd.Series, wrong: pd.Series, code: str, words: str) -> None:
    """Raise when rows are wrong, naming the first."""
    bad = np.asarray(wrong, dtype=bool)
    if bad.any():
        first = ", ".join(repr(value) for value in column[bad].head(SHOWN))
        raise TableError(code, f"{int(bad.sum()):,} of {len(bad):,} rows {words} (first: {first}).")
