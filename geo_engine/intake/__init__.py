"""From extracts to one compact table of firms, with an account of every record.

Each batch of records goes through the same pure steps (year, scope, place, signals); what cannot be
used is set aside with its reason. What stays is a few numbers a row, so that the firms of the whole
country fit in memory and no stage after this one reads a file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from geo_engine.engine.local import map_ordered
from geo_engine.errors import SourceError
from geo_engine.intake.ledger import Intake, Keep, Ledger, Placed
from geo_engine.intake.steps import take_steps
from geo_engine.plan import Plan
from geo_engine.sources.firms import check_mapping, detect, open_source, read_batches
from geo_engine.study import FirmSource

__all__ = ["Intake", "Keep", "Placed", "take_in"]

Report = Callable[[int], None]
"""Called with the number of records read since the last call."""


def take_in(plan: Plan, root: Path, *, report: Report, keep: Keep) -> Intake:
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

    Returns
    -------
    Intake
        Every record is in ``firms`` or in ``quarantine``.

    Raises
    ------
    SourceError
        ``RECORDS_LOST`` when the account does not close; ``TOO_MANY_QUARANTINED``; whatever the
        readers raise.
    """
    ledger = Ledger(plan.study.firms)
    for position, source in enumerate(plan.study.firms):
        for path in open_source(source, root):
            _take_file(plan, position, path, ledger=ledger, report=report, keep=keep)
    intake = ledger.close()
    share = intake.account.quarantined / max(intake.account.rows, 1)
    limit = plan.study.place.max_quarantined_share
    if share > limit:
        reasons = ", ".join(f"{name} {n:,}" for name, n in intake.account.reasons.items())
        raise SourceError(
            "TOO_MANY_QUARANTINED",
            f"{intake.account.quarantined:,} of {intake.account.rows:,} rows ({share:.1%}) cannot "
            f"be used (limit {limit:.1%}): {reasons}. See them with: geo-engine check STUDY",
        )
    if not len(intake.firms):
        raise SourceError(
            "NO_FIRM_PLACED",
            f"None of {intake.account.rows:,} rows could be placed: {intake.account.reasons}. "
            "Check the column mapping with: geo-engine check STUDY",
        )
    return intake


def _take_file(
    plan: Plan, position: int, path: Path, *, ledger: Ledger, report: Report, keep: Keep
) -> None:
    """Take in one file, batch after batch, in its own order."""
    source = plan.study.firms[position]
    dialect = detect(source, path)
    check_mapping(dialect.columns, _wanted(plan, source))
    steps = functools.partial(take_steps, plan=plan, source=source, dialect=dialect)
    ledger.open(path, dialect, position)
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
        for signal in plan.study.digital.signals:
            wanted[f"signal {signal.label}"] = signal.column
    return wanted
