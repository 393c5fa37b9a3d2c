"""``geo-engine run STUDY --out DIR``."""

from __future__ import annotations

from pathlib import Path

from geo_engine.cli.check_findings import advise
from geo_engine.cli.console import StageBar, number, out
from geo_engine.delivery import Delivered, carry_out
from geo_engine.results import Results
from geo_engine.study import read_study

_DIMENSIONS = {"chain": "filiera", "size": "dimensione", "province": "provincia"}


def run_study(path: Path, folder: Path, data_root: Path | None) -> None:
    """Carry out a study file and print what came of it.

    Parameters
    ----------
    path : Path
        Study file.
    folder : Path
        Where results go.
    data_root : Path, optional
        Folder of the data; the study's own by default.
    """
    study, root = read_study(path), data_root or path.parent
    with StageBar() as bar:
        delivered = carry_out(study, root, folder, progress=bar)
    print_summary(delivered, folder)
    for advice in advise(delivered.run.intake, study, root):
        out.print(advice.text, style="yellow", markup=False)


def print_summary(delivered: Delivered, folder: Path) -> None:
    """Print counts and paths.

    Parameters
    ----------
    delivered : Delivered
        A finished run.
    folder : Path
        Where its files are.
    """
    results = delivered.publication.results
    facts, account = results.facts, results.account
    print_account(delivered)
    covered = int(results.places["covered"].sum())
    where = f"Italia ({number(covered)} comuni)" if facts.is_national else facts.coverage
    out.print(
        f"Territorio: {where}, {_chains(len(facts.chains))}, {_years(facts.years)}",
        markup=False,
    )
    _print_firms(delivered.run.results)
    last = results.hotspots[results.hotspots["year"] == facts.years[-1]]
    if facts.signal:
        out.print(f"Aree ad alta digitalizzazione nel {facts.years[-1]}: {len(last)}", markup=False)
        for row in last.sort_values(["rank", "chain"]).head(8).itertuples():
            out.print(
                f"  {row.chain}: {row.name} ({_places(row.places)}, {number(row.known)} unità, "
                f"{100 * row.share:.1f}% contro {100 * row.share_outside:.1f}% altrove)".replace(
                    ".", ","
                ),
                markup=False,
            )
    else:
        out.print("Indicatori digitali: non rilevati (nessun segnale nella fonte).")
    if account.outside_coverage:
        out.print(f"Righe fuori dalla copertura dichiarata: {number(account.outside_coverage)}")
    out.print("Risultati:")
    for name in delivered.files:
        out.print(f"  {folder / name}", markup=False)
    if "atlas.html" in delivered.files:
        out.print(f"Aprire {folder / 'atlas.html'} con un doppio clic.", markup=False)


def _print_firms(results: Results) -> None:
    """Print which firms were looked at, and how many each other table knows."""
    facts = results.facts
    if facts.names_universe:
        last = results.universes[results.universes["year"] == facts.years[-1]]
        out.print(f"Universi nel {facts.years[-1]} (il primo è il principale):")
        for row in last.itertuples():
            out.print(
                f"  {row.label}: {number(row.inside)} dentro, {number(row.outside)} fuori, "
                f"{number(row.undecided)} non assegnabili",
                markup=False,
            )
    for note in results.match_notes:
        out.print(note, markup=False)
    matches = results.signal_matches
    for row in matches.itertuples() if len(matches) else ():
        if row.dimension != "year" and row.rate == row.rate:
            rate = f"{100 * row.rate:.1f}%".replace(".", ",")
            out.print(
                f"  {row.source}, {_DIMENSIONS[row.dimension]} {row.group}: {rate} di "
                f"{number(row.firms)}",
                markup=False,
            )


def print_account(delivered: Delivered) -> None:
    """Print what became of the rows of the inputs."""
    account = delivered.publication.results.account
    out.print(
        f"Righe lette: {number(account.rows)} = {number(account.placed)} localizzate + "
        f"{number(account.quarantined)} in quarantena",
        markup=False,
    )
    for reason, rows in account.reasons.items():
        out.print(f"  {reason}: {number(rows)}", markup=False)


def _places(count: int) -> str:
    """Write a number of municipalities, in the singular when it is one."""
    return "1 comune" if count == 1 else f"{number(count)} comuni"


def _chains(count: int) -> str:
    """Write a number of chains, in the singular when it is one."""
    return "1 filiera" if count == 1 else f"{count} filiere"


def _years(years: tuple[int, ...]) -> str:
    """Write the years of a panel, as one when there is one."""
    return f"anno {years[0]}" if len(years) == 1 else f"anni {years[0]}-{years[-1]}"
