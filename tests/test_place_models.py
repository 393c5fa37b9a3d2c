"""Regressions on municipalities, as a study asks for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from geo_engine.drivers import PlaceModel, place_ols, place_terms
from geo_engine.graph.neighbors import restrict
from geo_engine.pipeline import Run
from geo_engine.place_models import MODEL_COLUMNS, FittedPlaces, place_models
from geo_engine.study_drivers import PlaceModels
from tests.test_inference import carried_out, extract


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("models")
    return carried_out(folder, extract(chains=("moda",)), robustness={"enabled": False})


def fitted(done: Run, **keys: object) -> FittedPlaces:
    covered = done.plan.places.index[done.plan.places["covered"]]
    graph = restrict(done.plan.graph, covered)
    return place_models(done.plan, PlaceModels(**keys), done.results.panel, graph)


def test_nothing_is_fitted_unless_asked_for(whole: Run) -> None:
    found = fitted(whole)
    assert found.table.empty
    assert found.sentences.empty


def test_the_table_holds_the_figures_of_the_regression_and_its_tests(whole: Run) -> None:
    found = fitted(whole, enabled=True, form="ols", within_regions=False)
    assert tuple(found.table.columns) == MODEL_COLUMNS
    covered = whole.plan.places.index[whole.plan.places["covered"]]
    panel = whole.results.panel.sel(place=covered)
    terms = place_terms(panel, whole.plan.places.loc[covered], "moda")
    names = ("population", "firm_density")
    model = PlaceModel(outcome="share", terms=names, seed=whole.plan.study.seed)
    direct = place_ols(terms, restrict(whole.plan.graph, covered), model)
    own = found.table[found.table["part"] == "coefficient"].set_index("name")["value"]
    assert "location_quotient" not in own, "one chain alone: it is 1 everywhere"
    wanted = direct.terms.set_index("term")["coefficient"]
    np.testing.assert_allclose(own[list(wanted.index)], wanted)
    tests = found.table[found.table["part"] == "diagnostic"].set_index("name")["value"]
    assert tests["residual_moran"] == pytest.approx(
        direct.diagnostics.set_index("diagnostic")["statistic"]["residual_moran"]
    )


def test_a_rise_that_no_term_explains_asks_for_a_spatial_form_and_says_association(
    whole: Run,
) -> None:
    found = fitted(whole, enabled=True, within_regions=False)
    assert {"lag", "error", "durbin"} & set(found.table["model"])
    for language in ("it", "en"):
        text = " ".join(found.sentences[language])
        assert ("associazione" if language == "it" else "association") in text
        assert "{" not in text


def test_a_public_run_fits_no_share_of_few_firms(whole: Run) -> None:
    study = whole.plan.study
    strict = study.model_copy(
        update={
            "audience": "public",
            "disclosure": study.disclosure.model_copy(update={"threshold": 45}),
        }
    )
    plan = dataclasses.replace(whole.plan, study=strict)
    known = whole.results.panel["known"].sel(chain="moda", year=2024)
    enough = int((known >= 45).sum())
    found = fitted(dataclasses.replace(whole, plan=plan), enabled=True, form="ols")
    assert set(found.table["places"]) == {enough}


def test_what_the_data_do_not_allow_is_a_sentence_and_no_error(whole: Run) -> None:
    study = whole.plan.study.model_copy(
        update={
            "audience": "public",
            "disclosure": whole.plan.study.disclosure.model_copy(update={"threshold": 10_000}),
        }
    )
    plan = dataclasses.replace(whole.plan, study=study)
    found = fitted(dataclasses.replace(whole, plan=plan), enabled=True)
    assert found.table.empty
    assert len(found.sentences) == 1


def test_local_coefficients_come_for_every_covered_place(whole: Run) -> None:
    found = fitted(whole, enabled=True, form="ols", local=True, terms=("population",))
    assert set(found.local["chain"]) == {"moda"}
    assert found.local["place"].nunique() == int(whole.plan.places["covered"].sum())
