"""The embedded study against its planted truth, fixed before any detector was run on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geo_engine.cli.demo import EXTRACT, prepare_demo, score_results
from geo_engine.pipeline import Run, run
from geo_engine.storage import sha256_of
from geo_engine.synthetic.register import SimulatedRegister
from geo_engine.synthetic.truth import DetectionScore


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> tuple[SimulatedRegister, Run]:
    """Carry the demo out without what no test here looks at and other tests do on small data."""
    study, register = prepare_demo(folder)
    statistics = study.statistics
    lean = statistics.model_copy(
        update={
            "further": (),
            "robustness": statistics.robustness.model_copy(update={"enabled": False}),
        }
    )
    return register, run(study.model_copy(update={"statistics": lean, "composite": None}), folder)


@pytest.fixture(scope="module")
def score(demo: tuple[SimulatedRegister, Run]) -> DetectionScore:
    register, done = demo
    return score_results(register, done.results)


def test_every_row_is_accounted_for_and_called_simulated(
    demo: tuple[SimulatedRegister, Run],
) -> None:
    register, done = demo
    account = done.results.account
    assert account.rows == len(register.extract)
    assert 290_000 < account.rows < 310_000
    assert account.rows == account.placed + account.quarantined
    assert len(done.results.quarantine) == account.quarantined
    assert done.results.facts.simulated
    assert any("DATI SIMULATI" in words for words in done.results.warnings)


def test_no_row_stands_in_a_wrong_municipality(demo: tuple[SimulatedRegister, Run]) -> None:
    register, done = demo
    firms = done.intake.firms
    found = done.results.places.index.to_numpy()[firms["place"]]
    true = register.truth["true_pro_com_t"].to_numpy()[firms["row"].to_numpy() - 1]
    assert (found != true).sum() == 0


def test_most_hotspots_of_twenty_points_are_found(score: DetectionScore) -> None:
    last = score.power.loc[2024]
    assert last.loc[20, "hotspots"] == 12
    assert last.loc[20, "hotspots_hit"] >= 8
    assert last.loc[20, "place_power"] >= 0.15


def test_power_grows_with_the_effect_and_over_the_years(score: DetectionScore) -> None:
    last = score.power.loc[2024]["place_power"]
    assert last.loc[20] > last.loc[10] >= last.loc[5]
    strong = score.power.xs(20, level="effect_points")["hotspots_hit"]
    assert strong.loc[2024] > strong.loc[2019]


def test_hardly_any_place_is_marked_outside_the_planted_hotspots(score: DetectionScore) -> None:
    outside = score.outside
    inside = score.power["places_flagged"].sum()
    assert outside["far"].sum() <= 0.05 * (inside + outside["flagged"].sum())
    assert outside["flagged"].sum() <= 0.15 * (inside + outside["flagged"].sum())


def test_nearly_all_maps_of_shares_are_settled_exactly(
    demo: tuple[SimulatedRegister, Run],
) -> None:
    method = demo[1].results.local["method"].sel(variable="share").to_numpy()
    tested = method > 0
    assert tested.sum() > 50_000
    assert np.isin(method[tested], (1, 2)).mean() >= 0.95


def test_the_same_seed_writes_the_same_register(folder: Path, tmp_path: Path) -> None:
    prepare_demo(tmp_path)
    assert sha256_of(tmp_path / EXTRACT) == sha256_of(folder / EXTRACT)
    assert sha256_of(tmp_path / "study.toml") == sha256_of(folder / "study.toml")
