"""What borrows from other places tells nothing of the hidden ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from geo_engine.disclosure.borrowed import (
    SMOOTHED,
    SMOOTHED_SCORES,
    own_again,
    protect_models,
    smooth_again,
)
from geo_engine.disclosure.cells import Hidden, few_firms
from geo_engine.disclosure.protect import publish
from geo_engine.drivers.association import digital_associations
from geo_engine.indicators.rates import empirical_bayes
from geo_engine.indicators.registry import load_registry
from geo_engine.results import Models, Results
from tests.outputs.example import example_publication

THRESHOLD = 5


@pytest.fixture(scope="module")
def results() -> Results:
    return _with_two_hidden(3, 0)


@pytest.fixture(scope="module")
def moved() -> Results:
    """One digital firm of a hidden place is in another hidden one of its region."""
    return _with_two_hidden(2, 1)


def _with_two_hidden(*digital: int) -> Results:
    """Leave the first two places of the example with four firms of known signal, and two."""
    found = example_publication().results
    panel = found.panel.copy(deep=True)
    at = {"place": slice(0, 2), "chain": 0, "year": int(np.argmax(panel["year"].to_numpy()))}
    panel["known"][at], panel["digital"][at] = [4.0, 2.0], list(digital)
    assert found.places["cod_reg"].iloc[0] == found.places["cod_reg"].iloc[1]
    return _with_digital(dataclasses.replace(found, panel=panel), panel["digital"])


def _with_digital(results: Results, digital: xr.DataArray) -> Results:
    panel = results.panel.assign(digital=digital)
    rates = empirical_bayes(panel["digital"], panel["known"], results.places["cod_reg"])
    panel = panel.assign(rates.data_vars)
    return dataclasses.replace(
        results, panel=panel, drivers=digital_associations(panel, results.places)
    )


def _published(results: Results) -> Results:
    return publish(results, threshold=THRESHOLD).results


def test_smoothed_shares_do_not_tell_how_firms_are_divided_among_hidden_places(
    results: Results, moved: Results
) -> None:
    assert not results.panel["share_eb"].equals(moved.panel["share_eb"])
    told, other = _published(results).panel, _published(moved).panel
    for name in ("share", *SMOOTHED):
        assert told[name].equals(other[name]), name
    shown = ~few_firms(results.panel["known"], THRESHOLD)
    observed = shown & (results.panel["known"] > 0)
    assert bool(np.isfinite(told["share_eb"].where(observed, 0)).all())


def test_where_no_place_of_a_map_is_hidden_smoothed_shares_stay(results: Results) -> None:
    panel = results.panel
    none = Hidden(by_count={"known": xr.zeros_like(panel["known"], dtype=bool)})
    again = smooth_again(panel, results.places["cod_reg"], none)
    for name in SMOOTHED:
        assert again[name].equals(panel[name])


def test_associations_do_not_tell_how_firms_are_divided_among_hidden_places(
    results: Results, moved: Results
) -> None:
    assert len(results.drivers)
    assert not results.drivers.equals(moved.drivers)
    pd.testing.assert_frame_equal(_published(results).drivers, _published(moved).drivers)


def test_smoothed_mean_scores_are_withheld_of_maps_on_which_a_score_is_hidden() -> None:
    dims = ("place", "chain", "year")
    score = xr.DataArray([[[50.0], [40.0]], [[60.0], [30.0]]], dims=dims)
    hidden = Hidden(
        by_count={
            "known": xr.zeros_like(score, dtype=bool),
            "scored": xr.DataArray([[[True], [False]], [[False], [False]]], dims=dims),
        }
    )
    panel = xr.Dataset(dict.fromkeys(SMOOTHED_SCORES, score))
    told = smooth_again(panel, pd.Series(["09", "09"]), hidden)
    for name in SMOOTHED_SCORES:
        assert np.isnan(told[name].isel(chain=0)).all()
        assert told[name].isel(chain=1).equals(score.isel(chain=1))


def test_own_indicators_follow_the_smoothed_shares_that_are_published() -> None:
    dims, sites = ("place", "chain", "year"), xr.DataArray([[[0.2]], [[0.4]]])
    sites = xr.DataArray(sites.to_numpy(), dims=dims)
    row = load_registry()["share"]
    registry = load_registry() | {
        key: dataclasses.replace(row, key=key, formula=formula)
        for key, formula in {
            "missed": "population * (1 - share_eb)",
            "twice": "(2 * missed) / (area_km2)",
            "plain": "population * share",
        }.items()
    }
    old = dict.fromkeys(("missed", "twice", "plain"), sites * 0 - 1)
    old["twice"] = old["twice"].where(sites < 0.3)
    places = pd.DataFrame({"population": [100, 200], "area_km2": [2.0, 4.0]})
    told = own_again(xr.Dataset({"share_eb": sites, "share": sites} | old), places, registry)
    assert told["missed"].to_numpy().ravel() == pytest.approx([80, 120])
    assert told["twice"].to_numpy().ravel() == pytest.approx([80, np.nan], nan_ok=True)
    assert told["plain"].equals(old["plain"])
    assert set(told.data_vars) == {"share_eb", "share", "missed", "twice", "plain"}


def test_regressions_fitted_to_what_only_two_universes_together_disclose_are_withheld() -> None:
    dims, chains = ("place", "chain", "year"), ["moda", "turismo"]
    known = xr.DataArray(
        [[[9.0], [9.0]], [[9.0], [3.0]]], dims=dims, coords={"chain": chains, "year": [2024]}
    )
    hidden = few_firms(known, THRESHOLD)
    table = pd.DataFrame({"chain": chains, "value": [0.1, 0.2]})
    models = Models(places=table, local=table)
    panel = xr.Dataset({"known": known})
    kept = protect_models(models, panel, hidden, THRESHOLD)
    pd.testing.assert_frame_equal(kept.local, table)
    hidden.loc[{"chain": "moda", "place": 0}] = True
    told = protect_models(models, panel, hidden, THRESHOLD)
    assert told.local["chain"].tolist() == told.places["chain"].tolist() == ["turismo"]
