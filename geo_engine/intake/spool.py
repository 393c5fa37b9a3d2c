"""Keeps the placed rows of an internal run on disk until the results are known."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geo_engine.chains.kinds import FirmCodes, PlaceClasses, classes_of
from geo_engine.chains.membership import PHASE_NAMES
from geo_engine.chains.weights import UNITS, Memberships
from geo_engine.intake.compact import Placed
from geo_engine.intake.ledger import CENTROID, Intake
from geo_engine.results import Results

OWN_COLUMNS = pa.schema(
    [
        ("geo_pro_com_t", pa.string()),
        ("geo_municipality", pa.string()),
        ("geo_method", pa.string()),
        ("geo_confidence", pa.float64()),
        ("geo_flags", pa.string()),
        ("geo_year", pa.int16()),
        ("geo_ateco", pa.string()),
        ("geo_ateco_edition", pa.string()),
        ("geo_chains", pa.string()),
        ("geo_phases", pa.string()),
        ("geo_weights", pa.string()),
        ("geo_digital", pa.bool_()),
        ("geo_hotspots", pa.string()),
    ]
)
"""What the engine adds to the columns of the extract; lists are joined by "|"."""


class FirmSpool:
    """Placed rows, batch after batch, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []
        self._files: list[tuple[Path, str]] = []

    def keep(self, placed: Placed) -> None:
        """Write one batch.

        Parameters
        ----------
        placed : Placed
            Placed rows with everything known of them so far.
        """
        self._names.extend(name for name in placed.rows.column_names if name not in self._names)
        table = placed.rows
        for name in ("row", "place", "year", "code", "secondary", "digital", "confidence", "point"):
            table = table.append_column(f"geo_{name}", pa.array(getattr(placed, name)))
        for name in ("method", "flags"):
            texts = pa.array(getattr(placed, name).tolist(), pa.string())
            table = table.append_column(f"geo_{name}", texts)
        path = self._folder / f"{len(self._files):06d}.parquet"
        pq.write_table(table, path, compression="zstd")
        self._files.append((path, placed.file))

    @property
    def schema(self) -> pa.Schema:
        """Every column of every source, then the engine's own."""
        fields = [pa.field(name, pa.string()) for name in self._names]
        return pa.schema([*fields, *OWN_COLUMNS])

    def batches(
        self, results: Results, intake: Intake, memberships: Memberships, classes: PlaceClasses
    ) -> Iterator[pa.Table]:
        """Read the rows back, with chains, phases, weights and hotspots.

        Parameters
        ----------
        results : Results
            Of the run.
        intake : Intake
            Its codes.
        memberships : Memberships
            Chains of all firms.
        classes : PlaceClasses
            Municipalities by the territories of the chains.

        Yields
        ------
        Table
            With the columns of ``schema`` that the source has.
        """
        chains, phases, weights = _kind_texts(memberships)
        hotspots = _hotspots_by_place(results)
        for path, file in self._files:
            table = pq.read_table(path)
            if file in intake.late:
                gone = np.isin(table["geo_row"].to_numpy(), intake.late[file])
                table = table.filter(pa.array(~gone))
            code = table["geo_code"].to_numpy()
            kind = memberships.find(_firm_codes(table, intake, classes))
            codes = results.places.index.to_numpy(dtype=object)[table["geo_place"].to_numpy()]
            names = results.places["name"].to_numpy(dtype=object)[table["geo_place"].to_numpy()]
            year = table["geo_year"].to_numpy()
            value = table["geo_digital"].to_numpy()
            own = {
                "geo_pro_com_t": pa.array(codes.tolist(), pa.string()),
                "geo_municipality": pa.array(names.tolist(), pa.string()),
                "geo_method": table["geo_method"],
                "geo_confidence": table["geo_confidence"],
                "geo_flags": _with_heaps(table, intake.heaps),
                "geo_year": table["geo_year"],
                "geo_ateco": pa.array(intake.ateco["code"].to_numpy(object)[code].tolist()),
                "geo_ateco_edition": pa.array(
                    intake.ateco["edition"].to_numpy(object)[code].tolist()
                ),
                "geo_chains": pa.array(chains[kind].tolist(), pa.string()),
                "geo_phases": pa.array(phases[kind].tolist(), pa.string()),
                "geo_weights": pa.array(weights[kind].tolist(), pa.string()),
                "geo_digital": pa.array(value == 1, mask=value < 0),
                "geo_hotspots": pa.array(
                    [
                        _joined(hotspots, place, int(when), listed)
                        for place, when, listed in zip(codes, year, chains[kind], strict=True)
                    ],
                    pa.string(),
                ),
            }
            source = {name: table[name] for name in table.column_names if name in self._names}
            yield pa.table(source | own)


@contextlib.contextmanager
def firm_spool(folder: Path) -> Iterator[FirmSpool]:
    """Open a spool beside the results, and remove it at the end.

    Parameters
    ----------
    folder : Path
        The folder of the results.

    Yields
    ------
    FirmSpool
        Empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".firms.tmp-", dir=folder) as name:
        yield FirmSpool(Path(name))


def _with_heaps(table: pa.Table, heaps: np.ndarray) -> pa.Array:
    """Give the flags of each row, with the one of points that many rows share."""
    flags = table["geo_flags"].to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(np.isin(table["geo_point"].to_numpy(), heaps))
    flags[rows] = [f"{each}|{CENTROID}".lstrip("|") for each in flags[rows]]
    return pa.array(flags.tolist(), pa.string())


def _firm_codes(table: pa.Table, intake: Intake, classes: PlaceClasses) -> FirmCodes:
    """Give what the chains of the rows of a batch depend on."""
    return FirmCodes(
        code=table["geo_code"].to_numpy(),
        secondary=None if intake.lists is None else table["geo_secondary"].to_numpy(),
        place_class=classes_of(table["geo_place"].to_numpy(), classes),
    )


def _kind_texts(memberships: Memberships) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each kind its chains, these with phases, and with weights, joined by "|"."""
    found = []
    for phase, units in zip(memberships.phase, memberships.units, strict=True):
        inside = [
            (key, PHASE_NAMES[name], f"{part / UNITS:.6g}")
            for key, name, part in zip(memberships.chains, phase, units, strict=True)
            if part
        ]
        found.append(
            (
                "|".join(key for key, _, _ in inside),
                "|".join(f"{key}:{name}" for key, name, _ in inside),
                "|".join(f"{key}:{part}" for key, _, part in inside),
            )
        )
    columns = zip(*found, strict=True) if found else ((), (), ())
    chains, phases, weights = (np.array(column, dtype=object) for column in columns)
    return chains, phases, weights


def _hotspots_by_place(results: Results) -> dict[tuple[str, int, str], str]:
    """Give the hotspot of each place, year and chain."""
    found = {}
    for row in results.hotspots.itertuples():
        for member in row.members:
            found[(member, int(row.year), row.chain)] = row.hotspot_id
    return found


def _joined(hotspots: dict[tuple[str, int, str], str], place: str, year: int, chains: str) -> str:
    """Join the hotspots in which a firm lies, of its own chains only."""
    found = [hotspots.get((place, year, chain), "") for chain in chains.split("|")]
    return "|".join(filter(None, found))
