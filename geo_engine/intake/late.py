"""Rows that only the whole register can judge: damaged ATECO codes, second seats of a firm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from geo_engine.quality.doctor import Outcomes, Quality, observe_rows
from geo_engine.quality.seats import CONFLICT, CONFLICT_DETAIL, Seats, find_seats
from geo_engine.sources.batches import SourceDialect, quarantine_rows, quarantine_table
from geo_engine.sources.firms import read_batches
from geo_engine.study import FirmSource


@dataclass(frozen=True, kw_only=True)
class Late:
    """What the whole register says of its rows."""

    seats: Seats
    """How rows share tax codes."""
    reason: np.ndarray
    """By row of the firms, "" where it stays."""
    detail: np.ndarray


def find_late(firms: pd.DataFrame, ateco: pd.DataFrame, one_seat: np.ndarray) -> Late:
    """Find the placed rows that cannot stay.

    Parameters
    ----------
    firms : DataFrame
        code, firm, has_tax_code, year, place, file of every row placed so far.
    ateco : DataFrame
        Distinct codes with reason and detail.
    one_seat : ndarray of bool
        By file: rows of one tax code and year may stand in one municipality only.

    Returns
    -------
    Late
        Aligned with ``firms``.
    """
    code = firms["code"].to_numpy()
    damaged = (ateco["reason"] != "").to_numpy()
    reason = np.full(len(firms), "", dtype=object)
    detail = np.full(len(firms), "", dtype=object)
    if damaged.any():
        lost = damaged[code]
        reason[lost] = ateco["reason"].to_numpy(dtype=object)[code[lost]]
        detail[lost] = ateco["detail"].to_numpy(dtype=object)[code[lost]]
    seats = find_seats(
        firms["firm"].to_numpy(),
        firms["year"].to_numpy(),
        firms["place"].to_numpy(),
        firms["has_tax_code"].to_numpy() & (reason == ""),
    )
    second = seats.out & one_seat[firms["file"].to_numpy()]
    reason[second], detail[second] = CONFLICT, CONFLICT_DETAIL
    return Late(seats=seats, reason=reason, detail=detail)


def read_again(
    where: tuple[Path, str, SourceDialect],
    source: FirmSource,
    columns: Mapping[str, str | int],
    lost: pd.DataFrame,
) -> tuple[pd.DataFrame, list[Quality]]:
    """Read a file again for the records of rows that are set aside late.

    Parameters
    ----------
    where : tuple of Path, str and SourceDialect
        The file, its name in tables, and how it is written.
    source : FirmSource
        What the study says of it.
    columns : mapping
        Column by role.
    lost : DataFrame
        row (record number), reason, detail.

    Returns
    -------
    tuple of DataFrame and list of Quality
        Rows of the quarantine, and masked examples of them.
    """
    path, name, dialect = where
    lost = lost.drop_duplicates("row").sort_values("row")
    numbers = lost["row"].to_numpy()
    reasons = lost["reason"].to_numpy(dtype=object)
    details = lost["detail"].to_numpy(dtype=object)
    found, observed = [quarantine_table([])], []
    for batch in read_batches(source, path, dialect=dialect):
        mask = np.isin(batch.row_numbers, numbers)
        if not mask.any():
            continue
        wanted = batch.row_numbers[mask]
        at = np.searchsorted(numbers, wanted)
        rows = batch.rows.filter(pa.array(mask))
        found.append(quarantine_rows(name, wanted, (reasons[at], details[at]), rows))
        observed.append(
            observe_rows(
                rows,
                columns,
                Outcomes(
                    source=name,
                    row_numbers=wanted,
                    reason=reasons[at],
                    flags=np.full(len(wanted), "", dtype=object),
                ),
            )
        )
    return pd.concat(found, ignore_index=True), observed
