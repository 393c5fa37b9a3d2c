"""Damages simulated rows as real extracts are damaged, and notes what was done to each."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

ACCENTED = "àèéìòùÀÈÉÌÒÙ"

_ABSENT_CODES = ("", "NC", "N/D", "NULL")
_FOREIGN_SEATS = ("LUGANO", "PARIGI", "LONDRA", "MONACO DI BAVIERA", "ESTERO")
_BROKEN_ATECO = ("1E5", "1.00E+05", "MAR-01")


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Rates of damaged rows, each among the rows that can suffer it."""

    code_missing: float = 0.010
    """ISTAT code replaced by nothing, NC, N/D or NULL."""
    ateco_missing: float = 0.010
    """ATECO code replaced likewise."""
    province_missing: float = 0.008
    """Province emptied."""
    coordinates_swapped: float = 0.005
    """Longitude and latitude exchanged."""
    coordinates_zero: float = 0.004
    """Both coordinates 0."""
    decimal_comma: float = 0.008
    """Coordinates with a decimal comma."""
    zero_lost: float = 0.040
    """Leading zero of the ISTAT code lost."""
    ateco_as_number: float = 0.010
    """Dotted ATECO code turned into a number: 01.50.00 reads 1.50.00."""
    ateco_broken: float = 0.0003
    """ATECO code turned into a date or a power of ten."""
    accent_apostrophe: float = 0.50
    """Accents of the municipality's name written as apostrophes."""
    homonym_alone: float = 0.30
    """Homonymous municipality left without province, code and coordinates."""
    old_name: float = 0.60
    """Merged municipality under its former code and name."""
    foreign: float = 0.0010
    """Seat abroad."""
    unknown_name: float = 0.0008
    """Municipality not stated, and nothing else that places the row."""
    duplicated: float = 0.003
    """Row repeated whole."""


Rows = npt.NDArray[np.intp]
Table = dict[str, npt.NDArray[np.object_]]
Writer = Callable[[Table, Rows, np.random.Generator], None]


