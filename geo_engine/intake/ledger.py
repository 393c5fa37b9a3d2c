"""The account of every record: what was placed, what was set aside, and why."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from geo_engine.chains.secondary import SecondaryCodes
from geo_engine.errors import SourceError
from geo_engine.indicators.signal_matches import found_rows, new_hits, note_hits
from geo_engine.intake.ateco_columns import AtecoColumns
from geo_engine.intake.compact import Placed, compact, other_sizes, placed_rows, set_aside
from geo_engine.intake.joined import Joined
from geo_engine.intake.late import Late, find_late, read_again
from geo_engine.intake.sizes import close_sizes
from geo_engine.intake.steps import Part, mapped_columns
from geo_engine.places.heaps import heaped
from geo_engine.places.systems import check_fit
from geo_engine.plan import Plan
from geo_engine.quality.doctor import Outcomes, Quality, merge_quality, observe_rows
from geo_engine.quality.duplicates import SeenRows
from geo_engine.quality.numbers import decide_mark
from geo_engine.quality.seats import Seats
from geo_engine.results import Account, SourceAccount
from geo_engine.sources.batches import SourceDialect, quarantine_table
from geo_engine.storage import sha256_of

OTHER_DATE = 0.2
"""Share of ISTAT codes that may be of another date, from which a file is refused."""
CENTROID = "GEOCODE_CENTROID"
"""Flag of rows that share their point with many others of the file."""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The firms of a study, and what became of each record."""

    firms: pd.DataFrame
    """place (int32 position), year (int16), code (int32 position in ``ateco``), firm (uint64 key of
    the enterprise), firms, known, digital (int32), file (int16), row (int64); legal_form, size,
    level (int8, -1 unknown); registered, ceased (int16 year, 0 unknown); where the study has them,
    employees and score (float32, NaN unknown); inside, undecided, by_persons (bits of
    ``plan.universes``); and for
    each signal and signal source an int8 column, ``signal KEY`` (1, 0, -1) and ``match NAME``
    (number of the key, -1 not found, -2 without a key). A row of counts whose municipality was
    divided stands once for each part."""
    ateco: pd.DataFrame
    """Distinct codes as written: source (int), text, version (as declared), rows; and as read:
    code, edition, flag, reason (the rows of a code with a reason are in quarantine)."""
    lists: SecondaryCodes | None
    """Distinct lists of secondary codes, where they count in chains; ``firms`` then has the column
    ``secondary`` (position, -1 without any)."""
    account: Account
    quarantine: pd.DataFrame
    quality: Quality
    """What the rows are like."""
    seats: Seats
    """How rows share tax codes."""
    late: dict[str, np.ndarray]
    """By file, the record numbers of rows that were set aside when all were known, ascending."""
    heaps: np.ndarray
    """Keys of the points on which many rows of one file stand, ascending."""
    dialects: dict[str, SourceDialect]
    joined: Joined
    """The signal sources."""
    found_rows: dict[str, int]
    """Rows of each signal source that are of a firm of the study."""
    is_counts: np.ndarray
    """By file: its rows are counts, not single firms."""


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
    hint: str = ""
    codes: int = 0
    other_date: int = 0
    quality: Quality = field(default_factory=Quality)


