"""The account of every record: what was placed, what was set aside, and why."""

from __future__ import annotations

import collections
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from geo_engine.chains.detection import resolve_codes
from geo_engine.errors import SourceError
from geo_engine.intake.steps import Part
from geo_engine.places.coordinates import check_fit
from geo_engine.quality.duplicates import SeenRows
from geo_engine.quality.profile import Profile, merge_profiles
from geo_engine.results import Account, SourceAccount
from geo_engine.sources.batches import SourceDialect, as_json, quarantine_table
from geo_engine.sources.firms import read_batches
from geo_engine.storage import sha256_of
from geo_engine.study import FirmSource


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The firms of a study, and what became of each record."""

    firms: pd.DataFrame
    """place (int32 position), year (int16), code (int32 position in ``ateco``), firm (uint64 key of
    the enterprise), firms, known, digital (int32), file (int16), row (int64)."""
    ateco: pd.DataFrame
    """Distinct codes as written: source (int), text, version (as declared), rows; and as read:
    code, edition, flag, reason (the rows of a code with a reason are in quarantine)."""
    account: Account
    quarantine: pd.DataFrame
    profile: Profile
    dialects: dict[str, SourceDialect]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The placed rows of one batch, as handed to whoever keeps them (``firms_placed``)."""

    rows: pa.Table
    place: np.ndarray
    year: np.ndarray
    code: np.ndarray
    digital: np.ndarray
    method: np.ndarray
    confidence: np.ndarray
    flags: np.ndarray


Keep = Callable[[Placed], None]


@dataclass(kw_only=True)
class _File:
    """The running account of one file."""

    path: Path
    name: str
    dialect: SourceDialect
    position: int
    rows: int = 0
    placed: int = 0
    quarantined: int = 0
    numbers: int = 0
    misfits: int = 0
    misfit: str = ""


_NO_WAYS = pd.DataFrame(
    {
        "code": pd.Series([], dtype="int32"),
        "method": pd.Series([], dtype=object),
        "flags": pd.Series([], dtype=object),
        "rows": pd.Series([], dtype="int64"),
    }
)
"""How rows were placed, when none was."""


