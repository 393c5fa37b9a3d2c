"""``geo-engine demo``: the main job on a simulated register, and what of the truth it finds."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import xarray as xr

from geo_engine.cli.console import StageBar, number, out
from geo_engine.cli.run import print_summary
from geo_engine.delivery import carry_out
from geo_engine.results import Results
from geo_engine.sources.boundaries import read_changes, read_layer, read_population
from geo_engine.storage import replacing
from geo_engine.study import Study, read_study
from geo_engine.synthetic.register import SimulatedRegister, generate_register, write_extract
from geo_engine.synthetic.truth import DetectionScore, score_detection
from geo_engine.tables import LOCAL_OK, QUADRANTS, q_column

EXTRACT = "registro_simulato.csv"


def run_demo(folder: Path) -> None:
    """Simulate a register, carry out the embedded study, and print what it found.

    Parameters
    ----------
    folder : Path
        Where the register, the study and the results go.
    """
    with StageBar() as bar:
        bar.stage("Registro simulato")
        study, register = prepare_demo(folder)
        delivered = carry_out(study, folder, folder, progress=bar)
    out.print("DATI SIMULATI - a scopo dimostrativo: nessuna impresa è reale.", style="bold")
    print_summary(delivered, folder)
    _print_score(score_results(register, delivered.run.results))


def prepare_demo(folder: Path) -> tuple[Study, SimulatedRegister]:
    """Write the simulated register and its study into a folder.

    Parameters
    ----------
    folder : Path
        Created when absent.

    Returns
    -------
    tuple of Study and SimulatedRegister
        The study, and the register with its truth.
    """
    text = (
        importlib.resources.files("geo_engine.synthetic").joinpath("study.toml").read_text("utf-8")
    )
    path = folder / "study.toml"
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    study = read_study(path)
    places = read_layer(study.boundary_date)
    register = generate_register(
        places,
        read_population(study.boundary_date),
        seed=study.seed,
        changes=read_changes(),
    )
    with replacing(folder / EXTRACT) as temporary:
        write_extract(register.extract, temporary)
    return study, register


def score_results(register: SimulatedRegister, results: Results) -> DetectionScore:
    """Compare the places marked High-High with the planted hotspots.

    Parameters
    ----------
    register : SimulatedRegister
        With its truth.
    results : Results
        Not yet protected for publication.

    Returns
    -------
    DetectionScore
        Power by effect size, and what was marked outside.
    """
    local = results.local.sel(variable="share")
    high = local["quadrant"] == QUADRANTS.index("HH")
    q_value = local[q_column(results.facts.family)]
    return score_detection(
        register.hotspots,
        _by_map(high & (q_value < results.facts.alpha)),
        _by_map(local["status"] == LOCAL_OK),
    )


def _by_map(marked: xr.DataArray) -> dict[tuple[str, int], set[str]]:
    """Give the marked places of each chain and year."""
    return {
        (str(chain), int(year)): set(
            marked["place"].to_numpy()[marked.sel(chain=chain, year=year).to_numpy()].tolist()
        )
        for chain in marked["chain"].to_numpy()
        for year in marked["year"].to_numpy()
    }


def _print_score(score: DetectionScore) -> None:
    """Print how much of the planted truth the last year's maps found."""
    last = score.power.index.get_level_values("year").max()
    out.print(f"Verità simulata, {last}: aree con quota più alta di 5, 10 o 20 punti")
    for row in score.power.loc[last].itertuples():
        out.print(
            f"  +{row.Index:g} punti: {row.hotspots_hit} di {row.hotspots} aree trovate, "
            f"{row.places_flagged} di {row.places} comuni segnalati "
            f"({100 * row.place_power:.0f}%)",
            markup=False,
        )
    outside = score.outside.xs(last, level="year")
    out.print(
        f"  fuori dalle aree simulate: {number(outside['flagged'].sum())} comuni segnalati su "
        f"{number(outside['tested'].sum())} verificati, di cui {number(outside['ring'].sum())} "
        f"confinanti con un'area simulata e {number(outside['far'].sum())} lontani",
        markup=False,
    )