class Ledger:
    """Collects the parts of all files; closes into an :class:`Intake`."""

    def __init__(self, plan: Plan, joined: Joined) -> None:
        self._plan, self._sources, self._joined = plan, plan.study.firms, joined
        self._hits = {name: new_hits(each.table) for name, each in joined.tables.items()}
        self._other_sizes: list[tuple[int, pd.DataFrame]] = []
        self._seen = SeenRows()
        self._firms: list[pd.DataFrame] = []
        self._ateco = AtecoColumns(self._sources)
        self._ways: dict[tuple[str, str], int] = {}
        self._quarantine: list[pd.DataFrame] = []
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
        codes = self._ateco.codes(file.position, part.ateco, part.version)
        lists = self._ateco.lists(file.position, part.secondary, part.version)
        kept = compact(part, codes, usable)
        if self._counts_secondary:
            kept["secondary"] = lists[usable][kept["of"]]
        of = kept.pop("of").to_numpy()
        kept["way"] = self._way_positions(part, usable)[of]
        if (other := other_sizes(part, usable, of)) is not None:
            self._other_sizes.append((len(self._firms), other))
        for name, match in part.signs.matches.items():
            own = dataclasses.replace(match, positions=tuple(p[usable] for p in match.positions))
            note_hits(self._hits[name], own)
        self._firms.append(kept.assign(file=np.int16(len(self._files) - 1)))
        aside = set_aside(file.name, part, ~usable)
        self._quarantine.extend([part.read_quarantine.assign(source=file.name), aside])
        file.rows += len(usable) + len(part.read_quarantine)
        file.placed += int(usable.sum())
        file.quarantined += len(aside) + len(part.read_quarantine)
        file.numbers += part.numbers
        file.misfits += part.misfits
        file.misfit = file.misfit or part.misfit
        file.hint = file.hint or part.hint
        file.codes += part.dated_codes[0]
        file.other_date += part.dated_codes[1]
        self._observe(file, part)
        keep(placed_rows(file.name, part, (codes, lists), usable))

    def _observe(self, file: _File, part: Part) -> None:
        """Add what the rows of a batch are like."""
        observed = observe_rows(
            part.rows,
            mapped_columns(self._sources[file.position]),
            Outcomes(
                source=file.name,
                row_numbers=part.row_numbers,
                reason=part.reason,
                flags=np.where(part.reason == "", part.flags, ""),
                places=(part.pointed, part.declared),
            ),
        )
        file.quality = merge_quality([file.quality, part.quality, observed])

    def check(self) -> None:
        """Close the account of the open file: no record may be missing."""
        file = self._files[-1]
        source = self._sources[file.position]
        check_fit(file.numbers, file.misfits, file.misfit, source.crs, hint=file.hint)
        employees = source.columns.employees
        if employees is not None:
            mark = decide_mark(file.quality.employees, str(employees), stated=source.decimal)
            for position, sizes in self._other_sizes if mark == "," else ():
                self._firms[position] = self._firms[position].assign(**sizes)
        self._other_sizes.clear()
        if file.other_date > OTHER_DATE * file.codes:
            raise SourceError(
                "BOUNDARY_YEAR",
                f"{file.name}: {file.other_date:,} of {file.codes:,} rows with an ISTAT code "
                f"({file.other_date / file.codes:.1%}) have the code of no municipality of the "
                "boundary date. If the codes are of another year, set boundary_date to it, or "
                "import the official lists (geo-engine codes fetch, or codes import FILE).",
            )
        if file.rows != file.dialect.records or file.rows != file.placed + file.quarantined:
            raise SourceError(
                "RECORDS_LOST",
                f"{file.name} holds {file.dialect.records:,} records but {file.rows:,} were "
                f"read ({file.placed:,} placed, {file.quarantined:,} quarantined). Please report.",
            )

    def close(self) -> Intake:
        """Judge the rows as a whole, each source's ATECO codes as one column, and join all."""
        firms = pd.concat(self._firms, ignore_index=True)
        self._firms.clear()
        ateco = self._ateco.read_codes(firms["code"].to_numpy())
        lists = None
        if self._counts_secondary:
            lists = self._ateco.read_lists(firms["secondary"].to_numpy(), ateco)
        one_seat = [self._sources[file.position].seats == "quarantine" for file in self._files]
        late = find_late(firms, ateco, np.array(one_seat, dtype=bool))
        gone = self._set_aside_late(firms, late)
        stays = late.reason == ""
        firms = firms if stays.all() else firms[stays].reset_index(drop=True)
        firms = close_sizes(firms, self._plan)
        heaps, heaped_rows = self._heaps(firms)
        methods, flags = self._count_ways(firms, ateco, heaped_rows)
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
            firms=firms.drop(columns=["way", "point", "has_tax_code"]),
            ateco=ateco,
            lists=lists,
            account=account,
            quarantine=quarantine.sort_values(["source", "row"], ignore_index=True),
            quality=merge_quality(file.quality for file in self._files),
            seats=late.seats,
            late=gone,
            heaps=heaps,
            dialects={file.name: file.dialect for file in self._files},
            joined=self._joined,
            found_rows={
                name: found_rows(each.table, self._hits[name])
                for name, each in self._joined.tables.items()
            },
            is_counts=np.array(
                [self._sources[file.position].kind == "counts" for file in self._files], dtype=bool
            ),
        )

    def _set_aside_late(self, firms: pd.DataFrame, late: Late) -> dict[str, np.ndarray]:
        """Move rows from the placed to the quarantine; give their numbers by file."""
        gone: dict[str, np.ndarray] = {}
        lost = np.flatnonzero(late.reason != "")
        of_file = firms["file"].to_numpy()[lost]
        for index in np.unique(of_file).tolist():
            file = self._files[index]
            own = lost[of_file == index]
            facts = pd.DataFrame(
                {
                    "row": firms["row"].to_numpy()[own],
                    "reason": late.reason[own],
                    "detail": late.detail[own],
                }
            )
            source = self._sources[file.position]
            where = (file.path, file.name, file.dialect)
            aside, observed = read_again(where, source, mapped_columns(source), facts)
            self._quarantine.append(aside)
            file.quality = merge_quality([file.quality, *observed])
            file.placed -= len(aside)
            file.quarantined += len(aside)
            gone[file.name] = np.sort(aside["row"].to_numpy(dtype=np.int64))
        return gone

    def _heaps(self, firms: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Find the points on which many rows of a file stand, and the rows there."""
        point, of_file = firms["point"].to_numpy(), firms["file"].to_numpy()
        found = [np.zeros(0, np.uint64)]
        rows = np.zeros(len(firms), dtype=bool)
        for index in range(len(self._files)):
            own = of_file == index
            heaps = heaped(point[own])
            if len(heaps):
                rows |= own & np.isin(point, heaps)
                found.append(heaps)
        return np.unique(np.concatenate(found)), rows

    def _way_positions(self, part: Part, usable: np.ndarray) -> np.ndarray:
        """Give each usable row the number of its method and flags."""
        ways = pd.MultiIndex.from_arrays([part.method[usable], part.flags[usable]])
        which, distinct = pd.factorize(ways)
        numbers = [self._ways.setdefault(tuple(way), len(self._ways)) for way in distinct]
        return np.array(numbers, dtype=np.int32)[which]

    def _count_ways(
        self, firms: pd.DataFrame, ateco: pd.DataFrame, heaped_rows: np.ndarray
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Count the placed records by method and by flag."""
        first = ~firms.duplicated(["file", "row"]).to_numpy() if self._divides else slice(None)
        placed = firms[["way", "code"]][first]
        methods: collections.Counter[str] = collections.Counter()
        flags: collections.Counter[str] = collections.Counter()
        by_way = np.bincount(placed["way"], minlength=len(self._ways)).tolist()
        for (method, joined), rows in zip(self._ways, by_way, strict=True):
            methods[method] += rows
            for flag in filter(None, joined.split("|")):
                flags[flag] += rows
        by_code = np.bincount(placed["code"], minlength=len(ateco)).tolist()
        for joined, rows in zip(ateco["flag"], by_code, strict=True):
            for flag in filter(None, str(joined).split("|")):
                flags[flag] += rows
        flags[CENTROID] = int(heaped_rows[first].sum())
        return _positive(methods), _positive(flags)

    @property
    def _counts_secondary(self) -> bool:
        """Tell whether secondary codes have a part in who belongs to which chain."""
        return self._plan.rule.secondary_weight > 0

    @property
    def _divides(self) -> bool:
        """Tell whether records of counts may stand several times among the firms."""
        return any(source.kind == "counts" for source in self._sources)

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


def _positive(counts: collections.Counter[str]) -> dict[str, int]:
    """Give the counts above zero by name, sorted."""
    return {name: rows for name, rows in sorted(counts.items()) if rows}