class Ledger:
    """Collects the parts of all files; closes into an :class:`Intake`."""

    def __init__(self, sources: tuple[FirmSource, ...]) -> None:
        self._sources = sources
        self._seen = SeenRows()
        self._firms: list[pd.DataFrame] = []
        self._codes: dict[tuple[int, str, str], int] = {}
        self._quarantine: list[pd.DataFrame] = []
        self._profiles: list[Profile] = []
        self._ways: list[pd.DataFrame] = []
        self._files: list[_File] = []

    def open(self, path: Path, name: str, dialect: SourceDialect, position: int) -> None:
        """Begin the account of one file, under its name in messages and tables."""
        self._files.append(_File(path=path, name=name, dialect=dialect, position=position))

    def add(self, part: Part, *, dedupe: bool, keep: Keep) -> None:
        """Add one batch: its usable rows to the firms, the others to the quarantine."""
        file = self._files[-1]
        usable = part.reason == ""
        if dedupe:
            repeated = np.zeros(len(usable), dtype=bool)
            repeated[usable] = self._seen.repeated(part.hashes[usable])
            part.reason[repeated] = "DUPLICATE"
            part.detail[repeated] = "Equal in every column to an earlier row; counted once."
            usable &= ~repeated
        codes = self._code_positions(part, file.position)
        self._firms.append(_compact(part, codes, usable, len(self._files) - 1))
        self._ways.append(_ways(part, codes, usable))
        aside = _set_aside(file.name, part, ~usable)
        self._quarantine.extend([part.read_quarantine.assign(source=file.name), aside])
        self._profiles.append(part.profile)
        file.rows += len(usable) + len(part.read_quarantine)
        file.placed += int(usable.sum())
        file.quarantined += len(aside) + len(part.read_quarantine)
        file.numbers += part.numbers
        file.misfits += part.misfits
        file.misfit = file.misfit or part.misfit
        keep(_placed(part, codes, usable))

    def check(self) -> None:
        """Close the account of the open file: no record may be missing."""
        file = self._files[-1]
        check_fit(file.numbers, file.misfits, file.misfit, self._sources[file.position].crs)
        if file.rows != file.dialect.records or file.rows != file.placed + file.quarantined:
            raise SourceError(
                "RECORDS_LOST",
                f"{file.name} holds {file.dialect.records:,} records but {file.rows:,} were "
                f"read ({file.placed:,} placed, {file.quarantined:,} quarantined). Please report.",
            )

    def close(self) -> Intake:
        """Read the ATECO codes of each source as one column, and join all parts."""
        firms = pd.concat(self._firms, ignore_index=True)
        ateco = self._read_codes(firms)
        damaged = (ateco["reason"] != "").to_numpy()[firms["code"].to_numpy()]
        for index, file in enumerate(self._files):
            rows = firms[damaged & (firms["file"] == index).to_numpy()]
            if len(rows):
                self._quarantine.append(_fetch(file, self._sources[file.position], rows, ateco))
                file.placed -= len(rows)
                file.quarantined += len(rows)
        firms = firms[~damaged].reset_index(drop=True)
        methods, flags = self._count_ways(ateco)
        quarantine = pd.concat([quarantine_table([]), *self._quarantine], ignore_index=True)
        reasons = quarantine["reason"].value_counts()
        account = Account(
            sources=tuple(self._source_account(file) for file in self._files),
            reasons={str(name): int(reasons[name]) for name in sorted(reasons.index)},
            methods=methods,
            flags=flags,
            in_chains=0,
            outside_coverage=0,
        )
        return Intake(
            firms=firms,
            ateco=ateco,
            account=account,
            quarantine=quarantine.sort_values(["source", "row"], ignore_index=True),
            profile=merge_profiles(self._profiles),
            dialects={file.name: file.dialect for file in self._files},
        )

    def _count_ways(self, ateco: pd.DataFrame) -> tuple[dict[str, int], dict[str, int]]:
        """Count the placed rows by method and by flag, less those of unusable ATECO codes."""
        ways = pd.concat([_NO_WAYS, *self._ways], ignore_index=True)
        codes = ateco.loc[ways["code"].to_numpy()]
        ways = ways.assign(flags=ways["flags"] + "|" + codes["flag"].astype("str").to_numpy())
        ways = ways[(codes["reason"] == "").to_numpy()]
        methods: collections.Counter[str] = collections.Counter()
        flags: collections.Counter[str] = collections.Counter()
        for method, joined, rows in ways[["method", "flags", "rows"]].itertuples(index=False):
            methods[method] += rows
            for flag in filter(None, joined.split("|")):
                flags[flag] += rows
        return dict(sorted(methods.items())), dict(sorted(flags.items()))

    def _source_account(self, file: _File) -> SourceAccount:
        """Give the final account of one file."""
        return SourceAccount(
            name=file.name,
            sha256=sha256_of(file.path),
            bytes=file.path.stat().st_size,
            rows=file.rows,
            placed=file.placed,
            quarantined=file.quarantined,
            encoding=file.dialect.encoding,
            separator=file.dialect.separator,
            quoting=file.dialect.quoting,
            licence=self._sources[file.position].licence,
        )

    def _code_positions(self, part: Part, position: int) -> np.ndarray:
        """List the distinct codes of all batches, and give those of this one their number."""
        written = pd.DataFrame({"text": part.ateco, "version": part.version})
        if written.empty:
            return np.zeros(0, dtype=np.int32)
        local = written.groupby(["text", "version"], sort=False).ngroup().to_numpy()
        distinct = written.drop_duplicates().itertuples(index=False, name=None)
        position_of = [
            self._codes.setdefault((position, *key), len(self._codes)) for key in distinct
        ]
        return np.array(position_of, dtype=np.int32)[local]

    def _read_codes(self, firms: pd.DataFrame) -> pd.DataFrame:
        """Read every distinct ATECO code, each source as one column."""
        ateco = pd.DataFrame(list(self._codes), columns=["source", "text", "version"])
        ateco["rows"] = np.bincount(firms["code"], minlength=len(ateco))
        parts = []
        for position, own in ateco.groupby("source", sort=True):
            read = resolve_codes(
                own["text"].tolist(),
                own["rows"].tolist(),
                edition=self._sources[int(position)].ateco_version,
                declared=own["version"].tolist(),
            )
            columns = {
                "code": read.codes,
                "edition": read.editions,
                "flag": read.flags,
                "reason": read.reasons,
                "detail": read.details,
            }
            parts.append(pd.DataFrame(columns, index=own.index))
        return ateco.join(pd.concat(parts).sort_index())