def damage_rows(
    extract: pd.DataFrame,
    truth: pd.DataFrame,
    places: gpd.GeoDataFrame,
    changes: pd.DataFrame | None,
    drawn: tuple[Damage, np.random.Generator],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Damage a part of the rows, each in one way at most, and repeat a few.

    Parameters
    ----------
    extract : DataFrame
        Clean rows of the simulated extract.
    truth : DataFrame
        The truth behind them; ``damage`` is filled here.
    places : GeoDataFrame
        Municipalities, sorted.
    changes : DataFrame or None
        Administrative changes, for former names.
    drawn : tuple of Damage and Generator
        Rates, and the source of chance.

    Returns
    -------
    tuple of DataFrame
        Extract as text and truth, aligned, in order of year and unit, repeated rows adjacent.
    """
    rates, draw = drawn
    table: Table = {str(name): extract[name].to_numpy(dtype=object, copy=True) for name in extract}
    label = np.full(len(extract), "", dtype=object)
    true_code = truth["true_pro_com_t"].to_numpy(dtype=object, copy=True)
    for name, can_suffer, write in _ways(table, true_code, places, changes):
        hit = (draw.random(len(label)) < getattr(rates, name)) & can_suffer & (label == "")
        rows = np.flatnonzero(hit)
        write(table, rows, draw)
        label[rows] = name
    true_code[label == "foreign"] = ""
    noted = truth.assign(true_pro_com_t=true_code, damage=label)
    noted.loc[label == "foreign", "planted"] = ""
    repeated = np.flatnonzero((draw.random(len(label)) < rates.duplicated) & (label == ""))
    order = np.sort(np.concatenate([np.arange(len(label)), repeated]), kind="stable")
    again = np.concatenate([[False], order[1:] == order[:-1]])
    noted = noted.iloc[order].reset_index(drop=True)
    noted.loc[again, "damage"] = "duplicated"
    written = pd.DataFrame({name: column[order] for name, column in table.items()}, dtype="str")
    return written, _typed(noted)


def _typed(truth: pd.DataFrame) -> pd.DataFrame:
    """Give the truth its types: text, and digital as bool."""
    return truth.astype({name: "str" for name in truth if name != "digital"} | {"digital": bool})


def _ways(
    table: Table,
    true_code: npt.NDArray[np.object_],
    places: gpd.GeoDataFrame,
    changes: pd.DataFrame | None,
) -> list[tuple[str, npt.NDArray[np.bool_], Writer]]:
    """List each way of damage: its name, the rows that can suffer it, and what it does."""
    always = np.ones(len(true_code), dtype=bool)
    coded = table["codice_istat"] != ""
    located = table["longitudine"] != ""
    named_once = ~places["name"].duplicated(keep=False)
    homonym = np.isin(true_code, np.array(places.index[~named_once], dtype=object))
    accented = np.array([any(char in ACCENTED for char in name) for name in table["comune"]])
    former = _former_names(changes)
    merged = np.isin(true_code, np.array(list(former), dtype=object))
    starts_with_zero = np.array([code.startswith("0") for code in table["codice_istat"]])
    as_number = np.array([code[0] == "0" and "." in code for code in table["ateco"]])
    return [
        ("homonym_alone", homonym, _leave_alone),
        ("old_name", merged, _former_writer(true_code, former)),
        ("accent_apostrophe", accented, _write_apostrophes),
        ("foreign", always, _send_abroad),
        ("unknown_name", always, _forget_place),
        ("ateco_broken", always, _choose_into("ateco", _BROKEN_ATECO)),
        ("ateco_missing", always, _choose_into("ateco", _ABSENT_CODES)),
        ("ateco_as_number", as_number, _ateco_as_number),
        ("code_missing", coded, _choose_into("codice_istat", _ABSENT_CODES)),
        ("province_missing", always & ~homonym, _choose_into("provincia", ("",))),
        ("coordinates_swapped", located, _swap),
        ("coordinates_zero", located, _zero),
        ("decimal_comma", located, _comma),
        ("zero_lost", starts_with_zero, _lose_zero),
    ]


def _former_names(changes: pd.DataFrame | None) -> dict[str, tuple[list[str], list[str]]]:
    """List former codes and names by new code; a code that goes on is left out."""
    former: dict[str, tuple[list[str], list[str]]] = {}
    for change in () if changes is None else changes.itertuples():
        pairs = [
            (code, name)
            for code, name in zip(change.old_codes, change.old_names, strict=True)
            if code != change.new_code
        ]
        former[str(change.new_code)] = ([code for code, _ in pairs], [name for _, name in pairs])
    return former


def _former_writer(
    true_code: npt.NDArray[np.object_], former: dict[str, tuple[list[str], list[str]]]
) -> Writer:
    """Write one of the former codes and names of a merged municipality."""

    def write(table: Table, rows: Rows, draw: np.random.Generator) -> None:
        luck = draw.random(len(rows))
        for row, chance in zip(rows, luck, strict=True):
            codes, names = former[true_code[row]]
            chosen = int(chance * len(codes))
            table["comune"][row] = names[chosen].upper()
            if table["codice_istat"][row]:
                table["codice_istat"][row] = codes[chosen]

    return write


def _choose_into(column: str, values: tuple[str, ...]) -> Writer:
    """Write one of a few values into a column."""

    def write(table: Table, rows: Rows, draw: np.random.Generator) -> None:
        table[column][rows] = draw.choice(np.array(values, dtype=object), len(rows))

    return write


def _leave_alone(table: Table, rows: Rows, draw: np.random.Generator) -> None:  # noqa: ARG001 - a Writer
    """Leave the bare name of the municipality."""
    for column in ("provincia", "codice_istat", "longitudine", "latitudine"):
        table[column][rows] = ""


def _forget_place(table: Table, rows: Rows, draw: np.random.Generator) -> None:
    """Take away all that places a row."""
    _leave_alone(table, rows, draw)
    table["comune"][rows] = "NON INDICATO"


def _send_abroad(table: Table, rows: Rows, draw: np.random.Generator) -> None:
    """Move the seat abroad."""
    _leave_alone(table, rows, draw)
    table["comune"][rows] = draw.choice(np.array(_FOREIGN_SEATS, dtype=object), len(rows))
    table["provincia"][rows] = "EE"


def _write_apostrophes(table: Table, rows: Rows, draw: np.random.Generator) -> None:  # noqa: ARG001
    """Write accents as apostrophes: CANTU'."""
    for row in rows:
        name = table["comune"][row]
        parts = [
            f"{unicodedata.normalize('NFD', char)[0]}'" if char in ACCENTED else char
            for char in name
        ]
        table["comune"][row] = "".join(parts)


def _ateco_as_number(table: Table, rows: Rows, draw: np.random.Generator) -> None:  # noqa: ARG001
    """Drop the leading zero of a dotted code."""
    for row in rows:
        table["ateco"][row] = table["ateco"][row][1:]


def _swap(table: Table, rows: Rows, draw: np.random.Generator) -> None:  # noqa: ARG001 - a Writer
    """Exchange longitude and latitude."""
    longitude = table["longitudine"][rows].copy()
    table["longitudine"][rows] = table["latitudine"][rows]
    table["latitudine"][rows] = longitude


def _zero(table: Table, rows: Rows, draw: np.random.Generator) -> None:  # noqa: ARG001 - a Writer
    """Write the null island."""
    table["longitudine"][rows] = "0"
    table["latitudine"][rows] = "0"


def _comma(table: Table, rows: Rows, draw: np.random.Generator) -> None:  # noqa: ARG001 - a Writer
    """Write coordinates with a decimal comma."""
    for column in ("longitudine", "latitudine"):
        for row in rows:
            table[column][row] = table[column][row].replace(".", ",")


def _lose_zero(table: Table, rows: Rows, draw: np.random.Generator) -> None:  # noqa: ARG001
    """Drop the leading zeros of the ISTAT code."""
    for row in rows:
        table["codice_istat"][row] = table["codice_istat"][row].lstrip("0")
