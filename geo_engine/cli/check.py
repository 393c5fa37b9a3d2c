"""``geo-engine check STUDY``: reads and places, writes only its report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.table import Table

from geo_engine.cli.console import StageBar, number, out
from geo_engine.intake import Intake, refuse_unusable, take_in
from geo_engine.outputs.tabular import FORMULA_STARTS
from geo_engine.plan import resolve
from geo_engine.quality.profile import quality_table
from geo_engine.storage import replacing
from geo_engine.study import read_study


def check_study(path: Path, report: Path, data_root: Path | None) -> None:
    """Print and write the quality of a study's data.

    Parameters
    ----------
    path : Path
        Study file.
    report : Path
        CSV to write.
    data_root : Path, optional
        Folder of the data; the study's own by default.
    """
    study = read_study(path)
    root = data_root or path.parent
    with StageBar() as bar:
        bar.stage("Confini e vicinati")
        plan = resolve(study, root)
        bar.stage("Lettura e localizzazione")
        intake = take_in(plan, root, report=bar.advance, keep=lambda _: None, lenient=True)
    table = report_table(intake)
    with replacing(report) as temporary:
        table.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
    _print_report(intake)
    out.print(f"Rapporto: {report}", markup=False)
    refuse_unusable(intake, 1.0)


def report_table(intake: Intake) -> pd.DataFrame:
    """Give the report as one long table.

    Parameters
    ----------
    intake : Intake
        Of the study.

    Returns
    -------
    DataFrame
        section, item, rows, share.
    """
    account = intake.account
    total = max(account.rows, 1)
    sections = [
        (
            "rows",
            {"in": account.rows, "placed": account.placed, "quarantined": account.quarantined},
        ),
        ("quarantined", account.reasons),
        ("placed_by", account.methods),
        ("flag", account.flags),
    ]
    rows = [
        (section, item, count, count / total)
        for section, counts in sections
        for item, count in counts.items()
    ]
    filled = quality_table(intake.profile)
    columns = [("filled", *row) for row in filled[["column", "filled", "share_filled"]].to_numpy()]
    columns = [(section, _as_text(str(name)), *rest) for section, name, *rest in columns]
    return pd.DataFrame([*rows, *columns], columns=["section", "item", "rows", "share"])


def _as_text(name: str) -> str:
    """Keep a spreadsheet from taking a column's name for a formula."""
    return f"'{name}" if name.startswith(FORMULA_STARTS) else name


def _print_report(intake: Intake) -> None:
    """Print dialect, account and columns."""
    for name, dialect in intake.dialects.items():
        out.print(
            f"{name}: {dialect.format} {dialect.encoding} separatore {dialect.separator!r}, "
            f"{number(dialect.records)} righe",
            markup=False,
        )
    account = intake.account
    table = Table("voce", "righe", title="Localizzazione")
    table.add_row("lette", number(account.rows))
    table.add_row("localizzate", number(account.placed))
    table.add_row("in quarantena", number(account.quarantined))
    for counts in (account.reasons, account.methods, account.flags):
        table.add_section()
        for item, rows in counts.items():
            table.add_row(item, number(rows))
    out.print(table)
    columns = Table("colonna", "compilata", title="Colonne")
    for row in quality_table(intake.profile).itertuples():
        columns.add_row(row.column, f"{100 * row.share_filled:.1f}%".replace(".", ","))
    out.print(columns)
