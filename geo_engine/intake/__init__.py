"""From extracts to one compact table of firms, with an account of every record.

Each batch of records goes through the same pure steps (year, scope, place, signals); what cannot be
used is set aside with its reason. What stays is a few numbers a row, so that the firms of the whole
country fit in memory and no stage after this one reads a file.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geo_engine.engine.local import map_ordered
from geo_engine.errors import SourceError
from geo_engine.intake.compact import Placed
from geo_engine.intake.joined import Joined, read_joined
from geo_engine.intake.ledger import Intake, Keep, Ledger
from geo_engine.intake.steps import take_steps
from geo_engine.plan import Plan
from geo_engine.sources.firms import check_mapping, detect, open_source, read_batches
from geo_engine.study import FirmSource

__all__ = ["Intake", "Keep", "Placed", "refuse_unusable", "take_in"]

Report = Callable[[int], None]
"""Called with the number of records read since the last call."""


def take_in(plan: Plan, root: Path, *, report: Report, keep: Keep, lenient: bool = False) -> Intake:
    """Read, place and account for every record of every source.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    root : Path
        Folder under which the paths of the study lie.
    report : callable
        Told how many records were read, for the progress bar.
    keep : callable
        Given the placed rows of each batch.
    lenient : bool
        Whether to give the account also of an input of which too little can be used.

    Returns
    -------
    Intake
        Every record is in ``firms`` or in ``quarantine``.

    Raises
    ------
    SourceError
        ``RECORDS_LOST`` when the account does not close; ``SOURCE_TWICE`` when a file would
        count twice; ``TOO_MANY_QUARANTINED``; ``NO_FIRM_PLACED``; whatever the readers raise.
    """
    files = _find_files(plan.study.firms, root)
    joined = read_joined(plan, root)
    ledger = Ledger(plan, joined)
    for file in files:
        _take_file(plan, file, joined, ledger=ledger, report=report, keep=keep)
    intake = ledger.close()
    if not lenient:
        refuse_unusable(intake, plan.study.place.max_quarantined_share)
    return intake


@dataclass(frozen=True, kw_only=True)
class _File:
    """One file of a study."""

    position: int
    """Of its source."""
    path: Path
    name: str
    """Its own name, or its path below the root where two files share a name."""


def _find_files(sources: tuple[FirmSource, ...], root: Path) -> list[_File]:
    """List the files of all sources, and refuse one that would count twice."""
    found = [
        (position, path)
        for position, source in enumerate(sources)
        for path in open_source(source, root)
    ]
    _refuse_twice(found, sources)
    resolved = {path: path.resolve() for _, path in found}
    shared = collections.Counter(
        path.name for path in {file: path for path, file in resolved.items()}.values()
    )
    return [
        _File(
            position=position,
            path=path,
            name=path.name if shared[path.name] == 1 else path.relative_to(root).as_posix(),
        )
        for position, path in found
    ]


def _refuse_twice(found: list[tuple[int, Path]], sources: tuple[FirmSource, ...]) -> None:
    """Raise when one file is read twice in the same way: every firm would count twice."""
    seen: set[tuple[Path, str]] = set()
    for position, path in found:
        way = sources[position].model_copy(update={"path": "", "licence": ""})
        key = (path.resolve(), way.model_dump_json())
        if key in seen:
            raise SourceError(
                "SOURCE_TWICE",
                f"{path.name} is read twice in the same way, so its firms would count twice. "
                "Leave it out of one source.",
            )
        seen.add(key)


def refuse_unusable(intake: Intake, limit: float) -> None:
    """Raise when too little of the input can be used.

    Parameters
    ----------
    intake : Intake
        Of a study.
    limit : float
        Largest share of quarantined rows.

    Raises
    ------
    SourceError
        ``TOO_MANY_QUARANTINED`` or ``NO_FIRM_PLACED``.
    """
    share = intake.account.quarantined / max(intake.account.rows, 1)
    reasons = ", ".join(f"{name} {n:,}" for name, n in intake.account.reasons.items())
    if share > limit:
        raise SourceError(
            "TOO_MANY_QUARANTINED",
            f"{intake.account.quarantined:,} of {intake.account.rows:,} rows ({share:.1%}) cannot "
            f"be used (limit {limit:.1%}): {reasons}. See them with: geo-engine check STUDY",
        )
    if not len(intake.firms):
        raise SourceError(
            "NO_FIRM_PLACED",
            f"None of {intake.account.rows:,} rows could be placed: {reasons}. "
            "Check the column mapping with: geo-engine check STUDY",
        )


def _take_file(
    plan: Plan, file: _File, joined: Joined, *, ledger: Ledger, report: Report, keep: Keep
) -> None:
    """Take in one file, batch after batch, in its own order."""
    source, path = plan.study.firms[file.position], file.path
    dialect = detect(source, path)
    check_mapping(dialect.columns, _wanted(plan, source))
    steps = functools.partial(take_steps, plan=plan, source=source, dialect=dialect, joined=joined)
    ledger.open(path, file.name, dialect, file.position)
    dedupe = source.kind == "counts" or _has_identifier(source)
    for part in map_ordered(steps, read_batches(source, path, dialect=dialect)):
        ledger.add(part, dedupe=dedupe, keep=keep)
        report(len(part.row_numbers) + len(part.read_quarantine))
    ledger.check()


def _has_identifier(source: FirmSource) -> bool:
    """Tell whether equal rows are the same firm: they may be two firms without an identifier."""
    columns = source.columns
    return any(name is not None for name in (columns.firm_id, columns.tax_code, columns.name))


def _wanted(plan: Plan, source: FirmSource) -> dict[str, str | int]:
    """Name every column that a study needs from a source."""
    wanted: dict[str, str | int] = {role: name for role, name in source.columns if name is not None}
    if source.kind == "records":
        for signal in plan.signals:
            if signal.column is not None and not signal.source:
                wanted[f"signal {signal.label}"] = signal.column
        if plan.index is not None and plan.index.column is not None:
            wanted["index"] = plan.index.column
    return wanted