def _fetch(
    file: _File, source: FirmSource, rows: pd.DataFrame, ateco: pd.DataFrame
) -> pd.DataFrame:
    """Read a file again for the records whose ATECO code turned out to be unusable."""
    numbers = rows["row"].to_numpy()
    order = np.argsort(numbers)
    numbers, code = numbers[order], rows["code"].to_numpy()[order]
    reasons = ateco["reason"].to_numpy(dtype=object)
    details = ateco["detail"].to_numpy(dtype=object)
    found = []
    for batch in read_batches(source, file.path, dialect=file.dialect):
        mask = np.isin(batch.row_numbers, numbers)
        wanted = batch.row_numbers[mask]
        own = code[np.searchsorted(numbers, wanted)]
        records = batch.rows.filter(pa.array(mask)).to_pylist()
        facts = zip(wanted.tolist(), reasons[own], details[own], records, strict=True)
        found.append(
            quarantine_table(
                (file.name, row, reason, detail, as_json(record))
                for row, reason, detail, record in facts
            )
        )
    return pd.concat(found, ignore_index=True)


def _set_aside(name: str, part: Part, mask: np.ndarray) -> pd.DataFrame:
    """Turn the unusable rows of a batch into rows of the quarantine."""
    facts = zip(
        part.row_numbers[mask].tolist(),
        part.reason[mask].tolist(),
        part.detail[mask].tolist(),
        part.rows.filter(pa.array(mask)).to_pylist(),
        strict=True,
    )
    return quarantine_table(
        (name, row, reason, detail, as_json(record)) for row, reason, detail, record in facts
    )


def _ways(part: Part, codes: np.ndarray, usable: np.ndarray) -> pd.DataFrame:
    """Count the usable rows of a batch by code, method and flags."""
    ways = pd.DataFrame(
        {"code": codes[usable], "method": part.method[usable], "flags": part.flags[usable]}
    )
    return ways.groupby(["code", "method", "flags"], sort=False).size().reset_index(name="rows")


def _compact(part: Part, codes: np.ndarray, usable: np.ndarray, file: int) -> pd.DataFrame:
    """Keep the numbers of the usable rows."""
    return pd.DataFrame(
        {
            "place": part.place[usable].astype(np.int32),
            "year": part.year[usable].astype(np.int16),
            "code": codes[usable],
            "firm": part.firm[usable],
            "firms": part.counts[usable, 0],
            "known": part.counts[usable, 1],
            "digital": part.counts[usable, 2],
            "file": np.full(int(usable.sum()), file, dtype=np.int16),
            "row": part.row_numbers[usable],
        }
    )


def _placed(part: Part, codes: np.ndarray, usable: np.ndarray) -> Placed:
    """Give the usable rows of a batch with everything known of them."""
    value = np.where(part.counts[:, 1] > 0, part.counts[:, 2], -1)
    return Placed(
        rows=part.rows.filter(pa.array(usable)),
        place=part.place[usable],
        year=part.year[usable],
        code=codes[usable],
        digital=value[usable],
        method=part.method[usable],
        confidence=part.confidence[usable],
        flags=part.flags[usable],
    )
