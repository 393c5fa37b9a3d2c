"""Reads the signal sources of a study, before any firm: tables of firms and of municipalities."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geo_engine.errors import SourceError
from geo_engine.indicators.bounded import read_amounts
from geo_engine.indicators.signal_index import SignalTable, TableRows, index_table, join_rows
from geo_engine.indicators.signal_tables import KeyColumns, table_rows, thresholds_of
from geo_engine.indicators.signal_values import place_values
from geo_engine.indicators.signals import SignalDefinition
from geo_engine.plan import Plan
from geo_engine.quality.numbers import Mark
from geo_engine.sources.signal_sources import SignalBatch, read_signal_batches
from geo_engine.study import FirmSource
from geo_engine.study_signals import SignalSource

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]
_WAY = (
    "path",
    "format",
    "encoding",
    "separator",
    "quote",
    "header",
    "sheet",
    "layer",
    "sha256",
    "licence",
)
_KEYS = ("tax_code", "rea", "province", "year", "since")


@dataclass(frozen=True, kw_only=True)
class FirmTable:
    """A signal source of firms, ready to be looked up."""

    source: SignalSource
    table: SignalTable
    kinds: tuple[str, ...]
    """Kinds of key, the one that counts first in front."""
    damaged: int
    """Records that could not be read."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """All signal sources of a study."""

    tables: dict[str, FirmTable] = field(default_factory=dict)
    places: dict[str, FloatArray] = field(default_factory=dict)
    """Value by municipality of each signal of kind ``place``."""
    notes: tuple[str, ...] = ()
    """What was read of tables of municipalities, in Italian."""


def read_joined(plan: Plan, root: Path) -> Joined:
    """Read every signal source.

    Parameters
    ----------
    plan : Plan
        Its study and signals.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    Joined
        Empty without sources.

    Raises
    ------
    SourceError
        ``SIGNAL_SOURCE_EMPTY`` for a source without a record; whatever the readers raise.
    """
    tables, places, notes = {}, {}, []
    for source in plan.study.signal_source:
        own = tuple(signal for signal in plan.signals if signal.source == source.name)
        if source.istat_code is None:
            tables[source.name] = _firm_table(source, own, root)
        else:
            found, note = _place_table(source, own, plan, root)
            places.update(found)
            notes.append(note)
    return Joined(tables=tables, places=places, notes=tuple(notes))


def _firm_table(
    source: SignalSource, signals: tuple[SignalDefinition, ...], root: Path
) -> FirmTable:
    """Read a table of firms."""
    mapped = {role: getattr(source, role) for role in _KEYS if getattr(source, role) is not None}
    where = _key_columns(source)
    named = tuple(_renamed(signal) for signal in signals)
    mark: Mark = "" if source.decimal == "auto" else source.decimal
    parts: list[TableRows] = []
    damaged = 0
    for batch in _batches(source, root, mapped | _signal_columns(signals)):
        parts.append(
            table_rows(
                functools.partial(_column, batch),
                where,
                named,
                mark=mark,
                edition=source.ateco_version,
            )
        )
        damaged += batch.damaged
    table = index_table(
        source.name,
        join_rows(_any(parts, source)),
        thresholds=thresholds_of(named),
        resolve=source.resolve,
    )
    return FirmTable(source=source, table=table, kinds=where.kinds, damaged=damaged)


def _key_columns(source: SignalSource) -> KeyColumns:
    """Let keys be read by role; numbers of columns are resolved when a file is opened."""

    def role(name: str) -> str | None:
        return None if getattr(source, name) is None else name

    return KeyColumns(
        tax_code=role("tax_code"),
        rea=role("rea"),
        province=role("province"),
        year=role("year"),
        since=role("since"),
        pseudonyms=source.pseudonyms,
    )


def _column(batch: SignalBatch, role: str | int) -> pa.ChunkedArray:
    """Give a column of a batch by its role."""
    return batch.columns[str(role)]


def _place_table(
    source: SignalSource, signals: tuple[SignalDefinition, ...], plan: Plan, root: Path
) -> tuple[dict[str, FloatArray], str]:
    """Read a table of municipalities, by their six-character code of the boundary date."""
    wanted = {
        role: getattr(source, role)
        for role in ("istat_code", "weight")
        if getattr(source, role) is not None
    }
    mark: Mark = "" if source.decimal == "auto" else source.decimal
    roles = {name: name for name in wanted if name != "istat_code"}
    roles |= {signal.key: f"signal {signal.key}" for signal in signals}
    read: list[pd.DataFrame] = []
    for batch in _batches(source, root, wanted | _signal_columns(signals)):
        codes = batch.columns["istat_code"].to_pandas().astype("str").fillna("").str.strip()
        exact = {name: _numbers(batch, role, mark) for name, role in roles.items()}
        read.append(pd.DataFrame({"code": codes.str.replace(r"\.0+$", "", regex=True), **exact}))
    table = pd.concat(_any(read, source), ignore_index=True)
    place = plan.places.index.get_indexer(table["code"].str.zfill(6))
    weights = table["weight"].to_numpy(float) if source.weight is not None else None
    found = {
        signal.key: place_values(
            table[signal.key].to_numpy(float), place, len(plan.places), weights=weights
        )
        for signal in signals
    }
    lost, covered = int((place < 0).sum()), len(set(place[place >= 0].tolist()))
    return found, (
        f"{source.label}: {len(table) - lost} righe di {len(table)} su {covered} comuni; {lost} "
        "con un codice che non è di un comune alla data dei confini."
    )


def _numbers(batch: SignalBatch, role: str, mark: Mark) -> FloatArray:
    """Read a column of numbers, NaN where it holds none."""
    amounts = read_amounts(batch.columns[role], mark=mark)
    return np.where(amounts.low == amounts.high, amounts.low, np.nan)


def _batches(
    source: SignalSource, root: Path, wanted: dict[str, str | int]
) -> Iterator[SignalBatch]:
    """Read the wanted columns of a source."""
    way = FirmSource(**{key: getattr(source, key) for key in _WAY})
    return read_signal_batches(way, root, wanted)


def _signal_columns(signals: tuple[SignalDefinition, ...]) -> dict[str, str | int]:
    """Name the columns of signals by role."""
    return {f"signal {s.key}": s.column for s in signals if s.column is not None}


def _renamed(signal: SignalDefinition) -> SignalDefinition:
    """Let a signal read the role of its column."""
    if signal.column is None:
        return signal
    return dataclasses.replace(signal, column=f"signal {signal.key}")


def _any(parts: list[T], source: SignalSource) -> list[T]:
    """Raise where a source holds nothing."""
    if not parts:
        raise SourceError(
            "SIGNAL_SOURCE_EMPTY",
            f"{source.path}: signal source {source.name} holds no record. Correct its path, or "
            "leave it out.",
        )
    return parts
